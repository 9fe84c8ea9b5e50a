// A call link: what stands behind the # of the address. Read before anything else, for who calls by a link is kept apart
// from who calls from this browser without one.

import { config } from "./dom.js";

export const link = new URLSearchParams(location.hash.slice(1)).get("link") ?? "";
if (link) config.site = `${config.key}.link`;

// The page around the frame: one of the site's own origins, or nobody is listened to.

import { config } from "./dom.js";

/** Make the way to the page. `heard(message)` gets what the loader says; returns {tell(message)}. */
export function makeHost(heard) {
  let origin = "";
  const early = [];

  function tell(message) {
    if (origin) parent.postMessage(message, origin);
    else early.push(message);
  }

  addEventListener("message", (event) => {
    if (event.source !== parent || parent === window || !config.origins.includes(event.origin)) return;
    if (!event.data?.cx) return;
    origin = event.origin;
    heard(event.data);
    while (early.length) tell(early.shift());
  });
  return { tell };
}

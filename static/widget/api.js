// Calls to the center: the token in a header, refusals as errors with their code, silence as `Offline`.

import { config, t } from "./dom.js";
import { store } from "./store.js";

const PATIENCE_MS = 10000;
// A file may take its time as long as it moves.
const STALL_MS = 30000;
const ROOT = new URL("../../api/", location.href);

/** The center refused: `code`, `message` and what else it told. */
export class Refused extends Error {
  constructor(status, told) {
    super(told.message || "");
    this.status = status;
    this.told = told;
    this.code = told.code || "";
  }
}

/** No answer, or one that promises a better one later. */
export class Offline extends Error {}

/** The answer came for somebody who is no longer here. */
export class Stale extends Error {}

function headers() {
  return { Authorization: `Visitor ${store.token}`, "Accept-Language": config.language };
}

function take(era, status, renewed, body) {
  if (era !== store.era) throw new Stale();
  let told = {};
  try {
    told = JSON.parse(body);
  } catch {
    // A proxy before the center takes less than the center does: asking again would not help.
    if (status === 413) throw new Refused(status, { message: t("too_large_for_line") });
    if (status < 500) throw new Offline("not our answer");
  }
  if (renewed) store.token = renewed;
  if (status >= 500) throw new Offline(`status ${status}`);
  if (status >= 400) throw new Refused(status, told);
  return told;
}

async function call(method, name, data) {
  const { era } = store;
  const address = new URL(name, ROOT);
  const options = { method, headers: headers(), credentials: "omit", cache: "no-store" };
  if (method === "GET") address.search = new URLSearchParams(data).toString();
  else {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(data);
  }
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE_MS);
  let response;
  let body;
  try {
    response = await fetch(address, { ...options, signal: patience.signal });
    body = await response.text();
  } catch (error) {
    throw new Offline(String(error));
  } finally {
    clearTimeout(timer);
  }
  return take(era, response.status, response.headers.get("X-CX-Token"), body);
}

export const get = (name, data = {}) => call("GET", name, data);
export const post = (name, data = {}) => call("POST", name, data);

/** Send a file with its progress (0–1), to `name`, with more `fields`: fetch cannot tell progress. */
export function upload(file, key, progress, name = "files", fields = {}) {
  const { era } = store;
  return new Promise((resolve, reject) => {
    const form = new FormData();
    form.append("key", key);
    for (const [field, value] of Object.entries(fields)) form.append(field, String(value));
    form.append("file", file, file.name);
    const request = new XMLHttpRequest();
    let timer = 0;
    const moved = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), STALL_MS);
    };
    request.open("POST", new URL(name, ROOT));
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => {
      moved();
      if (event.lengthComputable) progress(event.loaded / event.total);
    });
    for (const name of ["error", "abort"]) request.addEventListener(name, () => reject(new Offline("no answer")));
    request.addEventListener("loadend", () => clearTimeout(timer));
    request.addEventListener("load", () => {
      try {
        resolve(take(era, request.status, request.getResponseHeader("X-CX-Token"), request.responseText));
      } catch (error) {
        reject(error);
      }
    });
    moved();
    request.send(form);
  });
}

/** Return a UUID: a write that is sent twice has one effect. */
export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Pages without TLS have no randomUUID.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

// Talking to the server: POST with the CSRF token, errors with their words, words of the page.

export const words = document.getElementById("words")?.dataset ?? {};

export class Refused extends Error {
  constructor(status, answer) {
    super(answer.message || words.error);
    this.status = status;
    this.code = answer.code || "";
    this.field = answer.field || "";
    this.answer = answer;
  }
}

// The network is away or the server did not answer: what was to be sent must be kept.
export class Lost extends Error {}

function token() {
  return JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"] || "";
}

// A line that swallows everything never answers: whoever waits for it must be told.
const PATIENCE_MS = 15000;
const FILE_PATIENCE_MS = 180000;

// Answers { status, isJson, body }; throws Refused or Lost, and what an aborted `signal` throws.
async function ask(url, options = {}) {
  let answer;
  try {
    answer = await call(url, options);
  } catch (error) {
    throw options.signal?.aborted ? error : new Lost(words.offlineError);
  }
  // 507 is the server's own word: it has no room for a recording.
  if (answer.status >= 502 && answer.status !== 507) throw new Lost(words.offlineError);
  if (answer.isSignIn) {
    window.location.assign("/sign-in/?next=" + encodeURIComponent(window.location.pathname));
    throw new Lost("");
  }
  if (answer.status >= 400) throw new Refused(answer.status, answer.isJson ? JSON.parse(answer.body) : {});
  return answer;
}

// The whole answer is read before the patience ends: its body may hang as well as its beginning.
async function call(url, { signal, ...options }) {
  const patience = new AbortController();
  const stop = () => patience.abort();
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop);
  const hasFile = options.body instanceof FormData && [...options.body.values()].some((value) => value instanceof File);
  const timer = setTimeout(stop, hasFile ? FILE_PATIENCE_MS : PATIENCE_MS);
  try {
    const response = await fetch(url, { credentials: "same-origin", ...options, signal: patience.signal });
    return {
      status: response.status,
      isJson: Boolean(response.headers.get("content-type")?.includes("json")),
      isSignIn: response.redirected && new URL(response.url).pathname === "/sign-in/",
      body: await response.text(),
    };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

export async function getText(url, signal) {
  return (await ask(url, { headers: { "HX-Request": "true" }, signal })).body;
}

export async function getJson(url) {
  return JSON.parse((await ask(url)).body);
}

// `values`: an object, FormData or a query string; `options` go to fetch. Answers the JSON, or null for 204.
export async function post(url, values = {}, options = {}) {
  const body = values instanceof FormData ? values : new URLSearchParams(values);
  const answer = await ask(url, { ...options, method: "POST", body, headers: { "X-CSRFToken": token() } });
  return answer.status === 204 ? null : JSON.parse(answer.body);
}

export function elements(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return [...template.content.children];
}

export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Only secure pages have randomUUID; an installation on a plain address in the office does not.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

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

async function ask(url, options) {
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...options });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Lost(words.offlineError);
  }
  if (response.status >= 502) throw new Lost(words.offlineError);
  if (response.redirected && new URL(response.url).pathname === "/sign-in/") {
    window.location.assign("/sign-in/?next=" + encodeURIComponent(window.location.pathname));
    throw new Lost("");
  }
  if (!response.ok) {
    const json = response.headers.get("content-type")?.includes("json");
    throw new Refused(response.status, json ? await response.json() : {});
  }
  return response;
}

export async function getText(url, signal) {
  return (await ask(url, { headers: { "HX-Request": "true" }, signal })).text();
}

export async function getJson(url) {
  return (await ask(url)).json();
}

// `values`: an object, FormData or a query string; `options` go to fetch. Answers the JSON, or null for 204.
export async function post(url, values = {}, options = {}) {
  let body = values;
  if (typeof values === "string") body = new URLSearchParams(values);
  else if (!(values instanceof FormData)) body = new URLSearchParams(values);
  const response = await ask(url, { ...options, method: "POST", body, headers: { "X-CSRFToken": token() } });
  return response.status === 204 ? null : response.json();
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

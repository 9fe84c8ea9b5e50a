// Timers tick here from a server time, never by pushes.
//   data-since: counts up, with data-limit in red beyond it;  data-until: counts down;  data-left: how much more there may be;  data-sla + data-since + data-target: a target's colours.
import { words } from "./net.js";

let offset = Number(document.body.dataset.now || 0) ? Number(document.body.dataset.now) - Date.now() / 1000 : 0;

export function syncTo(serverNow) {
  offset = serverNow - Date.now() / 1000;
}

export function now() {
  return Date.now() / 1000 + offset;
}

export function format(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, "0");
  if (s >= 86400) return words.days.replace("{d}", Math.floor(s / 86400)).replace("{h}", Math.floor((s % 86400) / 3600));
  const hours = Math.floor(s / 3600);
  return hours ? `${hours}:${two(Math.floor((s % 3600) / 60))}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

const ICON = { ok: "clock", warn: "hourglass", bad: "alert-circle" };

// ok below 70 % of the target, warn up to it, bad beyond, shown as what is over.
function sla(badge) {
  const waited = now() - Number(badge.dataset.since);
  const target = Number(badge.dataset.target);
  const state = waited > target ? "bad" : waited >= 0.7 * target ? "warn" : "ok";
  const text = badge.querySelector(".num");
  if (text) text.textContent = state === "bad" ? "+" + format(waited - target) : format(waited);
  if (badge.dataset.state === state) return;
  badge.dataset.state = state;
  badge.classList.remove("s-ok", "s-warn", "s-bad");
  badge.classList.add("s-" + state);
  const spoken = badge.querySelector(".sr");
  if (spoken) spoken.textContent = state === "bad" ? words.overdue : "";
  const use = badge.querySelector("use");
  if (use) use.setAttribute("href", use.getAttribute("href").replace(/#.*/, "#" + ICON[state]));
  if (state === "bad") badge.dispatchEvent(new CustomEvent("cx:late", { bubbles: true }));
}

export function tick(root = document) {
  for (const el of root.querySelectorAll("[data-sla]")) sla(el);
  for (const el of root.querySelectorAll("[data-since]:not([data-sla])")) {
    const lasts = now() - Number(el.dataset.since);
    el.textContent = format(lasts);
    if (el.dataset.limit) el.classList.toggle("over", lasts > Number(el.dataset.limit));
  }
  for (const el of root.querySelectorAll("[data-left]")) el.textContent = el.dataset.left > 0 ? el.dataset.words.replace("{left}", format(el.dataset.left)) : "";
  for (const el of root.querySelectorAll("[data-until]")) el.textContent = format(Number(el.dataset.until) - now());
}

setInterval(tick, 1000);

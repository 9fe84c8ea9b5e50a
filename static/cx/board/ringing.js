// Thresholds that are reached ring on every page of the board, once each; the bell mutes them for this user.
import { now } from "../clock.js";
import { notifies, prefs, ring, savePrefs } from "../desk/prefs.js";
import { count, duration, named, ofQueue, percent, settings } from "./numbers.js";

// A number that goes to and fro around its limit rings no more often than this.
const AGAIN_S = 60;
const bell = document.getElementById("mute");
const isMuted = () => Boolean(prefs.silent?.threshold);
const rang = new Map();
let reached = null;

export function wordsOf(alert, queue) {
  const limit = alert.limit_s ? duration(alert.limit_s) : count(alert.limit);
  const values = { count: count(alert.count ?? 0), limit, waited: duration(now() - alert.since), level: percent(ofQueue(queue).level) };
  return settings.reached[alert.kind].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export function heed({ queues, alerts }) {
  const found = new Map(alerts.filter(({ kind }) => kind in settings.reached).map((alert) => [`${alert.kind} ${alert.queue}`, alert]));
  const come = [...found].filter(([key]) => reached && !reached.has(key) && now() - (rang.get(key) ?? 0) > AGAIN_S);
  // What was reached before the page was opened is on it, and does not ring.
  reached = new Set(found.keys());
  if (!come.length || isMuted()) return;
  for (const [key] of come) rang.set(key, now());
  ring("threshold");
  if (document.visibilityState === "visible" || !notifies()) return;
  for (const [key, alert] of come) {
    const queue = queues.find(({ id }) => id === alert.queue);
    const note = new Notification(named(queue), { body: wordsOf(alert, queue), tag: `cx-${key}` });
    note.addEventListener("click", () => window.focus());
  }
}

function show() {
  bell.setAttribute("aria-pressed", String(isMuted()));
  for (const icon of bell.querySelectorAll("[data-muted]")) icon.hidden = (icon.dataset.muted === "yes") !== isMuted();
}

bell?.addEventListener("click", () => {
  (prefs.silent ||= {}).threshold = !isMuted();
  savePrefs();
  show();
  if (isMuted()) return;
  ring("threshold");
  if (window.Notification?.permission === "default") Notification.requestPermission();
});
if (bell) show();

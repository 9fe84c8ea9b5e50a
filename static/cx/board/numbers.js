// What the numbers mean: sums over queues and kinds, shares, colours against targets. Pure, nothing of the page.
import { format } from "../clock.js";

export const settings = JSON.parse(document.getElementById("settings").textContent);
const lang = document.documentElement.lang || "en";
const whole = new Intl.NumberFormat(lang);
const tenths = new Intl.NumberFormat(lang, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const SUMMED = ["waiting", "in_work", "entered", "answered", "in_time", "abandoned", "flowed_out"];
// Fewer points below the target than these are a warning, more are an alert.
const NEAR = 5;

export const count = (n) => whole.format(n);
export const percent = (share) => (share === null ? "–" : `${share === 100 ? 100 : tenths.format(share)} %`);
export const named = (row) => (lang === "ru" && row.name_ru) || row.name;
export const duration = (seconds) => (seconds === null || seconds === undefined ? "–" : format(seconds));

// A wait that fits a tile: minutes and seconds, from an hour on "1 h 02".
export function brief(seconds) {
  if (seconds === null || seconds < 3600) return duration(seconds);
  return `${Math.floor(seconds / 3600)} ${settings.h} ${String(Math.floor((seconds % 3600) / 60)).padStart(2, "0")}`;
}

// The level of a tile in whole points, never rounded up to a target that is not reached.
export const points = (share) => (share === null ? "–" : `${Math.floor(share)} %`);

const shown = (options) => new Intl.DateTimeFormat(lang, { timeZone: settings.zone, hourCycle: "h23", hour: "2-digit", minute: "2-digit", ...options });
const [clock, watch] = [shown({}), shown({ second: "2-digit" })];
export const clockOf = (unix) => clock.format(unix * 1000);
export const watchOf = (unix) => watch.format(unix * 1000);

// Sums over the rows of one queue's kinds, or of many queues.
export function sum(rows) {
  const total = { since: null };
  for (const name of SUMMED) total[name] = rows.reduce((n, row) => n + row[name], 0);
  for (const { since } of rows) if (since !== null && (total.since === null || since < total.since)) total.since = since;
  const base = total.answered + total.abandoned;
  total.level = base ? (100 * total.in_time) / base : null;
  total.lost = base ? (100 * total.abandoned) / base : null;
  return total;
}

export const ofQueue = (queue) => sum(Object.values(queue.numbers));

export function kindsOf(queue) {
  return [...new Set([...queue.kinds, ...Object.keys(queue.numbers)])].sort();
}

// ok up to 70 % of the limit, warn up to it, bad beyond.
export function waitState(waited, limit) {
  if (waited === null) return "";
  return waited > limit ? "bad" : waited >= 0.7 * limit ? "warn" : "ok";
}

export function levelState(level, target) {
  if (level === null) return "";
  return level >= target ? "ok" : level >= target - NEAR ? "warn" : "bad";
}

export const WORST = { bad: 3, warn: 2, ok: 1, "": 0 };
export const worst = (...states) => states.reduce((a, b) => (WORST[b] > WORST[a] ? b : a), "");

// One value that all queues share, or null.
export function common(queues, field) {
  const values = new Set(queues.map((queue) => queue[field]));
  return values.size === 1 ? [...values][0] : null;
}

// The target of many queues is that of each, weighed by what it is measured on.
export function targetOf(queues) {
  const weights = queues.map((queue) => [queue.target, ofQueue(queue)]).map(([target, n]) => [target, n.answered + n.abandoned]);
  const base = weights.reduce((n, [, weight]) => n + weight, 0);
  if (!base) return common(queues, "target");
  return Math.round(weights.reduce((n, [target, weight]) => n + target * weight, 0) / base);
}

// Teams are joined: what is shown is all of them, or the one that is chosen.
export function joined(teams) {
  const list = [...teams.values()].sort((a, b) => a.name.localeCompare(b.name, lang));
  const all = {
    queues: list.flatMap((team) => team.queues).sort((a, b) => named(a).localeCompare(named(b), lang)),
    operators: list.flatMap((team) => team.operators),
    alerts: list.flatMap((team) => team.alerts),
    day: list[0]?.day ?? 0,
    charts: { arrivals: {}, waits: [], reactions: {} },
  };
  for (const { charts } of list) {
    for (const [slot, n] of Object.entries(charts.arrivals)) all.charts.arrivals[slot] = (all.charts.arrivals[slot] || 0) + n;
    charts.waits.forEach((n, i) => (all.charts.waits[i] = (all.charts.waits[i] || 0) + n));
    for (const [kind, one] of Object.entries(charts.reactions)) {
      const n = one.n.reduce((a, b) => a + b, 0);
      const mine = (all.charts.reactions[kind] ||= { columns: [0, 0, 0, 0], seconds: 0, n: 0 });
      one.n.forEach((m, i) => (mine.columns[i] += m));
      mine.seconds += one.mean * n;
      mine.n += n;
    }
  }
  return all;
}

// What the numbers mean: sums over queues and kinds, shares, colours against targets. Pure, nothing of the page.
import { format, now } from "../clock.js";

export const settings = JSON.parse(document.getElementById("settings").textContent);
const lang = document.documentElement.lang || "en";
const whole = new Intl.NumberFormat(lang);
const tenths = new Intl.NumberFormat(lang, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const SUMMED = ["waiting", "in_work", "entered", "answered", "in_time", "abandoned", "flowed_out", "above", "below"];
const BEFORE = ["entered", "answered", "abandoned", "above", "below"];
// Fewer points below the target than these are a warning, more are an alert.
const NEAR = 5;

export const count = (n) => whole.format(n);
export const percent = (share) => (share === null ? "–" : `${share === 100 ? 100 : tenths.format(share)} %`);
export const named = (row) => (lang === "ru" && row.name_ru) || row.name;
export const duration = (seconds) => (seconds === null || seconds === undefined ? "–" : format(seconds));

export const waited = (since) => (since === null ? null : Math.max(0, now() - since));

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

const share = (part, base) => (base > 0 ? (100 * part) / base : null);
const added = (rows, name) => rows.reduce((n, row) => n + row[name], 0);

// Sums over the rows of one queue's kinds, or of queues whose levels are counted by one formula.
export function sum(rows) {
  const total = { since: null, before: null };
  for (const name of SUMMED) total[name] = added(rows, name);
  for (const { since } of rows) if (since !== null && (total.since === null || since < total.since)) total.since = since;
  total.level = share(total.above, total.below);
  total.lost = share(total.abandoned, total.answered + total.abandoned);
  const told = rows.filter(({ usual }) => usual !== null);
  total.usual = told.length ? added(told, "usual") : null;
  const before = rows.map((row) => row.before).filter(Boolean);
  if (before.length) {
    total.before = Object.fromEntries(BEFORE.map((name) => [name, added(before, name)]));
    total.before.level = share(total.before.above, total.before.below);
    total.before.lost = share(total.before.abandoned, total.before.answered + total.before.abandoned);
  }
  return total;
}

export const ofQueue = (queue) => sum(Object.values(queue.numbers));

// What several queues, or one channel of them, make together. Levels by different formulas make none.
export function ofQueues(queues, rowsOf = (queue) => Object.values(queue.numbers)) {
  const total = sum(queues.flatMap(rowsOf));
  if (common(queues.filter((queue) => rowsOf(queue).some((row) => row.entered)), (queue) => queue.policy.same) === undefined) {
    total.level = null;
    if (total.before) total.before.level = null;
  }
  return total;
}

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

// One value that all queues share: null of none, undefined of different ones.
export function common(queues, of) {
  const values = new Set(queues.map(of));
  return values.size === 0 ? null : values.size === 1 ? [...values][0] : undefined;
}

// The target of many queues is that of each, weighed by what it is measured on.
export function targetOf(queues, rowsOf = (queue) => Object.values(queue.numbers)) {
  const weights = queues.map((queue) => [queue.target, sum(rowsOf(queue)).below]);
  const base = weights.reduce((n, [, weight]) => n + weight, 0);
  if (!base) return common(queues, (queue) => queue.target) ?? null;
  return Math.round(weights.reduce((n, [target, weight]) => n + target * weight, 0) / base);
}

// The policy as it is named beside a level: V2/20; without a time in common V2.
export const policyOf = ({ name, within_s }) => (within_s === null ? name : `${name}/${within_s}`);

// Teams are joined: what is shown is all of them, or the one that is chosen.
export function joined(teams) {
  const list = [...teams.values()].sort((a, b) => a.name.localeCompare(b.name, lang));
  const all = {
    teams: list,
    queues: list.flatMap((team) => team.queues).sort((a, b) => named(a).localeCompare(named(b), lang)),
    operators: list.flatMap((team) => team.operators),
    alerts: list.flatMap(({ team, alerts }) => alerts.map((alert) => ({ ...alert, team }))),
    day: list[0]?.day ?? 0,
    charts: { arrivals: {}, waits: [], reactions: {} },
    usual: null,
  };
  for (const { usual } of list.filter((team) => team.usual)) {
    all.usual ||= { mean: [], variance: [], before: [] };
    for (const [name, values] of Object.entries(usual)) values.forEach((n, i) => (all.usual[name][i] = (all.usual[name][i] || 0) + n));
  }
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

// Numbers with targets, tiles and lines of queues.
import { fill, keyed, mark, part } from "./fill.js";
import { tilesOf } from "./groups.js";
import { brief, clockOf, common, count, duration, kindsOf, levelState, named, ofQueue, ofQueues, percent, points, policyOf, settings, sum, targetOf, waitState, waited, worst } from "./numbers.js";
import { onWall, turned } from "./wall.js";

const template = (id) => document.getElementById(id);
const KINDS = 2;
const SIGN = { bad: "alert-triangle", warn: "hourglass" };

function showKinds(box, kinds) {
  const wanted = kinds.join(" ");
  if (!box || box.dataset.kinds === wanted) return;
  box.dataset.kinds = wanted;
  box.replaceChildren(...kinds.map((kind) => template("kind-" + kind)?.content.cloneNode(true)).filter(Boolean));
}

// How far from what is usual, in percent: of next to nothing there is none.
function moreThan({ entered, usual }) {
  if (usual === null || usual < 5) return "";
  const points = Math.round((100 * (entered - usual)) / usual);
  return `${points < 0 ? "−" : "+"}${count(Math.abs(points))} %`;
}

// A line or tile is {query, name, numbers: its sums, target, target_s, policy, on_duty, held, …}; what is not common is null.
function valuesOf(row) {
  const { numbers, policy } = row;
  const longest = waited(numbers.since);
  return {
    ...numbers,
    ...row,
    entered: count(numbers.entered),
    answered: count(numbers.answered),
    lent: row.lent ? settings.lent.replace("{count}", row.lent).replace("{until}", clockOf(row.lent_until)) : "",
    longest: brief(longest),
    level: points(numbers.level),
    lost: percent(numbers.lost),
    width: numbers.level ?? 0,
    policy: policy ? policyOf(policy) : "",
    formula: policy ? policy.formula : "",
    usual: numbers.usual === null ? "–" : count(Math.round(numbers.usual)),
    more: moreThan(numbers),
    states: { longest: row.late ?? waitState(longest, row.target_s), level: levelState(numbers.level, row.target) },
  };
}

export function rowOf(queue, numbers = ofQueue(queue)) {
  const held = queue.closed ? settings.held.closed : queue.paused ? settings.held.paused : "";
  return { ...queue, query: `queue=${queue.id}`, name: named(queue), kinds: kindsOf(queue), numbers, held, acts: true };
}

function decorate(el, row, values) {
  showKinds(part(el, ".kinds"), row.kinds);
  const calls = part(el, ".calls");
  if (calls) calls.hidden = !row.callbacks;
  const held = part(el, "[data-f=held]");
  if (held) held.hidden = !values.held;
  for (const name of ["longest", "level"]) mark(part(el, "." + name), "", values.states[name] === "ok" ? "" : values.states[name]);
  for (const item of el.querySelectorAll(".only-open")) item.hidden = Boolean(values.held);
  for (const item of el.querySelectorAll(".only-held")) item.hidden = !values.held;
  for (const item of el.querySelectorAll(".only-usual")) item.hidden = values.numbers.usual === null;
}

export function drawTiles(box, all) {
  const rows = tilesOf(all, box.dataset.by, rowOf);
  box.hidden = rows.length === 0;
  template("no-queues").hidden = rows.length > 0;
  const shown = onWall() ? turned(rows) : rows;
  box.classList.toggle("many", shown.length > 12);
  box.classList.toggle("few", shown.length <= 6 && shown.length !== 4);
  keyed(box, shown, {
    key: (row) => row.query,
    template: () => template("t-tile"),
    draw(el, row) {
      const values = valuesOf(row);
      fill(el, values);
      decorate(el, row, values);
      // More than these would leave no room for the name.
      part(el, ".kinds").hidden = row.kinds.length > KINDS;
      const state = worst(values.states.longest, values.states.level);
      mark(el, "s-", state);
      el.classList.toggle("s-idle", !state);
      mark(part(el, ".cx-slbar > i"), "bg-", values.states.level || "");
      const sign = part(el, ".sign");
      sign.hidden = !SIGN[state];
      sign.className = `sign ${state}`;
      if (SIGN[state]) part(sign, "use").setAttribute("href", `${spriteOf()}#${SIGN[state]}`);
      part(el, "details").hidden = !row.acts;
      part(el, ".duty").hidden = row.on_duty === null;
    },
  });
}

let sprite = "";
function spriteOf() {
  sprite ||= part(document, ".cx-rail use, .cx-l3 use").getAttribute("href").replace(/#.*/, "");
  return sprite;
}

export function drawQueues(body, { queues }) {
  const lines = queues.flatMap((queue) => {
    const kinds = Object.entries(queue.numbers);
    return [{ queue }, ...(kinds.length > 1 ? kinds.map(([kind, numbers]) => ({ queue, kind, numbers })) : [])];
  });
  keyed(body, lines, {
    key: ({ queue, kind }) => `${queue.id} ${kind || ""}`,
    template: ({ kind }) => template(kind ? "t-queue-kind" : "t-queue"),
    draw(el, { queue, kind, numbers }) {
      const whole = rowOf(queue, kind ? sum([numbers]) : ofQueue(queue));
      const row = kind ? { ...whole, kind, kinds: [kind], name: settings.kinds[kind] || kind } : whole;
      const values = valuesOf(row);
      fill(el, values);
      decorate(el, row, values);
    },
  });
  template("no-queues").hidden = lines.length > 0;
}

// --- Numbers with their targets ---

function linkTo(values) {
  const query = new URLSearchParams(values);
  if (settings.team) query.set("team", settings.team);
  return `${settings.contacts}?${query}`;
}

function card(name, values, state, link) {
  const el = part(document, `[data-kpi=${name}]`);
  fill(el, values);
  mark(el, "s-", state);
  mark(part(el, ".v"), "", state === "bad" ? "bad" : "");
  el.setAttribute("href", linkTo(link));
  for (const sub of el.querySelectorAll(".s[data-when]")) sub.hidden = !(sub.dataset.when in values);
}

function byKind(queues) {
  const kinds = {};
  for (const queue of queues) for (const [kind, n] of Object.entries(queue.numbers)) kinds[kind] = (kinds[kind] || 0) + n.waiting;
  return Object.entries(kinds).filter(([, n]) => n).map(([kind, n]) => `${settings.kinds[kind] || kind}\u00a0${count(n)}`).join(" · ");
}

// Who has waited longest, measured by the limit of his queue.
function latest(queues) {
  let found = null;
  for (const queue of queues) {
    const seconds = waited(ofQueue(queue).since);
    if (seconds !== null && (!found || seconds > found.seconds)) found = { queue, seconds };
  }
  return found;
}

export function drawKpis({ queues, operators, charts }) {
  const total = ofQueues(queues);
  const late = latest(queues);
  const lateState = late ? waitState(late.seconds, late.queue.target_s) : "ok";
  const target = targetOf(queues) ?? 0;
  const limit = common(queues, (queue) => queue.target_s) ?? null;
  const within = common(queues, (queue) => policyOf(queue.policy)) ?? "";
  const replied = Object.values(charts.reactions).reduce((n, one) => n + one.n, 0);
  const seconds = Object.values(charts.reactions).reduce((n, one) => n + one.seconds, 0);
  const mean = replied ? seconds / replied : null;
  const before = (of, worded) => (total.before && of(total.before) !== null ? { before: worded(of(total.before)) } : {});
  card("waiting", { value: count(total.waiting), sub: byKind(queues) }, total.waiting ? (lateState === "ok" ? "ok" : "warn") : "ok", { state: "waiting" });
  const longest = late ? { value: brief(late.seconds), queue: named(late.queue), limit: duration(late.queue.target_s) } : { value: "–" };
  card("longest", longest, lateState, { state: "waiting" });
  const atWork = operators.filter((one) => ["available", "busy", "wrapup"].includes(one.state)).length;
  card("in_work", { value: count(total.in_work), operators: count(atWork) }, "", { state: "in_work" });
  const formulas = [...new Set(queues.map(({ policy }) => `${policy.name} = ${policy.formula}`))].join(", ");
  const level = { value: percent(total.level), within, formulas, target, late: count(total.answered - total.in_time) };
  card("level", { ...level, ...before(({ level: share }) => share, percent) }, levelState(total.level, target), { state: "level" });
  const reaction = { value: mean === null ? "–" : mean < 100 ? `${Math.round(mean)} ${settings.s}` : duration(mean), ...(limit === null ? { replies: count(replied) } : { target: limit }) };
  card("replied", reaction, mean === null || limit === null ? "" : waitState(mean, limit), { state: "replied" });
  card("answered", { value: count(total.answered), entered: count(total.entered), ...before(({ answered }) => answered, count) }, "", { state: "answered" });
  card("abandoned", { value: percent(total.lost), count: count(total.abandoned), ...before(({ lost }) => lost, percent) }, "", { state: "abandoned" });
}

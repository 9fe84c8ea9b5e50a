// Numbers with targets, tiles and lines of queues.
import { now } from "../clock.js";
import { fill, keyed, mark, part } from "./fill.js";
import { brief, clockOf, common, count, duration, kindsOf, levelState, named, ofQueue, percent, points, settings, sum, targetOf, waitState, worst } from "./numbers.js";

const template = (id) => document.getElementById(id);
const waited = (since) => (since === null ? null : Math.max(0, now() - since));
const SIGN = { bad: "alert-triangle", warn: "hourglass" };

function showKinds(box, kinds) {
  const wanted = kinds.join(" ");
  if (!box || box.dataset.kinds === wanted) return;
  box.dataset.kinds = wanted;
  box.replaceChildren(...kinds.map((kind) => template("kind-" + kind)?.content.cloneNode(true)).filter(Boolean));
}

function valuesOf(queue, total) {
  const longest = waited(total.since);
  return {
    ...total,
    id: queue.id,
    name: named(queue),
    target: queue.target,
    target_s: queue.target_s,
    on_duty: queue.on_duty,
    members: queue.members,
    lent: queue.lent ? settings.lent.replace("{count}", queue.lent).replace("{until}", clockOf(queue.lent_until)) : "",
    message: queue.message,
    held: queue.closed ? settings.held.closed : queue.paused ? settings.held.paused : "",
    longest: brief(longest),
    level: points(total.level),
    lost: percent(total.lost),
    width: total.level ?? 0,
    states: { longest: waitState(longest, queue.target_s), level: levelState(total.level, queue.target) },
  };
}

function decorate(el, queue, values) {
  showKinds(part(el, ".kinds"), kindsOf(queue));
  const held = part(el, "[data-f=held]");
  if (held) held.hidden = !values.held;
  for (const name of ["longest", "level"]) mark(part(el, "." + name), "", values.states[name] === "ok" ? "" : values.states[name]);
  for (const item of el.querySelectorAll(".only-open")) item.hidden = Boolean(values.held);
  for (const item of el.querySelectorAll(".only-held")) item.hidden = !values.held;
}

export function drawTiles(box, { queues }) {
  box.hidden = queues.length === 0;
  template("no-queues").hidden = queues.length > 0;
  box.classList.toggle("many", queues.length > 12);
  keyed(box, queues, {
    key: (queue) => queue.id,
    template: () => template("t-tile"),
    draw(el, queue) {
      const values = valuesOf(queue, ofQueue(queue));
      fill(el, values);
      decorate(el, queue, values);
      const state = worst(values.states.longest, values.states.level);
      mark(el, "s-", state);
      el.classList.toggle("s-idle", !state);
      mark(part(el, ".cx-slbar > i"), "bg-", values.states.level || "");
      const sign = part(el, ".sign");
      sign.hidden = !SIGN[state];
      sign.className = `sign ${state}`;
      if (SIGN[state]) part(sign, "use").setAttribute("href", `${spriteOf()}#${SIGN[state]}`);
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
      const values = valuesOf(queue, kind ? sum([numbers]) : ofQueue(queue));
      if (kind) Object.assign(values, { kind, name: settings.kinds[kind] || kind });
      fill(el, { ...values, entered: count(values.entered), answered: count(values.answered) });
      decorate(el, kind ? { kinds: [kind], numbers: {} } : queue, values);
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
  return Object.entries(kinds).filter(([, n]) => n).map(([kind, n]) => `${settings.kinds[kind] || kind} ${count(n)}`).join(" · ");
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
  const total = sum(queues.flatMap((queue) => Object.values(queue.numbers)));
  const late = latest(queues);
  const lateState = late ? waitState(late.seconds, late.queue.target_s) : "ok";
  const target = targetOf(queues) ?? 0;
  const limit = common(queues, "target_s");
  const replied = Object.values(charts.reactions).reduce((n, one) => n + one.n, 0);
  const seconds = Object.values(charts.reactions).reduce((n, one) => n + one.seconds, 0);
  const mean = replied ? seconds / replied : null;
  card("waiting", { value: count(total.waiting), sub: byKind(queues) }, total.waiting ? (lateState === "ok" ? "ok" : "warn") : "ok", { state: "waiting" });
  const longest = late ? { value: brief(late.seconds), queue: named(late.queue), limit: duration(late.queue.target_s) } : { value: "–" };
  card("longest", longest, lateState, { state: "waiting" });
  const atWork = operators.filter((one) => ["available", "busy", "wrapup"].includes(one.state)).length;
  card("in_work", { value: count(total.in_work), operators: count(atWork) }, "", { state: "in_work" });
  const level = { value: percent(total.level), within: limit === null ? "" : ` ${target}/${limit}`, target, late: count(total.answered - total.in_time) };
  card("level", level, levelState(total.level, target), { state: "level" });
  const reaction = { value: mean === null ? "–" : mean < 100 ? `${Math.round(mean)} ${settings.s}` : duration(mean), ...(limit === null ? { replies: count(replied) } : { target: limit }) };
  card("replied", reaction, mean === null || limit === null ? "" : waitState(mean, limit), { state: "replied" });
  card("answered", { value: count(total.answered), entered: count(total.entered) }, "", { state: "answered" });
  card("abandoned", { value: percent(total.lost), count: count(total.abandoned) }, "", { state: "abandoned" });
}

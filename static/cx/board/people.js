// Operators: who does what since when, sorted and filtered as the reader wishes.
import { now } from "../clock.js";
import { fill, keyed, mark, part } from "./fill.js";
import { count, duration, settings } from "./numbers.js";

const russian = document.documentElement.lang === "ru";
let sorted = { by: "in_state", down: true };
let only = "";

const colour = (name) => "abcdef"[[...name].reduce((n, c) => n + c.codePointAt(0), 0) % 6];
// States that are seldom met: their marks come when somebody is in them.
const SELDOM = ["meeting", "training", "not_responding"];
const initials = (name) => name.split(/\s+/).slice(0, 2).map((word) => word[0] || "").join("").toUpperCase();
const reasonOf = (one) => (russian && one.reason_ru) || one.reason;
const lasts = (one) => Math.max(0, now() - one.since);

// The contact that has been in his hands the longest, and how many there are besides.
function currentOf({ current, contacts }) {
  if (!current) return { contact: "", session: "", besides: contacts ? count(contacts) : "" };
  const contact = current.name || settings.visitor.replace("{number}", current.visitor);
  return { contact, session: current.id, besides: contacts > 1 ? `+${count(contacts - 1)}` : "", held: duration(now() - current.since) };
}

export function wordsOf(one) {
  const known = one.state === "busy" && one.calls ? settings.on_call : settings.states[one.state];
  const words = one.state === "pause" && reasonOf(one) ? reasonOf(one) : known || one.state;
  const without = one.off.map((kind) => ` · ${settings.without[kind]}`).join("");
  return (one.pause_after ? `${words} → ${settings.states[one.then]}` : words) + without;
}

const SORTS = {
  name: (one) => one.name,
  state: (one) => Object.keys(settings.states).indexOf(one.state),
  in_state: lasts,
  load: (one) => one.taken / Math.max(1, one.most),
  current: (one) => (one.current ? now() - one.current.since : -1),
  aht: (one) => one.aht ?? -1,
};

function inOrder(rows) {
  const by = SORTS[sorted.by];
  const way = sorted.down ? -1 : 1;
  const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);
  return rows.map((row) => [by(row), row]).sort(([a, x], [b, y]) => way * compare(a, b) || x.id - y.id).map(([, row]) => row);
}

function slots(box, taken, most) {
  const wanted = `${taken}/${most}`;
  if (box.dataset.slots === wanted) return;
  box.dataset.slots = wanted;
  const cells = Array.from({ length: Math.min(most, 10) }, (_, i) => {
    const cell = document.createElement("i");
    if (i < taken) cell.className = taken >= most ? "full" : "on";
    return cell;
  });
  box.replaceChildren(...cells);
}

// A pause beyond its limit is bad; the last tenth before it is a warning.
function timeState(one) {
  if (one.state === "not_responding" || one.vanished) return "bad";
  if (one.state !== "pause" || !one.limit_s) return "";
  const share = lasts(one) / one.limit_s;
  return share > 1 ? "bad" : share > 0.9 ? "warn" : "";
}

export function drawOperators(body, { operators }) {
  // An open menu keeps its row where it is.
  if (part(body, "details[open]")) return;
  const states = {};
  for (const { state } of operators) states[state] = (states[state] || 0) + 1;
  for (const chip of document.querySelectorAll("#states [data-state]")) {
    const { state } = chip.dataset;
    part(chip, ".n").textContent = count(states[state] || 0);
    chip.setAttribute("aria-pressed", String(only === state));
    chip.hidden = SELDOM.includes(state) && !states[state] && only !== state;
  }
  for (const button of document.querySelectorAll(".cx-sort")) {
    const chosen = button.dataset.sort === sorted.by;
    const th = button.closest("th");
    if (chosen) th.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
    else th.removeAttribute("aria-sort");
  }
  keyed(body, inOrder(operators.filter((one) => !only || one.state === only)), {
    key: (one) => one.id,
    template: () => document.getElementById("t-operator"),
    draw(el, one) {
      fill(el, { ...one, words: wordsOf(one), initials: initials(one.name), in_state: duration(lasts(one)), aht: duration(one.aht), ...currentOf(one) });
      part(el, ".current").hidden = !one.current;
      const avatar = part(el, ".cx-av");
      avatar.className = `cx-av s ${colour(one.name)}`;
      const state = part(el, ".cx-state");
      state.className = `cx-state ${settings.marks[one.state] || "of"}`;
      mark(part(el, ".since"), "", timeState(one));
      slots(part(el, ".cx-slots"), one.taken, one.most);
    },
  });
  document.getElementById("no-operators").hidden = body.children.length > 0;
}

export function drawStates(box, { operators }) {
  const states = { total: operators.filter((one) => one.state !== "offline").length };
  for (const code of Object.keys(settings.marks)) states[code] = operators.filter((one) => one.state === code).length;
  fill(box, states);
  for (const bar of box.querySelectorAll("[data-part]")) bar.style.flex = String(states[bar.dataset.part]);
}

document.addEventListener("click", (event) => {
  const chip = event.target.closest("#states [data-state]");
  const sort = event.target.closest(".cx-sort");
  if (chip) only = only === chip.dataset.state ? "" : chip.dataset.state;
  else if (sort) sorted = { by: sort.dataset.sort, down: sorted.by === sort.dataset.sort ? !sorted.down : sort.dataset.sort !== "name" };
  else return;
  document.dispatchEvent(new Event("cx:draw"));
});

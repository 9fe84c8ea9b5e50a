// The log: messages in their places, gaps found by change numbers, marks, reading.
import { elements, getJson, getText, post, words } from "../net.js";
import { complain } from "../toast.js";

export const known = new Map(); // thread → the last staff change number this page has
const checking = new Map();
const MOST_PAGES = 50;
let reported = 0;

export const chat = () => document.getElementById("chat");
export const log = () => document.getElementById("log");
export const sessionId = () => Number(document.getElementById("work")?.dataset.session || 0);
export const threadId = () => Number(chat()?.dataset.thread || 0);

export function begin() {
  known.clear();
  reported = 0;
  const watch = document.getElementById("watch");
  if (watch?.textContent) for (const [thread, number] of Object.entries(JSON.parse(watch.textContent) || {})) known.set(Number(thread), number);
  if (!log()) return;
  decorate();
  if (!showNamed()) toEnd();
  reachNamed();
  log().addEventListener("scroll", () => atEnd() && seen(), { passive: true });
}

export function atEnd() {
  const box = log();
  return box && box.scrollHeight - box.scrollTop - box.clientHeight < 40;
}

// An address may name a message of the session: #m-ID.
function showNamed() {
  const named = window.location.hash.startsWith("#m-") && document.getElementById(window.location.hash.slice(1));
  if (!named || !log().contains(named)) return false;
  named.classList.add("is-target");
  named.scrollIntoView({ block: "center" });
  return true;
}

// It may stand above what is here: the pages before it are fetched until it comes, so far as anybody would scroll.
async function reachNamed() {
  const { hash } = window.location;
  if (!hash.startsWith("#m-")) return;
  for (let pages = 0; pages < MOST_PAGES && !document.getElementById(hash.slice(1)); pages += 1) {
    const button = document.getElementById("older");
    if (!button || !(await older(button)) || window.location.hash !== hash) return;
    showNamed();
  }
}

export function toEnd() {
  const box = log();
  if (box) box.scrollTop = box.scrollHeight;
  seen();
}

// Puts a rendered message in its place: over its older self, over its optimistic bubble, or by its seq.
export function place({ id, seq, key, html }, thread) {
  const box = log();
  if (!box) return;
  const stick = atEnd();
  const [fresh] = elements(html);
  const old = document.getElementById("m-" + id) || (key && box.querySelector(`[data-key="${key}"]`));
  if (old) old.replaceWith(fresh);
  else {
    const later = [...box.querySelectorAll(`[data-thread="${thread}"][data-seq]`)].find((el) => Number(el.dataset.seq) > seq);
    const pending = box.querySelector("[data-pending]");
    box.insertBefore(fresh, later || pending || document.getElementById("typing"));
    box.querySelector(".cx-empty")?.remove();
    if (!stick) unseenBelow();
  }
  if (!old) divide(fresh, thread);
  decorate();
  if (stick) toEnd();
}

// A message of a session that the log does not know yet: its divider comes from the server, which knows its queue.
async function divide(fresh, thread) {
  const { session } = fresh.dataset;
  const first = () => log()?.querySelector(`[data-thread="${thread}"][data-session="${session}"]`);
  if (!session || first() !== fresh || log().querySelector(`[data-divider="${session}"]`)) return;
  const page = chat().dataset.session;
  try {
    const entries = elements(await getText(`/desk/s/${page}/history/`));
    const divider = entries.find((el) => el.dataset.divider === session);
    if (divider && chat()?.dataset.session === page && !log().querySelector(`[data-divider="${session}"]`)) first()?.before(divider);
    decorate();
  } catch {
    // Without it the messages still stand in their order.
  }
}

// Where a talk passes midnight stands the day.
function days() {
  const standing = new Set(log().querySelectorAll(".cx-day"));
  let before = null;
  for (const el of log().querySelectorAll("[data-day]")) {
    const { day, divider } = el.dataset;
    const line = el.previousElementSibling;
    if (before && before !== day && !divider && !(standing.has(line) && line.textContent === day)) el.before(dayLine(day));
    else if (before && before !== day && !divider) standing.delete(line);
    before = day;
  }
  for (const line of standing) line.remove();
}

function dayLine(day) {
  const [line, text] = ["div", "span"].map((tag) => document.createElement(tag));
  line.className = "cx-div cx-day";
  text.textContent = day;
  line.append(text);
  return line;
}

// Who wrote twice in a row is named once; days, marks and filters follow.
export function decorate() {
  days();
  let before = null;
  for (const el of log().querySelectorAll(".cx-msg, .cx-sys, .cx-div")) {
    const same = before && before.dataset.author === el.dataset.author && Number(el.dataset.at) - Number(before.dataset.at) < 180;
    if (el.classList.contains("cx-msg")) el.classList.toggle("cont", Boolean(same));
    before = el;
  }
  marks();
  filter();
}

function marks() {
  const { got, read } = chat().dataset;
  for (const el of log().querySelectorAll(`[data-marks][data-thread="${threadId()}"]`)) {
    const seq = Number(el.dataset.seq);
    const state = seq <= Number(read) ? "read" : seq <= Number(got) ? "delivered" : "sent";
    const mark = el.querySelector(".ticks");
    if (!mark || mark.dataset.state === state) continue;
    mark.dataset.state = state;
    mark.classList.toggle("read", state === "read");
    mark.textContent = (state === "sent" ? "✓ " : "✓✓ ") + words[state];
  }
}

export function setMarks(thread, seen_) {
  if (thread !== threadId() || !chat()) return;
  chat().dataset.got = seen_.customer_got;
  chat().dataset.read = seen_.customer_read;
  if (log()) marks();
}

let only = "";
export function filter(chosen = only) {
  only = chosen;
  for (const chip of document.querySelectorAll("[data-filter]")) chip.setAttribute("aria-pressed", String(chip.dataset.filter === only));
  for (const el of log().querySelectorAll(".cx-msg, .cx-sys")) {
    const fits = { "": true, talk: el.matches(".cx-msg:not(.note)"), note: el.matches(".note"), file: Boolean(el.querySelector(".cx-file")) };
    el.hidden = !fits[only];
  }
}

// A push with the next number is taken; any other number means that something was missed.
export function take(thread, number, apply) {
  if (!known.has(thread)) return false;
  const last = known.get(thread);
  if (number <= last) return true;
  if (number > last + 1) {
    check();
    return true;
  }
  known.set(thread, number);
  apply();
  return true;
}

// The gap check: asks what changed after the last known numbers. One at a time; a second wish waits for the first.
export async function check() {
  if (!known.size) return;
  if (checking.get("running")) return void checking.set("again", true);
  checking.set("running", true);
  try {
    const asked = [...known].map(([thread, number]) => `${thread}:${number}`).join(",");
    const { threads } = await getJson(`/desk/changes/?threads=${asked}`);
    for (const [key, answer] of Object.entries(threads)) {
      const thread = Number(key);
      if (!known.has(thread)) continue;
      for (const message of answer.messages) place(message, thread);
      setMarks(thread, answer.marks);
      known.set(thread, Math.max(known.get(thread), answer.changed));
      if (answer.more) checking.set("again", true);
    }
  } catch {
    // The line is away: the reconnect checks again.
  } finally {
    checking.set("running", false);
    if (checking.get("again")) {
      checking.set("again", false);
      check();
    }
  }
}

function lastSeq() {
  const own = [...(log()?.querySelectorAll(`[data-thread="${threadId()}"][data-seq]`) || [])];
  return own.reduce((most, el) => Math.max(most, Number(el.dataset.seq)), 0);
}

// Reading counts only where it happens: my own session, the log visible, focused and at its end.
export async function seen() {
  hideBelow();
  if (!chat()?.dataset.mine || document.visibilityState !== "visible" || !document.hasFocus()) return;
  const seq = lastSeq();
  if (seq <= reported) return;
  reported = seq;
  try {
    await post(`/desk/s/${sessionId()}/read/`, { seq });
    for (const badge of document.querySelectorAll(`[data-open="${sessionId()}"] .cx-unread`)) badge.remove();
  } catch {
    reported = 0;
  }
}

export { lastSeq };

let below = 0;
function unseenBelow() {
  const button = document.getElementById("new-below");
  below += 1;
  button.hidden = false;
  button.textContent = words.newBelow.replace("{n}", below) + " ↓";
}

function hideBelow() {
  below = 0;
  const button = document.getElementById("new-below");
  if (button) button.hidden = true;
}

async function older(button) {
  const box = log();
  const from = box.scrollHeight - box.scrollTop;
  button.setAttribute("aria-busy", "true");
  try {
    const fresh = elements(await getText(button.dataset.older));
    button.replaceWith(...fresh);
    dropDoubleDividers();
    decorate();
    box.scrollTop = box.scrollHeight - from;
    return true;
  } catch (error) {
    button.removeAttribute("aria-busy");
    complain(error);
    return false;
  }
}

// The page before may begin with the session that the page after begins with: one divider is enough.
function dropDoubleDividers() {
  let last = "";
  for (const el of log().querySelectorAll(".cx-div[data-divider]")) {
    if (el.dataset.divider === last) el.remove();
    else last = el.dataset.divider;
  }
}

export function find(text) {
  const wanted = text.trim().toLowerCase();
  let first = null;
  for (const el of log().querySelectorAll(".cx-msg")) {
    const hit = wanted.length > 1 && el.textContent.toLowerCase().includes(wanted);
    el.classList.toggle("is-target", hit);
    first = hit ? el : first;
  }
  first?.scrollIntoView({ block: "center" });
}

export function toggleFind() {
  const [bar, field] = [document.getElementById("find"), document.getElementById("find-q")];
  if (!bar) return;
  bar.hidden = !bar.hidden;
  if (!bar.hidden) return field.focus();
  field.value = "";
  find("");
}

let typingTimer;
export function showTyping(text) {
  const box = document.getElementById("typing");
  if (!box) return;
  const stick = atEnd();
  box.querySelector(".ell").textContent = text;
  box.hidden = false;
  if (stick) toEnd();
  clearTimeout(typingTimer);
  typingTimer = setTimeout(() => (box.hidden = true), 4000);
}

export function stopTyping() {
  const box = document.getElementById("typing");
  if (box) box.hidden = true;
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-older], [data-filter], #new-below, [data-act=find]");
  if (!target) return;
  if (target.dataset.older) older(target);
  else if (target.id === "new-below") toEnd();
  else if (target.dataset.act === "find") toggleFind();
  else filter(target.dataset.filter);
});
document.addEventListener("input", (event) => event.target.id === "find-q" && find(event.target.value));
document.addEventListener("visibilitychange", () => atEnd() && seen());
window.addEventListener("focus", () => atEnd() && seen());

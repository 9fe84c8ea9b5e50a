// What is being written: the box, its mode, and its draft on the server, which every browser shows.
import { Refused, post, words } from "../net.js";
import { complain, say } from "../toast.js";
import { sessionId } from "./log.js";

export const box = () => document.getElementById("composer");
export const area = () => document.getElementById("message");
export const isNote = () => Boolean(box()?.classList.contains("is-note"));

const waiting = new Map(); // address of a session's draft → { timer, text, note }, until the server has it
const saving = new Map(); // address → its last save: what was written later is stored later

export function grow() {
  area().style.height = "auto";
  area().style.height = Math.min(area().scrollHeight, 160) + "px";
}

export function showNote(note) {
  box().classList.toggle("is-note", note);
  area().placeholder = note ? area().dataset.note : area().dataset.reply;
  for (const tab of box().querySelectorAll("[data-mode]")) tab.setAttribute("aria-selected", String((tab.dataset.mode === "note") === note));
}

// Kept a moment after the last key.
export function keepDraft() {
  keepSoon(box().dataset.draft, area().value, isNote());
}

function keepSoon(url, text, note) {
  clearTimeout(waiting.get(url)?.timer);
  waiting.set(url, { text, note, timer: setTimeout(() => keepNow(url), 1200) });
}

// What is being sent is no draft. A save of it that is under way may come after the message: it is emptied behind.
export function dropDraft() {
  const url = box().dataset.draft;
  clearTimeout(waiting.get(url)?.timer);
  waiting.delete(url);
  if (saving.has(url)) keepSoon(url, "", false);
}

// One after the other for an address; a page that dies does not wait.
function store(url, values, options = {}) {
  const before = options.keepalive ? Promise.resolve() : (saving.get(url) ?? Promise.resolve()).catch(() => {});
  const saved = before.then(() => post(url, values, options));
  saving.set(url, saved);
  const done = () => saving.get(url) === saved && saving.delete(url);
  saved.then(done, done);
  return saved;
}

// Without a line it waits on: for the next key, the line's return, or the next session.
async function keepNow(url, options = {}) {
  const kept = waiting.get(url);
  clearTimeout(kept.timer);
  const done = () => waiting.get(url) === kept && waiting.delete(url);
  try {
    await store(url, { text: kept.text, note: kept.note ? "1" : "" }, options);
    done();
    const state = document.getElementById("draft-state");
    if (state && kept.text && box()?.dataset.draft === url) state.textContent = words.draftSaved;
  } catch (error) {
    // A session that is out of reach now has no draft.
    if (error instanceof Refused && [403, 404].includes(error.status)) done();
  }
}

// Before another session is shown, and when the line is back: what comes from the server must know the last key.
export function keepAll(options = {}) {
  return Promise.all([...waiting.keys()].map((url) => keepNow(url, options)));
}

export function insert(text) {
  area().setRangeText(text, area().selectionStart, area().selectionEnd, "end");
  grow();
  area().focus();
  keepDraft();
}

// Gives a text back to its own session and to no other: to its box if that is shown, else to its draft.
// Nothing is overwritten, and what was a note on either side goes on as a note.
export async function putBack(session, text, note = false) {
  if (session === sessionId() && area()) {
    const before = area().value;
    showNote(note || (isNote() && (before !== "" || !box().querySelector("[data-mode=reply]"))));
    area().value = before ? `${before}\n${text}` : text;
    grow();
    area().focus();
    keepDraft();
    return true;
  }
  const url = `/desk/s/${session}/draft/`;
  const left = waiting.get(url);
  try {
    // What the server does not have yet would be written over what is added there.
    if (left) keepSoon(url, left.text ? `${left.text}\n${text}` : text, note || left.note);
    else await store(url, { text, note: note ? "1" : "", add: "1" });
    say(words.keptAsDraft);
    return true;
  } catch (error) {
    complain(error);
    return false;
  }
}

// A reload asks for the page before the last letters are stored: this tab has them for itself as well.
const LEFT = "cx.drafts." + document.body.dataset.user;

window.addEventListener("pagehide", () => {
  const left = [...waiting].map(([url, { text, note }]) => ({ url, text, note }));
  if (left.length) sessionStorage.setItem(LEFT, JSON.stringify(left));
  keepAll({ keepalive: true });
});

for (const { url, text, note } of JSON.parse(sessionStorage.getItem(LEFT) || "[]")) keepSoon(url, text, note);
sessionStorage.removeItem(LEFT);

// What the server does not have yet is newer than what came from it.
document.addEventListener("cx:arrived", () => {
  const left = waiting.get(box()?.dataset.draft);
  if (!left) return;
  area().value = left.text;
  showNote(left.note || !box().querySelector("[data-mode=reply]"));
  grow();
});

// What is being written: the box, its mode, and its draft on the server, which every browser shows.
import { post, words } from "../net.js";
import { complain, say } from "../toast.js";
import { sessionId } from "./log.js";

export const box = () => document.getElementById("composer");
export const area = () => document.getElementById("message");
export const isNote = () => Boolean(box()?.classList.contains("is-note"));

const waiting = new Map(); // address of a session's draft → { timer, text, note }

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
  const url = box().dataset.draft;
  clearTimeout(waiting.get(url)?.timer);
  waiting.set(url, { text: area().value, note: isNote() ? "1" : "", timer: setTimeout(() => keepNow(url), 1200) });
}

export function dropDraft() {
  const url = box().dataset.draft;
  clearTimeout(waiting.get(url)?.timer);
  waiting.delete(url);
}

async function keepNow(url, options = {}) {
  const { timer, text, note } = waiting.get(url);
  clearTimeout(timer);
  waiting.delete(url);
  try {
    await post(url, { text, note }, options);
    const state = document.getElementById("draft-state");
    if (state && text && box()?.dataset.draft === url) state.textContent = words.draftSaved;
  } catch {
    // Without a line the text still stands in the box.
  }
}

// Before another session is shown: what comes from the server must know the last key.
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
  try {
    await keepAll();
    await post(`/desk/s/${session}/draft/`, { text, note: note ? "1" : "", add: "1" });
    say(words.keptAsDraft);
    return true;
  } catch (error) {
    complain(error);
    return false;
  }
}

// A reload asks for the page before the last letters are stored: this tab has them for itself as well.
const LEFT = "cx.draft";

window.addEventListener("pagehide", () => {
  const url = box()?.dataset.draft;
  if (waiting.has(url)) sessionStorage.setItem(LEFT, JSON.stringify({ url, text: area().value, note: isNote() }));
  keepAll({ keepalive: true });
});

document.addEventListener("cx:arrived", () => {
  const left = JSON.parse(sessionStorage.getItem(LEFT) || "{}");
  sessionStorage.removeItem(LEFT);
  if (!left.url || left.url !== box()?.dataset.draft) return;
  area().value = left.text;
  showNote(left.note || !box().querySelector("[data-mode=reply]"));
});

// What was typed is sent once, however often the line breaks: kept in this browser until the server has it,
// and what it refuses until the writer has decided.
import { now } from "../clock.js";
import { sure } from "../dialogs.js";
import { Lost, Refused, post, uuid, words } from "../net.js";
import { complain, say } from "../toast.js";
import { area, keepDraft, putBack } from "./drafts.js";
import { decorate, lastSeq, log, place, sessionId, threadId, toEnd } from "./log.js";

const NAME = "cx.outbox." + document.body.dataset.user;
const load = () => JSON.parse(localStorage.getItem(NAME) || "[]");
const save = (list) => localStorage.setItem(NAME, JSON.stringify(list));
const next = () => load().find((item) => !item.error);
let sending = false;

export function send(text, { note = false, reply = "" } = {}) {
  const item = { key: uuid(), session: sessionId(), thread: threadId(), text, note, reply, after: lastSeq(), at: Date.now(), written: new Date(now() * 1000).toISOString() };
  save([...load(), item]);
  bubble(item);
  flush();
}

function forget(item) {
  save(load().filter((kept) => kept.key !== item.key));
}

// The optimistic bubble, until the echo replaces it by its key.
function bubble(item) {
  if (!log() || item.session !== sessionId() || log().querySelector(`[data-key="${item.key}"]`)) return;
  const el = document.createElement("div");
  el.className = "cx-msg wait " + (item.note ? "note" : "out");
  el.dataset.key = item.key;
  el.dataset.pending = "1";
  el.dataset.author = "staff" + document.body.dataset.user + (item.note ? "n" : "");
  el.dataset.at = Math.floor(item.at / 1000);
  const [bub, txt, meta, state] = ["div", "span", "div", "span"].map((tag) => document.createElement(tag));
  bub.className = "bub";
  txt.className = "txt";
  txt.textContent = item.text;
  meta.className = "meta";
  state.className = "state";
  if (item.error) explain(item, el, state);
  else state.textContent = "🕓 " + words.waits;
  meta.append(state);
  bub.append(txt, meta);
  el.append(bub);
  log().insertBefore(el, document.getElementById("typing"));
  decorate();
  toEnd();
}

// Why it was refused, and what can be done about it.
function explain(item, el, state) {
  el.classList.replace("wait", "fail");
  state.textContent = `${words.failed}: ${item.error} `;
  const act = (text, run) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-quiet btn-xs";
    button.textContent = text;
    button.addEventListener("click", run);
    state.append(button);
  };
  act(words.retry, () => {
    forget(item);
    el.remove();
    send(item.text, item);
  });
  act(words.putBack, async () => {
    if (!(await putBack(item.session, item.text, item.note))) return;
    forget(item);
    el.remove();
  });
}

export function showWaiting() {
  for (const item of load()) bubble(item);
  markRefused();
}

// Tabs and rows of sessions in which something was refused say so.
export function markRefused() {
  const refused = new Set(load().filter((item) => item.error).map((item) => item.session));
  for (const el of document.querySelectorAll("[data-open]")) el.classList.toggle("is-unsent", refused.has(Number(el.dataset.open)));
}

// In order, one at a time: what was written first is stored first.
export async function flush() {
  if (sending) return;
  sending = true;
  try {
    for (let item = next(); item; item = next()) {
      const error = await deliver(item);
      if (error instanceof Lost) return;
      if (error) refuse(item, error);
      else forget(item);
    }
  } finally {
    sending = false;
  }
}

// Answers what went wrong, or nothing if it is stored.
async function deliver(item, force = false) {
  const values = { text: item.text, key: item.key, note: item.note ? "1" : "", reply: item.reply, written: item.written ?? "" };
  if (!force && !item.note) values.after = item.after;
  try {
    const stored = await post(`/desk/s/${item.session}/messages/`, values);
    if (item.session === sessionId()) place(stored, stored.thread);
    offerUndo(stored, item);
    return null;
  } catch (error) {
    if (error instanceof Refused && error.code === "crossed" && (await agrees(item, error))) return deliver(item, true);
    return error;
  }
}

// The question is asked where its talk is to be seen, and never in the place of another dialog.
async function agrees(item, error) {
  if (item.session !== sessionId() || document.querySelector("dialog[open]")) return false;
  return sure(error.message, { yes: words.sendAnyway });
}

function refuse(item, error) {
  const refused = { ...item, error: error.message };
  save(load().map((kept) => (kept.key === item.key ? refused : kept)));
  const el = log()?.querySelector(`[data-key="${item.key}"]`);
  if (el) explain(refused, el, el.querySelector(".state"));
  else say(`${words.failed}: ${error.message}`, { bad: true, seconds: 7 });
  // Its draft would stand in the box once more after a reload.
  if (item.session === sessionId() && area()) keepDraft();
  markRefused();
}

function offerUndo(stored, item) {
  if (Date.now() - item.at > 5000) return;
  say(words.messageSent, {
    undo: async () => {
      try {
        const { text } = await post(`/desk/messages/${stored.id}/withdraw/`);
        putBack(item.session, text, item.note);
      } catch (error) {
        complain(error);
      }
    },
  });
}

setInterval(() => next() && flush(), 3000);
window.addEventListener("online", flush);
document.addEventListener("cx:parts", markRefused);

// The composer: reply or note, drafts, quick replies, emoji, files.
import { copyText } from "../copy.js";
import { Lost, getJson, post, uuid, words } from "../net.js";
import { complain, say } from "../toast.js";
import { area, box, dropDraft, grow, insert, isNote, keepDraft, putBack, showNote } from "./drafts.js";
import { place, sessionId } from "./log.js";
import { send } from "./outbox.js";
import { openSession } from "./parts.js";

const EMOJI = "🙂 😊 😉 😅 😔 🙏 👍 👎 👌 🤝 👏 💪 ✅ ❌ ⏳ ⏰ 📅 📎 📷 📞 ☎️ 💬 📧 📦 🚗 🔧 🔋 🛞 💳 🧾 🎁 ❤️".split(" ");
let line = null;
let chosenReply = "";

export function useLine(socket) {
  line = socket;
}

function setNote(note) {
  showNote(note);
  area().focus();
  keepDraft();
}

export function toggleNote() {
  if (box()?.querySelector("[data-mode=reply]")) setNote(!isNote());
}

function submit() {
  const text = area().value;
  if (!text.trim()) return;
  dropDraft();
  send(text, { note: isNote(), reply: chosenReply });
  chosenReply = "";
  area().value = "";
  grow();
  closeQuick();
}

// An article goes to the reply of the session it was looked up for; without one it goes to the clipboard.
async function insertArticle(text) {
  const session = sessionId();
  if (!session) {
    await copyText(text).then(() => say(words.copied), complain);
  } else if (await putBack(session, text)) openSession(`/desk/s/${session}/`);
}

// --- Quick replies: "/" at the beginning or the button, then search, arrows, Enter ---

let found = [];
let index = 0;
let turn = 0;
// Until the list of what is written now has come, Enter means its first: never the letters themselves,
// never the first of a list of fewer letters that is still shown.
let coming = false;
let chooseFirst = false;

const isQuery = (text) => text.startsWith("/") && !text.includes("\n") && text.length < 40;

async function quick(query) {
  const asked = ++turn;
  coming = isQuery(area().value);
  chooseFirst = false;
  try {
    const { replies, articles } = await getJson(`${box().dataset.replies}?q=${encodeURIComponent(query)}`);
    if (asked !== turn || !area()) return;
    found = [
      ...replies.map((r) => ({ code: r.code, text: r.text, tag: `${r.language} · ${words.used} ${r.used}×`, id: r.id })),
      ...articles.map((a) => ({ code: "/…", text: a.text, label: a.title, tag: words.article, id: "" })),
    ];
    coming = false;
    index = 0;
    if (chooseFirst && found.length) choose(0);
    else showQuick(query);
  } catch {
    if (asked === turn) closeQuick();
  }
}

function showQuick(query) {
  const list = document.getElementById("quick");
  const head = document.createElement("div");
  head.className = "hd";
  head.textContent = `${words.quickReplies} “/${query}” · ↑ ↓ Enter Esc`;
  const options = found.map((one, i) => {
    const option = document.createElement("div");
    option.setAttribute("role", "option");
    option.id = "quick-" + i;
    option.setAttribute("aria-selected", String(i === index));
    const [code, text, tag] = ["code", "span", "span"].map((name) => document.createElement(name));
    code.textContent = one.code;
    text.className = "ell";
    text.textContent = one.label || one.text;
    tag.className = "cx-tag";
    tag.textContent = one.tag;
    option.append(code, text, tag);
    option.addEventListener("mousedown", (event) => {
      event.preventDefault();
      choose(i);
    });
    return option;
  });
  if (!options.length) {
    const none = document.createElement("div");
    none.className = "mut p-2";
    none.textContent = words.nothingFound;
    options.push(none);
  }
  list.replaceChildren(head, ...options);
  list.hidden = false;
  area().setAttribute("aria-activedescendant", "quick-" + index);
  document.getElementById("quick-" + index)?.scrollIntoView({ block: "nearest" });
}

const quickOpen = () => document.getElementById("quick")?.hidden === false;

function closeQuick() {
  turn += 1;
  coming = false;
  const list = document.getElementById("quick");
  if (list) list.hidden = true;
  area()?.removeAttribute("aria-activedescendant");
}

function choose(i) {
  const one = found[i];
  if (!one) return;
  chosenReply = String(one.id);
  closeQuick();
  // What was typed to find it goes; a reply that was begun stays.
  if (isQuery(area().value)) area().select();
  insert(one.text);
}

function toggleQuick() {
  if (quickOpen()) return closeQuick();
  if (!area().value) insert("/");
  area().focus();
  quick(isQuery(area().value) ? area().value.slice(1) : "");
}

function quickKeys(event) {
  const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (move && found.length) {
    index = (index + move + found.length) % found.length;
    showQuick(isQuery(area().value) ? area().value.slice(1) : "");
  } else if (event.key === "Enter" && coming) chooseFirst = true;
  else if (event.key === "Enter" || (event.key === "Tab" && found.length)) choose(index);
  else if (event.key === "Escape") closeQuick();
  else return false;
  event.preventDefault();
  event.stopPropagation();
  return true;
}

// --- Emoji and files ---

export function toggleEmoji() {
  const panel = document.getElementById("emoji");
  if (!panel) return;
  if (!panel.children.length)
    for (const sign of EMOJI) {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("role", "option");
      button.textContent = sign;
      button.addEventListener("click", () => {
        panel.hidden = true;
        insert(sign);
      });
      panel.append(button);
    }
  panel.hidden = !panel.hidden;
}

export function attach() {
  document.getElementById("file")?.click();
}

async function upload(files) {
  const to = { session: sessionId(), note: isNote() ? "1" : "" };
  for (const file of files) await sendFile(file, { ...to, key: uuid() });
}

async function sendFile(file, to) {
  const tag = document.createElement("span");
  tag.className = "cx-tag";
  tag.textContent = `${file.name} …`;
  document.getElementById("uploads")?.append(tag);
  const body = new FormData();
  for (const [name, value] of Object.entries({ file, key: to.key, note: to.note })) body.append(name, value);
  try {
    const stored = await post(`/desk/s/${to.session}/files/`, body);
    if (to.session === sessionId()) place(stored, stored.thread);
  } catch (error) {
    const again = error instanceof Lost ? { act: words.retry, undo: () => sendFile(file, to), seconds: 60 } : { seconds: 7 };
    say(`${file.name}: ${error.message}`, { bad: true, ...again });
  } finally {
    tag.remove();
  }
}

// Said now and then, not at each key: it goes to every page that shows the talk.
const TYPING_MS = 1500;
let told = 0;
function tellTyping() {
  if (Date.now() - told < TYPING_MS) return;
  told = Date.now();
  line?.send({ kind: "typing", thread: Number(document.getElementById("chat").dataset.thread), note: isNote() });
}

document.addEventListener("input", (event) => {
  if (event.target.id !== "message") return;
  grow();
  keepDraft();
  tellTyping();
  const text = area().value;
  if (isQuery(text)) quick(text.slice(1));
  else closeQuick();
});

document.addEventListener("keydown", (event) => {
  if (event.target.id !== "message") return;
  if (quickOpen() && quickKeys(event)) return;
  // A letter that an input method is still composing is not a message yet.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    if (coming) chooseFirst = true;
    else submit();
  }
});

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-act], [data-mode], [data-insert]");
  if (!target) return;
  if (target.dataset.mode) return setNote(target.dataset.mode === "note");
  if (target.dataset.insert !== undefined) return insertArticle(target.dataset.insert);
  const acts = { send: submit, emoji: toggleEmoji, attach, quick: toggleQuick };
  acts[target.dataset.act]?.();
});

document.addEventListener("cx:arrived", () => {
  chosenReply = "";
  told = 0;
});
document.addEventListener("change", (event) => {
  if (event.target.id !== "file") return;
  upload([...event.target.files]);
  event.target.value = "";
});
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files || [])];
  if (event.target.id === "message" && files.length && document.getElementById("file")) {
    event.preventDefault();
    upload(files);
  }
});
for (const kind of ["dragover", "dragleave", "drop"])
  document.addEventListener(kind, (event) => {
    const target = event.target.closest?.("#chat");
    if (!target || !document.getElementById("file") || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    box()?.querySelector(".box")?.classList.toggle("is-drop", kind === "dragover");
    if (kind === "drop") upload([...event.dataTransfer.files]);
  });

// The box to write in: text, emoji, files by button, drag and paste.

import { el, icon, iconButton, t } from "./dom.js";
import { store } from "./store.js";

const EMOJI = "🙂 😀 😂 😊 😉 😍 😎 🤔 😐 😕 😢 😭 😡 😱 🤝 👍 👎 👌 🙏 👏 💪 👋 ✌️ ❤️ 🔥 🎉 ⭐ ✅ ❌ ❓ ❗ 📷 📎 📦 🚗 🔧 💳 🕐 ☎️ 🏠".split(" ");
const TYPES = "image/png,image/jpeg,image/gif,image/webp,application/pdf,text/plain,.txt,.csv,.log";
const DRAFT_MS = 500;

/** Make the composer. `say(text)`, `sayFiles(files)`, `typing()`. Returns {node, focus(), addFiles(files), take(text)}. */
export function makeComposer({ say, sayFiles, typing }) {
  const input = el("input", { type: "file", class: "sr", accept: TYPES, multiple: true, tabindex: "-1", "aria-hidden": "true" });
  const attach = iconButton("paperclip", t("attach"), () => input.click());
  const box = el("textarea", { id: "message", rows: "1", placeholder: t("write"), "aria-label": t("your_message"), maxlength: "8000", enterkeyhint: "send" });
  const panel = el("div", { class: "wd-emoji", role: "group", "aria-label": t("emoji"), hidden: true });
  const smile = iconButton("mood-smile", t("emoji"), () => toggle(panel.hidden), { "aria-expanded": "false" });
  const go = el("button", { type: "submit", class: "wd-ib go", "aria-label": t("send"), title: t("send") }, icon("send"));
  const form = el("form", { class: "send" }, attach, input, smile, box, go);
  const node = el("footer", {}, panel, form);
  let saving = 0;

  panel.append(...EMOJI.map((one) => el("button", { type: "button", onclick: () => insert(one) }, one)));
  box.value = store.draft;

  function toggle(on) {
    panel.hidden = !on;
    smile.setAttribute("aria-expanded", String(on));
    if (on) panel.firstElementChild.focus();
    else box.focus();
  }

  function insert(text) {
    box.setRangeText(text, box.selectionStart, box.selectionEnd, "end");
    toggle(false);
    changed();
  }

  function changed() {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, 120)}px`;
    clearTimeout(saving);
    saving = setTimeout(() => {
      store.draft = box.value;
    }, DRAFT_MS);
  }

  function submit() {
    const text = box.value.trim();
    if (!text) return;
    take("");
    say(text);
    box.focus();
  }

  function take(text) {
    box.value = text;
    changed();
    clearTimeout(saving);
    store.draft = text;
  }

  function addFiles(files) {
    if (files.length) sayFiles([...files]);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  box.addEventListener("input", () => {
    changed();
    if (box.value.trim()) typing();
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  });
  box.addEventListener("paste", (event) => {
    const files = event.clipboardData.files;
    if (!files.length) return;
    event.preventDefault();
    addFiles(files);
  });
  panel.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 8, ArrowUp: -8 }[event.key];
    const all = [...panel.children];
    if (step) all[all.indexOf(document.activeElement) + step]?.focus();
    else if (event.key === "Escape") toggle(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  input.addEventListener("change", () => {
    addFiles(input.files);
    input.value = "";
  });

  return {
    node,
    take,
    addFiles,
    focus: () => box.focus(),
  };
}

/** Let files be dropped anywhere on a node, as long as `may()` says so; elsewhere a drop does nothing, and looks so. */
export function takeDrops(node, may, drop) {
  let depth = 0;
  const mark = (change) => {
    depth = change === 0 ? 0 : Math.max(0, depth + change);
    node.classList.toggle("is-drop", depth > 0 && may());
  };
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  addEventListener("dragenter", (event) => hasFiles(event) && mark(1));
  addEventListener("dragleave", (event) => hasFiles(event) && mark(-1));
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    if (!may()) event.dataTransfer.dropEffect = "none";
  });
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    mark(0);
    if (may()) drop(event.dataTransfer.files);
  });
}

// The card: edit in place, copy, link and unlink by hand, block with an undo.
import { copyText } from "../copy.js";
import { closeDialog } from "../dialogs.js";
import { format, now, tick } from "../clock.js";
import { post, words } from "../net.js";
import { complain, say } from "../toast.js";
import { refreshParts, refreshSide, reopen } from "./parts.js";

// A field of the kind that the value has.
function fieldFor({ kind, options, value }) {
  const choices = { choice: options?.split("|"), flag: ["true", "false"], person: options?.split("|") }[kind];
  const field = document.createElement(choices ? "select" : "input");
  field.className = choices ? "form-select" : "form-control";
  if (kind === "person") field.append(...["", ...choices].map(colleague));
  else if (choices) field.append(...["", ...choices].map((one) => new Option(choiceWords(kind, one), one)));
  else field.type = kind === "date" ? "date" : "text";
  field.value = value;
  return field;
}

// A colleague is kept by his login and shown by his name: "login=name".
function colleague(one) {
  const [login, name] = one.split("=");
  return new Option(name || words.notKnown, login);
}

const choiceWords = (kind, value) => (kind === "flag" && value ? words[value === "true" ? "yes" : "no"] : value || words.notKnown);

function edit(el) {
  if (el.querySelector("input, select")) return;
  const before = el.textContent;
  const field = fieldFor(el.dataset);
  field.setAttribute("aria-label", el.dataset.label);
  el.replaceChildren(field);
  field.focus();
  let over = false;
  // What was refused is sent again by Enter alone: leaving the field must not ask for ever.
  let refused = false;
  const close = (text) => {
    el.textContent = text;
    if (document.activeElement === document.body) el.focus();
  };
  const finish = async (keep) => {
    if (over) return;
    over = true;
    const value = field.value.trim();
    if (!keep || value === el.dataset.value) {
      close(before);
      if (refused) refreshSide();
      return;
    }
    try {
      const saved = await post(el.dataset.url, { [el.dataset.edit]: value, version: el.dataset.version });
      for (const other of document.querySelectorAll(`[data-url="${el.dataset.url}"]`)) other.dataset.version = saved.version;
      // An emptied edit gives the word back to the sources: what stands now may be theirs.
      const { value: stands = value, shown = saved.name } = saved.shown[el.dataset.edit] ?? {};
      el.dataset.value = stands;
      close(shown || words.notKnown);
      say(words.saved);
      if (refused) refreshSide();
    } catch (error) {
      over = false;
      refused = true;
      field.setAttribute("aria-invalid", "true");
      if (error.code === "stale") el.dataset.version = error.answer.version;
      complain(error.code === "stale" ? new Error(words.cardStale) : error);
    }
  };
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter") finish(true);
    else if (event.key === "Escape") finish(false);
  });
  field.addEventListener("blur", () => refused || finish(true));
}

async function link(button) {
  try {
    const { before } = await post(button.dataset.link, button.dataset.values || "");
    closeDialog();
    const undo = async () => {
      await post(button.dataset.link, { profile: before ?? "" }).catch(complain);
      reopen();
    };
    say(button.dataset.values ? words.linked : words.unlinked, { undo });
    reopen();
  } catch (error) {
    complain(error);
  }
}

async function block(button) {
  try {
    const { block: made } = await post(button.dataset.block, button.dataset.values);
    say(words.blocked, { undo: () => post(`/desk/blocks/${made}/lift/`).catch(complain) });
  } catch (error) {
    complain(error);
  }
}

async function extend(button) {
  try {
    const { until, left } = await post(button.dataset.extend);
    for (const el of document.querySelectorAll("#wrapup [data-until]")) {
      el.dataset.until = until;
      el.textContent = format(until - now());
    }
    document.getElementById("wrapup-left").dataset.left = left;
    button.hidden = !left;
    tick();
    // Its time stands in the tab and in the list as well.
    refreshParts();
  } catch (error) {
    complain(error);
  }
}

async function copy(button) {
  try {
    await copyText(button.dataset.copy);
    button.classList.add("ok");
    setTimeout(() => button.classList.remove("ok"), 1200);
  } catch (error) {
    complain(error);
  }
}

async function copyLink(button) {
  try {
    const made = await post(button.dataset.callLink, button.dataset.values);
    try {
      await copyText(made.url);
    } catch {
      // It is made all the same: shown, so that it can be marked and copied by hand.
      say(made.url, { seconds: 60 });
      return;
    }
    say(made.words, { undo: () => post(made.undo).catch(complain), seconds: 10 });
  } catch (error) {
    complain(error);
  }
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-edit], [data-link], [data-block], [data-extend], [data-copy], [data-call-link]");
  if (!target) return;
  if (target.dataset.edit) edit(target);
  else if (target.dataset.link) link(target);
  else if (target.dataset.block) block(target);
  else if (target.dataset.extend) extend(target);
  else if (target.dataset.callLink) copyLink(target);
  else copy(target);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.dataset?.edit && event.target.getAttribute("role") === "button") edit(event.target);
});

// Keyboard: by event.code, so that it works in any layout; can be remapped; "?" lists all.
import { show } from "../dialogs.js";
import { words } from "../net.js";
import { acceptFirst } from "./offers.js";
import { attach, toggleEmoji, toggleNote } from "./composer.js";
import { toggleFind } from "./log.js";
import { goTo, openNext } from "./parts.js";
import { openPalette, useCommands } from "./palette.js";
import { prefs, savePrefs, setPresence } from "./prefs.js";

const press = (selector) => () => document.querySelector(selector)?.click();
// Of the session that is open; where it has no such button, of the call in the bar.
const pressOf = (key) => () => (document.querySelector(`#app [data-key=${key}]:not(#cti *)`) ?? document.querySelector(`#cti [data-key=${key}]:enabled`))?.click();
const ACTS = {
  search: ["KeyK", "ctrl", () => openPalette()],
  accept: ["KeyA", "alt", acceptFirst],
  next: ["KeyQ", "alt", openNext],
  note: ["KeyI", "alt", toggleNote],
  transfer: ["KeyT", "alt", pressOf("transfer")],
  case: ["KeyC", "alt", press("[data-key=case]")],
  snooze: ["KeyZ", "alt", press("[data-key=snooze]")],
  finish: ["KeyW", "alt", pressOf("finish")],
  hold: ["KeyH", "alt", press("[data-key=hold]:enabled")],
  mute: ["KeyM", "alt", press("[data-key=mute]:enabled")],
  emoji: ["KeyJ", "alt", toggleEmoji],
  attach: ["KeyU", "alt", attach],
  knowledge: ["KeyK", "alt", press("#level3 a[href*=knowledge]")],
  find: ["KeyS", "alt", toggleFind],
};
const FIXED = [
  ["Alt 1…9", "kTab"],
  ["Alt 0 1 2 3", "kStatus"],
  ["/", "kReplies"],
  ["Enter", "kSend"],
  ["Shift Enter", "kNewline"],
  ["Ctrl Enter", "kSubmit"],
  ["Esc", "kClose"],
  ["?", "kHelp"],
];
let stateTill = 0;

const codeOf = (name) => (prefs.keys || {})[name] ?? ACTS[name][0];
const spoken = (name) => (codeOf(name) === "off" ? words.off : `${ACTS[name][1] === "ctrl" ? "Ctrl" : "Alt"} ${codeOf(name).replace(/^Key|^Digit/, "")}`);
const title = (name) => words["k" + name[0].toUpperCase() + name.slice(1)];

function commands() {
  return Object.keys(ACTS).filter((name) => name !== "search").map((name) => ({ title: title(name), keys: spoken(name), run: ACTS[name][2] }));
}

useCommands(commands);

// "Alt 0" asks for a state: for a moment the next digit is the answer, wherever the cursor stands.
const asksState = () => Date.now() < stateTill;

function number(event) {
  const digit = Number(event.code.replace("Digit", ""));
  const menu = document.getElementById("status");
  if (asksState() && digit >= 1 && digit <= 3) chooseState(digit, menu);
  else if (digit === 0 && menu) {
    stateTill = Date.now() + 3000;
    menu.open = true;
  } else {
    const tab = document.querySelectorAll("#tabs [data-open]")[digit - 1];
    if (tab) goTo(tab.dataset.open);
  }
}

// A pause needs its reason: with several the first has the focus, and nothing is chosen yet.
function chooseState(digit, menu) {
  stateTill = 0;
  const pauses = menu.querySelectorAll("[data-presence=pause]");
  if (digit === 2 && pauses.length > 1) return pauses[0].focus();
  if (digit === 2) pauses[0].click();
  else setPresence(digit === 1 ? "available" : "offline");
  menu.open = false;
}

// Closes what lies over the talk; the cursor goes back to what is written.
function closeTop() {
  for (const menu of document.querySelectorAll("details.cx-menu[open]")) menu.open = false;
  const [emoji, bar] = [document.getElementById("emoji"), document.getElementById("find")];
  if (emoji?.hidden === false) toggleEmoji();
  else if (bar?.hidden === false) toggleFind();
  else return;
  document.getElementById("message")?.focus();
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select");
  if (event.key === "Escape") closeTop();
  if (asksState() && /^Digit[1-3]$/.test(event.code)) return event.preventDefault(), number(event);
  if (event.altKey && !event.ctrlKey && /^Digit\d$/.test(event.code)) return event.preventDefault(), number(event);
  if (event.key === "?" && !typing) return help();
  for (const name of Object.keys(ACTS)) {
    const [, how, run] = ACTS[name];
    const held = how === "ctrl" ? (event.ctrlKey || event.metaKey) && !event.altKey : event.altKey && !event.ctrlKey;
    if (held && event.code === codeOf(name)) {
      event.preventDefault();
      run();
      return;
    }
  }
});

function help() {
  const box = document.getElementById("dialog");
  const form = document.createElement("form");
  form.method = "dialog";
  const [header, h2, body, list, footer, reset, ok] = ["header", "h2", "div", "dl", "footer", "button", "button"].map((tag) => document.createElement(tag));
  h2.textContent = words.shortcuts;
  header.append(h2);
  body.className = "bd";
  list.className = "cx-keys";
  const line = (keys, text, name) => {
    const [row, dt, dd, kbd] = ["div", "dt", "dd", name ? "button" : "kbd"].map((tag) => document.createElement(tag));
    kbd.textContent = keys;
    if (name) {
      kbd.type = "button";
      kbd.className = "btn btn-plain btn-xs";
      kbd.title = words.keysHint;
      kbd.addEventListener("keydown", (event) => remap(event, name, kbd));
    }
    dt.append(kbd);
    dd.textContent = text;
    row.append(dt, dd);
    list.append(row);
  };
  for (const name of Object.keys(ACTS)) line(spoken(name), title(name), name);
  for (const [keys, word] of FIXED) line(keys, words[word]);
  const refused = document.createElement("p");
  refused.setAttribute("role", "alert");
  body.append(refused, list);
  reset.type = "button";
  reset.className = "btn btn-plain";
  reset.textContent = words.keysReset;
  reset.addEventListener("click", () => {
    prefs.keys = {};
    savePrefs();
    help();
  });
  ok.className = "btn btn-primary";
  ok.textContent = words.close;
  footer.append(reset, ok);
  form.append(header, body, footer);
  box.replaceChildren(form);
  box.classList.add("l");
  box.addEventListener("close", () => box.classList.remove("l"), { once: true });
  show(box);
}

// A letter pressed on a shortcut's button becomes its key; Backspace switches it off.
function remap(event, name, button) {
  if (!/^Key[A-Z]$|^Backspace$/.test(event.code)) return;
  event.preventDefault();
  event.stopPropagation();
  const taken = Object.keys(ACTS).find((other) => other !== name && ACTS[other][1] === ACTS[name][1] && codeOf(other) === event.code);
  if (taken) return void (button.closest(".bd").querySelector("[role=alert]").textContent = `${spoken(taken)}: ${title(taken)}. ${words.keyTaken}`);
  prefs.keys = { ...prefs.keys, [name]: event.code === "Backspace" ? "off" : event.code };
  savePrefs();
  button.textContent = spoken(name);
}

document.addEventListener("click", (event) => event.target.closest("[data-act=help]") && help());

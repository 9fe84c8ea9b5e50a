// Short words of what happened, with an undo where there is one.
import { words } from "./net.js";

const NEXT = "cx:said";

// Say it on the page that comes: this one is about to be left.
export function sayNext(text) {
  sessionStorage.setItem(NEXT, text);
}

// `undo` is what the button does; `act` is its name, if it is another one.
export function say(text, { undo, act = words.undo, seconds = 5, bad = false } = {}) {
  // One undo at a time: the newest act is the one to take back.
  if (undo && !bad) for (const old of document.querySelectorAll("#toasts .cx-undo:not(.bad)")) old.remove();
  const box = document.createElement("div");
  box.className = "cx-undo" + (bad ? " bad" : "");
  const line = document.createElement("span");
  line.className = "grow";
  line.textContent = text;
  box.append(line);
  if (undo) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-xs";
    button.textContent = act;
    button.addEventListener("click", () => {
      box.remove();
      undo();
    });
    const left = document.createElement("span");
    left.className = "left";
    left.style.setProperty("--t", seconds + "s");
    box.append(button, left);
  }
  document.getElementById("toasts").append(box);
  setTimeout(() => box.remove(), seconds * 1000);
  return box;
}

const kept = sessionStorage.getItem(NEXT);
sessionStorage.removeItem(NEXT);
if (kept) say(kept);

export function complain(error) {
  if (error?.message) say(error.message, { bad: true, seconds: 7 });
}

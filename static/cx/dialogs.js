// Native dialogs: one that is filled from the server, and a question with two answers.
import { elements, getText, words } from "./net.js";

const dialog = () => document.getElementById("dialog");

export async function openDialog(url) {
  const box = dialog();
  box.replaceChildren(...elements(await getText(url)));
  window.htmx?.process(box);
  show(box);
  box.querySelector("[autofocus], input, textarea, select, button:not([data-close])")?.focus();
}

export function show(box) {
  if (!box.open) box.showModal();
}

export function closeDialog() {
  const box = dialog();
  if (box?.open) box.close();
}

// Asks and answers true or false. The safe answer has the focus.
export function sure(question, { yes = words.ok, no = words.cancel, title = "" } = {}) {
  const box = dialog();
  const form = document.createElement("form");
  form.method = "dialog";
  const header = document.createElement("header");
  const h2 = document.createElement("h2");
  h2.textContent = title || question;
  header.append(h2);
  const body = document.createElement("div");
  body.className = "bd";
  body.textContent = title ? question : "";
  const footer = document.createElement("footer");
  const [refuse, agree] = [document.createElement("button"), document.createElement("button")];
  refuse.className = "btn btn-plain";
  refuse.textContent = no;
  agree.className = "btn btn-primary";
  agree.textContent = yes;
  agree.value = "yes";
  footer.append(refuse, agree);
  form.append(header, ...(title ? [body] : []), footer);
  box.replaceChildren(form);
  box.returnValue = "";
  show(box);
  refuse.focus();
  return new Promise((resolve) => {
    box.addEventListener("close", () => resolve(box.returnValue === "yes"), { once: true });
  });
}

// A form that fetches a file leaves the page as it is: only its dialog has served.
document.addEventListener("submit", ({ target }) => {
  if ("download" in target.dataset) setTimeout(closeDialog);
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
  // Menus close when one looks elsewhere, or after a choice in them.
  for (const menu of document.querySelectorAll("details.cx-menu[open]")) {
    const inside = menu.contains(event.target);
    if (!inside || event.target.closest(".dropdown-menu button")) menu.open = false;
  }
});

// Forms and buttons that act: data-submit, data-post, with an undo, an error in its place, and what follows.
import { closeDialog, sure } from "./dialogs.js";
import { Refused, post, uuid, words } from "./net.js";
import { complain, say, sayNext } from "./toast.js";

function clearErrors(form) {
  form.querySelector(".cx-errs")?.remove();
  for (const el of form.querySelectorAll(".invalid-feedback")) el.remove();
  for (const el of form.querySelectorAll("[aria-invalid]")) el.removeAttribute("aria-invalid");
}

// Each error stands under its field, and all of them in a summary that gets the focus.
function showError(form, error) {
  const faults = error.answer?.faults ?? [{ field: error.field, message: error.message }];
  for (const fault of faults) {
    const named = fault.field && form.elements.namedItem(fault.field);
    // Of several fields of one name, their group has the name as its id.
    const field = named instanceof RadioNodeList ? [...named].find((one) => one.id === fault.field) : named;
    if (field instanceof HTMLElement) mark(field, fault.message);
  }
  // What a form says of a field is no sentence by itself: it goes with the field's label.
  const told = error.answer?.faults ? faults.map((fault) => labelOf(form, fault.field) + fault.message) : [error.message];
  notice(form, [...new Set(told)].join("\n")).focus();
}

// Words that name no field are said with its label where several stand together.
function labelOf(form, name) {
  const field = name && form.elements.namedItem(name);
  const label = field?.labels?.[0]?.textContent.trim() || field?.getAttribute?.("aria-label");
  return label ? `${label}: ` : "";
}

function mark(field, message) {
  if (field.hasAttribute("aria-invalid")) return;
  field.setAttribute("aria-invalid", "true");
  const note = document.createElement("div");
  note.className = "invalid-feedback";
  note.id = `${field.id}-error`;
  note.textContent = message;
  field.setAttribute("aria-describedby", note.id);
  (field.querySelector(":scope > legend") ?? field).after(note);
}

// What must be read before the form is sent, at its top.
export function notice(form, text) {
  const summary = document.createElement("div");
  summary.className = "cx-errs";
  summary.tabIndex = -1;
  summary.setAttribute("role", "alert");
  summary.textContent = text;
  (form.querySelector(".cx-scroll, .bd") || form).prepend(summary);
  return summary;
}

export function follow(what) {
  document.dispatchEvent(new CustomEvent("cx:follow", { detail: what || "" }));
}

// What makes something goes under a key: sent again, because no answer came, it makes it once.
function valuesOf(form, submitter) {
  const values = new FormData(form, submitter);
  if (!("once" in form.dataset)) return values;
  form.dataset.key ??= uuid();
  values.set("key", form.dataset.key);
  return values;
}

async function submit(form, submitter) {
  if ("busy" in form.dataset || "sent" in form.dataset) return;
  form.dataset.busy = "";
  clearErrors(form);
  const button = submitter || form.querySelector("[type=submit]");
  button?.setAttribute("aria-busy", "true");
  try {
    const answer = await post(form.dataset.submit, valuesOf(form, submitter));
    delete form.dataset.key;
    // Its fields are no unsaved ones any more, wherever they still stand.
    form.dataset.sent = "";
    document.dispatchEvent(new Event("cx:sent"));
    closeDialog();
    if ("clear" in form.dataset) {
      form.reset();
      delete form.dataset.sent;
    }
    if (answer?.then) {
      if (answer.said) sayNext(answer.said);
      return window.location.assign(answer.then);
    }
    if (answer?.said) say(answer.said);
    if (form.dataset.said) say(words[form.dataset.said] + (answer?.number ? ": " + answer.number : ""), { undo: undoBy(answer?.undo ?? [], form.dataset) });
    follow(form.dataset.then);
  } catch (error) {
    // Who may have been heard all the same asks again under the same key.
    if (error instanceof Refused && error.status < 500 && error.code !== "in_progress") delete form.dataset.key;
    showError(form, error);
    form.dispatchEvent(new CustomEvent("cx:refused", { bubbles: true, detail: error }));
  } finally {
    delete form.dataset.busy;
    button?.removeAttribute("aria-busy");
  }
}

// What takes an act back: its answer names the addresses, or the button does.
function undoBy(addresses, { undo, then }) {
  if (!addresses.length) return undefined;
  return async () => {
    for (const address of addresses) await post(address, undo || "").catch(complain);
    follow(then);
  };
}

async function act(button) {
  if (button.hasAttribute("aria-busy")) return;
  if (button.dataset.sure && !(await sure(button.dataset.sure))) return;
  const url = button.dataset.post;
  button.setAttribute("aria-busy", "true");
  try {
    const answer = await post(url, button.dataset.values || "");
    if (answer?.said) say(answer.said);
    // A list in a dialog goes on; a decision closes it.
    if (button.closest("dialog") && !button.dataset.remove) closeDialog();
    const undo = undoBy(answer?.undo ?? [button.dataset.undoUrl || (button.dataset.undo && url)].filter(Boolean), button.dataset);
    if (button.dataset.said) say(words[button.dataset.said], { undo });
    if (button.dataset.remove) button.closest(button.dataset.remove)?.remove();
    else follow(button.dataset.then);
  } catch (error) {
    complain(error);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.submit) {
    event.preventDefault();
    submit(form, event.submitter);
  } else if ("noop" in form.dataset) event.preventDefault();
});

for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"])
  document.addEventListener(name, () => complain(new Error(name === "htmx:responseError" ? words.error : words.offlineError)));

// Changed once more it is another one.
document.addEventListener("input", ({ target }) => {
  delete target.form?.dataset.key;
  delete target.form?.dataset.sent;
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-post]");
  if (button) act(button);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.ctrlKey && !event.repeat) event.target.closest("form[data-submit]")?.requestSubmit();
});

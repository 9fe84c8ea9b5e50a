// What has been filled in but not sent: kept in this tab while another session is shown, and over a reload.
import { notice } from "../forms.js";
import { words } from "../net.js";

const NAME = "cx.fields." + document.body.dataset.user;
const PAGES = 50;
const load = () => JSON.parse(sessionStorage.getItem(NAME) || "{}");
let page = window.location.pathname;

// Fields of the work area in which somebody has typed or chosen something that is not sent yet.
export function dirtyFields() {
  const fields = [...document.querySelectorAll("#work textarea, #work input, #work select")].filter((el) => !["search", "file"].includes(el.type));
  return fields.filter((el) => !("sent" in (el.form?.dataset ?? {})) && isChanged(el));
}

export const isDirty = () => dirtyFields().length > 0;

function isChanged(el) {
  if (el.tagName === "SELECT") return el.selectedIndex !== chosenAtFirst(el);
  return isBox(el) ? el.checked !== el.defaultChecked : el.value !== el.defaultValue;
}

const isBox = (el) => el.type === "checkbox" || el.type === "radio";
const chosenAtFirst = (select) => Math.max(0, [...select.options].findIndex((one) => one.defaultSelected));
// Boxes of one name are told by their values.
const nameOf = (el) => (isBox(el) ? `${el.name} ${el.value}` : el.name);

// One form's: its fields, of which state they are a change, and the key it went under if no answer came.
function entryOf(form, dirty) {
  const fields = [...form.querySelectorAll("[name]")].filter((el) => el.type !== "hidden" && dirty.has(el));
  if (!fields.length) return null;
  const values = Object.fromEntries(fields.map((el) => [nameOf(el), isBox(el) ? el.checked : el.value]));
  return { values, version: form.elements.namedItem("version")?.value, key: form.dataset.key };
}

function keepFields() {
  const all = load();
  delete all[page];
  const dirty = new Set(dirtyFields());
  const forms = [...document.querySelectorAll("#work form[data-submit]")];
  const kept = forms.map((form) => [form.dataset.submit, entryOf(form, dirty)]).filter(([, entry]) => entry);
  if (kept.length) all[page] = Object.fromEntries(kept);
  for (const old of Object.keys(all).slice(0, -PAGES)) delete all[old];
  sessionStorage.setItem(NAME, JSON.stringify(all));
}

// What a colleague has changed meanwhile stands in the other fields; the writer is told before he saves over it.
function restore(form, { values, version, key }) {
  const fields = [...form.querySelectorAll("[name]")].filter((el) => el.type !== "hidden" && nameOf(el) in values);
  for (const el of fields) {
    if (isBox(el)) el.checked = values[nameOf(el)];
    else el.value = values[nameOf(el)];
  }
  if (version === form.elements.namedItem("version")?.value) {
    if (key) form.dataset.key = key;
  } else if (fields.some(isChanged)) notice(form, words.changedMeanwhile);
}

document.addEventListener("input", ({ target }) => target.closest("#work form[data-submit]") && keepFields());
for (const name of ["cx:leaving", "cx:sent"]) document.addEventListener(name, keepFields);
window.addEventListener("pagehide", keepFields);
document.addEventListener("cx:arrived", () => {
  page = window.location.pathname;
  const kept = load()[page] ?? {};
  for (const form of document.querySelectorAll("#work form[data-submit]")) if (form.dataset.submit in kept) restore(form, kept[form.dataset.submit]);
});

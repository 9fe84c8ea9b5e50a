// What has been filled in but not sent: kept in this tab while another session is shown, and over a reload.
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
  return ["checkbox", "radio"].includes(el.type) ? el.checked !== el.defaultChecked : el.value !== el.defaultValue;
}

const chosenAtFirst = (select) => Math.max(0, [...select.options].findIndex((one) => one.defaultSelected));

const nameOf = (el) => `${el.form.dataset.submit} ${el.name}${el.type === "radio" ? ` ${el.value}` : ""}`;
const fieldsOfForms = () => [...document.querySelectorAll("#work form[data-submit] [name]")].filter((el) => el.type !== "hidden");

function keepFields() {
  const all = load();
  delete all[page];
  const dirty = new Set(dirtyFields());
  const kept = fieldsOfForms().filter((el) => dirty.has(el)).map((el) => [nameOf(el), el.type === "checkbox" || el.type === "radio" ? el.checked : el.value]);
  if (kept.length) all[page] = Object.fromEntries(kept);
  for (const old of Object.keys(all).slice(0, -PAGES)) delete all[old];
  sessionStorage.setItem(NAME, JSON.stringify(all));
}

document.addEventListener("input", ({ target }) => target.closest("#work form[data-submit]") && keepFields());
for (const name of ["cx:leaving", "cx:sent"]) document.addEventListener(name, keepFields);
document.addEventListener("cx:arrived", () => {
  page = window.location.pathname;
  const kept = load()[page] ?? {};
  for (const el of fieldsOfForms()) {
    const value = kept[nameOf(el)];
    if (value === undefined) continue;
    if (typeof value === "boolean") el.checked = value;
    else el.value = value;
  }
});

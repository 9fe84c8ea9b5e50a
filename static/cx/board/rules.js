// Forms of the rules: usual orders, members by group, rows of tables, and another day to try on.
const form = document.querySelector("form[data-rules]");
const field = (name) => form.elements.namedItem(name);

// What the weights mean, as the server words it.
function sayOrder() {
  const [priority, wait] = ["priority_weight", "wait_weight"].map((name) => Number(field(name).value));
  const out = document.getElementById("order");
  const { first, strict, start } = out.dataset;
  if (priority <= 0) out.textContent = first;
  else if (wait <= 0) out.textContent = strict;
  else out.textContent = start.replace("{seconds}", String(Number((priority / wait).toPrecision(6))));
  for (const button of form.querySelectorAll("[data-weights]"))
    button.setAttribute("aria-pressed", button.dataset.weights === `${priority} ${wait}`);
}

function changed(control) {
  control.dispatchEvent(new Event("input", { bubbles: true }));
}

function countMembers() {
  const box = document.getElementById("members");
  box.querySelector("[data-count]").textContent = box.querySelectorAll("[name=members]:checked").length;
  for (const group of box.querySelectorAll(".cx-mgroup")) {
    const all = group.querySelector("[data-all]");
    const people = [...group.querySelectorAll("[name=members]")];
    const chosen = people.filter((one) => one.checked).length;
    all.checked = people.length > 0 && chosen === people.length;
    all.indeterminate = chosen > 0 && chosen < people.length;
  }
}

function findMember(text) {
  const wanted = text.trim().toLowerCase();
  for (const group of document.querySelectorAll("#members .cx-mgroup")) {
    const people = [...group.querySelectorAll("label:has([name=members])")];
    for (const one of people) one.hidden = !one.textContent.toLowerCase().includes(wanted);
    group.hidden = Boolean(wanted) && people.every((one) => one.hidden);
  }
}

// Another row like the last one, empty. Its fields carry the next number.
function addRow(table) {
  const rows = table.tBodies[0].rows;
  const last = rows[rows.length - 1];
  const fresh = last.cloneNode(true);
  const next = Math.max(...[...table.querySelectorAll("[name]")].map((el) => Number(el.name.match(/\d+$/)?.[0] ?? 0))) + 1;
  for (const el of fresh.querySelectorAll("[name]")) {
    el.name = el.id = el.name.replace(/\d+$/, next);
    el.removeAttribute("aria-invalid");
    if (el.tagName === "INPUT") el.value = "";
  }
  for (const note of fresh.querySelectorAll(".invalid-feedback")) note.remove();
  last.after(fresh);
  fresh.querySelector("select, input").focus();
}

// The last row is emptied: a table offers one at least.
function dropRow(row) {
  const next = row.nextElementSibling ?? row.previousElementSibling;
  if (next) row.remove();
  else for (const el of row.querySelectorAll("input")) el.value = "";
  (next ?? row).querySelector("[data-drop]").focus();
}

// Of any form that tries rules, those of dialogs too.
function offerDay(form, { day, words }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-plain btn-xs end";
  button.textContent = words;
  button.addEventListener("click", () => {
    const tried = document.createElement("input");
    Object.assign(tried, { type: "hidden", name: "try_day", value: day });
    form.append(tried);
    form.requestSubmit(form.querySelector("[value=try]"));
    tried.remove();
  });
  form.querySelector(".cx-errs").append(" ", button);
}

if (form) {
  form.addEventListener("click", ({ target }) => {
    const weights = target.closest("[data-weights]")?.dataset.weights.split(" ");
    if (weights) {
      [field("priority_weight").value, field("wait_weight").value] = weights;
      changed(field("wait_weight"));
    }
    if (target.closest("[data-more]")) addRow(target.closest("fieldset").querySelector("[data-rows]"));
    if (target.closest("[data-drop]")) dropRow(target.closest("tr"));
  });
  form.addEventListener("input", ({ target }) => {
    if (/_weight$/.test(target.name)) sayOrder();
    if (target.id === "find-member") findMember(target.value);
    if ("all" in target.dataset)
      for (const one of target.closest(".cx-mgroup").querySelectorAll("label:not([hidden]) > [name=members]")) one.checked = target.checked;
    if (target.closest("#members")) countMembers();
    if (target.name === "callbacks") form.querySelector("[data-callbacks]").hidden = !target.checked;
  });
  // Enter in a field of many is no decision: Ctrl+Enter saves.
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.ctrlKey && event.target.tagName === "INPUT") event.preventDefault();
  });
  const tell = () => {
    if (document.getElementById("order")) sayOrder();
    if (document.getElementById("members")) countMembers();
  };
  // What was filled in before and not sent is put back first.
  document.addEventListener("cx:arrived", () => setTimeout(tell));
  tell();
}

document.addEventListener("cx:refused", ({ target, detail }) => detail.answer?.offer && offerDay(target, detail.answer.offer));

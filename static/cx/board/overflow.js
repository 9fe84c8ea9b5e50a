// Rules of overflow on the page of a queue: added, removed, put in order by buttons or keys. Each shows what it needs.
const box = document.getElementById("overflow");
const list = box?.querySelector("[data-lines]");
const lines = () => [...list.children];
const COUNTED = ["waited", "length"];
const WORDED = ["message", "close"];

// The number in the names of its fields is the place of a rule; what is wrong there is told by it.
function settle() {
  const all = lines();
  all.forEach((line, place) => {
    const rule = box.dataset.rule.replace("{place}", place + 1);
    for (const el of line.querySelectorAll("[name]")) {
      el.name = el.id = el.name.replace(/-\d*$/, `-${place}`);
      el.setAttribute("aria-label", `${rule}: ${el.dataset.label}`);
    }
    line.querySelector("[data-move=up]").disabled = !place;
    line.querySelector("[data-move=down]").disabled = place === all.length - 1;
  });
  box.querySelector("[data-count]").textContent = all.length;
  box.querySelector("[data-none]").hidden = all.length > 0;
}

const valueOf = (line, name) => line.querySelector(`[name^="${name}-"]`).value;

function showNeeded(line) {
  const [when, then] = [valueOf(line, "when"), valueOf(line, "then")];
  line.querySelector("[data-needs=limit]").hidden = !COUNTED.includes(when);
  line.querySelector("[data-unit]").hidden = when !== line.querySelector("[data-unit]").dataset.unit;
  line.querySelector("[data-needs=to]").hidden = then !== "queue";
  const words = line.querySelector("[data-asked]");
  words.placeholder = WORDED.includes(then) ? words.dataset.asked : words.dataset.usual;
}

function say(words, told) {
  box.querySelector("[data-said]").textContent = words.replace(/\{(\w+)\}/g, (_all, name) => told[name]);
}

function changed() {
  settle();
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

function add() {
  list.append(box.querySelector("[data-fresh]").content.cloneNode(true));
  changed();
  list.lastElementChild.querySelector("select").focus();
}

function cut(line) {
  const next = line.nextElementSibling ?? line.previousElementSibling;
  line.remove();
  changed();
  say(box.dataset.gone, { count: lines().length });
  (next?.querySelector("[data-cut]") ?? box.querySelector("[data-add]")).focus();
}

// The neighbour goes round it: the rule with the focus is not taken out of the page.
function move(line, up) {
  const beside = up ? line.previousElementSibling : line.nextElementSibling;
  if (!beside) return;
  if (up) line.after(beside);
  else line.before(beside);
  changed();
  line.scrollIntoView({ block: "nearest" });
  say(box.dataset.place, { place: lines().indexOf(line) + 1, count: lines().length });
}

if (box) {
  box.addEventListener("click", ({ target }) => {
    const line = target.closest("[data-line]");
    const button = target.closest("[data-move]");
    if (target.closest("[data-add]")) add();
    if (target.closest("[data-cut]")) cut(line);
    if (!button) return;
    move(line, button.dataset.move === "up");
    // A button that leads nowhere any more gives the focus on.
    if (button.disabled) line.querySelector("[data-move]:not(:disabled)")?.focus();
  });
  box.addEventListener("keydown", (event) => {
    const line = event.target.closest("[data-line]");
    if (!line || !event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    move(line, event.key === "ArrowUp");
  });
  box.addEventListener("change", ({ target }) => {
    const line = target.closest("[data-line]");
    if (line) showNeeded(line);
  });
  lines().forEach(showNeeded);
  settle();
}

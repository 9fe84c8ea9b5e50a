// The skills matrix. A cell is a number; the one that is looked at is a choice, kept as soon as it is made.
import { post } from "../net.js";
import { complain } from "../toast.js";

const matrix = document.getElementById("matrix");
const column = (cell) => matrix.tHead.rows[0].cells[cell.cellIndex];
const shown = (level) => (level === "0" ? "–" : level);

function choose(button) {
  const cell = button.parentElement;
  const select = document.createElement("select");
  select.className = "cx-level";
  select.dataset.level = button.dataset.level;
  select.setAttribute("aria-label", `${cell.parentElement.cells[0].textContent}: ${column(cell).querySelector("span").textContent}`);
  for (const level of "012345") select.add(new Option(shown(level), level, false, level === button.dataset.level));
  button.replaceWith(select);
  return select;
}

function close(select) {
  const button = document.createElement("button");
  button.className = "cx-level";
  button.dataset.level = select.dataset.level;
  button.textContent = shown(select.dataset.level);
  select.replaceWith(button);
}

function countAble(cell, before, after) {
  const count = column(cell).querySelector("small");
  count.textContent = Number(count.textContent) + (after !== "0") - (before !== "0");
  count.classList.toggle("bad", count.textContent === "0");
}

async function keep(select) {
  const [cell, before] = [select.closest("td"), select.dataset.level];
  const url = matrix.dataset.url.replace("/0/0/", `/${column(cell).dataset.skill}/${cell.parentElement.dataset.user}/`);
  select.setAttribute("aria-busy", "true");
  try {
    await post(url, { level: select.value });
    countAble(cell, before, select.value);
    select.dataset.level = select.value;
  } catch (error) {
    select.value = before;
    complain(error);
  } finally {
    select.removeAttribute("aria-busy");
    if (document.activeElement !== select && select.isConnected) close(select);
  }
}

matrix?.addEventListener("focusin", ({ target }) => {
  if (target.matches("button.cx-level")) choose(target).focus();
});
matrix?.addEventListener("focusout", ({ target }) => {
  if (target.matches("select.cx-level:not([aria-busy])") && document.visibilityState === "visible" && document.hasFocus()) close(target);
});
// Under the pointer it is a choice already: one click opens it.
matrix?.addEventListener("pointerover", ({ target }) => target.matches("button.cx-level") && choose(target));
matrix?.addEventListener("pointerout", ({ target }) => {
  if (target.matches("select.cx-level:not([aria-busy], :focus)")) close(target);
});
matrix?.addEventListener("change", ({ target }) => keep(target));

// Arrows go from cell to cell as in a table of numbers; digits set the level, as a select does by itself.
matrix?.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (!step || event.altKey || !event.target.matches(".cx-level")) return;
  const cell = event.target.closest("td");
  const row = [...event.currentTarget.rows][cell.parentElement.rowIndex + step[0]];
  const next = row?.cells[cell.cellIndex + step[1]]?.querySelector(".cx-level");
  event.preventDefault();
  next?.focus();
});

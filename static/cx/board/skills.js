// The skills matrix: a level is kept as soon as it is chosen.
import { post } from "../net.js";
import { complain, say } from "../toast.js";

function countAble(skill) {
  const held = document.querySelectorAll(`.cx-level[data-skill="${skill}"]:not([data-level="0"])`).length;
  const count = document.querySelector(`[data-able="${skill}"]`);
  count.textContent = held;
  count.classList.toggle("bad", !held);
}

document.getElementById("matrix")?.addEventListener("change", async ({ target }) => {
  target.setAttribute("aria-busy", "true");
  try {
    const answer = await post(target.dataset.url, { level: target.value });
    if (answer?.warning) say(answer.warning, { bad: true, seconds: 12 });
    target.dataset.level = target.value;
    countAble(target.dataset.skill);
  } catch (error) {
    target.value = target.dataset.level;
    complain(error);
  } finally {
    target.removeAttribute("aria-busy");
  }
});

// Arrows go from cell to cell as in a table of numbers; digits set the level, as a select does by itself.
document.getElementById("matrix")?.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (!step || event.altKey || !event.target.matches(".cx-level")) return;
  const cell = event.target.closest("td");
  const row = [...event.currentTarget.rows][cell.parentElement.rowIndex + step[0]];
  const next = row?.cells[cell.cellIndex + step[1]]?.querySelector(".cx-level");
  event.preventDefault();
  next?.focus();
});

// Reports: the form and its answer go together without a reload; the chart is drawn from the numbers of the table.
import { drawChart } from "./chart.js";

const form = document.getElementById("ask");
const report = document.getElementById("report");
const field = (name) => form.elements.namedItem(name);

// Who goes back gets the report of that address from the server: kept parts would lack their chart.
window.htmx.config.historyCacheSize = 0;
window.htmx.config.refreshOnHistoryMiss = true;

// An own day makes the period one's own.
form.addEventListener("input", ({ target }) => {
  if (["since", "until"].includes(target.name)) field("period").value = "own";
});

function showWrong() {
  for (const el of form.querySelectorAll("[aria-invalid]")) el.removeAttribute("aria-invalid");
  document.getElementById("wrong-field")?.remove();
  const wrong = document.getElementById("wrong");
  if (!wrong) return;
  const named = form.querySelector(`[name="${wrong.dataset.field}"]`);
  if (named) {
    const words = Object.assign(document.createElement("div"), { id: "wrong-field", className: "invalid-feedback", textContent: wrong.textContent });
    (named.closest(".cx-pair") || named).after(words);
    named.closest("details")?.setAttribute("open", "");
    named.setAttribute("aria-invalid", "true");
    named.setAttribute("aria-describedby", words.id);
  }
  wrong.focus();
}

// The days of a chosen period stand in their fields, the order of the table in its own: the next question keeps them.
function fillForm() {
  const head = report.querySelector(".cx-rephead");
  if (!head) return;
  for (const [name, said] of [["since", "first"], ["until", "last"], ["sort", "sort"]]) field(name).value = head.dataset[said];
  for (const fold of form.querySelectorAll(".cx-metrics details")) fold.querySelector(".cx-cnt").textContent = fold.querySelectorAll(":checked").length || "";
}

// What cannot be asked is answered in words that belong in the report's place.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target === report && detail.xhr.status === 400) {
    detail.shouldSwap = true;
    detail.isError = false;
  }
});

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target !== report) return;
  fillForm();
  showWrong();
  drawChart(field("chart"));
});

drawChart(field("chart"));
showWrong();

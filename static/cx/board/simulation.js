// A simulation: how far it is by pushes, its chart; and the place where scenarios are written.
import { elements, getText } from "../net.js";
import { complain } from "../toast.js";

const run = () => document.getElementById("run");
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
// Those of .cx-legend, in its order.
const COLOURS = ["--cx-text-3", "--cx-accent", "--cx-ok-fill", "--cx-warn-fill", "--cx-pause-fill", "--cx-bad-fill"];
const tenths = new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
let chart = null;
let chosen = 0;

async function again() {
  let fresh;
  try {
    fresh = elements(await getText(run().dataset.part));
  } catch {
    // The next push or the next connection asks again.
    return;
  }
  run().replaceWith(...fresh);
  chart = null;
  draw();
}

function progress({ state, done, total }) {
  if (state !== "running") return again();
  const meter = run().querySelector("progress");
  if (!meter) return;
  Object.assign(meter, { max: total, value: done });
  run().querySelector("[data-done]").textContent = `${done} / ${total}`;
}

// Each set of rules is a line of its own beside each group: from the lower to the upper end, a dot at the mean.
function draw() {
  const box = document.getElementById("sim-chart");
  if (!box || !window.echarts) return;
  const { groups, figures } = JSON.parse(document.getElementById("sim-data").textContent);
  const figure = figures[chosen] ?? figures[0];
  const sets = figure.values.length;
  chart ??= window.echarts.init(box, null, { renderer: "svg", height: 32 + groups.length * (12 + 16 * sets) });
  const gap = 0.7 / sets;
  const label = { color: token("--cx-text-3"), fontSize: 11 };
  const line = (color, points) => ({
    type: "line", silent: true, animation: false, symbol: "none", lineStyle: { color, width: 3 }, itemStyle: { color }, data: points,
  });
  const series = figure.values.flatMap((rows, set) => {
    const color = token(COLOURS[set % COLOURS.length]);
    return rows.flatMap((one, group) => {
      if (!one) return [];
      const [mean, low, high] = one;
      const y = groups.length - 1 - group + 0.35 - gap * (set + 0.5);
      const dot = { ...line(color, [[mean, y]]), symbol: "circle", symbolSize: 8 };
      const words = { ...line(color, [[high, y]]), symbol: "circle", symbolSize: 1, label: { show: true, position: "right", distance: 6, formatter: () => tenths.format(mean), ...label } };
      return [line(color, [[low, y], [high, y]]), dot, words];
    });
  });
  chart.setOption(
    {
      animation: false,
      textStyle: { fontFamily: token("--tblr-font-sans-serif") || "Inter, sans-serif" },
      grid: { left: 8, right: 48, top: 4, bottom: 4, containLabel: true },
      xAxis: { type: "value", scale: true, axisLine: { show: false }, axisTick: { show: false }, axisLabel: label, splitLine: { lineStyle: { color: token("--cx-line") } } },
      yAxis: {
        type: "value", min: -0.5, max: groups.length - 0.5, interval: 0.5, axisTick: { show: false }, axisLine: { show: false }, splitLine: { show: false },
        axisLabel: { ...label, color: token("--cx-text-2"), fontSize: 12, formatter: (value) => (Number.isInteger(value) ? (groups[groups.length - 1 - value] ?? "") : "") },
      },
      series,
    },
    true,
  );
  for (const button of document.querySelectorAll("[data-figure]")) button.setAttribute("aria-pressed", Number(button.dataset.figure) === chosen);
}

if (run()) {
  document.addEventListener("cx:study", ({ detail }) => detail.id === Number(run().dataset.run) && progress(detail));
  // What was told while the line was away is asked for.
  document.addEventListener("cx:board-line", () => run().querySelector("progress") && again());
  document.addEventListener("cx:follow", again);
  document.addEventListener("cx:theme", () => setTimeout(draw));
  window.addEventListener("resize", () => chart?.resize());
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-figure]");
    if (!button) return;
    chosen = Number(button.dataset.figure);
    draw();
  });
  draw();
}

// Examples and files go into the text, where they can be changed.
const writing = document.getElementById("scenario");
writing?.form.addEventListener("click", async ({ target }) => {
  const url = target.closest("[data-example]")?.dataset.example;
  if (!url) return;
  try {
    writing.value = await getText(url);
    writing.dispatchEvent(new Event("input", { bubbles: true }));
    writing.focus();
    writing.setSelectionRange(0, 0);
    writing.scrollTop = 0;
  } catch (error) {
    complain(error);
  }
});

// Charts of the day. Colours are those of the page's tokens, so that light and dark are one chart.
import { now } from "../clock.js";
import { keyed, fill } from "./fill.js";
import { clockOf, common, count, settings } from "./numbers.js";

const SLOT = 900;
const charts = new Map();
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const box = (id) => document.getElementById(id);

const fitting = new ResizeObserver((seen) => {
  for (const { target } of seen) charts.get(target.id)?.resize();
});

function chart(id) {
  if (!window.echarts) return null;
  if (!charts.has(id)) {
    charts.set(id, window.echarts.init(box(id), null, { renderer: "svg" }));
    fitting.observe(box(id));
  }
  return charts.get(id);
}

function say(id, values) {
  box(id).setAttribute("aria-label", box(id).dataset.words.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "–"));
}

function look() {
  return {
    textStyle: { fontFamily: token("--tblr-font-sans-serif") || "Inter, sans-serif" },
    animation: false,
    grid: { left: 8, right: 12, top: 10, bottom: 4, containLabel: true },
  };
}

const label = () => ({ color: token("--cx-text-3"), fontSize: 11 });
const yAxis = () => ({ type: "value", minInterval: 1, splitNumber: 3, axisLabel: label(), splitLine: { lineStyle: { color: token("--cx-line") } } });

// From the first to the last quarter in which anybody comes; of a day without a past up to now.
function spanOf(found, usual, current) {
  const slots = Object.keys(found).map(Number);
  const expected = (usual?.mean ?? []).flatMap((n, slot) => (n > 0 ? [slot] : []));
  const first = Math.max(0, Math.min(...slots, ...expected, current - 8));
  return [first, Math.max(current, ...expected)];
}

// Nineteen of twenty quarters are within two deviations of what is usual.
function band(usual, slots) {
  const low = slots.map((slot) => Math.max(0, usual.mean[slot] - 2 * Math.sqrt(usual.variance[slot])));
  const high = slots.map((slot) => usual.mean[slot] + 2 * Math.sqrt(usual.variance[slot]));
  const plain = { type: "line", stack: "band", symbol: "none", silent: true, lineStyle: { opacity: 0 } };
  return [
    { ...plain, data: low },
    { ...plain, data: high.map((n, i) => n - low[i]), areaStyle: { color: token("--cx-text-3"), opacity: 0.14 } },
  ];
}

function usualLines(usual, slots) {
  const line = (data, colour, type) => ({ type: "line", data, symbol: "none", silent: true, lineStyle: { width: 1.5, type, color: token(colour) } });
  const before = usual.before.some(Boolean) ? [line(slots.map((slot) => usual.before[slot]), "--cx-warn-fill", "dotted")] : [];
  return [...band(usual, slots), line(slots.map((slot) => usual.mean[slot]), "--cx-text-3", "dashed"), ...before];
}

function arrivals({ charts: { arrivals: found }, usual, day }) {
  const current = Math.floor((now() - day) / SLOT);
  const [first, last] = spanOf(found, usual, current);
  const slots = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const points = slots.filter((slot) => slot <= current).map((slot) => ({ value: found[slot] || 0, slot }));
  // Where the day stands now.
  points.at(-1).symbolSize = 8;
  const most = points.reduce((a, b) => (b.value > a.value ? b : a), points[0]);
  const total = Object.values(found).reduce((n, m) => n + m, 0);
  say("arrivals", { total: count(total), most: count(most.value), when: clockOf(day + most.slot * SLOT), now: count(points.at(-1).value) });
  for (const el of document.querySelectorAll("#arrivals-legend [data-of]")) el.hidden = !usual || (el.dataset.of === "before" && !usual.before.some(Boolean));
  return {
    ...look(),
    xAxis: { type: "category", boundaryGap: false, data: slots.map((slot) => clockOf(day + slot * SLOT)), axisLabel: { ...label(), hideOverlap: true }, axisTick: { show: false }, axisLine: { lineStyle: { color: token("--cx-line-strong") } } },
    yAxis: yAxis(),
    series: [
      ...(usual ? usualLines(usual, slots) : []),
      { type: "line", data: points, symbol: "circle", symbolSize: points.length > 40 ? 0 : 5, showSymbol: true, lineStyle: { width: 2, color: token("--cx-accent") }, itemStyle: { color: token("--cx-accent") }, areaStyle: { color: token("--cx-accent"), opacity: 0.08 } },
    ],
  };
}

// Columns up to the target are good, up to three times the target late, beyond it bad.
function waits({ charts: { waits: found }, queues }) {
  const edges = settings.wait_edges;
  const target = common(queues, (queue) => queue.target_s) ?? Math.min(...queues.map((queue) => queue.target_s), edges.at(-1));
  const fillOf = (edge) => token(edge <= target ? "--cx-ok-fill" : edge <= 3 * target ? "--cx-warn-fill" : "--cx-bad-fill");
  const bars = (found.length ? found : Array(edges.length + 1).fill(0)).map((value, i) => ({ value, column: i, itemStyle: { color: fillOf(edges[i] ?? Infinity), borderRadius: 2 } }));
  const total = bars.reduce((n, bar) => n + bar.value, 0);
  const within = edges.findLastIndex((edge) => edge <= target);
  const share = total ? Math.round((100 * bars.slice(0, within + 1).reduce((n, bar) => n + bar.value, 0)) / total) : 0;
  say("waits", { share, edge: edges[Math.max(0, within)] });
  return {
    ...look(),
    xAxis: { type: "category", data: [...edges.map((edge) => `≤ ${edge}`), `> ${edges.at(-1)}`], axisLabel: { ...label(), interval: 0, hideOverlap: true, formatter: (text) => text.replace("≤ ", "") }, axisTick: { show: false }, axisLine: { lineStyle: { color: token("--cx-line-strong") } } },
    yAxis: yAxis(),
    series: [{ type: "bar", data: bars, barCategoryGap: "15%" }],
  };
}

function reactions({ charts: { reactions: found } }) {
  const rows = Object.entries(found).filter(([, one]) => one.n).map(([kind, one]) => {
    const shares = one.columns.map((n) => Math.round((100 * n) / one.n));
    return { kind, label: settings.kinds[kind] || kind, p1: shares[0], p2: shares[1], p3: shares[2], p4: Math.max(0, 100 - shares[0] - shares[1] - shares[2]) };
  });
  keyed(box("reactions"), rows, { key: (row) => row.kind, template: () => box("t-share"), draw: fill });
  box("no-reactions").hidden = rows.length > 0;
}

const open = (filter) => {
  const query = new URLSearchParams(filter);
  if (settings.team) query.set("team", settings.team);
  window.location.assign(`${settings.contacts}?${query}`);
};

let drawn = "";
export function drawCharts(all, { again = false } = {}) {
  const theme = document.documentElement.dataset.bsTheme;
  const fresh = JSON.stringify([all.charts, all.usual, theme, Math.floor(now() / SLOT), all.queues.map((queue) => queue.target_s)]);
  if (!window.echarts || (fresh === drawn && !again)) return;
  drawn = fresh;
  const [left, right] = [chart("arrivals"), chart("waits")];
  left.setOption(arrivals(all), true);
  right.setOption(waits(all), true);
  reactions(all);
  for (const one of [left, right]) one.off("click");
  left.on("click", ({ data }) => open({ state: "entered", slot: data.slot }));
  right.on("click", ({ data }) => open({ state: "answered", wait: data.column }));
}

// The chart of a report: lines over time or bars, of the metric that is chosen. Each point leads to its contacts.
import { format } from "../clock.js";

const COLOURS = ["voice", "email", "whatsapp", "callback", "webchat", "push", "social", "sms"].map((name) => `--ch-${name}`);
const lang = document.documentElement.lang || "en";
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const box = (id) => document.getElementById(id);
const number = (digits) => new Intl.NumberFormat(lang, { maximumFractionDigits: digits });
const [whole, tenths, hundredths] = [number(0), number(1), number(2)];

let drawn = null;
let keep = null;

// As the table says it: see cxcenter/reports/numbers.py.
function said(value, unit) {
  if (value === null || value === undefined) return "–";
  if (unit === "share") return `${tenths.format(100 * value)} %`;
  if (unit === "s") return value < 100 ? `${tenths.format(value)} ${box("chart").dataset.s}` : format(Math.round(value));
  return (unit === "count" ? whole : hundredths).format(value);
}

const colour = (place) => token(COLOURS[place % COLOURS.length]);
const label = () => ({ color: token("--cx-text-3"), fontSize: 11 });

// The values of each series by place; where nothing came a count is 0, all else is not known.
function valuesOf(data, metric) {
  const place = data.metrics.findIndex(({ code }) => code === metric.code);
  const rows = data.series.map(() => data.x.map(() => ({ value: metric.unit === "count" ? 0 : null, symbol: "none" })));
  for (const { x, s, q, v } of data.points) rows[s][x] = { value: v[place], query: q };
  return rows;
}

function optionOf(data, metric, rows) {
  const bars = data.kind === "bar";
  return {
    animation: false,
    textStyle: { fontFamily: token("--tblr-font-sans-serif") || "Inter, sans-serif" },
    grid: { left: 8, right: 14, top: 12, bottom: 4, containLabel: true },
    xAxis: { type: "category", boundaryGap: bars || data.x.length === 1, data: data.x, axisLabel: { ...label(), hideOverlap: true, width: bars ? 120 : undefined, overflow: "truncate" }, axisTick: { show: false }, axisLine: { lineStyle: { color: token("--cx-line-strong") } } },
    yAxis: { type: "value", splitNumber: 3, minInterval: metric.unit === "count" ? 1 : 0, axisLabel: { ...label(), formatter: (value) => said(value, metric.unit) }, splitLine: { lineStyle: { color: token("--cx-line") } } },
    series: rows.map((points, place) => ({
      type: bars ? "bar" : "line",
      data: points,
      symbol: "circle",
      symbolSize: data.x.length > 60 ? 3 : 6,
      showAllSymbol: true,
      barMaxWidth: 40,
      lineStyle: { width: 2, color: colour(place) },
      itemStyle: { color: colour(place), borderRadius: bars ? 2 : 0 },
    })),
  };
}

function line(name, value, place) {
  const row = document.createElement("div");
  const dot = document.createElement("i");
  dot.style.background = colour(place);
  const text = document.createElement("span");
  text.className = "ell";
  text.textContent = name;
  row.append(dot, text);
  if (value !== null) {
    const figure = document.createElement("b");
    figure.textContent = value;
    row.append(figure);
  }
  return row;
}

function drawLegend(data) {
  const named = data.series.length > 1 ? data.series : [];
  box("chart-legend").replaceChildren(...named.map((name, place) => {
    const item = document.createElement("span");
    item.append(...line(name, null, place).childNodes);
    return item;
  }));
}

function say(data, metric, rows) {
  const points = rows[0].slice(0, 60).map(({ value }, place) => `${data.x[place]} ${said(value, metric.unit)}`).join(", ");
  box("chart").setAttribute("aria-label", box("chart").dataset.words.replace("{metric}", metric.name).replace("{points}", points));
}

// What stands at the place under the pointer, of all series.
function showTip(data, metric, rows, { offsetX, offsetY }) {
  const tip = box("chart-tip");
  const place = drawn.containPixel("grid", [offsetX, offsetY]) ? Math.round(drawn.convertFromPixel({ gridIndex: 0 }, [offsetX, offsetY])[0]) : -1;
  tip.hidden = !(place in data.x);
  if (tip.hidden) return;
  const title = document.createElement("div");
  title.className = "mut";
  title.textContent = data.x[place];
  tip.replaceChildren(title, ...rows.map((points, s) => line(data.series[s] || metric.name, said(points[place].value, metric.unit), s)));
  const room = box("chart").clientWidth;
  tip.style.top = `${44 + Math.max(0, offsetY - 20)}px`;
  if (offsetX > room / 2) Object.assign(tip.style, { left: "auto", right: `${room - offsetX + 14}px` });
  else Object.assign(tip.style, { right: "auto", left: `${offsetX + 14}px` });
}

function draw() {
  const data = JSON.parse(box("chart-data").textContent);
  const metric = data.metrics.find(({ code }) => code === box("chart-metric").value);
  const rows = valuesOf(data, metric);
  drawn.setOption(optionOf(data, metric, rows), true);
  drawLegend(data);
  say(data, metric, rows);
  drawn.off("click");
  drawn.on("click", ({ data: { query } }) => query && window.location.assign(`${box("chart").dataset.contacts}?metric=${metric.code}&${query}`));
  const area = drawn.getZr();
  area.off("mousemove");
  area.on("mousemove", (event) => showTip(data, metric, rows, event));
  area.off("globalout");
  area.on("globalout", () => (box("chart-tip").hidden = true));
}

// The address keeps what is drawn, and so does the next question.
function choose({ target }) {
  keep.value = target.value;
  const address = new URL(window.location);
  address.searchParams.set("chart", target.value);
  history.replaceState(history.state, "", address);
  draw();
}

const fitting = new ResizeObserver(() => drawn?.resize());

// `chosen`: the field of the form that keeps the metric.
export function drawChart(chosen) {
  keep = chosen;
  drawn?.dispose();
  drawn = null;
  fitting.disconnect();
  if (!box("chart-data") || !window.echarts) return;
  drawn = window.echarts.init(box("chart"));
  fitting.observe(box("chart"));
  box("chart-metric").addEventListener("change", choose);
  draw();
}

document.addEventListener("cx:theme", () => setTimeout(() => drawn && draw()));

// The board: numbers of the page, then of the pushes, drawn once a second.
import { now, syncTo } from "../clock.js";
import { refreshParts } from "../desk/parts.js";
import { getJson } from "../net.js";
import { Line } from "../socket.js";
import { drawAlerts } from "./alerts.js";
import { drawCharts } from "./charts.js";
import { fill } from "./fill.js";
import { clockOf, count, joined, settings, watchOf } from "./numbers.js";
import { drawOperators, drawStates } from "./people.js";
import { heed } from "./ringing.js";
import { drawKpis, drawQueues, drawTiles } from "./tiles.js";
import "./menus.js";
import "./overflow.js";
import "./priorities.js";
import "./rules.js";
import "./session.js";
import "./simulation.js";
import "./skills.js";
import "./wall.js";

const box = (id) => document.getElementById(id);
const teams = new Map();
const wanted = (team) => settings.team === null || team === settings.team;
// Numbers come every ten seconds at the latest: older ones are said to be old.
const OLD_S = 15;

function take(one) {
  if (!wanted(one.team)) return;
  const known = teams.get(one.team);
  // Pushes may overtake each other.
  if (known && one.at < known.at) return;
  teams.set(one.team, { ...known, ...one });
}

function complete(one) {
  return ["queues", "operators", "alerts", "charts", "usual"].every((section) => section in one);
}

function draw() {
  const all = joined(new Map([...teams].filter(([, one]) => complete(one))));
  drawFrame(all);
  heed(all);
  if (box("kpis")) drawKpis(all);
  if (box("tiles")) drawTiles(box("tiles"), all);
  if (box("queues")) drawQueues(box("queues"), all);
  if (box("operators")) drawOperators(box("operators"), all);
  if (box("alerts")) drawAlerts(box("alerts"), all);
  if (box("wall-states")) drawStates(box("wall-states"), all);
  if (box("arrivals")) drawCharts(all);
}

function drawFrame({ queues, operators, alerts }) {
  const atWork = operators.filter((one) => ["available", "busy", "wrapup"].includes(one.state)).length;
  const inWork = queues.flatMap((queue) => Object.values(queue.numbers)).reduce((n, numbers) => n + numbers.in_work, 0);
  fill(box("at-work"), { at_work: count(atWork), in_work: count(inWork) });
  fill(box("sections"), { queues: count(queues.length), operators: count(operators.length), alerts: alerts.length || "" });
  for (const el of document.querySelectorAll("h2 [data-f=alerts]")) el.textContent = alerts.length || "";
  drawLive();
}

function drawLive() {
  const newest = Math.max(0, ...[...teams.values()].map((one) => one.at));
  const live = !lost && now() - newest < OLD_S;
  const tag = box("live");
  const [words, time] = [tag.querySelector("span"), tag.querySelector("time")];
  const said = live ? `● ${words.dataset.live}` : words.dataset.lost;
  if (words.textContent !== said) words.textContent = said;
  tag.classList.toggle("t-ok", live);
  tag.classList.toggle("t-warn", !live);
  time.textContent = live ? watchOf(now()) : "";
  const wall = box("live-wall");
  if (!wall) return;
  if (wall.textContent !== said) wall.textContent = said;
  wall.className = tag.className;
  wall.parentElement.querySelector("time").textContent = clockOf(now());
}

async function ask() {
  try {
    const { teams: fresh } = await getJson(settings.numbers);
    for (const one of fresh) take(one);
    draw();
  } catch {
    // The line is away: it asks again when it is back.
  }
}

let lost = false;
const line = new Line("/ws/board/", {
  onOpen() {
    lost = false;
    ask();
    document.dispatchEvent(new CustomEvent("cx:board-line", { detail: line }));
  },
  onLost() {
    lost = true;
    drawLive();
  },
  onMessage(message) {
    if (message.kind === "board") {
      syncTo(message.at);
      take(message);
      draw();
    } else if (message.kind === "study") document.dispatchEvent(new CustomEvent("cx:study", { detail: message }));
    else if (message.kind === "session") document.dispatchEvent(new Event("cx:session-changed"));
  },
});

for (const one of JSON.parse(box("numbers").textContent)) take(one);
box("team")?.addEventListener("change", ({ target }) => {
  const query = new URLSearchParams(window.location.search);
  if (target.value) query.set("team", target.value);
  else query.delete("team");
  query.delete("after");
  window.location.search = query;
});
box("by")?.addEventListener("change", ({ target }) => {
  const query = new URLSearchParams(window.location.search);
  query.set("by", target.value);
  history.replaceState(null, "", `?${query}`);
  box("tiles").dataset.by = target.value;
  draw();
});
document.addEventListener("cx:draw", draw);
document.addEventListener("cx:theme", () => setTimeout(draw));
setInterval(draw, 1000);
draw();
refreshParts();

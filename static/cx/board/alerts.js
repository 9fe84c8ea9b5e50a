// Alerts: what calls for a supervisor, the worst first, each with the act that helps.
import { now } from "../clock.js";
import { fill, keyed } from "./fill.js";
import { clockOf, count, duration, named, ofQueue, percent, settings } from "./numbers.js";
import { wordsOf } from "./people.js";
import { wordsOf as wordsOfLimit } from "./ringing.js";

const ORDER = ["t_longest", "t_waiting", "t_level", "nobody", "vanished", "drop", "arrivals", "topic", "waits", "stuck", "late", "level", "silent", "long_pause", "closed", "paused"];
const QUARTER_S = 900;
const template = (alert) => document.querySelector(`template[data-alert=${alert.kind}]`);
const rank = (alert) => ORDER.indexOf(alert.kind);

function valuesOf(alert, queue, operator) {
  const values = { ...alert, count: count(alert.count ?? 0), lasts: duration(now() - alert.since), waited: duration(now() - alert.since) };
  if (queue) Object.assign(values, { queue_name: named(queue), limit: duration(queue.target_s), level: percent(ofQueue(queue).level), target: queue.target });
  if (operator) Object.assign(values, { operator_name: operator.name, reason: wordsOf(operator) });
  if (alert.limit_s) values.limit = duration(alert.limit_s);
  if (alert.kind in settings.reached) values.said = wordsOfLimit(alert, queue);
  // An anomaly: when it was found, and of which quarter of an hour.
  if (alert.begin) Object.assign(values, { at: clockOf(alert.since), came: `${clockOf(alert.begin)}–${clockOf(alert.begin + QUARTER_S)}`, lasts: duration(now() - alert.begin), usual: count(alert.usual ?? 0), at_most: count(alert.at_most ?? 0), at_least: count(alert.at_least ?? 0), topic_name: alert.topic ? named(alert) : "", team: alert.team });
  if (alert.until) values.until = clockOf(alert.until);
  return values;
}

// Said once, when they come: their times run on in silence.
let said = null;
function announce(box) {
  const come = [...box.children].filter((el) => said && !said.has(el.dataset.key));
  if (come.length) document.getElementById("alert-news").textContent = come.map((el) => el.querySelector("div").textContent).join(". ");
  said = new Set([...box.children].map((el) => el.dataset.key));
}

export function drawAlerts(box, { queues, operators, alerts }) {
  const [byQueue, byOperator] = [queues, operators].map((rows) => new Map(rows.map((row) => [row.id, row])));
  const known = alerts.filter(template).sort((a, b) => rank(a) - rank(b));
  keyed(box, known, {
    key: ({ kind, queue, operator, topic, session }) => [kind, queue, operator, topic, session].join(" "),
    template,
    draw: (el, alert) => fill(el, valuesOf(alert, byQueue.get(alert.queue), byOperator.get(alert.operator))),
  });
  announce(box);
  document.getElementById("no-alerts").hidden = known.length > 0;
}

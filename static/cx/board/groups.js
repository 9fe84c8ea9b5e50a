// What the tiles are of: queues, channels or teams. Each is a row as tiles.js fills it in.
import { common, kindsOf, ofQueues, settings, targetOf, waitState, waited, worst } from "./numbers.js";

const AT_WORK = ["available", "busy", "wrapup"];

function policyOfAll(queues) {
  const [policy] = queues.map((queue) => queue.policy);
  if (!common(queues, (queue) => queue.policy.same)) return null;
  return { ...policy, within_s: common(queues, (queue) => queue.policy.within_s) ?? null };
}

// What several queues have in common, and the colour of the one whose limit is passed the most.
function together(queues, rowsOf) {
  const lateOf = (queue) => worst(...rowsOf(queue).map((row) => waitState(waited(row.since), queue.target_s)));
  return {
    numbers: ofQueues(queues, rowsOf),
    target: targetOf(queues, rowsOf) ?? 0,
    target_s: common(queues, (queue) => queue.target_s) ?? "…",
    policy: policyOfAll(queues),
    late: worst(...queues.map(lateOf)),
    held: "",
    message: "",
    acts: false,
  };
}

function byKind({ queues }) {
  const kinds = [...new Set(queues.flatMap(kindsOf))].sort();
  return kinds.map((kind) => {
    const rowsOf = (queue) => (queue.numbers[kind] ? [queue.numbers[kind]] : []);
    const own = queues.filter((queue) => kindsOf(queue).includes(kind));
    return { ...together(own, rowsOf), query: `kind=${kind}`, name: settings.kinds[kind] || kind, kinds: [kind], on_duty: null, members: null };
  });
}

function byTeam({ teams }) {
  const rowsOf = (queue) => Object.values(queue.numbers);
  return teams
    .filter(({ queues }) => queues.length)
    .map(({ team, name, queues, operators }) => {
      const here = operators.filter(({ state }) => state !== "offline");
      const duty = { on_duty: here.filter(({ state }) => AT_WORK.includes(state)).length, members: here.length };
      return { ...together(queues, rowsOf), ...duty, query: `team=${team}`, name, kinds: [...new Set(queues.flatMap(kindsOf))].sort() };
    });
}

export function tilesOf(all, by, rowOf) {
  if (by === "kind") return byKind(all);
  if (by === "team") return byTeam(all);
  return all.queues.map((queue) => rowOf(queue));
}

// Who hears whom in a call. Pure: the page that has the call mixes the sound, and this says how.

const LISTENERS = new Set(["listen", "whisper"]);

/**
 * Return {ears, to} for whose page it is: `ears` are the parties that he hears, `to` says of each party which sounds it
 * gets, of "mic" and the other parties. `role` is "owner" for whose call it is; `parties` are [{party, role}].
 */
export function circle({ role, phase, parties }) {
  if (role !== "owner") return ofGuest(role, parties);
  const inside = parties.filter((one) => belongs(one.role, phase)).map(({ party }) => party);
  const to = new Map(parties.map(({ party }) => [party, new Set()]));
  for (const party of inside) to.set(party, new Set(["mic", ...inside.filter((other) => other !== party)]));
  const ears = new Set(inside);
  for (const { party, role: does } of parties) {
    if (!LISTENERS.has(does) || !inside.length) continue;
    to.set(party, new Set(["mic", ...inside]));
    if (does === "whisper") ears.add(party);
  }
  return { ears, to };
}

function belongs(role, phase) {
  if (phase === "talking") return role === "customer";
  if (phase === "consulting") return role === "consult";
  return phase === "conferenced" && (role === "customer" || role === "member");
}

// A guest has one connection, to whose call it is: he brings all the others.
function ofGuest(role, parties) {
  const speaks = role === "listen" ? [] : ["mic"];
  return { ears: new Set(parties.map(({ party }) => party)), to: new Map(parties.map(({ party }) => [party, new Set(speaks)])) };
}

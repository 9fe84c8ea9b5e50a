// How a connection sounds: what is lost, how it jitters, how long it takes, and what people would say of it.

/**
 * Mean opinion (1–4.5) by loss (0–1), delay there and back and jitter (s). The E-model of ITU-T G.107, as it is commonly
 * reduced: R = 93.2 − delay − loss; the delay counts more beyond 160 ms, a jitter buffer holds twice the jitter and 10 ms;
 * 2.5 points for each per cent lost; and G.107's Annex B from R to the opinion.
 */
export function opinion({ loss, rtt, jitter }) {
  const delay = (rtt / 2 + 2 * jitter + 0.01) * 1000;
  const r = Math.max(0, Math.min(93.2, 93.2 - (delay < 160 ? delay / 40 : (delay - 120) / 10) - 250 * loss));
  return 1 + 0.035 * r + 0.000007 * r * (r - 60) * (100 - r);
}

/** Watch a connection: `tell({loss, rtt, jitter, opinion, level})` every `everyMs`. Returns a function that ends it. */
export function watch(pc, tell, everyMs = 2000) {
  let before = { lost: 0, got: 0 };
  const timer = setInterval(async () => {
    if (pc.connectionState !== "connected") return;
    let [rtt, jitter, lost, got, level] = [0, 0, 0, 0, 0];
    for (const one of (await pc.getStats()).values()) {
      if (one.type === "inbound-rtp" && one.kind === "audio") {
        [jitter, lost, got, level] = [one.jitter ?? 0, one.packetsLost ?? 0, one.packetsReceived ?? 0, one.audioLevel ?? 0];
      }
      if (one.type === "candidate-pair" && one.nominated) rtt = one.currentRoundTripTime ?? rtt;
    }
    const [missed, came] = [lost - before.lost, got - before.got];
    before = { lost, got };
    const loss = missed + came > 0 ? Math.max(0, missed / (missed + came)) : 0;
    tell({ loss, rtt, jitter, opinion: opinion({ loss, rtt, jitter }), level, silent: came === 0 });
  }, everyMs);
  return () => clearInterval(timer);
}

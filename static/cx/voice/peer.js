// Two browsers that talk: one calls, the other answers, and both come back by themselves when the way between them changes.
// What they say of their addresses goes over our own line as one message each way, asked for again until it is answered.

const GATHER_MS = 1500;
const AGAIN_MS = 2000;
// A way that was lost is looked for anew after this time: most come back before.
const LOST_MS = 2500;

const ident = () => [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

// All addresses at once: two messages instead of a stream of them that could come in any order.
async function gathered(pc) {
  if (pc.iceGatheringState === "complete") return;
  await new Promise((done) => {
    const timer = setTimeout(done, GATHER_MS);
    pc.addEventListener("icegatheringstatechange", () => {
      if (pc.iceGatheringState !== "complete") return;
      clearTimeout(timer);
      done();
    });
  });
}

function listen(pc, { onTrack, onState }) {
  pc.addEventListener("track", ({ track }) => onTrack(new MediaStream([track])));
  pc.addEventListener("connectionstatechange", () => onState(pc.connectionState));
}

/**
 * Call the other side. `track` is our sound (null: none yet), `send(message)` takes {conn, turn, what, sdp} to it.
 * Returns {hear(message), speak(track), again(), close(), pc}. `onState` gets "connecting", "connected", "lost", "failed" or
 * "closed". `speak` puts another sound, or none, in the place of the one before; `again` asks at once, unless it was answered.
 */
export function call({ ice, track, send, onTrack, onState }) {
  const pc = new RTCPeerConnection({ iceServers: ice });
  const conn = ident();
  let turn = 0;
  let answered = -1;
  let again = 0;
  let lost = 0;
  listen(pc, { onTrack, onState: changed });
  const { sender } = pc.addTransceiver(track ?? "audio", { direction: "sendrecv" });

  function changed(state) {
    clearTimeout(lost);
    if (state === "disconnected") lost = setTimeout(() => offer(true), LOST_MS);
    if (state === "failed") offer(true);
    onState({ disconnected: "lost", failed: "lost" }[state] ?? state);
  }

  async function offer(restart = false) {
    if (pc.signalingState === "closed") return;
    turn += 1;
    const mine = turn;
    await pc.setLocalDescription(await pc.createOffer({ iceRestart: restart }));
    await gathered(pc);
    if (mine === turn) tell();
  }

  function tell() {
    clearTimeout(again);
    if (answered === turn || pc.signalingState === "closed") return;
    send({ conn, turn, what: "offer", sdp: pc.localDescription.sdp });
    again = setTimeout(tell, AGAIN_MS);
  }

  offer();
  return {
    pc,
    speak: (next) => speak(sender, next),
    again() {
      if (answered === turn) return false;
      if (pc.localDescription) tell();
      return true;
    },
    async hear(message) {
      if (message.conn !== conn || message.turn !== turn || answered === turn || pc.signalingState !== "have-local-offer") return;
      answered = turn;
      clearTimeout(again);
      await pc.setRemoteDescription({ type: "answer", sdp: message.sdp });
    },
    close() {
      clearTimeout(again);
      clearTimeout(lost);
      pc.close();
      onState("closed");
    },
  };
}

async function speak(sender, track) {
  // A connection that was closed meanwhile has nobody to speak to.
  if (sender && sender.track !== track) await sender.replaceTrack(track).catch(() => {});
}

/**
 * Answer whoever calls. Returns {hear(message), speak(track), close(), pc}: a call of another connection takes the place of
 * the one before.
 */
export function answer({ ice, track, send, onTrack, onState }) {
  let pc = null;
  let conn = "";
  let turn = 0;
  let said = null;
  let sender = null;

  async function hear(message) {
    if (message.conn === conn && message.turn < turn) return;
    if (message.conn === conn && message.turn === turn) {
      // It was asked again: the answer was lost, or is on its way.
      if (said) send(said);
      return;
    }
    if (message.conn !== conn) begin(message.conn);
    turn = message.turn;
    said = null;
    const [mine, heard] = [pc, turn];
    await mine.setRemoteDescription({ type: "offer", sdp: message.sdp });
    // We answer in the same line of the description, whether we have a sound already or not.
    const [line] = mine.getTransceivers();
    line.direction = "sendrecv";
    ({ sender } = line);
    await speak(sender, track);
    await mine.setLocalDescription(await mine.createAnswer());
    await gathered(mine);
    if (mine !== pc || heard !== turn) return;
    said = { conn, turn, what: "answer", sdp: mine.localDescription.sdp };
    send(said);
  }

  function begin(next) {
    pc?.close();
    conn = next;
    pc = new RTCPeerConnection({ iceServers: ice });
    const mine = pc;
    sender = null;
    listen(pc, { onTrack, onState: (state) => mine === pc && onState({ disconnected: "lost", failed: "lost" }[state] ?? state) });
  }

  return {
    hear,
    get pc() {
      return pc;
    },
    speak(next) {
      track = next;
      return speak(sender, next);
    },
    close() {
      pc?.close();
      [pc, conn, sender] = [null, "", null];
    },
  };
}

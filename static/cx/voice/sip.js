// A telephone at a SIP platform: it registers over a socket, is rung and calls. What the platform says of a call becomes a few
// words here; whoever holds the call decides what they mean.
import JsSIP from "../../vendor/jssip/jssip.min.js";

const GATHER_MS = 1500;
const REGISTER_S = 300;
// Credentials are renewed when this share of their life is over.
const RENEW = 0.75;
const RENEW_AT_LEAST_MS = 5000;
const AGAIN_MS = 15000;
// While one description of the sound is agreed upon there can be no second: how often, and how long apart it is asked.
const TURNS = 50;
const TURN_MS = 100;

/** Why something at the platform did not come about: `why` is "busy", "declined", "absent", "refused", "away" or "failed". */
export class SipError extends Error {
  constructor(why) {
    super(why);
    this.why = why;
  }
}

const WHY = { 401: "refused", 403: "refused", 404: "absent", 407: "refused", 408: "absent", 410: "absent", 480: "absent", 484: "absent", 486: "busy", 487: "gone", 600: "busy", 603: "declined", 604: "absent" };
const whyOf = (code) => WHY[code] ?? "failed";

/**
 * Register at a platform. `servers` are addresses of its sockets, `uri` is who we are (sip:1017@example.com), and
 * `credentials()` gives {user, password, expires} (seconds since 1970, 0 for never), as often as it is asked.
 * `onRing(call)` gets who rings, `onState` "connecting", "ready", "refused" (by its credentials), "away" or "closed".
 * Returns {call(to, stream), close(), state}.
 */
export function register({ uri, servers, credentials, ice = [], onRing, onState }) {
  let state = "";
  let ua = null;
  let closed = false;
  let renewal = 0;
  let again = 0;
  let tried = false;
  const calls = new Set();

  function become(next) {
    if (state === next || (closed && next !== "closed")) return;
    state = next;
    onState(next);
  }

  async function begin() {
    become("connecting");
    try {
      const first = await credentials();
      if (closed) return;
      ua = make(first);
      renewLater(first);
      ua.start();
    } catch {
      become("away");
      again = setTimeout(begin, AGAIN_MS);
    }
  }

  function make({ user, password }) {
    const made = new JsSIP.UA({
      uri,
      sockets: servers.map((url) => new JsSIP.WebSocketInterface(url)),
      authorization_user: user,
      password,
      register_expires: REGISTER_S,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 20,
      session_timers_refresh_method: "INVITE",
      user_agent: "CX Center",
    });
    made.on("registered", () => {
      tried = false;
      become("ready");
      for (const call of calls) call.comeBack();
    });
    made.on("registrationFailed", ({ response }) => refused(response));
    made.on("disconnected", () => become("away"));
    made.on("newRTCSession", ({ originator, session }) => {
      if (originator !== "remote") return;
      onRing(keep(talk(session, ice)));
    });
    return made;
  }

  // Credentials that the platform did not take may have run out: new ones are tried once at once.
  function refused(response) {
    if (closed) return;
    const isOurs = [401, 403, 407].includes(response?.status_code);
    const next = isOurs && !tried ? 0 : AGAIN_MS;
    if (next) become(isOurs ? "refused" : "away");
    tried = isOurs;
    clearTimeout(again);
    again = setTimeout(renew, next);
  }

  async function renew() {
    if (closed) return;
    try {
      const { user, password, expires } = await credentials();
      if (closed) return;
      ua.set("authorization_user", user);
      ua.set("password", password);
      renewLater({ expires });
      if (ua.isConnected()) ua.register();
    } catch {
      clearTimeout(renewal);
      renewal = setTimeout(renew, AGAIN_MS);
    }
  }

  function renewLater({ expires }) {
    clearTimeout(renewal);
    if (expires) renewal = setTimeout(renew, Math.max(RENEW_AT_LEAST_MS, RENEW * (expires * 1000 - Date.now())));
  }

  function keep(call) {
    calls.add(call);
    call.gone.then(() => calls.delete(call));
    return call;
  }

  begin();
  return {
    get state() {
      return state;
    },
    /** Call a number or an extension; `stream` is our sound. Throws SipError if the platform is away. */
    call(to, stream) {
      if (!ua?.isRegistered()) throw new SipError("away");
      return keep(talk(ua.call(to, { mediaStream: stream, pcConfig: { iceServers: ice } }), ice));
    },
    close() {
      closed = true;
      clearTimeout(renewal);
      clearTimeout(again);
      ua?.stop();
      become("closed");
    },
  };
}

/**
 * A call: {id, number, name, incoming, pc, answered, gone, onTrack, onState, onHeld, answer(stream), close(), hold(on), mute(on), speak(track), dtmf(key), refer(to), attended(other)}.
 * `onState` gets "ringing", "connecting", "connected", "lost" or "closed"; `onHeld` whether the other side holds us;
 * `answered` resolves when it is, `gone` with {by, why} when it is over: by "us" or "them".
 */
function talk(session, ice) {
  const other = session.remote_identity;
  const call = {
    id: session._request.call_id,
    number: other.uri.user ?? "",
    name: other.display_name ?? "",
    incoming: session.direction === "incoming",
    pc: null,
    onTrack() {},
    onState() {},
    onHeld() {},
    answer,
    close,
    hold,
    speak,
    mute: (on) => (on ? session.mute({ audio: true }) : session.unmute({ audio: true })),
    dtmf: (key) => session.sendDTMF(key, { transportType: "RFC2833" }),
    refer: (to) => refer(to),
    attended: (second) => refer(second.session.remote_identity.uri.toString(), second.session),
    comeBack,
    session,
  };
  let held = false;
  let gather = 0;
  let spoken = null;

  call.answered = new Promise((done) => session.on("accepted", done));
  call.gone = new Promise((done) => {
    const over = ({ originator, message, cause }) => {
      clearTimeout(gather);
      call.onState("closed");
      done({ by: originator === "local" ? "us" : "them", why: reason(message, cause), answered: Boolean(session.start_time) });
    };
    session.on("ended", over);
    session.on("failed", over);
  });

  function watch(pc) {
    call.pc = pc;
    pc.addEventListener("track", ({ track }) => call.onTrack(new MediaStream([track])));
    pc.addEventListener("connectionstatechange", () => {
      if (pc.connectionState !== "closed") call.onState({ new: "connecting", disconnected: "lost", failed: "lost" }[pc.connectionState] ?? pc.connectionState);
    });
  }

  session.on("peerconnection", ({ peerconnection }) => watch(peerconnection));
  if (session.connection) watch(session.connection);
  session.on("progress", ({ originator }) => originator === "remote" && call.onState("ringing"));
  session.on("hold", ({ originator }) => originator === "remote" && call.onHeld(true));
  session.on("unhold", ({ originator }) => originator === "remote" && call.onHeld(false));
  // A STUN server that is silent must not keep the call waiting.
  session.on("icecandidate", ({ ready }) => {
    clearTimeout(gather);
    gather = setTimeout(ready, GATHER_MS);
  });

  function answer(stream) {
    return new Promise((done, failed) => {
      session.on("accepted", done);
      session.on("failed", ({ message, cause }) => failed(new SipError(reason(message, cause))));
      session.answer({ mediaStream: stream, pcConfig: { iceServers: ice } });
    });
  }

  // Hang up; a call that rings is declined.
  function close() {
    if (session.isEnded()) return;
    session.terminate(session.direction === "incoming" && !session.isEstablished() ? { status_code: 486 } : {});
  }

  async function hold(on) {
    if (held === on) return;
    held = on;
    await inTurn(() => (on ? session.hold({}) : session.unhold({})));
  }

  // Another sound from now on; without one the other side is on hold. The track is switched on and off here.
  async function speak(track) {
    if (!track && spoken) spoken.enabled = false;
    if (track) {
      const [sender] = call.pc.getSenders();
      [spoken, track.enabled] = [track, true];
      if (sender.track !== track) await sender.replaceTrack(track).catch(() => {});
    }
    await hold(!track);
  }

  async function inTurn(act) {
    for (let turn = 0; turn < TURNS && !session.isEnded(); turn += 1) {
      if (act()) return;
      await new Promise((done) => setTimeout(done, TURN_MS));
    }
  }

  // The socket is another one: the platform learns where we are, else it could not tell us the end of the call.
  function comeBack() {
    if (session.isEstablished()) inTurn(() => session.renegotiate({ rtcOfferConstraints: { iceRestart: call.pc?.connectionState !== "connected" } }));
  }

  // Hand the call over. Resolves when the other has taken it; then ours ends.
  function refer(to, replaces) {
    return new Promise((done, failed) => {
      const taken = () => {
        close();
        done();
      };
      const eventHandlers = {
        // Some platforms end our leg instead of telling that the other was answered.
        requestSucceeded: () => call.gone.then(done),
        accepted: taken,
        failed: ({ status_line: line }) => failed(new SipError(whyOf(line.status_code))),
        requestFailed: ({ response }) => failed(new SipError(response ? whyOf(response.status_code) : "away")),
      };
      if (!session.refer(to, { eventHandlers, replaces })) failed(new SipError("failed"));
    });
  }
  return call;
}

const CAUSES = { Busy: "busy", Rejected: "declined", Canceled: "gone", "No Answer": "absent", Expires: "absent", Unavailable: "absent", "Not Found": "absent", "Connection Error": "away", "Request Timeout": "away", "Authentication Error": "refused", "RTP Timeout": "lost", Terminated: "" };
const reason = (message, cause) => (message?.status_code ? whyOf(message.status_code) : (CAUSES[cause] ?? "failed"));

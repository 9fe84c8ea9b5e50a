// The operator's browser as a telephone of a SIP platform. It is the only witness of its calls: it tells the server what it
// sees, word by word, and does what the server's commands ask. Who hears whom the phone knows (phone.js), as of all calls. Of
// several tabs one is the telephone.
import { getJson, post, Refused, uuid, words } from "../net.js";
import { complain, say } from "../toast.js";
import { NoMicrophone, open } from "../voice/mic.js";
import { watch } from "../voice/quality.js";
import { refreshOffers } from "./offers.js";
import { carry, drop, showQuality } from "./phone.js";
import { prefs } from "./prefs.js";

const RETRY_MS = [500, 1000, 2000, 5000, 10000];
// A socket that comes back at once is nobody's trouble.
const PATIENCE_MS = 3000;
// A call is handed over when the server knows of it, else to its next telephone it would be another; but it does not wait long.
const KNOWN_MS = 2000;
const NAME = `cx.telephone.${document.body.dataset.user}`;
const WHY_NOT = { busy: "busy", declined: "declined", absent: "no_answer" };

let line = null;
// By the name under which the server knows them.
const talks = new Set();

/** Be the telephone, as soon as no other tab is: if I am an extension of a SIP platform. */
export async function beTelephone() {
  const first = await getJson("/desk/line/sip/").catch(() => ({}));
  if (!first.uri) return;
  const begin = () => {
    start(first);
    return new Promise(() => {});
  };
  if (navigator.locks) navigator.locks.request(NAME, begin);
  else begin();
}

async function start({ uri, servers, ...first }) {
  const [{ register }] = await Promise.all([import("../voice/sip.js"), persist("/desk/line/sip/still/", {})]);
  let kept = first;
  line = register({
    uri,
    servers,
    ice: JSON.parse(document.getElementById("ice")?.textContent || "[]"),
    // The first ones are fresh.
    credentials: async () => {
      const given = kept ?? (await getJson("/desk/line/sip/"));
      kept = null;
      return given;
    },
    onRing: (call) => follow(call, "rings"),
    onState: showState,
  });
}

let trouble = null;
let patience = 0;
function showState(state) {
  document.getElementById("app").dataset.telephone = state;
  clearTimeout(patience);
  const text = { away: words.sipAway, refused: words.sipRefused }[state];
  if (state === "ready" || state === "closed") trouble?.remove();
  if (text) {
    patience = setTimeout(() => {
      trouble?.remove();
      trouble = say(text, { bad: true, seconds: 3600 });
    }, PATIENCE_MS);
  }
}

// --- What is said of a call ----------------------------------------------------------------------

async function persist(url, values, since = Date.now()) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await post(url, { ...values, ago: (Date.now() - since) / 1000 });
    } catch (error) {
      if (error instanceof Refused && error.status < 500) return void complain(error);
      await new Promise((done) => setTimeout(done, RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]));
    }
  }
}

// One word after another, each as often as it takes.
function tell(mine, what, more = {}) {
  const [key, since] = [`${mine.uid}:${(mine.count += 1)}`, Date.now()];
  mine.said = mine.said.then(async () => {
    const heard = await persist("/desk/line/sip/told/", { call: mine.name, what, key, ...more }, since);
    Object.assign(mine, heard);
  });
  return mine.said;
}

function follow(call, first, more = {}) {
  const sound = new Audio();
  sound.autoplay = true;
  const mine = { call, name: call.id, uid: uuid(), count: 0, said: Promise.resolve(), sound, mic: null, talk: null };
  talks.add(mine);
  call.onTrack = (stream) => {
    sound.srcObject = stream;
    mine.talk?.hearCarried(stream);
    useSpeaker(mine);
    mine.unwatch ??= watch(call.pc, (figures) => isShown(mine) && showQuality(mine, figures));
    sound.play().catch(() => say(words.soundBlocked, { seconds: 20 }));
  };
  call.onState = (state) => state !== "closed" && showSound(state);
  call.onHeld = (on) => tell(mine, on ? "held_there" : "resumed_there");
  call.gone.then((how) => over(mine, how));
  tell(mine, first, { number: call.number, ...more }).then(() => {
    // I was in it as a guest, and it is mine now.
    if (mine.taken && talks.has(mine)) ACTS.answer(mine).catch((error) => say(wordsOf(error), { bad: true, seconds: 15 }));
  });
  return mine;
}

function over(mine, { by, why, answered }) {
  if (!mine.handed) {
    if (answered) tell(mine, "ended", { reason: by === "us" ? "operator" : "customer" });
    else if (mine.call.incoming) tell(mine, by === "us" ? "declined" : "missed");
    else tell(mine, "ended", { reason: by === "us" ? "operator" : (WHY_NOT[why] ?? "unreachable") });
    if (why === "away" || why === "lost") say(words.sipLost, { bad: true, seconds: 15 });
  }
  talks.delete(mine);
  mine.unwatch?.();
  mine.sound.srcObject = null;
  showSound("");
  if (mine.talk) drop(mine.talk);
  else if (mine.mic) stop(mine.mic);
}

const isShown = ({ session }) => Number(document.querySelector("#cti [data-line]")?.dataset.line) === session;
const stop = (stream) => stream.getTracks().forEach((track) => track.stop());

let shown = "";
function showSound(state) {
  if (state === "lost" && shown !== "lost") say(words.soundLost, { seconds: 10 });
  shown = state;
  document.getElementById("app").dataset.telephoneSound = state;
}

function useSpeaker({ sound }) {
  if (sound.setSinkId) sound.setSinkId(prefs.speaker || "").catch(() => {});
}

// --- What it is asked to do ----------------------------------------------------------------------

const ACTS = {
  answer: (mine) => (mine.answering ??= answer(mine)),
  decline: (mine) => mine.call.close(),
  hang_up: (mine) => mine.call.close(),
  hold: (mine) => become(mine, { phase: "held" }, "held"),
  resume: (mine) => become(mine, { phase: "talking" }, "resumed"),
  mute: (mine) => become(mine, { muted: true }, "muted"),
  unmute: (mine) => become(mine, { muted: false }, "unmuted"),
  keypad: (mine, key) => mine.call.dtmf(key),
  transfer: (mine, to) => handOver(mine, to),
  // Whom I have consulted is called by the customer's side, and answers at once: he knows of it.
  complete: (mine, to) => handOver(mine, to),
  pause_recording: (mine) => become(mine, { paused: true }, "recording_paused"),
  resume_recording: (mine) => become(mine, { paused: false }, "recording_resumed"),
};

/** Do what the server asks of a call that this tab has, or call out if this tab is the telephone. */
export async function obey({ command, call, control, value }) {
  const mine = [...talks].find((one) => one.name === call);
  const act = control === "originate" ? dial : mine && ACTS[control];
  if (!act || !line) return;
  const told = { command };
  try {
    await (mine ? act(mine, value) : act(value));
  } catch (error) {
    told.words = wordsOf(error);
    // Its toast is gone, and it rings still.
    if (control === "answer") refreshOffers();
  }
  persist("/desk/line/sip/done/", told);
}

function wordsOf(error) {
  if (error instanceof NoMicrophone) return words[`mic${error.why[0].toUpperCase()}${error.why.slice(1)}`];
  const why = { busy: words.sipBusy, declined: words.sipDeclined, absent: words.sipAbsent, gone: words.sipGone, refused: words.sipForbidden, away: words.sipAway };
  return why[error.why] ?? words.error;
}

async function answer(mine) {
  try {
    mine.mic = await open(prefs.microphone);
    await mine.call.answer(mine.mic);
  } catch (error) {
    // It rings on, and can be tried again.
    mine.answering = null;
    throw error;
  }
  await tell(mine, "answered");
  connect(mine);
}

// Not before the server knows that I talk: whose call it is, he may record it.
function connect(mine) {
  if (!talks.has(mine) || !mine.session) return;
  const carrier = { sound: mine.sound, speak: (track) => mine.call.speak(track) };
  mine.talk = carry({ session: mine.session, mic: mine.mic, recorded: mine.recorded, carrier });
}

// Heard, or not heard, at once; told, and then the bar says it.
function become(mine, next, word) {
  mine.talk?.assume(next);
  tell(mine, word);
}

// The command is done when it is known that it rings there; what comes of it follows.
async function handOver(mine, to) {
  mine.handed = true;
  await Promise.race([tell(mine, "handed", { to }), new Promise((done) => setTimeout(done, KNOWN_MS))]);
  mine.call.refer(to).then(
    () => tell(mine, "taken", { to }),
    (error) => {
      mine.handed = false;
      tell(mine, "returned");
      say(wordsOf(error), { bad: true, seconds: 15 });
    },
  );
}

async function dial(number) {
  const mic = await open(prefs.microphone);
  try {
    const call = line.call(number, mic);
    const mine = follow(call, "calls", { to: number });
    mine.mic = mic;
    call.answered.then(async () => {
      await tell(mine, "answered_there");
      connect(mine);
    });
  } catch (error) {
    stop(mic);
    throw error;
  }
}

// --- The page ------------------------------------------------------------------------------------

document.addEventListener("cx:sound", () => talks.forEach(useSpeaker));
// A page that goes takes its calls with it: who leaves by mistake is asked first.
addEventListener("beforeunload", (event) => talks.size && event.preventDefault());
addEventListener("pagehide", () => {
  for (const mine of talks) {
    const values = { call: mine.name, what: "ended", key: `${mine.uid}:gone`, reason: "lost" };
    if (!mine.handed) post("/desk/line/sip/told/", values, { keepalive: true }).catch(() => {});
    // All is said of it.
    mine.handed = true;
  }
  line?.close();
});

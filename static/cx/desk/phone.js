// The phone of the browser: the sound of the calls that the bar shows. What a call's state is the server says; here it is
// made heard. Each line of the bar is one Talk; after a reload they are made anew. The telephone of a platform (telephone.js)
// brings the customer's sound of its calls, and all else is the same.
import { tick } from "../clock.js";
import { elements, getText, post, Refused, words } from "../net.js";
import { complain, say } from "../toast.js";
import { playKey } from "../voice/keys.js";
import { NoMicrophone, open } from "../voice/mic.js";
import { refreshParts } from "./parts.js";
import { prefs } from "./prefs.js";
import { Talk } from "./talk.js";

const AGAIN_MS = 3000;
// Below this opinion people begin to ask each other to repeat, and below the second they hang up.
const POOR = 3.6;
const BAD = 2.6;
// How many of five bars a grade has: it shall be told without its colour too.
const BARS = { good: 5, poor: 3, bad: 2 };
// Of a platform's call the sound is the telephone's own until it is answered, and while it is handed over.
const CARRIED = new Set(["talking", "held", "consulting", "conferenced"]);

const bar = () => document.getElementById("cti");
const lines = () => [...(bar()?.querySelectorAll("[data-line]") ?? [])];
const lineOf = (session) => lines().find((line) => Number(line.dataset.line) === session);
// The call that the bar's buttons are about.
const firstLine = () => lines()[0];
const ice = () => JSON.parse(document.getElementById("ice")?.textContent || "[]");

const talks = new Map();
const starting = new Set();
// Calls for which there is no microphone: said once, until the operator tries again.
const refused = new Set();
// Where the sound of the first call stands: "connecting", "connected", "lost", "blocked".
let state = "";
// Of several tabs of a browser one has the sound: when it closes, another takes it.
let hasSound = !navigator.locks;
navigator.locks?.request(`cx.phone.${document.body.dataset.user}`, () => {
  hasSound = true;
  follow();
  return new Promise(() => {});
});

/** Fetch the bar again and let the sound follow it. */
export async function refreshBar() {
  try {
    const [fresh] = elements(await getText("/desk/line/"));
    if (!bar() || !fresh) return;
    if (talks.size) fresh.dataset.sound = state;
    const graded = document.getElementById("cti-quality");
    const next = fresh.querySelector("#cti-quality");
    // What the connection is like is known here alone.
    if (talks.size && graded && next) [next.dataset.quality, next.title] = [graded.dataset.quality ?? "", graded.title];
    window.Idiomorph.morph(bar(), fresh);
    showMicrophone();
    tick();
    document.dispatchEvent(new Event("cx:bar"));
    follow();
  } catch {
    // The line is away: the reconnect asks again.
  }
}

/** Make heard what the bar shows: connect, hold, mute, or let go. */
export function follow() {
  const shown = lines().filter(isHeardHere);
  const wanted = new Set(shown.map((line) => Number(line.dataset.line)));
  for (const session of refused) if (!wanted.has(session)) refused.delete(session);
  for (const [session, talk] of talks) {
    const line = lineOf(session);
    // The telephone says itself when its call is over.
    if (talk.carrier) continue;
    // Whose call it is has changed: the connections are others.
    if (!wanted.has(session) || line.dataset.owner !== talk.owner) letGo(session, talk);
  }
  for (const line of shown) if (!refused.has(Number(line.dataset.line))) serve(line);
}

function isHeardHere({ dataset: { line, role, provider } }) {
  if (talks.get(Number(line))?.carrier) return role === "owner";
  return hasSound && (role !== "owner" || provider === "browser");
}

function serve({ dataset }) {
  const session = Number(dataset.line);
  const said = saidBy(dataset);
  const talk = talks.get(session);
  if (talk?.carrier) return CARRIED.has(said.phase) && talk.obey(said);
  if (talk && (talk.hasMicrophone || said.role === "listen")) return talk.obey(said);
  if (said.role === "listen") return begin(session, dataset).obey(said);
  return connect(session);
}

const saidBy = ({ role, phase, muted, recorded, paused, parties }) => ({ role, phase, muted: Boolean(muted), recorded: Boolean(recorded), paused: Boolean(paused), parties: JSON.parse(parties) });

async function connect(session) {
  if (starting.has(session)) return;
  starting.add(session);
  try {
    const mic = await open(prefs.microphone);
    const line = lineOf(session);
    if (!line) return mic.getTracks().forEach((track) => track.stop());
    const talk = talks.get(session) ?? begin(session, line.dataset);
    talk.useMicrophone(mic);
    talk.obey(saidBy(line.dataset));
  } catch (error) {
    if (!(error instanceof NoMicrophone)) throw error;
    refused.add(session);
    complainMicrophone(error.why);
  } finally {
    starting.delete(session);
  }
}

/**
 * Let a platform's call that was answered be heard, mixed and recorded as the bar says. `carrier`: see Talk. Returns the Talk.
 */
export function carry({ session, mic, recorded, carrier }) {
  const before = talks.get(session);
  // I was a guest in it a moment ago.
  if (before) letGo(session, before);
  const talk = begin(session, { role: "owner" }, carrier);
  talk.useMicrophone(mic);
  talk.obey({ role: "owner", phase: "talking", muted: false, recorded, paused: false, parties: [{ party: "customer", role: "customer" }] });
  follow();
  return talk;
}

/** A platform's call is over. */
export function drop(talk) {
  letGo(talk.session, talk);
}

function begin(session, { party, owner, role }, carrier = null) {
  const isFirst = () => Number(firstLine()?.dataset.line) === session;
  const talk = new Talk({
    line: { session, party, owner, role },
    ice: ice(),
    speaker: prefs.speaker,
    carrier,
    on: {
      onState: (next) => isFirst() && showState(next),
      onQuality: (figures) => isFirst() && showQuality(talk, figures),
      onBlocked: () => say(words.soundBlocked, { seconds: 20 }),
      onTrouble,
      onPauseOver: () => lineOf(session)?.dataset.paused && press("resume_recording", session),
      onMicrophoneGone: () => changeMicrophone(talk),
      onRefused: (error) => error instanceof Refused && error.code !== "not_owner" && complain(error),
    },
  });
  talks.set(session, talk);
  return talk;
}

// The headset was pulled out, or another one chosen: it takes the place, the call goes on.
async function changeMicrophone(talk) {
  try {
    const mic = await open(prefs.microphone);
    if (talk.isClosed) mic.getTracks().forEach((track) => track.stop());
    else talk.useMicrophone(mic);
  } catch (error) {
    if (error instanceof NoMicrophone) complainMicrophone(error.why);
    else throw error;
  }
}

// Without a microphone no call can be taken in this browser: the bar says so before one rings.
let lacks = false;
async function lookForMicrophone() {
  const all = await navigator.mediaDevices?.enumerateDevices?.().catch(() => null);
  if (!all) return;
  lacks = !all.some(({ kind }) => kind === "audioinput");
  showMicrophone();
}

function showMicrophone() {
  const button = document.getElementById("cti-quality");
  if (!button || talks.size || lacks === (button.dataset.microphone === "none")) return;
  if (!lacks) return refreshBar();
  Object.assign(button.dataset, { microphone: "none", quality: "bad" });
  button.title = words.micNone;
  button.setAttribute("aria-label", words.micNone);
}

function letGo(session, talk) {
  if (talks.get(session) === talk) talks.delete(session);
  talk.close();
  if (!talks.size) state = "";
}

let trouble = null;
function onTrouble(error) {
  trouble?.remove();
  trouble = error ? say(error.message, { bad: true, seconds: 3600 }) : null;
}

function complainMicrophone(why) {
  const text = words[`mic${why[0].toUpperCase()}${why.slice(1)}`];
  say(text, { bad: true, seconds: 60, act: words.retry, undo: () => (refused.clear(), follow()) });
}

function showState(next) {
  if (next === "lost" && state !== "lost") say(words.soundLost, { seconds: 10 });
  if (next === "blocked" && state !== "blocked") say(words.soundNoWay, { bad: true, seconds: 20 });
  state = next;
  bar()?.setAttribute("data-sound", state);
}

/** Show on the bar how a connection is. */
export function showQuality(talk, { opinion, loss, rtt, jitter, silent }) {
  const button = document.getElementById("cti-quality");
  if (!button) return;
  const grade = opinion < BAD ? "bad" : opinion < POOR ? "poor" : "good";
  button.dataset.quality = grade;
  const drawing = button.querySelector("use");
  drawing.setAttribute("href", drawing.getAttribute("href").replace(/antenna-bars-\d/, `antenna-bars-${BARS[grade]}`));
  button.title = words.quality
    .replace("{mos}", opinion.toFixed(1))
    .replace("{loss}", (loss * 100).toFixed(1))
    .replace("{jitter}", Math.round(jitter * 1000))
    .replace("{rtt}", Math.round(rtt * 1000));
  if (grade === "bad" && !silent && !talk.warned) {
    talk.warned = true;
    say(words.soundBad, { seconds: 15 });
  }
}

/** What another browser says of the connection: the customer's, or a colleague's. */
export function hearSdp({ id, from, ...message }) {
  talks.get(id)?.hear(from, message);
}

/** Another browser's page was loaded: it is called anew. */
export function callAgain({ id, from }) {
  talks.get(id)?.callAgain(from);
}

/** A colleague who was called into my call is gone: why. */
export function guestGone({ end, name }) {
  const text = { declined: words.guestDeclined, no_answer: words.guestNoAnswer, left: words.guestLeft }[end];
  say(text.replace("{name}", name), { seconds: 10 });
}

async function press(control, session, value = "") {
  // Heard at once; the server's word follows.
  if (control === "mute") talks.get(session)?.hush({ ears: false });
  if (control === "hold") talks.get(session)?.hush();
  if (control === "keypad") playKey(value);
  await post(`/desk/s/${session}/call/${control}/`, { value }).catch(complain);
  // Of a key nothing changes, and the keypad stays open.
  if (control !== "keypad") refreshBar();
}

async function ask(url) {
  await post(url).catch(complain);
  refreshBar();
  refreshParts();
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-press], [data-hang-up], [data-speak]");
  if (!button || button.disabled) return;
  const { press: control, hangUp, speak, line, value } = button.dataset;
  if (control) press(control, Number(line ?? firstLine()?.dataset.line), value);
  else ask(hangUp ?? speak);
});
document.addEventListener("cx:sound", () => {
  for (const talk of talks.values()) {
    talk.useSpeaker(prefs.speaker);
    if (talk.hasMicrophone) changeMicrophone(talk);
  }
});
navigator.mediaDevices?.addEventListener("devicechange", lookForMicrophone);
lookForMicrophone();
addEventListener("pagehide", () => {
  for (const [session, talk] of talks) letGo(session, talk);
});
// What could not be begun before is tried again.
setInterval(() => lines().length > talks.size && follow(), AGAIN_MS);

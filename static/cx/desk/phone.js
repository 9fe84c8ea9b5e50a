// The phone of the browser: the sound of the calls that the bar shows. What a call's state is the server says; here it is
// made heard. Each line of the bar has one connection; after a reload it is made anew.
import { elements, getText, post, Refused, words } from "../net.js";
import { complain, say } from "../toast.js";
import { tick } from "../clock.js";
import { call } from "../voice/peer.js";
import { NoMicrophone, open } from "../voice/mic.js";
import { watch } from "../voice/quality.js";
import { refreshParts } from "./parts.js";
import { startRecording } from "./recorder.js";
import { prefs } from "./prefs.js";

const AGAIN_MS = 3000;
// Below this opinion people begin to ask each other to repeat, and below the second they hang up.
const POOR = 3.6;
const BAD = 2.6;

const bar = () => document.getElementById("cti");
const lineOf = () => bar()?.querySelector("[data-line]");

// The one connection: {session, party, peer, mic, sound, unwatch}.
let now = null;
// Where its sound stands: "connecting", "connected", "lost".
let state = "";
let refused = "";
let starting = false;

function ice() {
  return JSON.parse(document.getElementById("ice")?.textContent || "[]");
}

/** Fetch the bar again and let the sound follow it. */
export async function refreshBar() {
  try {
    const [fresh] = elements(await getText("/desk/line/"));
    if (!bar() || !fresh) return;
    if (now) fresh.dataset.sound = state;
    const graded = document.getElementById("cti-quality");
    const next = fresh.querySelector("#cti-quality");
    // What the connection is like is known here alone.
    if (now && graded && next) [next.dataset.quality, next.title] = [graded.dataset.quality ?? "", graded.title];
    window.Idiomorph.morph(bar(), fresh);
    tick();
    follow();
  } catch {
    // The line is away: the reconnect asks again.
  }
}

/** Make heard what the bar shows: connect, hold, mute, or let go. */
export function follow() {
  const line = lineOf();
  const wanted = line?.dataset.provider === "browser" ? Number(line.dataset.line) : 0;
  if (now && now.session !== wanted) letGo();
  if (!wanted) return void (refused = "");
  if (!now && refused !== String(wanted)) connect(wanted, line.dataset.party);
  if (now) obey(line.dataset);
}

function obey({ phase, muted, recorded, paused }) {
  const speaks = phase === "talking";
  now.mic.getAudioTracks()[0].enabled = speaks && !muted;
  now.sound.muted = !speaks;
  if (recorded) record(now, speaks, Boolean(paused));
}

// What nobody hears is not recorded either: on hold the customer's side of the file is silent.
async function record(mine, speaks, paused) {
  const customer = speaks ? mine.sound.srcObject : null;
  if (!mine.recorder) {
    if (!customer) return;
    const asked = { customer, operator: mine.mic, post, session: mine.session, onTrouble, onPause: (on) => on || goOn(mine) };
    mine.recorder = startRecording(asked);
    mine.recorder.catch(onTrouble);
  }
  const recorder = await mine.recorder.catch(() => null);
  if (!recorder || mine !== now) return;
  if (mine.recorded !== customer) {
    recorder.swap({ customer });
    if (mine.recorded && !customer) recorder.mark("hold");
    if (mine.recorded === null) recorder.mark("unhold");
    mine.recorded = customer;
  }
  if (paused) recorder.pause();
  else recorder.resume();
}

// The pause has ended by itself: the server is told.
function goOn(mine) {
  if (mine === now && lineOf()?.dataset.paused) press("resume_recording");
}

let trouble = null;
function onTrouble(error) {
  trouble?.remove();
  trouble = error ? say(error.message, { bad: true, seconds: 3600 }) : null;
}

async function connect(session, party) {
  if (starting) return;
  starting = true;
  try {
    const mic = await open(prefs.microphone);
    if (Number(lineOf()?.dataset.line) !== session) return stop(mic);
    begin(session, party, mic);
  } catch (error) {
    if (!(error instanceof NoMicrophone)) throw error;
    // Said once for a call, until the operator tries again.
    refused = String(session);
    complainMicrophone(error.why);
  } finally {
    starting = false;
  }
}

function begin(session, party, mic) {
  const sound = new Audio();
  sound.autoplay = true;
  if (prefs.speaker && sound.setSinkId) sound.setSinkId(prefs.speaker).catch(() => {});
  const send = (message) => post(`/desk/s/${session}/signal/`, message).catch((error) => error instanceof Refused && error.code !== "not_owner" && complain(error));
  const track = mic.getAudioTracks()[0];
  now = { session, party, mic, sound, unwatch: () => {} };
  const mine = now;
  mine.peer = call({
    ice: ice(),
    track,
    send,
    onTrack(stream) {
      sound.srcObject = stream;
      if (mine === now && lineOf()) obey(lineOf().dataset);
      sound.play().catch(() => say(words.soundBlocked, { seconds: 20 }));
    },
    onState: (state) => mine === now && showState(state),
  });
  mine.unwatch = watch(mine.peer.pc, (figures) => mine === now && showQuality(figures));
  track.addEventListener("ended", () => mine === now && changeMicrophone());
  obey(lineOf().dataset);
}

// The headset was pulled out: another microphone takes its place, the call goes on.
async function changeMicrophone() {
  const mine = now;
  try {
    const mic = await open(prefs.microphone);
    if (mine !== now) return stop(mic);
    stop(mine.mic);
    mine.mic = mic;
    await mine.peer.pc.getSenders()[0].replaceTrack(mic.getAudioTracks()[0]);
    (await mine.recorder)?.swap({ operator: mic });
    obey(lineOf().dataset);
  } catch (error) {
    if (error instanceof NoMicrophone) complainMicrophone(error.why);
    else throw error;
  }
}

function letGo() {
  const { unwatch, peer, sound, mic, recorder } = now;
  now = null;
  unwatch();
  peer.close();
  sound.srcObject = null;
  const silence = () => stop(mic);
  if (recorder) recorder.then((one) => one.stop()).catch(onTrouble).finally(silence);
  else silence();
}

const stop = (stream) => stream.getTracks().forEach((track) => track.stop());

function complainMicrophone(why) {
  const text = words[`mic${why[0].toUpperCase()}${why.slice(1)}`];
  say(text, { bad: true, seconds: 60, act: words.retry, undo: () => ((refused = ""), follow()) });
}

function showState(next) {
  if (next === "lost" && state !== "lost") say(words.soundLost, { seconds: 10 });
  state = next;
  bar()?.setAttribute("data-sound", state);
}

function showQuality({ opinion, loss, rtt, jitter, silent }) {
  const button = document.getElementById("cti-quality");
  if (!button) return;
  const grade = opinion < BAD ? "bad" : opinion < POOR ? "poor" : "good";
  button.dataset.quality = grade;
  button.title = words.quality
    .replace("{mos}", opinion.toFixed(1))
    .replace("{loss}", (loss * 100).toFixed(1))
    .replace("{jitter}", Math.round(jitter * 1000))
    .replace("{rtt}", Math.round(rtt * 1000));
  if (grade === "bad" && !silent && now && !now.warned) {
    now.warned = true;
    say(words.soundBad, { seconds: 15 });
  }
}

/** What the customer's browser says of the connection. */
export function hearSdp({ id, ...message }) {
  if (now?.session === id) now.peer.hear(message);
}

/** The customer's page was loaded again: it is called anew. */
export function callAgain({ id }) {
  if (now?.session !== id) return;
  const { session, party, mic, recorder, recorded } = now;
  now.unwatch();
  now.peer.close();
  now.sound.srcObject = null;
  begin(session, party, mic);
  Object.assign(now, { recorder, recorded });
}

async function press(control) {
  const session = lineOf()?.dataset.line;
  if (!session) return;
  // Heard at once; the server's word follows.
  if (now && control === "mute") now.mic.getAudioTracks()[0].enabled = false;
  if (now && control === "hold") {
    now.mic.getAudioTracks()[0].enabled = false;
    now.sound.muted = true;
  }
  await post(`/desk/s/${session}/call/${control}/`).catch(complain);
  refreshBar();
}

async function hangUp(url) {
  await post(url).catch(complain);
  refreshBar();
  refreshParts();
}

document.addEventListener("click", ({ target }) => {
  const pressed = target.closest("[data-press]");
  const hung = target.closest("[data-hang-up]");
  if (pressed && !pressed.disabled) press(pressed.dataset.press);
  if (hung && !hung.disabled) hangUp(hung.dataset.hangUp);
});
document.addEventListener("cx:sound", () => {
  if (!now) return;
  if (now.sound.setSinkId) now.sound.setSinkId(prefs.speaker || "").catch(complain);
  changeMicrophone();
});
addEventListener("pagehide", () => now && letGo());
setInterval(() => lineOf() && !now && follow(), AGAIN_MS);

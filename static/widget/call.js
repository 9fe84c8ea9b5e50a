// A call from the browser: the form, the wait, the talk. The way to the operator's browser is made anew whenever it is lost.

import { link } from "./link.js";
import { NoMicrophone, open } from "../cx/voice/mic.js";
import { answer } from "../cx/voice/peer.js";
import { watch } from "../cx/voice/quality.js";
import { get, newKey, post, Refused } from "./api.js";
import { config, el, icon, roughly, t } from "./dom.js";
import { awayForm, beforeForm, takenNote } from "./forms.js";
import { leftOf } from "./kept.js";
import { makeLine } from "./line.js";
import { makeMusic } from "./music.js";
import { store } from "./store.js";
import { canRecord, makeMessage } from "./voicemail.js";

const root = document.getElementById("call");
const ASK_MS = 4000;
const LINK_OVER = new Set(["link_over", "link_used"]);
const CALLING = new Set(["waiting", "talking", "held"]);
// Below this opinion one begins to ask the other to repeat.
const POOR = 2.6;

let site = null;
let door = { open: true };
let known = {};
let who = "";
let ice = [];
let state = null;
let mic = null;
let peer = null;
let muted = false;
let started = 0;
let clock = 0;
let notice = "";
let message = null;
let music = null;
let musicKind = "";
// When who waits is offered to leave a message.
let offeredAt = Infinity;
let offering = 0;
const sound = new Audio();
sound.autoplay = true;

const line = makeLine({
  told: heard,
  up: () => ask(),
  down: () => tell(t("reconnecting")),
  refused: () => location.reload(),
});

// --- What is shown ---

function show(...parts) {
  root.replaceChildren(el("header", {}, el("span", { class: "mark" }, icon("phone")), el("b", {}, site?.title ?? root.getAttribute("aria-label"))), ...parts.filter(Boolean));
}

function tell(words) {
  notice = words;
  const place = root.querySelector("[data-notice]");
  if (place) place.textContent = words;
}

function showForm(problem = null) {
  const form = beforeForm({ ...site, greeting: "" }, known, (given) => begin(given), problem);
  if (door.recorded) form.querySelector(".hello").after(recordedNote(true));
  show(form);
  form.querySelector("input, select, button")?.focus();
}

// What a shut door offers in the chat, it offers here: to be called back, to be written to; and a message by voice.
function showAway(door, message) {
  const speak = door.voicemail && canRecord() && el("div", { class: "acts" }, leaveButton(() => showMessageForm(door)));
  const words = message || door.message || (door.form || speak ? "" : t("away"));
  const said = words && el("p", { role: "status" }, words);
  if (!door.form) return show(bigState("ended", "moon", t("away_title"), said), speak || acts([t("retry"), "refresh", () => location.reload()]));
  const head = el("div", { class: "wd-shut" }, icon("moon"), el("div", {}, el("h1", {}, t("away_title")), said));
  const taken = (said) => show(takenNote(said, [el("button", { type: "button", class: "btn", onclick: () => location.reload() }, t("retry"))]));
  const form = awayForm(site, { ...door, message: "" }, known, "", taken, "call/offline");
  show(head, speak, speak && el("p", { class: "mut or" }, t("or_write")), form);
}

function leaveButton(onclick, look = "btn-w") {
  return el("button", { type: "button", class: `btn ${look}`, onclick }, icon("microphone"), t("vm_leave"));
}

// Who comes to a shut door has said nothing of himself yet.
function showMessageForm(door, problem = null) {
  const asked = { ...site, greeting: t("vm_hello"), contact_why: t("vm_contact_why"), start: t("vm_record"), start_icon: "microphone" };
  show(beforeForm(asked, known, (given) => record(given, { name: t("vm_back"), icon: "chevron-left", act: () => showAway(door) }), problem));
}

async function record(given, back) {
  known = { ...known, ...given };
  if (!(await openMic(() => record(given, back)))) return;
  const fields = () => ({ ...given, topic: Number(given.topic) || "" });
  message = makeMessage({ track: mic.getAudioTracks()[0], who, fields, sent, back: { ...back, act: () => (dropMessage(), back.act()) } });
  show(message.node);
  playMusic(false);
}

// One that an earlier page could not send goes now; if its speaker had not decided yet, he does.
function showLeft(kept) {
  message = makeMessage({ kept, who, sent, back: { name: t("vm_drop"), icon: "trash", act: () => (dropMessage(), start()) } });
  show(message.node);
}

function dropMessage() {
  message?.close();
  message = null;
  if (!state) release();
  else if (state.phase === "waiting") obey();
}

function sent(told) {
  message = null;
  state = { ...state, ...told.state };
  end();
}

function acts(...buttons) {
  return el("div", { class: "acts" }, buttons.map(([name, drawing, act, look = "btn-w"]) => el("button", { type: "button", class: `btn ${look}`, onclick: act }, icon(drawing), name)));
}

// A drawing in a circle, and words below it.
const bigState = (look, drawing, title, ...words) => el("div", { class: "state" }, el("span", { class: `ring ${look}` }, icon(drawing)), el("h1", {}, title), ...words);

const recordedNote = (waits) => el("p", { class: "mut rec" }, icon("player-record"), t(waits ? "will_record" : "recorded"));

function showCall() {
  const { phase, agent, queue } = state;
  const waits = phase === "waiting";
  const title = waits ? t("calling") : phase === "held" ? t("on_hold") : agent;
  const drawing = waits ? "phone-calling" : phase === "held" ? "player-pause" : "phone-call";
  const place = waits ? el("p", { role: "status" }, placeWords(queue)) : el("p", { class: "num", "data-clock": true });
  const mute = el("button", { type: "button", class: "round", "aria-pressed": String(muted), "aria-label": t(muted ? "unmute" : "mute"), title: t(muted ? "unmute" : "mute"), onclick: toggle }, icon(muted ? "microphone-off" : "microphone"));
  const hang = el("button", { type: "button", class: "round hang", "aria-label": t("hang_up"), title: t("hang_up"), onclick: hangUp }, icon("phone-x"));
  const recorded = state.recorded && recordedNote(waits);
  const leave = waits && Date.now() >= offeredAt && canRecord() && leaveButton(() => record(known, { name: t("vm_wait"), icon: "chevron-left", act: () => (state.phase === "waiting" ? showCall() : end()) }), "btn");
  show(bigState(phase, drawing, title, place, recorded, el("p", { class: "notice", role: "status", "data-notice": true }, notice)), leave && el("div", { class: "acts" }, leave), el("div", { class: "keys" }, waits ? music && musicButton() : mute, hang));
  clearInterval(clock);
  if (!waits) clock = setInterval(tickClock, 1000);
  tickClock();
}

function tickClock() {
  const place = root.querySelector("[data-clock]");
  if (!place) return;
  const s = Math.max(0, Math.floor((Date.now() - started) / 1000));
  place.textContent = `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}

function placeWords(queue) {
  if (!queue) return t("looking");
  const place = queue.position <= 1 ? t("place_first") : t("place", { n: queue.position });
  if (queue.estimate_s === null || queue.estimate_s === undefined) return `${place} ${t("no_estimate")}`;
  return `${place} ${queue.estimate_s < 60 ? t("wait_minute") : t("wait_about", { time: roughly(queue.estimate_s) })}`;
}

function showEnded() {
  clearInterval(clock);
  const words = { left: "ended_lost", refused: "ended_refused", voicemail: "ended_voicemail" }[state.reason] ?? "ended";
  const left = state.reason === "voicemail";
  show(bigState(left ? "done" : "ended", left ? "check" : "phone-off", t(left ? "vm_left" : "ended_title"), el("p", {}, t(words))), acts([t("call_again"), "phone", () => ((state = null), start())]));
}

// He may still call as anybody may, and say himself who he is.
function showLinkOver(words) {
  const plain = () => {
    history.replaceState(null, "", location.pathname + location.search);
    location.reload();
  };
  show(bigState("ended", "unlink", t("link_over"), el("p", {}, words)), acts([t("call_without_link"), "phone", plain]));
}

function showProblem(words, again, drawing = "alert-circle") {
  show(el("div", { class: "state" }, el("span", { class: "ring problem" }, icon(drawing)), el("p", { class: "why", role: "alert" }, words)), acts([t("retry"), "refresh", again]));
}

// --- What happens ---

async function start() {
  try {
    // The chat has opened this page: it says who calls. It is for this moment, and nobody shall copy it.
    const ticket = new URLSearchParams(location.hash.slice(1)).get("ticket") ?? "";
    if (ticket) history.replaceState(null, "", location.pathname + location.search);
    const told = await post("call/session", { site: config.key, token: store.token, ticket, link });
    store.token = told.token;
    ({ site, known, who, ice, door, music: musicKind } = told);
    if (told.state && CALLING.has(told.state.phase)) return resume(told.state);
    const left = await leftOf(who);
    if (left) return showLeft(left);
    if (!door.open) return showAway(door);
    showForm();
  } catch (error) {
    if (error instanceof Refused && link) showLinkOver(error.message);
    else showProblem(error instanceof Refused ? error.message : t("no_answer"), start);
  }
}

// The microphone is asked for first: who does not give it shall not wait in vain.
async function begin(given) {
  known = { ...known, ...given };
  if (!(await openMic(() => begin(given)))) return;
  try {
    const told = await post("call/start", { ...given, topic: Number(given.topic) || undefined, key: newKey() });
    ice = told.ice;
    enter(told.state);
  } catch (error) {
    release();
    if (error instanceof Refused && error.code === "away") showAway(error.told.door, error.message);
    else if (error instanceof Refused && LINK_OVER.has(error.code)) showLinkOver(error.message);
    else if (error instanceof Refused) showForm(error);
    else showProblem(t("no_answer"), () => begin(given));
  }
}

async function resume(was) {
  if (await openMic(() => resume(was))) enter(was);
}

async function openMic(again) {
  try {
    mic ??= await open();
    return true;
  } catch (error) {
    if (!(error instanceof NoMicrophone)) throw error;
    showProblem(t(`mic_${error.why}`), again, "microphone-off");
    return false;
  }
}

function enter(next) {
  peer ??= answer({ ice, track: mic.getAudioTracks()[0], send, onTrack, onState });
  line.want(true);
  take(next);
  // An operator who talks to this call already calls the page anew.
  if (next.phase !== "waiting") post("call/ready").catch(() => {});
}

function take(next) {
  const before = state?.phase;
  state = { ...state, ...next };
  if (next.voicemail_in_s !== undefined) offerIn(next.voicemail_in_s);
  if (message) {
    // Somebody answers while he speaks: then they talk. Whatever else ends the wait takes nothing from his message.
    if (state.phase === "waiting") return;
    if (state.phase === "ended") return release();
    message.close();
    message = null;
  }
  if (state.phase === "ended") return end();
  if (state.phase === "talking" && before !== "talking" && before !== "held") started = Date.now();
  obey();
  showCall();
}

function playMusic(yes) {
  if (yes && musicKind) music ??= makeMusic(musicKind);
  music?.play(yes);
  root.dataset.music = yes && music && !music.muted ? "on" : "off";
}

function musicButton() {
  const words = t(music.muted ? "music_on" : "music_off");
  const press = () => {
    music.muted = !music.muted;
    obey();
    showCall();
  };
  return el("button", { type: "button", class: "round", "aria-pressed": String(music.muted), "aria-label": words, title: words, onclick: press }, icon(music.muted ? "volume-off" : "volume"));
}

function offerIn(seconds) {
  clearTimeout(offering);
  offeredAt = seconds === null ? Infinity : Date.now() + seconds * 1000;
  if (seconds !== null) offering = setTimeout(() => state?.phase === "waiting" && !message && showCall(), seconds * 1000);
}

function obey() {
  const on = state.phase === "talking" && !muted;
  if (mic) mic.getAudioTracks()[0].enabled = on;
  sound.muted = state.phase !== "talking";
  playMusic(state.phase === "waiting" && !message);
}

function end() {
  release();
  line.want(false);
  showEnded();
}

function release() {
  peer?.close();
  music?.close();
  mic?.getTracks().forEach((track) => track.stop());
  sound.srcObject = null;
  [peer, mic, music, muted] = [null, null, null, false];
  root.dataset.music = "off";
}

const send = (message) => post("call/signal", { ...message, party: state.party }).catch(() => {});

function onTrack(stream) {
  sound.srcObject = stream;
  sound.play().catch(() => tell(t("sound_blocked")));
}

let unwatch = () => {};
function onState(next) {
  const connected = next === "connected";
  tell(connected ? "" : next === "lost" ? t("sound_lost") : next === "blocked" ? t("sound_no_way") : notice);
  root.dataset.sound = next;
  unwatch();
  if (connected) unwatch = watch(peer.pc, ({ opinion, silent }) => tell(opinion < POOR && !silent ? t("sound_bad") : ""));
}

function heard(said) {
  if (!state) return;
  if (said.kind === "queue" && state.phase === "waiting") take({ queue: said });
  if (said.kind === "call") said.phase && said.phase !== "ended" ? (take({ phase: said.phase }), ask()) : ask();
  if (said.kind === "sdp" && peer) {
    state.party = said.party;
    peer.hear(said);
  }
}

let asked = 0;
async function ask() {
  if (!state) return;
  const turn = (asked += 1);
  try {
    const told = await get("call/state");
    // An answer that was overtaken says what was before.
    if (!state || turn !== asked) return;
    ice = told.ice;
    take(told.state);
  } catch {
    // The line is away: it asks again when it is back.
  }
}

function toggle() {
  muted = !muted;
  obey();
  showCall();
}

async function hangUp() {
  try {
    await post("end");
  } catch {
    // Away: the center notices that this page is gone.
  }
  if (state) take({ phase: "ended", reason: "ended" });
}

setInterval(() => state && state.phase !== "ended" && !line.isUp && ask(), ASK_MS);
start();

// A message instead of a talk: recorded in this page, heard, recorded again, and sent until it is there. From when it is
// recorded until it is sent or given up the browser keeps it: the page may be closed meanwhile.

import { newKey, Refused, upload } from "./api.js";
import { el, icon, t } from "./dom.js";
import { errorNote } from "./forms.js";
import { drop, keep } from "./kept.js";

const MOST_S = 180;
const BITS = 48000;
const RETRY_MS = [2000, 4000, 8000, 15000];
const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];

/** Tell whether this browser can record a message. */
export const canRecord = () => Boolean(window.MediaRecorder && window.AudioContext);

const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

// The sound of a microphone's track, which is copied: whatever becomes of the call, the message goes on.
function listenTo(track) {
  const mine = track.clone();
  mine.enabled = true;
  const context = new AudioContext();
  const looks = context.createAnalyser();
  const samples = new Float32Array(looks.fftSize);
  // One voice, one channel, whatever the microphone has.
  const mono = new MediaStreamAudioDestinationNode(context, { channelCount: 1, channelCountMode: "explicit" });
  const source = context.createMediaStreamSource(new MediaStream([mine]));
  source.connect(looks);
  source.connect(mono);
  return {
    stream: mono.stream,
    resume: () => context.resume(),
    // What one hears as half as loud is a tenth of the power.
    level: () => (looks.getFloatTimeDomainData(samples), Math.sqrt(Math.max(...samples.map(Math.abs)))),
    close: () => (mine.stop(), context.close()),
  };
}

/**
 * Record a message of somebody (`who`) from a microphone's track, or go on with the one that an earlier page has `kept`.
 * `fields()` goes along with it; `sent(told)` when the center has it; `back` ({name, icon, act}) leads away, and closes it.
 * Returns {node, close()}.
 */
export function makeMessage({ track = null, kept = null, who, fields, sent, back }) {
  const node = el("div", { class: "state wd-vm", "data-message": "recording" });
  const ear = track && listenTo(track);
  let recorder = null;
  let parts = [];
  let begun = 0;
  let length = 0;
  let sound = null;
  let address = "";
  let key = "";
  let timer = 0;
  let tries = 0;
  let again = 0;

  addEventListener("beforeunload", warn);

  function warn(event) {
    if (sound) event.preventDefault();
  }

  function show(name, ...shown) {
    node.dataset.message = name;
    node.replaceChildren(...shown.filter(Boolean));
  }

  const act = (name, drawing, onclick, look = "btn-w") => el("button", { type: "button", class: `btn ${look}`, onclick }, icon(drawing), name);
  const away = () => act(back.name, back.icon, back.act, "btn");

  // --- Recording ---

  function record() {
    forget();
    const type = TYPES.find((one) => MediaRecorder.isTypeSupported(one));
    recorder = new MediaRecorder(ear.stream, { mimeType: type, audioBitsPerSecond: BITS });
    const own = recorder;
    own.addEventListener("dataavailable", ({ data }) => own === recorder && data.size && parts.push(data));
    own.addEventListener("stop", () => own === recorder && listen());
    ear.resume();
    own.start(1000);
    begun = performance.now();
    const level = el("meter", { min: "0", max: "1", value: "0", "aria-label": t("vm_level") });
    const time = el("p", { class: "num" }, `0:00 / ${clock(MOST_S)}`);
    show("recording", el("span", { class: "ring talking" }, icon("microphone")), el("h1", {}, t("vm_recording")), time, level, el("div", { class: "acts" }, act(t("vm_stop"), "player-stop", stop), away()));
    clearInterval(timer);
    timer = setInterval(() => {
      length = (performance.now() - begun) / 1000;
      time.textContent = `${clock(length)} / ${clock(MOST_S)}`;
      level.value = ear.level();
      if (length >= MOST_S) stop();
    }, 100);
  }

  function stop() {
    clearInterval(timer);
    if (recorder?.state === "recording") recorder.stop();
  }

  // --- What was recorded ---

  function listen(problem = null) {
    sound ??= new Blob(parts, { type: recorder.mimeType.split(";")[0] });
    key ||= newKey();
    store(false);
    address ||= URL.createObjectURL(sound);
    const player = el("audio", { controls: true, src: address, "aria-label": t("vm_yours") });
    show("heard", problem, el("h1", {}, t("vm_yours")), el("p", { class: "num" }, clock(length)), player, el("div", { class: "acts" }, act(t("vm_send"), "send", () => send()), ear && act(t("vm_again"), "rotate", record, "btn"), away()));
    node.querySelector("button").focus();
  }

  const store = (wanted) => keep({ key, who, sound, length, fields: fields(), wanted });

  // --- Sending ---

  async function send() {
    clearTimeout(again);
    store(true);
    const progress = el("progress", { max: "1", value: "0", "aria-label": t("sending") });
    show("sending", el("h1", {}, t("vm_sending")), progress);
    try {
      const told = await upload(new File([sound], "message"), key, (part) => (progress.value = part), "call/voicemail", fields());
      close();
      sent(told);
    } catch (error) {
      if (error instanceof Refused && error.status < 500 && error.status !== 429) listen(errorNote(error.message));
      else retry();
    }
  }

  // The browser keeps it until the center has it; the same key leaves it once, however often it is sent.
  function retry() {
    const pause = RETRY_MS[Math.min(tries, RETRY_MS.length - 1)];
    tries += 1;
    show("waiting", errorNote(t("vm_kept"), send), el("p", { class: "num" }, clock(length)), el("div", { class: "acts" }, away()));
    again = setTimeout(send, pause);
  }

  function forget() {
    if (address) URL.revokeObjectURL(address);
    if (key) drop(key);
    [parts, sound, address, key, length, tries] = [[], null, "", "", 0, 0];
  }

  function close() {
    clearInterval(timer);
    clearTimeout(again);
    const own = recorder;
    recorder = null;
    if (own?.state === "recording") own.stop();
    ear?.close();
    forget();
    removeEventListener("beforeunload", warn);
  }

  function goOn() {
    ({ sound, length, key } = kept);
    fields = () => kept.fields;
    if (kept.wanted) send();
    else listen();
  }

  if (kept) goOn();
  else record();
  return { node, close };
}

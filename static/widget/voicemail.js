// A message instead of a talk: recorded in this page, heard, recorded again, and sent until it is there.

import { newKey, Refused, upload } from "./api.js";
import { el, icon, t } from "./dom.js";
import { errorNote } from "./forms.js";

const MOST_S = 180;
const BITS = 48000;
const RETRY_MS = [2000, 4000, 8000, 15000];
const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];

/** Tell whether this browser can record a message. */
export const canRecord = () => Boolean(window.MediaRecorder && window.AudioContext);

const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

/**
 * Record a message from a microphone's track, which is copied: whatever becomes of the call, the message goes on.
 * `fields()` goes along with it; `sent(told)` when the center has it; `back` ({name, icon, act}) leads away, and closes it.
 * Returns {node, close()}.
 */
export function makeMessage({ track, fields, sent, back }) {
  const node = el("div", { class: "state wd-vm", "data-message": "recording" });
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
    recorder = new MediaRecorder(mono.stream, { mimeType: type, audioBitsPerSecond: BITS });
    const own = recorder;
    own.addEventListener("dataavailable", ({ data }) => own === recorder && data.size && parts.push(data));
    own.addEventListener("stop", () => own === recorder && listen());
    context.resume();
    own.start(1000);
    begun = performance.now();
    const level = el("meter", { min: "0", max: "1", value: "0", "aria-label": t("vm_level") });
    const time = el("p", { class: "num" }, `0:00 / ${clock(MOST_S)}`);
    show("recording", el("span", { class: "ring talking" }, icon("microphone")), el("h1", {}, t("vm_recording")), time, level, el("div", { class: "acts" }, act(t("vm_stop"), "player-pause", stop), away()));
    clearInterval(timer);
    timer = setInterval(() => {
      length = (performance.now() - begun) / 1000;
      time.textContent = `${clock(length)} / ${clock(MOST_S)}`;
      looks.getFloatTimeDomainData(samples);
      // What one hears as half as loud is a tenth of the power.
      level.value = Math.sqrt(Math.max(...samples.map(Math.abs)));
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
    address ||= URL.createObjectURL(sound);
    const player = el("audio", { controls: true, src: address, "aria-label": t("vm_yours") });
    show("heard", problem, el("h1", {}, t("vm_yours")), el("p", { class: "num" }, clock(length)), player, el("div", { class: "acts" }, act(t("vm_send"), "send", () => send()), act(t("vm_again"), "rotate", record, "btn"), away()));
    node.querySelector("button").focus();
  }

  // --- Sending ---

  async function send() {
    clearTimeout(again);
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

  // It stays in this page until the center has it; the same key leaves it once, however often it is sent.
  function retry() {
    const pause = RETRY_MS[Math.min(tries, RETRY_MS.length - 1)];
    tries += 1;
    show("waiting", errorNote(t("vm_kept"), send), el("p", { class: "num" }, clock(length)), el("div", { class: "acts" }, away()));
    again = setTimeout(send, pause);
  }

  function forget() {
    if (address) URL.revokeObjectURL(address);
    [parts, sound, address, key, length, tries] = [[], null, "", "", 0, 0];
  }

  function close() {
    clearInterval(timer);
    clearTimeout(again);
    const own = recorder;
    recorder = null;
    if (own?.state === "recording") own.stop();
    mine.stop();
    context.close();
    forget();
    removeEventListener("beforeunload", warn);
  }

  record();
  return { node, close };
}

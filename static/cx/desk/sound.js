// Which microphone and speaker, how loud one is, and how one sounds: the dialog that the bar opens.
import { words } from "../net.js";
import { devices, NoMicrophone, open } from "../voice/mic.js";
import { prefs, savePrefs } from "./prefs.js";

const ECHO_MS = 3000;
const QUIET = 0.01;

let test = null;

async function begin(box) {
  end();
  const mine = (test = { box, stop: () => {} });
  try {
    const mic = await open(prefs.microphone);
    if (mine !== test || !box.isConnected) return mic.getTracks().forEach((track) => track.stop());
    mine.mic = mic;
    meter(mine);
  } catch (error) {
    if (!(error instanceof NoMicrophone)) throw error;
    document.getElementById("sound-state").textContent = words[`mic${error.why[0].toUpperCase()}${error.why.slice(1)}`];
  }
  // Names are told only to who has been let to the microphone.
  const { inputs, outputs } = await devices();
  fill(document.getElementById("sound-in"), inputs, prefs.microphone);
  fill(document.getElementById("sound-out"), outputs, prefs.speaker);
}

function fill(select, list, chosen) {
  if (!select) return;
  const usual = new Option(select.dataset.usual, "");
  select.replaceChildren(usual, ...list.map(({ id, name }) => new Option(name || id, id, false, id === chosen)));
  select.disabled = list.length === 0;
}

function meter(mine) {
  const context = new AudioContext();
  const looks = context.createAnalyser();
  const wave = new Float32Array(looks.fftSize);
  context.createMediaStreamSource(mine.mic).connect(looks);
  const bar = mine.box.querySelector(".cx-loud");
  const line = document.getElementById("sound-heard");
  line.textContent = line.dataset.silent;
  const timer = setInterval(() => {
    if (!mine.box.isConnected || !mine.box.closest("dialog")?.open) return end();
    looks.getFloatTimeDomainData(wave);
    const loud = Math.sqrt(wave.reduce((sum, one) => sum + one * one, 0) / wave.length);
    const level = Math.round(Math.min(1, Math.max(0, 1 + Math.log10(Math.max(loud, 0.0001)) / 3)) * 100);
    bar.firstElementChild.style.width = `${level}%`;
    bar.setAttribute("aria-valuenow", level);
    if (loud > QUIET) line.textContent = line.dataset.hears;
  }, 80);
  mine.stop = () => {
    clearInterval(timer);
    context.close();
    mine.mic.getTracks().forEach((track) => track.stop());
  };
}

function end() {
  test?.stop();
  test = null;
}

async function player(source) {
  const sound = new Audio();
  if (prefs.speaker && sound.setSinkId) await sound.setSinkId(prefs.speaker).catch(() => {});
  if (source instanceof MediaStream) sound.srcObject = source;
  else sound.src = source;
  return sound;
}

async function tone() {
  const context = new AudioContext();
  const [wave, gain, way] = [context.createOscillator(), context.createGain(), context.createMediaStreamDestination()];
  gain.gain.value = 0.2;
  wave.frequency.value = 523;
  wave.connect(gain).connect(way);
  const sound = await player(way.stream);
  wave.start();
  await sound.play();
  setTimeout(() => context.close(), 1000);
}

// Three seconds are kept in the browser and played back: nothing leaves it.
function echo(button) {
  if (!test?.mic) return;
  const [label, mine] = [button.querySelector("span"), test];
  const recorder = new MediaRecorder(mine.mic);
  button.disabled = true;
  label.textContent = button.dataset.records;
  recorder.addEventListener("dataavailable", async ({ data }) => {
    label.textContent = button.dataset.plays;
    const sound = await player(URL.createObjectURL(data));
    const over = () => {
      URL.revokeObjectURL(sound.src);
      label.textContent = button.dataset.usual;
      button.disabled = false;
    };
    sound.addEventListener("ended", over);
    sound.play().catch(over);
  });
  recorder.start();
  setTimeout(() => recorder.state === "recording" && recorder.stop(), ECHO_MS);
}

document.addEventListener("change", ({ target }) => {
  if (target.id !== "sound-in" && target.id !== "sound-out") return;
  prefs[target.id === "sound-in" ? "microphone" : "speaker"] = target.value;
  savePrefs();
  document.dispatchEvent(new Event("cx:sound"));
  if (target.id === "sound-in") begin(document.getElementById("sound-devices"));
});
document.addEventListener("click", ({ target }) => {
  if (target.closest("#sound-tone")) tone();
  const button = target.closest("#sound-echo");
  if (button) echo(button);
});
new MutationObserver(() => {
  const box = document.getElementById("sound-devices");
  if (box && box !== test?.box) begin(box);
}).observe(document.getElementById("dialog"), { childList: true });

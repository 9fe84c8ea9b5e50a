// A short sound for a message, made by the browser itself. It needs a touch of the frame before it may sound.

import { store } from "./store.js";

let context = null;

function wake() {
  context ??= new AudioContext();
  context.resume();
}

for (const name of ["pointerdown", "keydown"]) addEventListener(name, wake, { once: true });

/** Play two short tones, unless the visitor wants silence. */
export function ring() {
  if (store.muted || context?.state !== "running") return;
  [660, 880].forEach((pitch, n) => tone(pitch, context.currentTime + n * 0.12));
}

function tone(pitch, at) {
  const volume = context.createGain();
  const source = context.createOscillator();
  source.frequency.value = pitch;
  volume.gain.setValueAtTime(0.0001, at);
  volume.gain.exponentialRampToValueAtTime(0.08, at + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.25);
  source.connect(volume).connect(context.destination);
  source.start(at);
  source.stop(at + 0.3);
}

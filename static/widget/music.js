// What who waits hears: a file of the site's, or soft chords that are made here, so that nobody's rights are in them.
// It begins after a click on "Call", for browsers let no page sound before one.

import { store } from "./store.js";

const CHORD_S = 6;
const LOUD = 0.05;
const FILE_LOUD = 0.35;
// Hz: C, A minor, F, G, each with a ninth, low and close together.
const CHORDS = [
  [130.81, 196, 246.94, 329.63, 293.66],
  [110, 164.81, 196, 261.63, 246.94],
  [87.31, 130.81, 220, 261.63, 196],
  [98, 146.83, 196, 246.94, 220],
];

/** Make the music of `kind`: "built_in" or an address. Returns {play(yes), close(), muted}; `muted` is remembered. */
export function makeMusic(kind) {
  const player = kind === "built_in" ? chords() : file(kind);
  let wanted = false;

  const obey = () => (wanted && !store.muted ? player.play() : player.pause());

  return {
    play(yes) {
      wanted = yes;
      obey();
    },
    get muted() {
      return store.muted;
    },
    set muted(yes) {
      store.muted = yes;
      obey();
    },
    close() {
      wanted = false;
      player.close();
    },
  };
}

function file(address) {
  const audio = new Audio(address);
  audio.loop = true;
  audio.volume = FILE_LOUD;
  return {
    // A page that was loaded again has no click yet: then it is silent.
    play: () => audio.play().catch(() => {}),
    pause: () => audio.pause(),
    close() {
      audio.pause();
      audio.removeAttribute("src");
    },
  };
}

function chords() {
  const context = new AudioContext();
  const loud = new GainNode(context, { gain: 0 });
  const soft = new BiquadFilterNode(context, { type: "lowpass", frequency: 900, Q: 0.3 });
  soft.connect(loud);
  loud.connect(context.destination);
  let timer = 0;
  let next = 0;
  let number = 0;

  function tone(hz, at, part) {
    const swell = new GainNode(context, { gain: 0 });
    swell.gain.setValueAtTime(0, at);
    swell.gain.linearRampToValueAtTime(part, at + 2);
    swell.gain.linearRampToValueAtTime(0, at + CHORD_S + 2.5);
    swell.connect(soft);
    for (const detune of [-4, 4]) {
      const source = new OscillatorNode(context, { type: "triangle", frequency: hz, detune });
      source.connect(swell);
      source.start(at);
      source.stop(at + CHORD_S + 2.6);
    }
  }

  // Some seconds ahead, for a page in the background is woken once a second.
  function ahead() {
    while (next < context.currentTime + 2 * CHORD_S) {
      CHORDS[number % CHORDS.length].forEach((hz, place) => tone(hz, next + place * 0.12, 1 / (3 + place)));
      next += CHORD_S;
      number += 1;
    }
  }

  return {
    play() {
      context.resume().catch(() => {});
      loud.gain.setTargetAtTime(LOUD, context.currentTime, 0.5);
      if (timer) return;
      next = Math.max(next, context.currentTime + 0.1);
      ahead();
      timer = setInterval(ahead, 2000);
    },
    pause() {
      clearInterval(timer);
      timer = 0;
      loud.gain.setTargetAtTime(0, context.currentTime, 0.08);
    },
    close() {
      clearInterval(timer);
      context.close();
    },
  };
}

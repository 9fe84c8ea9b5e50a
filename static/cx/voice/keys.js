// The tones of a keypad (ITU-T Q.23), as whoever presses hears them.

const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477];
const KEYS = "123456789*0#";
const SOUNDS_S = 0.14;
let context = null;

/** Let a key sound here: the tone that goes to the other side is the provider's. */
export function playKey(key) {
  const place = KEYS.indexOf(key);
  if (place < 0) return;
  context ??= new AudioContext();
  const volume = new GainNode(context, { gain: 0.08 });
  volume.connect(context.destination);
  for (const frequency of [ROWS[Math.floor(place / 3)], COLUMNS[place % 3]]) {
    const tone = new OscillatorNode(context, { frequency });
    tone.connect(volume);
    tone.start();
    tone.stop(context.currentTime + SOUNDS_S);
  }
}

// Short tones made on the spot; each can be switched off by the user.
let context;

const TONES = { offer: [660, 880], message: [520], late: [330, 330], threshold: [740, 554, 740] };

export function play(name, off = {}) {
  if (off[name]) return;
  try {
    context ||= new AudioContext();
    TONES[name].forEach((tone, i) => {
      const [wave, gain] = [context.createOscillator(), context.createGain()];
      const start = context.currentTime + i * 0.16;
      wave.frequency.value = tone;
      gain.gain.setValueAtTime(0.0001, start);
      gain.gain.exponentialRampToValueAtTime(0.12, start + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.0001, start + 0.15);
      wave.connect(gain).connect(context.destination);
      wave.start(start);
      wave.stop(start + 0.16);
    });
  } catch {
    // A browser that has no sound to give yet.
  }
}

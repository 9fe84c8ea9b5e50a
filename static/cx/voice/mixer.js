// Mixes sounds for who is to hear several at once: one output for each listener.

export class Mixer {
  #context = new AudioContext();
  #outputs = new Map();

  /** Return the track in which `listener` hears these sounds, [[name, MediaStream]]. */
  track(listener, sounds) {
    this.#context.resume();
    const output = this.#outputs.get(listener) ?? { way: this.#context.createMediaStreamDestination(), sources: new Map() };
    this.#outputs.set(listener, output);
    const wanted = new Map(sounds);
    for (const [name, { stream, node }] of output.sources) {
      if (wanted.get(name) === stream) continue;
      node.disconnect();
      output.sources.delete(name);
    }
    for (const [name, stream] of wanted) {
      if (output.sources.has(name)) continue;
      const node = this.#context.createMediaStreamSource(stream);
      node.connect(output.way);
      output.sources.set(name, { stream, node });
    }
    return output.way.stream.getAudioTracks()[0];
  }

  close() {
    this.#context.close();
  }
}

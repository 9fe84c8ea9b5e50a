// One call in this page: a connection to each party, what each of them hears, and the recording. The customer of a platform
// has none: his sound comes and goes by the telephone (telephone.js).
import { post } from "../net.js";
import { circle } from "../voice/circle.js";
import { Mixer } from "../voice/mixer.js";
import { answer, call } from "../voice/peer.js";
import { watch } from "../voice/quality.js";
import { startRecording } from "./recorder.js";

/**
 * `line` is what the bar says of the call: {session, party, owner, role}. `on` has onState(state), onQuality(figures),
 * onBlocked(), onTrouble(error), onPauseOver() and onRefused(error). `carrier` is the customer's sound at a platform:
 * {sound, speak(track)}, an Audio element and what he is to hear from now on (null: nothing).
 */
export class Talk {
  #ways = new Map();
  #mixer = null;
  #mic = null;
  #recorder = null;
  #recorded = null;
  #operator = null;
  #said = null;
  #told = null;
  #assumed = new Map();

  constructor({ line, ice, speaker, on, carrier = null }) {
    Object.assign(this, { ...line, ice, speaker, on, carrier });
  }

  get hasMicrophone() {
    return Boolean(this.#mic);
  }

  get isOwner() {
    return this.role === "owner";
  }

  /** Let the sound be that of a microphone; the one before is let go. */
  useMicrophone(stream) {
    if (this.#mic) stop(this.#mic);
    this.#mic = stream;
    stream.getAudioTracks()[0].addEventListener("ended", () => this.#mic === stream && this.on.onMicrophoneGone());
    if (this.#told) this.obey(this.#told);
  }

  useSpeaker(id) {
    this.speaker = id;
    for (const { sound } of this.#ways.values()) sound.setSinkId?.(id || "").catch(this.on.onTrouble);
  }

  /** Nothing is heard from here until the server has said what holds now: a pressed key is obeyed at once. */
  hush({ ears = true } = {}) {
    this.#mic?.getAudioTracks().forEach((track) => (track.enabled = false));
    if (ears) for (const { sound } of this.#ways.values()) sound.muted = true;
  }

  /** Be at once what the server will say in a moment, {phase, muted, paused}: until it says another thing than now. */
  assume(next) {
    for (const [name, value] of Object.entries(next)) this.#assumed.set(name, { was: this.#told[name], value });
    this.obey(this.#told);
  }

  /** Follow what the bar says: {role, phase, muted, recorded, paused, parties}. */
  obey(told) {
    this.#told = told;
    const said = { ...told };
    for (const [name, { was, value }] of this.#assumed) {
      if (told[name] === was) said[name] = value;
      else this.#assumed.delete(name);
    }
    this.#said = said;
    this.role = said.role;
    const wanted = new Set(said.parties.map(({ party }) => party));
    for (const [party, way] of this.#ways) if (!wanted.has(party)) this.#part(party, way);
    for (const party of wanted) if (!this.#ways.has(party)) this.#connect(party);
    this.#tune();
  }

  /** The sound of a platform's customer is another stream from now on. */
  hearCarried(stream) {
    this.#ways.get("customer").stream = stream;
    this.#tune();
  }

  #carried() {
    const { sound, speak } = this.carrier;
    return { sound, stream: sound.srcObject, peer: { speak, hear() {}, again: () => true, close() {} }, unwatch() {} };
  }

  #connect(party) {
    if (party === "customer" && this.carrier) return void this.#ways.set(party, this.#carried());
    const sound = new Audio();
    sound.autoplay = true;
    if (this.speaker && sound.setSinkId) sound.setSinkId(this.speaker).catch(() => {});
    const way = { sound, stream: null, peer: null, unwatch: () => {} };
    this.#ways.set(party, way);
    const isMain = () => this.#ways.get(party) === way && this.#ways.keys().next().value === party;
    way.peer = (this.isOwner ? call : answer)({
      ice: this.ice,
      track: null,
      send: (message) => post(`/desk/s/${this.session}/signal/`, { ...message, to: party }).catch(this.on.onRefused),
      onTrack: (stream) => this.#hear(way, stream),
      onState: (state) => {
        if (!isMain()) return;
        this.on.onState(state);
        way.unwatch();
        if (state === "connected") way.unwatch = watch(way.peer.pc, this.on.onQuality);
      },
    });
    // Whose call it is connects us: he is told that we are here.
    if (!this.isOwner) post(`/desk/s/${this.session}/ready/`).catch(() => {});
  }

  #hear(way, stream) {
    way.stream = way.sound.srcObject = stream;
    this.#tune();
    way.sound.play().catch(this.on.onBlocked);
  }

  #tune() {
    const { ears, to } = circle(this.#said);
    for (const track of this.#mic?.getAudioTracks() ?? []) track.enabled = !this.#said.muted;
    for (const [party, way] of this.#ways) {
      way.sound.muted = !ears.has(party);
      way.peer.speak(this.#soundFor(party, to.get(party)));
    }
    if (this.isOwner && this.#said.recorded) this.#record(to.get("customer"));
  }

  // One microphone goes as it is: only what has to be mixed goes by the mixer. A telephone switches the track that it is
  // given, and a colleague hears the microphone still: it gets another.
  #soundFor(party, names) {
    const sounds = [...names].map((name) => [name, name === "mic" ? this.#mic : this.#ways.get(name)?.stream]).filter(([, stream]) => stream);
    if (!sounds.length) return null;
    const isCarried = party === "customer" && this.carrier;
    if (sounds.length === 1 && sounds[0][0] === "mic" && !isCarried) return this.#mic.getAudioTracks()[0];
    this.#mixer ??= new Mixer();
    return this.#mixer.track(party, sounds);
  }

  // The customer left; right what he is told, by one or by several. What he does not hear is not recorded either.
  async #record(told) {
    const way = this.#ways.get("customer");
    const track = told?.size ? this.#soundFor("customer", told) : null;
    const customer = track ? way.stream : null;
    if (!this.#recorder) {
      if (!customer) return;
      const options = { post, session: this.session, onTrouble: this.on.onTrouble, onPause: (on) => on || this.on.onPauseOver(this) };
      this.#recorder = startRecording({ customer, operator: new MediaStream([track]), ...options });
      this.#recorder.catch(this.on.onTrouble);
      [this.#recorded, this.#operator] = [customer, track];
    }
    const recorder = await this.#recorder.catch(() => null);
    if (!recorder || this.isClosed) return;
    if (this.#operator !== track) recorder.swap({ operator: track && new MediaStream([track]) });
    if (this.#recorded !== customer) {
      recorder.swap({ customer });
      if (this.#recorded && !customer) recorder.mark("hold");
      if (!this.#recorded && customer) recorder.mark("unhold");
    }
    [this.#recorded, this.#operator] = [customer, track];
    if (this.#said.paused) recorder.pause();
    else recorder.resume();
  }

  /** What another page says of the connection between us. */
  hear(party, message) {
    this.#ways.get(party)?.peer.hear(message);
  }

  /** A party's page was loaded: it is asked again, or called anew if it had answered before. */
  callAgain(party) {
    const way = this.#ways.get(party);
    if (!way || !this.isOwner || way.peer.again()) return;
    this.#part(party, way);
    this.obey(this.#told);
  }

  #part(party, way) {
    this.#ways.delete(party);
    way.unwatch();
    way.peer.close();
    way.sound.srcObject = null;
  }

  /** Let all go. Resolves when the recording is kept. */
  async close() {
    this.isClosed = true;
    for (const [party, way] of [...this.#ways]) this.#part(party, way);
    if (this.#recorder) await this.#recorder.then((one) => one.stop()).catch(this.on.onTrouble);
    this.#mixer?.close();
    if (this.#mic) stop(this.#mic);
  }
}

const stop = (stream) => stream.getTracks().forEach((track) => track.stop());

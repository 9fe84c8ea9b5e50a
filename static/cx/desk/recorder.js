// Records a call in the operator's browser: the customer left, the operator right, in pieces that are sent while it goes on.
// A piece stays in the browser's own store until the server has it: a reload, a crash or a lost network only delays it.
import { Refused, uuid, words } from "../net.js";

export const TYPE = "audio/webm;codecs=opus";
const PIECE_MS = 2500;
const BITS_PER_S = 48000;
// A pause for card data ends by itself: who forgets it loses no more.
const LONGEST_PAUSE_S = 120;
const OPENS_MS = 3000;
const RETRY_MS = [1000, 2000, 5000, 10000, 30000];
const FADE_S = 0.01;
const NAME = "cx.recordings." + document.body.dataset.user;

// --- What is still to be sent, in its order ------------------------------------------------------

// In IndexedDB, and in memory where the browser has none or its disk is full.
class Store {
  #memory = [];
  #opened = new Promise((resolve) => {
    try {
      // Each user's own: what another one sent would be refused, and lost.
      const asked = indexedDB.open(NAME, 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore("jobs", { keyPath: "id", autoIncrement: true });
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => resolve(null);
      // It may never answer: what is recorded must not wait for it.
      setTimeout(() => resolve(null), OPENS_MS);
    } catch {
      resolve(null);
    }
  });

  async #ask(mode, act) {
    const base = await this.#opened;
    if (!base) throw new Error("no store");
    return new Promise((resolve, reject) => {
      const deal = base.transaction("jobs", mode);
      const asked = act(deal.objectStore("jobs"));
      deal.oncomplete = () => resolve(asked.result);
      deal.onabort = deal.onerror = () => reject(deal.error);
    });
  }

  async add(job) {
    // Once something is in memory, all that follows is, so that the order stays.
    if (this.#memory.length) return void this.#memory.push(job);
    await this.#ask("readwrite", (jobs) => jobs.add(job)).catch(() => this.#memory.push(job));
  }

  async first() {
    const [kept] = await this.#ask("readonly", (jobs) => jobs.getAll(null, 1)).catch(() => []);
    return kept ?? this.#memory[0];
  }

  async remove(job) {
    if (job.id === undefined) this.#memory = this.#memory.filter((one) => one !== job);
    else await this.#ask("readwrite", (jobs) => jobs.delete(job.id));
  }

  // What belongs to a recording that the server does not take.
  async forget(recording) {
    this.#memory = this.#memory.filter((job) => job.recording !== recording);
    const kept = await this.#ask("readonly", (jobs) => jobs.getAll()).catch(() => []);
    for (const job of kept) if (job.recording === recording) await this.remove(job);
  }
}

const store = new Store();
let sending = null;
let wanted = false;

function form(values) {
  const data = new FormData();
  for (const [name, value] of Object.entries(values)) data.append(name, value);
  return data;
}

// Sends what waits, one after another, until nothing does. Of several tabs one sends.
function send(post, onTrouble) {
  wanted = true;
  sending ??= navigator.locks ? navigator.locks.request(NAME, () => sendAll(post, onTrouble)) : sendAll(post, onTrouble);
  return sending;
}

async function sendAll(post, onTrouble) {
  while (wanted) {
    wanted = false;
    await drain(post, onTrouble);
  }
  sending = null;
}

async function drain(post, onTrouble) {
  let tries = 0;
  for (let job; (job = await store.first()); ) {
    try {
      await post(job.url, form(job.values));
      await store.remove(job);
      if (tries) onTrouble?.(null);
      tries = 0;
    } catch (error) {
      if (isFinal(error)) {
        onTrouble?.(error);
        await (job.kind === "start" ? store.forget(job.recording) : store.remove(job));
      } else {
        if (!tries) onTrouble?.(new Error(error instanceof Refused && error.status === 507 ? error.message : words.recordingWaits));
        await wait(RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]);
      }
    }
  }
}

// The server has understood and will not take it, however often it comes.
function isFinal(error) {
  return error instanceof Refused && [400, 404, 409].includes(error.status) && error.code && error.code !== "damaged";
}

// Until the time is over, or the network is back.
function wait(ms) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      window.removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    window.addEventListener("online", done);
  });
}

// Sends what a tab before this one has left behind.
export function sendLeft(post, onTrouble) {
  return send(post, onTrouble);
}

async function digest(blob) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
  return [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
}

// --- Recording -----------------------------------------------------------------------------------

class Recorder {
  #context = new AudioContext({ sampleRate: 48000 });
  #merger = this.#context.createChannelMerger(2);
  #gates = [0, 1].map((side) => this.#gate(side));
  #sources = [null, null];
  #key = uuid();
  #count = 0;
  #began = null;
  // Each piece is stored behind the one before it.
  #queue = Promise.resolve();
  #resume = null;

  constructor({ customer, operator, post, session, onTrouble, onPause, pauseSeconds = LONGEST_PAUSE_S }) {
    Object.assign(this, { post, onTrouble, onPause, pauseSeconds, session });
    const out = new MediaStreamAudioDestinationNode(this.#context, { channelCount: 2, channelCountMode: "explicit", channelInterpretation: "discrete" });
    this.#merger.connect(out);
    this.swap({ customer, operator });
    this.recorder = new MediaRecorder(out.stream, { mimeType: TYPE, audioBitsPerSecond: BITS_PER_S });
    this.recorder.ondataavailable = ({ data }) => data.size && this.#keep(data);
    this.recorder.onerror = ({ error }) => this.onTrouble?.(error ?? new Error(words.recordingFailed));
  }

  #gate(side) {
    const gate = new GainNode(this.#context, { channelCount: 1, channelCountMode: "explicit" });
    gate.connect(this.#merger, 0, side);
    return gate;
  }

  async start() {
    await this.#context.resume();
    const started = new Date().toISOString();
    await new Promise((resolve, reject) => {
      this.recorder.onstart = resolve;
      this.recorder.addEventListener("error", ({ error }) => reject(error), { once: true });
      this.recorder.start(PIECE_MS);
    });
    this.#began = this.#context.currentTime;
    this.#add("start", `/desk/s/${this.session}/recordings/`, { key: this.#key, type: TYPE, started });
    return this;
  }

  get key() {
    return this.#key;
  }

  // Seconds since it began.
  get at() {
    return this.#context.currentTime - this.#began;
  }

  get isPaused() {
    return this.#resume !== null;
  }

  #add(kind, url, values) {
    this.#queue = this.#queue
      .then(async () => store.add({ kind, recording: this.#key, url, values: await values }))
      .then(() => void send(this.post, this.onTrouble));
    return this.#queue;
  }

  #keep(blob) {
    const number = this.#count++;
    const values = digest(blob).then((sha256) => ({ piece: blob, sha256 }));
    this.#add("piece", `/desk/recordings/${this.#key}/pieces/${number}/`, values);
  }

  // The streams of each side; one that is not given stays as it is, null takes it away.
  swap(streams) {
    for (const [side, name] of ["customer", "operator"].entries()) {
      if (streams[name] === undefined) continue;
      this.#sources[side]?.disconnect();
      this.#sources[side] = streams[name] && this.#context.createMediaStreamSource(streams[name]);
      this.#sources[side]?.connect(this.#gates[side]);
    }
  }

  mark(kind) {
    return this.#add("mark", `/desk/recordings/${this.#key}/marks/`, { kind, at: this.at.toFixed(3) });
  }

  // Silence from here on, on both sides; the file goes on.
  pause() {
    if (this.isPaused) return;
    this.#open(0);
    this.#resume = setTimeout(() => this.resume(), this.pauseSeconds * 1000);
    this.mark("pause");
    this.onPause?.(true);
  }

  resume() {
    if (!this.isPaused) return;
    clearTimeout(this.#resume);
    this.#resume = null;
    this.#open(1);
    this.mark("resume");
    this.onPause?.(false);
  }

  #open(gain) {
    for (const gate of this.#gates) gate.gain.setTargetAtTime(gain, this.#context.currentTime, FADE_S);
  }

  // Ends it. Resolves when all of it is kept in the browser; `sent` when the server has all of it.
  async stop() {
    if (this.recorder.state === "inactive") return;
    clearTimeout(this.#resume);
    await new Promise((resolve) => {
      this.recorder.onstop = resolve;
      this.recorder.stop();
    });
    await this.#add("finish", `/desk/recordings/${this.#key}/finish/`, { pieces: String(this.#count) });
    await this.#context.close();
    this.sent = send(this.post, this.onTrouble);
  }
}

// `customer` and `operator` are MediaStreams; `post` sends (net.js); `session` is the number of the call's session.
// `onTrouble` gets an Error with words when something does not work, and null when it works again. `onPause` gets whether
// the recording is paused. A remote stream of a call is only heard here while an element of the page plays it (Chromium).
export function startRecording(options) {
  if (!window.MediaRecorder?.isTypeSupported(TYPE)) return Promise.reject(new Error(words.recordingUnsupported));
  return new Recorder(options).start();
}


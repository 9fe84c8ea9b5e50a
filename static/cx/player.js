// Hears a call: <cx-player> draws the stored waveform of both sides, plays the parts of the call as one timeline, skips
// silence, jumps to marks. The sound is fetched by a link that is asked for at the first press of play and renewed when it ends.
import { copyText } from "./copy.js";
import { post, words } from "./net.js";
import { complain, say } from "./toast.js";
import { Words } from "./words.js";

const STEP_S = 5;
// What is left of a silence that is skipped, on each side of it.
const REST_S = 0.3;
const SPEEDS = [0.75, 1, 1.25, 1.5, 2];
const BAR = 2;
const RANGES = { pause: "resume", hold: "unhold" };
const ENDS = Object.values(RANGES);

export function clock(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(s / 60) % 60, s % 60].map((n) => String(n).padStart(2, "0"));
  const hours = Math.floor(s / 3600);
  return hours ? `${hours}:${parts[0]}:${parts[1]}` : `${Number(parts[0])}:${parts[1]}`;
}

class Player extends HTMLElement {
  connectedCallback() {
    const data = this.querySelector("script");
    if (!data || this.audio) return;
    Object.assign(this, JSON.parse(data.textContent));
    this.audio = new Audio();
    this.audio.preload = "auto";
    this.at = 0;
    this.current = null;
    this.isPlaying = false;
    this.bar = this.querySelector("[role=slider]");
    const box = this.querySelector(".words");
    this.said = box && new Words(this, box, clock);
    this.#listen();
    this.#place();
    this.resized = new ResizeObserver(() => this.#draw());
    this.resized.observe(this.bar);
    this.themed = new MutationObserver(() => this.#draw());
    this.themed.observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
    const from = this.begins ?? Number(new URLSearchParams(window.location.search).get("t"));
    if ("page" in this.dataset && from > 0) this.seek(from);
    else this.#show();
    // Found by its words: they are what is wanted.
    if (this.begins !== null) this.said?.toggle(this.asked);
  }

  disconnectedCallback() {
    this.#stop();
    this.audio?.removeAttribute("src");
    this.resized?.disconnect();
    this.themed?.disconnect();
    this.audio = null;
  }

  partAt(second) {
    return this.parts.findLast((part) => part.at <= second) ?? this.parts[0];
  }

  // --- Sound ---

  #listen() {
    this.audio.addEventListener("ended", () => this.#next());
    this.audio.addEventListener("playing", () => this.dispatchEvent(new Event("cx:playing")));
    this.audio.addEventListener("error", () => this.#renew());
    this.audio.addEventListener("waiting", () => this.classList.add("is-waiting"));
    this.audio.addEventListener("playing", () => this.classList.remove("is-waiting"));
    this.addEventListener("click", (event) => this.#click(event));
    this.addEventListener("keydown", (event) => this.#key(event));
    this.addEventListener("change", ({ target }) => target.name === "speed" && this.#speed(Number(target.value)));
    this.addEventListener("submit", (event) => this.#note(event));
    this.bar.addEventListener("pointerdown", (event) => this.#drag(event));
  }

  async play() {
    if (this.isPlaying) return;
    this.isPlaying = true;
    this.#show();
    if (this.at >= this.total - 0.05) this.at = 0;
    try {
      await this.#load(this.partAt(this.at));
      await this.audio.play();
      this.#tick();
    } catch (error) {
      // A pause came while the sound was on its way; or it cannot be had: see #renew.
      if (["AbortError", "NotSupportedError"].includes(error.name)) return;
      this.#stop();
      complain(error);
    }
  }

  pause() {
    this.#stop();
  }

  #stop() {
    this.isPlaying = false;
    this.audio?.pause();
    cancelAnimationFrame(this.frame);
    this.classList.remove("is-waiting");
    if (this.isConnected) this.#show();
  }

  // The part's sound, at the place where the timeline stands.
  async #load(part, again = false) {
    if (this.current !== part || again) {
      const { url } = await post(part.listen, again ? { again: "1" } : {});
      this.current = part;
      this.audio.src = url;
      this.audio.playbackRate = this.rate ?? 1;
    }
    const place = Math.min(Math.max(this.at - part.at, 0), part.duration);
    if (Math.abs(this.audio.currentTime - place) > 0.05) this.audio.currentTime = place;
    this.renewed = again;
  }

  // The link has ended: another one, once, from the same place on.
  async #renew() {
    if (!this.audio?.src || !this.current) return;
    const isPlaying = this.isPlaying;
    if (this.renewed) {
      this.#stop();
      this.current = null;
      return complain(new Error(this.dataset.unheard));
    }
    try {
      await this.#load(this.current, true);
      if (!isPlaying) return;
      await this.audio.play();
      this.#tick();
    } catch (error) {
      if (error.name === "NotSupportedError") return;
      this.#stop();
      complain(error);
    }
  }

  // Behind a part the next one begins; what lies between them was not recorded.
  async #next() {
    const next = this.parts[this.parts.indexOf(this.current) + 1];
    if (!next) {
      this.at = this.total;
      return this.#stop();
    }
    this.at = next.at;
    this.isPlaying = false;
    await this.play();
  }

  #tick() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      if (!this.isPlaying) return;
      if (!this.audio.seeking) this.at = Math.max(this.current.at + this.audio.currentTime, 0);
      if (this.skips) this.#skip();
      if (this.audio.currentTime > 0) this.renewed = false;
      this.#show();
      this.#tick();
    });
  }

  #skip() {
    const second = this.audio.currentTime;
    const quiet = this.current.silences.find(([from, to]) => second > from + REST_S && second < to - REST_S);
    if (quiet) this.audio.currentTime = quiet[1] - REST_S;
  }

  seek(second) {
    this.at = Math.min(Math.max(second, 0), this.total);
    const part = this.partAt(this.at);
    // Where nothing was recorded, what comes next.
    if (this.at > part.at + part.duration) {
      const next = this.parts[this.parts.indexOf(part) + 1];
      this.at = next ? next.at : this.total;
    }
    this.#show();
    if (this.current && this.current === this.partAt(this.at)) this.audio.currentTime = this.at - this.current.at;
    else if (this.isPlaying) {
      this.isPlaying = false;
      this.audio.pause();
      this.play();
    }
  }

  #speed(rate) {
    this.rate = rate;
    this.audio.playbackRate = rate;
    this.querySelector("[name=speed]").value = String(rate);
  }

  // --- Acts ---

  #click({ target }) {
    const button = target.closest("[data-do], [data-at]");
    if (!button) return;
    if (button.dataset.at !== undefined) return this.seek(Number(button.dataset.at));
    this.#do(button.dataset.do);
  }

  #do(what) {
    if (what === "play") this.isPlaying ? this.pause() : this.play();
    else if (what === "skip") {
      this.skips = !this.skips;
      this.querySelector("[data-do=skip]").setAttribute("aria-pressed", String(this.skips));
    } else if (what === "copy") this.#copy();
    else if (what === "words") this.said?.toggle();
    else if (what === "note") {
      const form = this.querySelector("form.note");
      form.hidden = !form.hidden;
      if (!form.hidden) form.elements.text.focus();
    }
  }

  async #copy() {
    const link = new URL(this.dataset.page || this.dataset.url, window.location.origin);
    link.searchParams.set("t", String(Math.floor(this.at)));
    try {
      await copyText(link.href);
      say(words.copied);
    } catch (error) {
      complain(error);
    }
  }

  async #note(event) {
    const form = event.target.closest("form.note");
    if (!form) return;
    event.preventDefault();
    const part = this.partAt(this.at);
    try {
      const made = await post(form.getAttribute("action").replace(this.dataset.key, part.id), {
        kind: "note",
        at: (this.at - part.at).toFixed(3),
        text: form.elements.text.value,
      });
      this.marks.push({ ...made, at: part.at + made.at });
      this.marks.sort((one, other) => one.at - other.at);
      form.reset();
      form.hidden = true;
      this.#place();
    } catch (error) {
      complain(error);
    }
  }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, select, details")) return;
    // A button is pressed by its own keys.
    const presses = event.target.closest("button");
    const steps = { ArrowLeft: -STEP_S, ArrowRight: STEP_S, PageUp: 6 * STEP_S, PageDown: -6 * STEP_S };
    if (event.key in steps) this.seek(this.at + steps[event.key]);
    else if (event.key === "Home") this.seek(0);
    else if (event.key === "End") this.seek(this.total);
    else if (event.key === " " && !presses) this.#do("play");
    else if (["+", "-"].includes(event.key)) this.#speed(SPEEDS[Math.min(Math.max(SPEEDS.indexOf(this.rate ?? 1) + (event.key === "+" ? 1 : -1), 0), SPEEDS.length - 1)]);
    else if (event.code === "KeyN") this.#jump(1);
    else if (event.code === "KeyP") this.#jump(-1);
    else if (event.code === "KeyS") this.#do("skip");
    else if (event.code === "KeyC") this.#do("copy");
    else if (event.code === "KeyW") this.#do("words");
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #jump(way) {
    const marks = way > 0 ? this.marks.filter((mark) => mark.at > this.at + 0.1) : this.marks.filter((mark) => mark.at < this.at - 1).reverse();
    if (marks.length) this.seek(marks[0].at);
  }

  #drag(event) {
    if (event.button) return;
    this.bar.setPointerCapture(event.pointerId);
    const to = ({ clientX }) => {
      const { left, width } = this.bar.getBoundingClientRect();
      this.seek(((clientX - left) / width) * this.total);
    };
    to(event);
    this.bar.onpointermove = to;
    this.bar.onpointerup = this.bar.onpointercancel = () => (this.bar.onpointermove = null);
  }

  // --- What is seen ---

  #show() {
    const share = this.total ? this.at / this.total : 0;
    this.style.setProperty("--at", `${(share * 100).toFixed(3)}%`);
    const now = clock(this.at);
    this.said?.follow(this.at, this.isPlaying);
    const shown = this.querySelector("[data-now]");
    if (shown.textContent !== now) {
      shown.textContent = now;
      this.bar.setAttribute("aria-valuenow", String(Math.floor(this.at)));
      this.bar.setAttribute("aria-valuetext", `${now} / ${clock(this.total)}`);
    }
    if (this.classList.contains("is-playing") === this.isPlaying) return;
    this.classList.toggle("is-playing", this.isPlaying);
    this.querySelector("[data-do=play]").setAttribute("aria-label", this.isPlaying ? this.dataset.wordPause : this.dataset.wordPlay);
  }

  // Marks: ranges and ticks over the waveform, and buttons below it.
  #place() {
    const [over, list] = [".ranges", ".marks"].map((name) => this.querySelector(name));
    over.replaceChildren();
    list.replaceChildren();
    const share = (second) => `${((second / (this.total || 1)) * 100).toFixed(3)}%`;
    const range = (kind, from, to = from) => {
      const el = document.createElement("i");
      el.className = kind;
      el.style.left = share(from);
      el.style.width = share(to - from);
      over.append(el);
    };
    for (const [index, part] of this.parts.entries()) {
      const next = this.parts[index + 1];
      if (next && next.at > part.at + part.duration + 0.5) range("gap", part.at + part.duration, next.at);
    }
    for (const [index, mark] of this.marks.entries()) {
      const end = RANGES[mark.kind] && this.marks.slice(index).find((one) => one.kind === RANGES[mark.kind]);
      // The end of a range is seen by it.
      if (ENDS.includes(mark.kind)) continue;
      if (RANGES[mark.kind]) range(mark.kind, mark.at, end?.at ?? this.total);
      else if (mark.kind !== "gap") range("tick", mark.at);
      list.append(this.#button(mark));
    }
    list.hidden = !this.marks.length;
  }

  #button(mark) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = `cx-chip k-${mark.kind}`;
    button.dataset.at = mark.at;
    const time = document.createElement("span");
    time.className = "num mut";
    time.textContent = clock(mark.at);
    button.append(time, ` ${mark.words}`);
    return button;
  }

  // Twice: what was heard lies over the whole and is cut off where the timeline stands.
  #draw() {
    const colours = getComputedStyle(this);
    for (const canvas of this.querySelectorAll("canvas")) {
      const scale = window.devicePixelRatio || 1;
      const { width, height } = this.bar.getBoundingClientRect();
      if (!width) return;
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
      const pen = canvas.getContext("2d");
      pen.scale(scale, scale);
      for (const part of this.parts) this.#drawPart(pen, part, width, height, canvas.classList.contains("heard") ? colours : null, colours);
    }
  }

  #drawPart(pen, part, width, height, heard, colours) {
    const row = height / Math.max(part.sides.length, 1);
    const from = (part.at / this.total) * width;
    const wide = (part.duration / this.total) * width;
    for (const [side, peaks] of part.sides.entries()) {
      pen.fillStyle = colours.getPropertyValue(heard ? (side ? "--operator" : "--customer") : "--unheard").trim();
      const bars = Math.max(Math.floor(wide / (BAR + 1)), 1);
      for (let bar = 0; bar < bars; bar++) {
        const first = Math.floor((bar * peaks.length) / bars);
        const last = Math.max(Math.floor(((bar + 1) * peaks.length) / bars), first + 1);
        const high = Math.max((Math.max(...peaks.slice(first, last)) / 100) * (row - 6), 1);
        pen.fillRect(from + bar * (BAR + 1), row * side + (row - high) / 2, BAR, high);
      }
    }
  }
}

customElements.define("cx-player", Player);

// The words of a call below its player: who said what, the word that is heard now, a search, a jump to any word.
// They are fetched when they are asked for: it is noted that somebody reads them.
import { post } from "./net.js";
import { complain } from "./toast.js";

// A word is shown so long after its end.
const LINGER_S = 0.3;
const plain = (text) => text.toLowerCase().replaceAll("ё", "е");

export class Words {
  #lines = null;
  // All words in the order of their beginnings: { at, end, el }.
  #words = [];
  #now = null;
  #found = [];
  #place = -1;

  constructor(player, box, clock) {
    Object.assign(this, { player, box, clock, list: box.querySelector("ol"), field: box.querySelector("input"), count: box.querySelector("[role=status]") });
    this.field.addEventListener("input", () => this.#find());
    this.field.addEventListener("keydown", (event) => this.#fieldKey(event));
    this.list.addEventListener("keydown", (event) => this.#listKey(event));
  }

  async toggle(asked = "") {
    const isShown = this.box.hidden;
    this.box.hidden = !isShown;
    this.player.querySelector("[data-do=words]").setAttribute("aria-pressed", String(isShown));
    if (!isShown) return;
    this.field.focus();
    try {
      if (!this.#lines) this.#draw((await post(this.player.dataset.words)).lines);
      this.follow(this.player.at, true);
      if (asked) this.#ask(asked);
    } catch (error) {
      complain(error);
    }
  }

  #draw(lines) {
    this.#lines = lines.map((line) => {
      const item = document.createElement("li");
      item.className = line.side;
      const time = document.createElement("button");
      Object.assign(time, { type: "button", className: "num", tabIndex: -1, textContent: this.clock(line.at) });
      time.dataset.at = line.at;
      const who = document.createElement("b");
      who.textContent = this.player.dataset[`word${line.side[0].toUpperCase()}${line.side.slice(1)}`];
      const text = document.createElement("p");
      const words = line.text.split(" ").map((word, n) => {
        const el = document.createElement("span");
        el.textContent = word;
        const [at, end] = [0, 1].map((edge) => line.at + (line.times[2 * n + edge] ?? 0) / 100);
        el.dataset.at = at.toFixed(2);
        text.append(el, " ");
        return { at, end, el };
      });
      item.append(time, who, text);
      this.#words.push(...words);
      return { ...line, item, words };
    });
    this.#words.sort((one, other) => one.at - other.at);
    this.list.replaceChildren(...this.#lines.map((line) => line.item));
  }

  // The word that is heard at a second; the list moves with it.
  follow(second, moves) {
    if (this.box.hidden || !this.#lines) return;
    let [low, high] = [0, this.#words.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#words[middle].at <= second + 0.01) low = middle + 1;
      else high = middle;
    }
    const last = this.#words[low - 1];
    const now = last && second <= last.end + LINGER_S ? last : null;
    if (now === this.#now) return;
    this.#now?.el.removeAttribute("aria-current");
    now?.el.setAttribute("aria-current", "true");
    this.#now = now;
    if (now && moves) this.#reveal(now.el);
  }

  #reveal(el) {
    const [{ top, bottom }, view] = [el.getBoundingClientRect(), this.list.getBoundingClientRect()];
    if (top < view.top || bottom > view.bottom) this.list.scrollTop += top - view.top - view.height / 3;
  }

  // --- Search ---

  // Comes from a search of the product: its forms of words are not ours, so the first of its words that stands here is shown.
  #ask(asked) {
    const words = asked.split(/[\s"]+/).filter(Boolean);
    this.field.value = [asked, ...words].find((one) => this.#lines.some((line) => plain(line.text).includes(plain(one)))) ?? "";
    this.#find();
  }

  #find() {
    for (const { el } of this.#words) el.classList.remove("is-found");
    this.#found = [];
    this.#place = -1;
    const wanted = plain(this.field.value.trim().replace(/\s+/g, " "));
    if (wanted) for (const line of this.#lines ?? []) this.#findIn(line, wanted);
    this.count.textContent = wanted ? String(this.#found.length) : "";
  }

  #findIn(line, wanted) {
    const text = plain(line.text);
    for (let from = text.indexOf(wanted); from >= 0; from = text.indexOf(wanted, from + wanted.length)) {
      const [first, last] = [from, from + wanted.length].map((place) => text.slice(0, place).split(" ").length - 1);
      const words = line.words.slice(first, last + 1);
      for (const { el } of words) el.classList.add("is-found");
      this.#found.push(words[0]);
    }
  }

  #go(way) {
    if (!this.#found.length) return;
    // The first one behind the place where the call stands, then one after another, round and round.
    if (this.#place >= 0) this.#place += way;
    else if (way > 0) this.#place = Math.max(this.#found.findIndex((one) => one.at >= this.player.at), 0);
    else this.#place = this.#found.findLastIndex((one) => one.at < this.player.at);
    this.#place = (this.#place + this.#found.length) % this.#found.length;
    const word = this.#found[this.#place];
    this.count.textContent = `${this.#place + 1} / ${this.#found.length}`;
    this.player.seek(word.at);
    this.#reveal(word.el);
  }

  #fieldKey(event) {
    if (event.key === "Enter") this.#go(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape") {
      if (this.field.value) {
        this.field.value = "";
        this.#find();
      } else this.list.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // From line to line.
  #listKey(event) {
    if (!["ArrowUp", "ArrowDown"].includes(event.key) || !this.#lines?.length) return;
    const { at } = this.player;
    const next = event.key === "ArrowDown" ? this.#lines.find((line) => line.at > at + 0.01) : this.#lines.findLast((line) => line.at < at - 0.01);
    if (next) {
      this.player.seek(next.at);
      this.#reveal(next.item);
    }
    event.preventDefault();
    event.stopPropagation();
  }
}

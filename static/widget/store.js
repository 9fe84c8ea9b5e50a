// What the browser keeps: the token, what waits to be sent, the way over the site. The frame's storage is its own
// for each site that embeds it. A signed user's things live with the tab only: the next at this computer is another.

import { config } from "./dom.js";

const PAGES = 10;
const EVENTS = 20;
// The first message takes all of it along, and a call may have 64 kB.
const TRAIL_BYTES = 24 * 1024;

function open(name) {
  try {
    const storage = window[name];
    storage.setItem("cx.try", "1");
    storage.removeItem("cx.try");
    return storage;
  } catch {
    // The browser keeps nothing for frames: a talk lasts as long as the page.
    const kept = new Map();
    return {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => kept.set(key, value),
      removeItem: (key) => kept.delete(key),
    };
  }
}

const local = open("localStorage");
const tab = open("sessionStorage");
let signed = tab.getItem(`cx.${config.site}.token`) !== null;
let era = 0;

const key = (name) => `cx.${config.site}.${name}`;
const place = () => (signed ? tab : local);
// What a full storage did not take: the page alone keeps it, else a message would be lost with it.
const spilled = new Map([
  [local, new Map()],
  [tab, new Map()],
]);

function read(storage, name, otherwise) {
  if (spilled.get(storage).has(name)) return spilled.get(storage).get(name);
  try {
    return JSON.parse(storage.getItem(key(name))) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function write(storage, name, value) {
  try {
    if (value === null) storage.removeItem(key(name));
    else storage.setItem(key(name), JSON.stringify(value));
    spilled.get(storage).delete(name);
  } catch {
    spilled.get(storage).set(name, value);
  }
}

export const store = {
  get signed() {
    return signed;
  },
  /** Counts changes of the person: an answer to a question of another era is nobody's business now. */
  get era() {
    return era;
  },
  /** Choose whose things are meant from now on: the browser's or the signed user's. His way here goes with him. */
  sign(on) {
    const way = on && !signed ? store.trail : [];
    if (way.length) write(local, "trail", null);
    signed = on;
    era += 1;
    if (way.length) write(tab, "trail", way);
  },
  /** Forget all of the signed user's: the next at this computer is another. */
  signOut() {
    for (const name of ["token", "talked", "outbox", "form", "draft", "trail"]) write(tab, name, null);
    this.sign(false);
  },
  get token() {
    return read(place(), "token", "");
  },
  set token(value) {
    write(place(), "token", value || null);
  },
  /** Whether there is a talk to go back to. */
  get talked() {
    return read(place(), "talked", false);
  },
  set talked(value) {
    write(place(), "talked", value || null);
  },
  /** Messages that wait to be sent: [{key, text, at}]. Every tab of the browser writes here, each its own rows. */
  get outbox() {
    return read(place(), "outbox", []);
  },
  keepOutbox(row) {
    const all = store.outbox;
    write(place(), "outbox", all.some((one) => one.key === row.key) ? all.map((one) => (one.key === row.key ? row : one)) : [...all, row]);
  },
  dropOutbox(key) {
    const left = store.outbox.filter((one) => one.key !== key);
    write(place(), "outbox", left.length ? left : null);
  },
  /** The filled-in form, until the first message has taken it along. */
  get form() {
    return read(place(), "form", null);
  },
  set form(value) {
    write(place(), "form", value);
  },
  get muted() {
    return read(local, "muted", false);
  },
  set muted(value) {
    write(local, "muted", value || null);
  },
  get draft() {
    return read(tab, "draft", "");
  },
  set draft(value) {
    write(tab, "draft", value || null);
  },
  /** Sessions whose rating was given or skipped. */
  wasAsked(session) {
    return read(local, "asked", []).includes(session);
  },
  noteAsked(session) {
    write(local, "asked", [...read(local, "asked", []), session].slice(-20));
  },
  /** What happened on the site and the center does not know yet, oldest first: [{key, at, type, …}]. */
  get trail() {
    return read(place(), "trail", []);
  },
  noteTrail(event) {
    const all = [...store.trail.filter((one) => one.key !== event.key), event];
    const pages = all.filter((one) => one.type === "page_view").slice(-PAGES);
    const others = all.filter((one) => one.type !== "page_view").slice(-EVENTS);
    const kept = [...pages, ...others].sort((a, b) => a.at.localeCompare(b.at));
    while (new Blob([JSON.stringify(kept)]).size > TRAIL_BYTES) kept.shift();
    write(place(), "trail", kept);
  },
  dropTrail(known) {
    const keys = new Set(known.map((one) => one.key));
    const left = store.trail.filter((one) => !keys.has(one.key));
    write(place(), "trail", left.length ? left : null);
  },
  /** Call back when another tab of this browser changed `name`. */
  onChange(name, act) {
    addEventListener("storage", (event) => {
      if (!signed && event.key === key(name)) act();
    });
  },
};

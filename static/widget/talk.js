// The talk as this page knows it: messages, marks, where it stands, and what still has to be sent.
// The center's database is the truth; pushes hurry it up; a missing number is asked for.

import { get, newKey, Offline, post, Refused, Stale, upload } from "./api.js";
import { config } from "./dom.js";
import { makeMarks } from "./marks.js";
import { store } from "./store.js";

const CHECK_MS = 30000;
const RETRY_MS = [1000, 2000, 4000, 8000, 15000];
const DOUBT_MS = 3000;

/**
 * Make the model. `changed(what)` is called after every change; `away(door, text)` when the center's door is shut;
 * `lost(error)` when the token is no longer good; `fault(error)` when the form was refused.
 */
export function makeTalk({ changed, away, lost, fault }) {
  const messages = new Map();
  let pending = [];
  let era = store.era;
  let number = 0;
  const marks = makeMarks({ changed, failed: refusedOr });
  let state = { session: null, open: false };
  let hasTalk = false;
  let more = false;
  let offline = false;
  let tries = 0;
  let pumping = false;
  let again = 0;
  let doubt = 0;
  let checking = null;
  let line = null;

  // --- What the center told ---

  function take(message) {
    const known = messages.get(message.id);
    if (known && known.changed > message.changed) return;
    messages.set(message.id, message);
    if (message.key) forget(message.key);
  }

  function takeAll(told) {
    told.messages.forEach(take);
    number = Math.max(number, told.changed);
    marks.take(told.marks);
    state = told.state;
    changed("all");
  }

  /** Begin with what a session told. */
  function begin(told) {
    messages.clear();
    if (era !== store.era) pending = [];
    era = store.era;
    number = 0;
    hasTalk = told.thread;
    marks.reset();
    state = { session: null, open: false };
    more = Boolean(told.more);
    restore();
    if (hasTalk) takeAll(told);
    else changed("all");
    pump();
  }

  function hear(said) {
    if (said.kind === "message") {
      const fresh = !messages.has(said.message.id);
      take(said.message);
      count(said.changed);
      changed(fresh && said.message.author !== "customer" ? "news" : "all", said.message);
      // A system line says that something moved; where it stands now is asked.
      if (said.message.code) check();
    } else if (said.kind === "marks") {
      marks.take(said.marks);
      count(said.changed);
      changed("all");
    } else if (said.kind === "queue" && state.open) {
      state = { ...state, queue: { position: said.position, estimate_s: said.estimate_s } };
      changed("all");
    }
  }

  function count(change) {
    if (change === number + 1) number = change;
    else if (change > number) check();
  }

  /** Ask what was missed. One question at a time; one that comes meanwhile is asked after it. */
  function check() {
    if (!hasTalk) return Promise.resolve();
    if (checking) {
      checking.again = true;
      return checking.done;
    }
    const asked = { again: false };
    asked.done = ask().then((ok) => {
      checking = null;
      if (ok && asked.again) return check();
      return undefined;
    });
    checking = asked;
    return asked.done;
  }

  async function ask() {
    try {
      let told;
      do {
        const about = line?.isUp ? { after: number } : { after: number, tab: line?.tab ?? newKey() };
        told = await get("changes", about);
        takeAll(told);
      } while (told.more);
      reached();
      return true;
    } catch (error) {
      refusedOr(error);
      return false;
    }
  }

  function refusedOr(error) {
    if (error instanceof Offline) unreached();
    else if (error instanceof Refused && error.status === 401) lost(error);
    else if (!(error instanceof Refused) && !(error instanceof Stale)) throw error;
  }

  // --- Whether the center can be reached ---

  function reached() {
    clearTimeout(doubt);
    tries = 0;
    if (offline) {
      offline = false;
      changed("all");
    }
    pump();
    if (!line?.isUp) later();
  }

  function unreached() {
    if (!offline) {
      offline = true;
      changed("all");
    }
    later();
  }

  /** Without the socket the center is asked again and again: that also tells when it is back. */
  function later() {
    clearTimeout(again);
    const pause = RETRY_MS[Math.min(tries, RETRY_MS.length - 1)];
    tries += 1;
    again = setTimeout(() => (hasTalk ? check() : pump()), offline ? pause : Math.max(pause, 4000));
  }

  // --- What the visitor says ---

  function restore() {
    const files = pending.filter((one) => one.file);
    const texts = store.outbox.map((one) => pending.find((known) => known.key === one.key) ?? { ...one, step: one.why ? "failed" : "waits" });
    pending = [...texts, ...files];
  }

  function keep() {
    store.outbox = pending.filter((one) => !one.file).map(({ key, text, at, why, final }) => ({ key, text, at, why, final }));
  }

  function forget(key) {
    const left = pending.filter((one) => one.key !== key);
    if (left.length === pending.length) return;
    pending = left;
    keep();
  }

  function say(text) {
    pending.push({ key: newKey(), text, at: new Date().toISOString(), step: "waits" });
    keep();
    changed("mine");
    pump();
  }

  function sayFile(file, why = "") {
    const step = why ? "failed" : "waits";
    const item = { key: newKey(), file, at: new Date().toISOString(), step, why, final: Boolean(why), progress: 0 };
    pending.push(item);
    changed("mine");
    if (!why) sendFile(item);
  }

  function retry(key) {
    const item = pending.find((one) => one.key === key);
    if (!item) return;
    Object.assign(item, { step: "waits", why: "" });
    keep();
    changed("all");
    pump();
  }

  function remove(key) {
    forget(key);
    changed("all");
  }

  /** Send what waits, in order. Several tabs keep one box: only one of them sends at a time. */
  function pump() {
    sendFiles();
    if (pumping) return;
    pumping = true;
    const work = navigator.locks ? navigator.locks.request(`cx.outbox.${config.site}`, drain) : drain();
    Promise.resolve(work).finally(() => {
      pumping = false;
    });
  }

  async function drain() {
    restore();
    for (;;) {
      const item = pending.find((one) => !one.file && !one.why);
      if (!item || (!hasTalk && !store.form)) return;
      try {
        await send(item);
      } catch (error) {
        const pause = refuse(item, error);
        if (pause === null) return;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  async function send(item) {
    item.step = "sending";
    const told = hasTalk ? await post("messages", { text: item.text, key: item.key }) : await start(item);
    item.step = "sent";
    offline = false;
    const isNewSession = !state.open;
    take(told.message);
    count(told.changed);
    changed("all");
    if (isNewSession) check();
  }

  async function start(item) {
    const { trail } = store;
    const told = await post("start", { ...store.form, text: item.text, key: item.key, trail });
    hasTalk = true;
    store.talked = true;
    store.form = null;
    store.dropTrail(trail);
    changed("started");
    sendFiles();
    return told;
  }

  /** Decide what becomes of an item that was not taken. Returns ms to wait, or null to stop sending. */
  function refuse(item, error) {
    item.step = "waits";
    if (error instanceof Offline) {
      unreached();
      return null;
    }
    if (error instanceof Stale) return null;
    if (!(error instanceof Refused)) throw error;
    if (error.status === 429) return Math.min(60, error.told.retry_after ?? 2) * 1000;
    if (error.status === 401) {
      lost(error);
      return null;
    }
    if (error.code === "away") {
      forget(item.key);
      away(error.told.door, item.text);
      return null;
    }
    if (!hasTalk) {
      forget(item.key);
      fault(error, item.text);
      return null;
    }
    fail(item, error);
    keep();
    changed("all");
    return 0;
  }

  /** What is wrong in itself cannot be tried again, only taken away. */
  function fail(item, error) {
    Object.assign(item, { step: "failed", why: error.message, final: error.status === 400 || error.status === 413 });
  }

  /** Files go beside the texts; before the talk they wait for the first words. */
  function sendFiles() {
    for (const item of pending.filter((one) => one.file && one.step === "waits")) sendFile(item);
  }

  async function sendFile(item) {
    if (item.busy || !hasTalk) return;
    Object.assign(item, { busy: true, step: "sending", progress: 0 });
    try {
      const told = await upload(item.file, item.key, (progress) => {
        item.progress = progress;
        changed("progress");
      });
      take(told.message);
      count(told.changed);
      changed("all");
    } catch (error) {
      item.step = "waits";
      if (error instanceof Offline) unreached();
      else if (error instanceof Stale) forget(item.key);
      else if (error.status === 401) lost(error);
      else if (error.code === "away") {
        forget(item.key);
        away(error.told.door, "");
      } else fail(item, error);
      changed("all");
    } finally {
      item.busy = false;
    }
  }

  // --- What the visitor has seen ---

  /** Note up to which message he has got everything, and whether it stands before his eyes. */
  function mark(isSeen) {
    marks.note(lastSeq(), isSeen, offline);
  }

  function lastSeq() {
    let last = 0;
    for (const message of messages.values()) last = Math.max(last, message.seq);
    return last;
  }

  async function earlier() {
    if (!more) return;
    more = false;
    const first = Math.min(...[...messages.values()].map((message) => message.seq));
    try {
      const told = await get("messages", { before: first });
      told.messages.forEach(take);
      more = told.more;
      changed("earlier");
    } catch (error) {
      more = true;
      refusedOr(error);
    }
  }

  async function end() {
    try {
      state = (await post("end")).state;
      await check();
    } catch (error) {
      refusedOr(error);
    }
  }

  setInterval(() => line?.isUp && check(), CHECK_MS);
  addEventListener("online", () => {
    tries = 0;
    clearTimeout(again);
    if (hasTalk) check();
    pump();
  });
  addEventListener("offline", unreached);
  store.onChange("outbox", () => {
    restore();
    changed("all");
  });

  return {
    begin,
    hear,
    check,
    say,
    sayFile,
    retry,
    remove,
    mark,
    earlier,
    end,
    pump,
    follow(made) {
      line = made;
    },
    /** The socket is up: ask only if the center counts more than we do. */
    up(said) {
      clearTimeout(again);
      clearTimeout(doubt);
      tries = 0;
      if (said.changed !== number || offline) check();
      pump();
    },
    /** The socket is gone: perhaps the center can still be asked. If it is silent too, the visitor is told soon. */
    down() {
      clearTimeout(doubt);
      doubt = setTimeout(() => line.isUp || unreached(), DOUBT_MS);
      check();
    },
    get messages() {
      return [...messages.values()].filter((message) => !message.withdrawn).sort((a, b) => a.seq - b.seq);
    },
    get pending() {
      return pending;
    },
    /** Whether something still has to be sent. */
    get isBusy() {
      return pending.some((one) => one.step !== "failed");
    },
    get marks() {
      return marks.told;
    },
    get state() {
      return state;
    },
    get hasTalk() {
      return hasTalk;
    },
    get offline() {
      return offline;
    },
    get more() {
      return more;
    },
    get unread() {
      return [...messages.values()].filter((one) => isFromUs(one) && one.seq > marks.seen).length;
    },
  };
}

/** Tell whether a message calls the visitor: somebody of us said it. */
export function isFromUs(message) {
  return !message.withdrawn && (message.author === "staff" || message.author === "bot");
}

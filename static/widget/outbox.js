// What the visitor said and the center does not have yet: kept over a reload, sent in order, each under its own key.

import { newKey, Offline, post, Refused, Stale, upload } from "./api.js";
import { config } from "./dom.js";
import { store } from "./store.js";

/**
 * Make the box. `talk` tells `begun` (whether a talk stands) and is told `began()`, `took(answer)` and `unreached()`;
 * `changed(what)`, `away(door, text)`, `lost(error)` and `fault(error, text)` are those of the talk.
 */
export function makeOutbox({ talk, changed, away, lost, fault }) {
  let pending = [];
  let pumping = false;
  let isFailing = false;

  /** Join what every tab's box keeps with what only this page holds: the files. */
  function restore() {
    const files = pending.filter((one) => one.file);
    const texts = store.outbox.map((one) => pending.find((known) => known.key === one.key) ?? { ...one, step: one.why ? "failed" : "waits" });
    pending = [...texts, ...files];
  }

  function keep({ key, text, at, why, final, file }) {
    if (!file) store.keepOutbox({ key, text, at, why, final });
  }

  function forget(key) {
    const left = pending.filter((one) => one.key !== key);
    if (left.length === pending.length) return;
    pending = left;
    store.dropOutbox(key);
  }

  // --- What is put in and taken out ---

  function say(text) {
    const item = { key: newKey(), text, at: new Date().toISOString(), step: "waits" };
    pending.push(item);
    keep(item);
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
    keep(item);
    changed("all");
    pump();
  }

  function remove(key) {
    forget(key);
    changed("all");
  }

  // --- Texts: in order, one at a time ---

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
      if (!item) isFailing = false;
      if (!item || (!talk.begun && !store.form)) return;
      try {
        await send(item);
        isFailing = false;
      } catch (error) {
        const pause = refuse(item, error);
        if (pause === null) return;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  async function send(item) {
    item.step = "sending";
    const told = talk.begun ? await post("messages", { text: item.text, key: item.key }) : await start(item);
    item.step = "sent";
    talk.took(told);
  }

  async function start(item) {
    const { trail } = store;
    const told = await post("start", { ...store.form, text: item.text, key: item.key, trail });
    talk.began();
    store.talked = true;
    store.form = null;
    store.dropTrail(trail);
    changed("started");
    sendFiles();
    return told;
  }

  /** Decide what becomes of a text that was not taken. Returns ms to wait, or null to stop sending. */
  function refuse(item, error) {
    item.step = "waits";
    isFailing = error instanceof Offline;
    if (isFailing) {
      talk.unreached();
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
      leave(error.told.door);
      return null;
    }
    if (!talk.begun) {
      forget(item.key);
      fault(error, item.text);
      return null;
    }
    fail(item, error);
    keep(item);
    changed("all");
    return 0;
  }

  /** The door is shut: all that waits becomes the question of the request. */
  function leave(door) {
    const texts = pending.filter((one) => !one.file && one.step === "waits");
    for (const { key } of texts) forget(key);
    away(door, texts.map(({ text }) => text).join("\n"));
  }

  /** What is wrong in itself cannot be tried again, only taken away. */
  function fail(item, error) {
    Object.assign(item, { step: "failed", why: error.message, final: error.status === 400 || error.status === 413 });
  }

  // --- Files: beside the texts; before the talk they wait for the first words ---

  function sendFiles() {
    for (const item of pending.filter((one) => one.file && one.step === "waits")) sendFile(item);
  }

  async function sendFile(item) {
    if (item.busy || !talk.begun) return;
    Object.assign(item, { busy: true, step: "sending", progress: 0 });
    try {
      talk.took(await upload(item.file, item.key, (progress) => {
        item.progress = progress;
        changed("progress");
      }));
    } catch (error) {
      refuseFile(item, error);
      changed("all");
    } finally {
      item.busy = false;
    }
  }

  function refuseFile(item, error) {
    item.step = "waits";
    if (error instanceof Offline) talk.unreached();
    else if (error instanceof Stale) forget(item.key);
    else if (error.status === 401) lost(error);
    else {
      fail(item, error);
      // Texts learn of the shut door by themselves, and take their order along.
      if (error.code === "away" && !pending.some((one) => !one.file && one.step !== "failed")) away(error.told.door, "");
    }
  }

  store.onChange("outbox", () => {
    restore();
    changed("all");
  });

  return {
    say,
    sayFile,
    retry,
    remove,
    pump,
    forget,
    restore,
    /** Another visitor uses this browser now: nothing of the former one is sent. */
    empty() {
      pending = [];
      isFailing = false;
    },
    get pending() {
      return pending;
    },
    /** Whether the last text did not get through: the center may answer questions all the same. */
    get isFailing() {
      return isFailing;
    },
    /** Whether something still has to be sent. */
    get isBusy() {
      return pending.some((one) => one.step !== "failed");
    },
  };
}

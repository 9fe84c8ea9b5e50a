// Messages that were recorded and not sent: they outlive the page, for a day. A browser that keeps nothing leaves them to the page.

import { config } from "./dom.js";

const NAME = "cx.voicemail";
const DAY_MS = 86_400_000;

// One after another: what was dropped is not found again by who asks right after it.
let turn = Promise.resolve();

function ask(mode, act) {
  turn = turn.then(() => deal(mode, act)).catch(() => undefined);
  return turn;
}

function deal(mode, act) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(NAME, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("messages", { keyPath: "key" });
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const base = opening.result;
      const done = base.transaction("messages", mode);
      const asked = act(done.objectStore("messages"));
      done.oncomplete = () => (base.close(), resolve(asked.result));
      done.onabort = () => (base.close(), reject(done.error));
    };
  });
}

/** Keep a message of somebody (`who`): {key, who, sound, length, fields, wanted}. `wanted`: he has decided to send it. */
export const keep = (row) => ask("readwrite", (messages) => messages.put({ ...row, site: config.key, at: Date.now() }));

export const drop = (key) => ask("readwrite", (messages) => messages.delete(key));

/** Return the last message of somebody that was not sent, or undefined. What is older than a day goes. */
export async function leftOf(who) {
  const all = (await ask("readonly", (messages) => messages.getAll())) ?? [];
  const old = all.filter((one) => one.at < Date.now() - DAY_MS);
  for (const one of old) drop(one.key);
  const his = all.filter((one) => !old.includes(one) && one.site === config.key && one.who === who);
  return his.sort((a, b) => a.at - b.at).pop();
}

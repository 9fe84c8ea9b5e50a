// The way over the site: kept by the browser until the center has it. Who writes to nobody leaves no row there.

import { newKey, Offline, post, Refused, Stale } from "./api.js";
import { store } from "./store.js";

const EVENT_BYTES = 2048;
const ADDRESS = 1000;
const WORDS = 200;
const RETRY_S = 15;

/** Make the trail. Returns {note(event), send()}. */
export function makeTrail(talk) {
  let sending = false;
  let again = 0;

  function note(event) {
    const whole = { ...event, key: event.key ?? newKey(), at: event.at ?? new Date().toISOString() };
    const why = unfit(whole);
    if (why) console.warn(`cxcenter.track: ${whole.type} was dropped: ${why}`);
    else store.noteTrail(whole);
    send();
  }

  /** Tell the center, oldest first. What it has not taken stays, whatever page comes next. */
  async function send() {
    if (sending || !talk.hasTalk || talk.offline) return;
    sending = true;
    clearTimeout(again);
    try {
      for (let event = store.trail[0]; event; event = store.trail[0]) {
        await tell(event);
        store.dropTrail([event]);
      }
    } catch (error) {
      if (error instanceof Stale) return;
      if (!(error instanceof Offline || error instanceof Refused)) throw error;
      again = setTimeout(send, 1000 * (error.told?.retry_after ?? RETRY_S));
    } finally {
      sending = false;
    }
  }

  addEventListener("online", send);
  return { note, send };
}

/** Post an event. One that is wrong in itself will not be better the next time. */
async function tell(event) {
  try {
    await post("track", event);
  } catch (error) {
    if (!(error instanceof Refused) || ![400, 413].includes(error.status)) throw error;
    console.warn(`cxcenter.track: ${error.message}`);
  }
}

function unfit(event) {
  if (new Blob([JSON.stringify(event.data ?? {})]).size > EVENT_BYTES) return `its data has more than ${EVENT_BYTES} bytes`;
  // Half a character, from a text cut in its middle, or a zero byte: the center could keep nothing around it.
  return /\\u(0000|d[89a-f])/i.test(JSON.stringify(event)) ? "its text cannot be read" : "";
}

/** Return a page as the center may need it: addresses can be endless. */
export function pageOf(said, before = {}) {
  const text = (value, limit) => (typeof value === "string" ? value.slice(0, limit) : "");
  const utm = Object.entries(said.utm ?? {}).slice(0, 5).map(([name, value]) => [name, text(value, 100)]);
  return {
    url: text(said.url, ADDRESS),
    title: text(said.title, WORDS),
    referrer: before.referrer || text(said.referrer, ADDRESS),
    utm: utm.length ? Object.fromEntries(utm) : (before.utm ?? {}),
  };
}

// The talk as this page knows it: messages, marks and where it stands. What still has to be sent is the outbox's.
// The center's database is the truth; pushes hurry it up; a missing number is asked for.

import { get, newKey, Offline, post, Refused, Stale } from "./api.js";
import { makeMarks } from "./marks.js";
import { makeOutbox } from "./outbox.js";
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
  let era = store.era;
  let number = 0;
  const marks = makeMarks({ changed, failed: refusedOr });
  let state = { session: null, open: false };
  let hasTalk = false;
  let more = false;
  let offline = false;
  let tries = 0;
  let again = 0;
  let doubt = 0;
  let checking = null;
  let line = null;

  const outbox = makeOutbox({
    talk: {
      get begun() {
        return hasTalk;
      },
      began() {
        hasTalk = true;
      },
      took,
      unreached,
    },
    changed,
    away,
    lost,
    fault,
  });

  // --- What the center told ---

  function take(message) {
    const known = messages.get(message.id);
    if (known && known.changed > message.changed) return;
    messages.set(message.id, message);
    if (message.key) outbox.forget(message.key);
  }

  function takeAll(told) {
    told.messages.forEach(take);
    number = Math.max(number, told.changed);
    marks.take(told.marks);
    state = told.state;
    changed("all");
  }

  /** Take the answer to something of ours. */
  function took(told) {
    const isNewSession = !state.open;
    offline = false;
    take(told.message);
    count(told.changed);
    changed("all");
    if (isNewSession) check();
  }

  /** Begin with what a session told. */
  function begin(told) {
    messages.clear();
    if (era !== store.era) outbox.empty();
    era = store.era;
    number = 0;
    hasTalk = told.thread;
    marks.reset();
    state = { session: null, open: false };
    more = Boolean(told.more);
    outbox.restore();
    if (hasTalk) takeAll(told);
    else changed("all");
    outbox.pump();
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
    } else if (said.kind === "queue" && (state.open || state.callback)) {
      const place = { position: said.position, estimate_s: said.estimate_s };
      state = state.open ? { ...state, queue: place } : { ...state, callback: { ...state.callback, ...place } };
      changed("all");
    } else if (said.kind === "callback") check();
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
    // Who gets answers, but no text through, is not better off: he waits longer from try to try.
    if (!outbox.isFailing) {
      tries = 0;
      if (offline) {
        offline = false;
        changed("all");
      }
    }
    outbox.pump();
    // A talk that has ended wants no line while nobody looks at it: then nothing is asked either.
    if (line?.wanted && !line.isUp) later();
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
    again = setTimeout(() => (hasTalk ? check() : outbox.pump()), offline ? pause : Math.max(pause, 4000));
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

  /** Be called instead of waiting, or otherwise than asked before. Refusals are the form's. */
  async function call(given) {
    state = (await post("callback", given)).state;
    changed("all");
    await check();
  }

  async function cancelCall() {
    state = (await post("callback/cancel", { id: state.callback.id })).state;
    changed("all");
  }

  setInterval(() => line?.isUp && check(), CHECK_MS);
  addEventListener("online", () => {
    tries = 0;
    clearTimeout(again);
    if (hasTalk) check();
    outbox.pump();
  });
  addEventListener("offline", unreached);

  return {
    begin,
    hear,
    check,
    mark,
    earlier,
    end,
    call,
    cancelCall,
    outbox,
    follow(made) {
      line = made;
    },
    /** The socket is up: ask only if the center counts more than we do. */
    up(said) {
      clearTimeout(again);
      clearTimeout(doubt);
      tries = 0;
      if (said.changed !== number || offline) check();
      outbox.pump();
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

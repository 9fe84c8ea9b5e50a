// The socket: opened while it is wanted, tried every few seconds, opened again after a growing pause.

import { newKey } from "./api.js";
import { store } from "./store.js";

const BEAT_MS = 10000;
const ANSWER_MS = 5000;
const LONGEST_MS = 15000;
const TYPING_MS = 1500;
const BAD_TOKEN = 4401;

/**
 * Make the line of a talk. `told` gets every push; `up` and `down` its changes; `refused` a token that is not good.
 * Returns {want(on), renew(), typing(), wanted, isUp, tab}.
 */
export function makeLine({ told, up, down, refused }) {
  let socket = null;
  let wanted = false;
  let isUp = false;
  let tries = 0;
  let beat = 0;
  let answer = 0;
  let again = 0;
  let typed = 0;
  // A page is one row for the center; who signs in is another visitor with another page.
  let tab = newKey();

  function address() {
    const at = new URL("/ws/visitor/", location.href);
    at.protocol = at.protocol.replace("http", "ws");
    return at;
  }

  function open() {
    clearTimeout(again);
    if (!wanted || socket) return;
    const opened = new WebSocket(address());
    socket = opened;
    expectAnswer();
    opened.addEventListener("open", () => {
      opened.send(JSON.stringify({ token: store.token, tab }));
    });
    opened.addEventListener("message", (event) => socket === opened && hear(JSON.parse(event.data)));
    opened.addEventListener("close", (event) => socket === opened && lose(event.code));
  }

  function hear(said) {
    clearTimeout(answer);
    if (said.kind === "beat") return;
    if (said.kind === "hello") {
      isUp = true;
      tries = 0;
      clearInterval(beat);
      beat = setInterval(tryLine, BEAT_MS);
      up(said);
      return;
    }
    told(said);
  }

  function tryLine() {
    if (socket?.readyState !== WebSocket.OPEN) return;
    socket.send('{"kind":"beat"}');
    expectAnswer();
  }

  function expectAnswer() {
    const asked = socket;
    clearTimeout(answer);
    answer = setTimeout(() => socket === asked && lose(0), ANSWER_MS);
  }

  function lose(code) {
    clearInterval(beat);
    clearTimeout(answer);
    const lost = socket;
    socket = null;
    lost?.close();
    const was = isUp;
    isUp = false;
    if (!wanted) return;
    if (was) down();
    if (code === BAD_TOKEN) refused();
    tries += 1;
    const pause = Math.min(LONGEST_MS, 500 * 2 ** Math.min(tries, 6));
    // All pages lose a process at once: they shall not all come back at once.
    again = setTimeout(open, pause * (0.5 + Math.random() / 2));
  }

  addEventListener("online", () => {
    tries = 0;
    if (wanted && !isUp) lose(0);
    clearTimeout(again);
    open();
  });
  addEventListener("offline", () => socket && lose(0));

  return {
    want(on) {
      wanted = on;
      if (on) open();
      else {
        clearTimeout(again);
        lose(0);
      }
    },
    /** Begin anew as the visitor whose token is kept now. */
    renew() {
      tab = newKey();
      const on = wanted;
      wanted = false;
      lose(0);
      tries = 0;
      if (on) this.want(true);
    },
    /** Tell that the visitor types: now and then, not at each key. */
    typing() {
      if (!isUp || Date.now() - typed < TYPING_MS) return;
      typed = Date.now();
      socket.send('{"kind":"typing"}');
    },
    get wanted() {
      return wanted;
    },
    get isUp() {
      return isUp;
    },
    get tab() {
      return tab;
    },
  };
}

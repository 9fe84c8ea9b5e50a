// The desk: joins the line to the parts of the page.
import "../dialogs.js";
import "../forms.js";
import "../player.js";
import "./card.js";
import "./dial.js";
import "./keys.js";
import "./provenance.js";
import { format, now, syncTo, tick } from "../clock.js";
import { post, uuid, words } from "../net.js";
import { Line } from "../socket.js";
import { complain, say } from "../toast.js";
import { useLine } from "./composer.js";
import { isDirty } from "./fields.js";
import { atEnd, check, chat, known, log, place, setMarks, showTyping, stopTyping, take, threadId } from "./log.js";
import { refreshOffers } from "./offers.js";
import { keepAll } from "./drafts.js";
import { flush } from "./outbox.js";
import { arrive, openNext, queuesChanged, refreshParts, refreshSide, reopen } from "./parts.js";
import { callAgain, follow, guestGone, hearSdp, refreshBar } from "./phone.js";
import { ring } from "./prefs.js";
import { sendLeft } from "./recorder.js";
import "./sound.js";
import { beTelephone, obey } from "./telephone.js";
import { shownCustomer, timelineChanged } from "./timeline.js";

const app = document.getElementById("app");
const tab = sessionStorage.getItem("cx.tab") || uuid();
sessionStorage.setItem("cx.tab", tab);
const me = Number(document.body.dataset.user);
const CHECK_S = 15;
const serves = () => Boolean(document.getElementById("status"));

const line = new Line("/ws/desk/", {
  onOpen: (self) => {
    self.send({ kind: "hello", tab });
    watch();
  },
  onLost: () => app.classList.add("is-offline"),
  onMessage: (event) => handlers[event.kind]?.(event),
});
useLine(line);
// What a tab has recorded and could not send before it was closed.
if (serves()) sendLeft(post, (trouble) => trouble && complain(trouble));
if (serves()) beTelephone();

// All my threads and those that the page shows: a message in another tab is news as well.
function watch() {
  const threads = [...document.querySelectorAll("#tabs [data-thread]")].map((el) => Number(el.dataset.thread));
  line.send({ kind: "watch", threads: [...new Set([...threads, ...known.keys()])], customer: shownCustomer() });
  look();
}

const handlers = {
  hello({ now: server }) {
    syncTo(server);
    app.classList.remove("is-offline");
    refreshParts();
    if (serves()) {
      refreshOffers();
      refreshBar();
    }
    flush();
    keepAll();
    timelineChanged(shownCustomer());
  },
  watching: () => check(),
  message({ thread, changed, message }) {
    if (message.author === "customer") stopTyping();
    const shown = take(thread, changed, () => place(message, thread));
    if (!shown || message.author !== "staff") refreshParts();
    if (message.author === "customer" && (thread !== threadId() || document.visibilityState !== "visible")) ring("message");
  },
  marks: ({ thread, changed, marks }) => take(thread, changed, () => setMarks(thread, marks)),
  typing({ thread, side, user, name }) {
    if (thread !== threadId()) return;
    if (side === "customer") showTyping(words.customerTyping);
    else if (user !== me) others(user, words.typing.replace("{name}", name));
  },
  looking({ thread, user, name }) {
    if (thread === threadId() && user !== me) others(user, words.looking.replace("{name}", name));
  },
  page: ({ thread }) => thread === threadId() && refreshSide(),
  card: ({ thread }) => known.has(thread) && cardChanged(),
  case: ({ thread }) => known.has(thread) && (document.getElementById("work").dataset.section === "cases" ? sessionChanged() : refreshSide()),
  timeline: ({ customer }) => timelineChanged(customer),
  offer: () => refreshOffers(),
  sdp: hearSdp,
  ready: callAgain,
  telephone: obey,
  guest: guestGone,
  signal({ what, id }) {
    if (serves() && what !== "load") refreshBar();
    if (what === "call") return;
    refreshParts();
    if (serves() && (what === "presence" || document.getElementById("offers").children.length)) refreshOffers();
    if (what === "sessions" && Number(document.getElementById("work")?.dataset.session) === Number(id)) sessionChanged();
  },
  trouble: ({ text }) => say(text, { bad: true, seconds: 15 }),
  queues: ({ queues }) => showQueues(queues),
  reserved({ state, subject, at }) {
    const left = Math.max(1, Math.round((at - now()) / 60));
    say(words[state].replace("{n}", left).replace("{subject}", subject), { seconds: 20 });
    ring("message");
  },
};

// The session on screen changed hands or ended: its acts are other ones now. Who writes or reads further up goes first.
function sessionChanged() {
  if (isBusy()) showStale();
  else reopen();
}

const isBusy = () => isDirty() || (log() && !atEnd()) || document.getElementById("find")?.hidden === false;

function cardChanged() {
  if (document.querySelector("#side [data-edit] input")) showStale();
  else refreshSide();
}

function showStale() {
  const line = document.getElementById("stale");
  if (line) line.hidden = false;
}

const seenOthers = new Map();
function others(user, text) {
  seenOthers.set(user, { text, at: Date.now() });
  showOthers();
}

function showOthers() {
  for (const [user, { at }] of seenOthers) if (Date.now() - at > 15000) seenOthers.delete(user);
  const box = document.getElementById("others");
  if (box) box.textContent = [...seenOthers.values()].map(({ text }) => text).join(" · ");
}

function look() {
  if (threadId() && document.visibilityState === "visible") line.send({ kind: "looking", thread: threadId() });
}

const queues = new Map();
function showQueues(fresh = {}) {
  for (const [id, numbers] of Object.entries(fresh)) queues.set(id, numbers);
  let total = 0;
  for (const row of document.querySelectorAll(".cx-qrow[data-queue]")) {
    const numbers = queues.get(row.dataset.queue) || { waiting: 0 };
    total += numbers.waiting;
    row.querySelector("[data-waiting]").textContent = numbers.waiting || "";
    const longest = row.querySelector("[data-longest]");
    longest.className = "cx-sla";
    longest.textContent = "";
    if (numbers.waiting && numbers.longest_since) {
      const waited = now() - numbers.longest_since;
      longest.textContent = format(waited);
      longest.classList.add(waited > Number(row.dataset.queueTarget) ? "s-bad" : "s-ok");
    }
  }
  for (const el of document.querySelectorAll("[data-queued]")) el.textContent = total || "";
  if (Object.keys(fresh).length) queuesChanged();
}

document.addEventListener("cx:arrived", () => {
  seenOthers.clear();
  showQueues();
  watch();
});
document.addEventListener("cx:parts", () => {
  showQueues();
  watch();
});
document.addEventListener("cx:follow", ({ detail }) => {
  refreshParts();
  if (detail === "desk") openNext();
  else if (detail !== "stay") reopen();
});
// Each breach of mine rings once, however often its row is drawn; those of one moment ring together.
const breaches = new Set();
let rang = 0;
document.addEventListener("cx:late", ({ target }) => {
  const row = target.closest("#rows-mine [data-open]");
  const breach = `${row?.dataset.open} ${target.dataset.since}`;
  if (!row || breaches.has(breach)) return;
  breaches.add(breach);
  if (Date.now() - rang > 10000) ring("late");
  rang = Date.now();
});

document.addEventListener("click", (event) => event.target.closest("[data-act=reopen]") && reopen());

setInterval(() => {
  look();
  showOthers();
  showQueues();
  // What stood in the way of showing the change may be sent by now.
  if (document.getElementById("stale")?.hidden === false && !isBusy()) reopen();
}, 10000);
// The heartbeat's gap check: a push may be lost without anybody noticing, that of an offer too.
setInterval(() => {
  if (chat()) check();
  if (serves()) refreshOffers();
  refreshParts();
}, CHECK_S * 1000);

arrive();
if (serves()) follow();
tick();

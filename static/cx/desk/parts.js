// Parts of the page that the server renders again: tabs, list, my state, the chosen session.
import { tick } from "../clock.js";
import { elements, getText } from "../net.js";
import { complain } from "../toast.js";
import { keepAll } from "./drafts.js";
import { begin, check, chat, known, log, sessionId } from "./log.js";
import { showWaiting } from "./outbox.js";
import { shownCustomer } from "./timeline.js";

let show = "mine";
let queue = "";
let timer = 0;
let opening = null;
let asked = 0;

// Many signals at once make one request; what one types in stays as it is.
export function refreshParts() {
  clearTimeout(timer);
  timer = setTimeout(refreshNow, 120);
}

async function refreshNow() {
  try {
    const chosen = sessionId();
    const fresh = elements(await getText(`/desk/parts/?chosen=${chosen || ""}`));
    // Another session was opened meanwhile: what came names the wrong one as chosen.
    if (chosen !== sessionId()) return refreshParts();
    for (const el of fresh) morph(el);
    keepShow();
    tick();
    document.dispatchEvent(new Event("cx:parts"));
  } catch {
    // The line is away: the reconnect refreshes.
  }
}

// These have been filled here since: what the server renders in their place is empty, or the beginning again. What is
// another customer's takes their place.
const OWN = new Set(["rows-other", "timeline"]);
const isOwn = (el, fresh) => OWN.has(el.id) && el.dataset.customer === fresh.dataset.customer;

function morph(fresh) {
  const old = document.getElementById(fresh.id);
  if (!old) return;
  if (old.tagName === "DETAILS" && old.open) fresh.setAttribute("open", "");
  window.Idiomorph.morph(old, fresh, { ignoreActiveValue: true, callbacks: { beforeNodeMorphed: (el, next) => !isOwn(el, next) } });
}

// The visitor went to another page, his card was changed, or it is another one by now: who edits it sees that when he has done.
export async function refreshSide() {
  const session = sessionId();
  if (!session || document.querySelector("#side [data-edit] input")) return;
  const turn = (asked += 1);
  try {
    const fresh = elements(await getText(`/desk/s/${session}/side/`));
    // An answer that was overtaken says what was before.
    if (turn !== asked || session !== sessionId() || document.querySelector("#side [data-edit] input")) return;
    const before = shownCustomer();
    for (const el of fresh) morph(el);
    entitle();
    window.htmx?.process(document.getElementById("side"));
    if (shownCustomer() !== before) document.dispatchEvent(new Event("cx:parts"));
  } catch {
    // The line is away: the next change shows it.
  }
}

function entitle() {
  const who = document.getElementById("who");
  if (who) document.title = `${who.textContent} · CX Center`;
}

// --- The list: mine, the queue, all ---

export async function showRows(which, queueId = "") {
  show = which;
  queue = queueId;
  keepShow();
  if (which === "mine") return;
  try {
    const fresh = await getText(`/desk/rows/?show=${which}&queue=${queueId}`);
    const box = document.getElementById("rows-other");
    if (!box || show !== which || queue !== queueId) return;
    window.Idiomorph.morph(box, fresh, { morphStyle: "innerHTML" });
    window.htmx?.process(box);
    keepShow();
    tick();
  } catch (error) {
    complain(error);
  }
}

function keepShow() {
  for (const button of document.querySelectorAll("[data-show]")) button.setAttribute("aria-pressed", String(button.dataset.show === show));
  const [mine, other] = [document.getElementById("rows-mine"), document.getElementById("rows-other")];
  if (!mine) return;
  mine.hidden = show !== "mine";
  other.hidden = show === "mine";
  for (const row of other.querySelectorAll(".cx-row")) row.setAttribute("aria-current", String(Number(row.dataset.open) === sessionId()));
}

export function queuesChanged() {
  if (show === "queue") showRows("queue", queue);
}

// --- The chosen session ---

export async function openSession(url, { push = true } = {}) {
  opening?.abort();
  const { signal } = (opening = new AbortController());
  // What one types while the next session comes must not go to the one before.
  const work = document.getElementById("work");
  work?.setAttribute("aria-busy", "true");
  work?.toggleAttribute("inert", true);
  try {
    document.dispatchEvent(new Event("cx:leaving"));
    await keepAll();
    const fresh = elements(await getText(url, signal));
    const other = document.getElementById("rows-other");
    for (const el of fresh) {
      const old = document.getElementById(el.id);
      if (!old) return window.location.assign(url);
      old.replaceWith(el);
      window.htmx?.process(el);
    }
    if (other) document.getElementById("rows-other")?.replaceWith(other);
    if (push) history.pushState({ url }, "", url);
    entitle();
    keepShow();
    arrive();
  } catch (error) {
    if (!signal.aborted) {
      work?.removeAttribute("aria-busy");
      work?.removeAttribute("inert");
      complain(error);
    }
  }
}

// After the page or a session came: counters, pending messages, timers, and what was pushed meanwhile.
export function arrive() {
  begin();
  if (log()) showWaiting();
  tick();
  document.dispatchEvent(new CustomEvent("cx:arrived", { detail: { threads: [...known.keys()] } }));
  check();
  document.getElementById("message")?.focus();
  if (window.location.hash === "#register") document.querySelector("#register [name=subject]")?.focus();
}

export function reopen() {
  const url = document.querySelector("#level3 a[aria-current]")?.getAttribute("href");
  if (sessionId() && url) return openSession(url, { push: false });
  return redraw();
}

// On another page than the desk: its work area comes anew, and what was just said, with its undo, stays.
async function redraw() {
  try {
    const page = new DOMParser().parseFromString(await getText(window.location.href), "text/html");
    const fresh = page.getElementById("work");
    if (!fresh) return window.location.reload();
    document.dispatchEvent(new Event("cx:leaving"));
    document.getElementById("work").replaceWith(fresh);
    window.htmx?.process(fresh);
    arrive();
  } catch (error) {
    complain(error);
  }
}

// From a page that is not the desk one goes there.
export function goTo(session) {
  const url = `/desk/s/${session}/`;
  if (document.querySelector(".cx-desk")) return openSession(url);
  return window.location.assign(url);
}

export async function openNext() {
  const rows = [...document.querySelectorAll("#rows-mine .cx-row")].filter((row) => Number(row.dataset.open) !== sessionId());
  if (rows[0]) goTo(rows[0].dataset.open);
  else window.location.assign("/desk/");
}

export function isShown(thread) {
  return known.has(thread) && Boolean(chat());
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-open], [data-section], [data-show], [data-queue]");
  if (!target || event.ctrlKey || event.metaKey) return;
  if (target.tagName === "A") {
    if (!document.getElementById("work")?.classList.contains("cx-desk")) return;
    event.preventDefault();
    openSession(target.getAttribute("href"));
  } else if (target.dataset.open) goTo(target.dataset.open);
  else if (target.dataset.show) showRows(target.dataset.show);
  else if (target.dataset.queue) showRows("queue", target.dataset.queue);
});

// On a narrow screen one column stands at a time.
document.addEventListener("click", (event) => {
  const pane = event.target.closest("[data-pane-to]")?.dataset.paneTo;
  if (pane) document.getElementById("work").dataset.pane = pane;
});

// Arrows walk along the tabs, as the pattern of a tab list wants it.
document.addEventListener("keydown", (event) => {
  const tab = event.target.closest?.("#tabs [role=tab]");
  const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!tab || !move) return;
  const tabs = [...document.querySelectorAll("#tabs [role=tab]")];
  tabs[(tabs.indexOf(tab) + move + tabs.length) % tabs.length].focus();
});

window.addEventListener("popstate", () => {
  if (document.querySelector(".cx-desk")) openSession(window.location.pathname, { push: false });
});

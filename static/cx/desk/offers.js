// Offers: toasts with a ring that runs out, a sound, a notification when nobody looks.
import { format, now, tick } from "../clock.js";
import { elements, getText, post, words } from "../net.js";
import { complain } from "../toast.js";
import { goTo, refreshParts } from "./parts.js";
import { notifies, ring } from "./prefs.js";

const box = () => document.getElementById("offers");

// Sessions that this page has called for by a toast, and those it has in its tabs.
const offered = new Set();
let mine = null;

// One question at a time; who wishes meanwhile is answered by the next.
let asking = null;
let again = false;

export function refreshOffers() {
  again = Boolean(asking);
  asking ??= ask().finally(() => {
    asking = null;
    if (again) refreshOffers();
  });
  return asking;
}

async function ask() {
  try {
    show(elements(await getText("/desk/offers/")));
  } catch {
    // The line is away: the reconnect asks again.
  }
}

// A toast that stands already is not touched: somebody may be pressing its button, or hearing it read out.
function show(fresh) {
  const wanted = new Set(fresh.map((el) => el.dataset.offer));
  for (const el of [...box().children]) if (!wanted.has(el.dataset.offer)) el.remove();
  const shown = new Set([...box().children].map((el) => el.dataset.offer));
  const come = fresh.filter((el) => !shown.has(el.dataset.offer));
  box().append(...come);
  count();
  tick();
  for (const { dataset } of come.filter((el) => el.dataset.offerSession)) {
    offered.add(dataset.offerSession);
    announce(dataset.offerName);
  }
}

function announce(name) {
  ring("offer");
  if (document.visibilityState !== "visible" && notifies()) {
    const note = new Notification(words.offerTitle, { body: name, tag: "cx-offer" });
    note.addEventListener("click", () => window.focus());
  }
}

// A session that came without an offer (accepted by itself, handed over by a supervisor) is called for as well.
function noticeNew() {
  const tabs = [...document.querySelectorAll("#tabs [data-open]")];
  for (const { dataset, title } of tabs) if (mine && !mine.has(dataset.open) && !offered.has(dataset.open)) announce(title);
  mine = new Set(tabs.map((tab) => tab.dataset.open));
}

const RING_S = 3;
let rang = 0;

function count() {
  // A call rings until it is answered.
  if (box().querySelector(".c-voice[data-offer]") && Date.now() - rang > RING_S * 1000) {
    rang = Date.now();
    ring("offer");
  }
  for (const toast of box().querySelectorAll("[data-expires]")) {
    const left = Number(toast.dataset.expires) - now();
    if (left <= 0) {
      toast.remove();
      continue;
    }
    const circle = toast.querySelector(".cx-ring");
    circle.style.setProperty("--p", Math.round((100 * left) / Number(toast.dataset.seconds)));
    circle.classList.toggle("bad", left < 5);
    circle.querySelector("b").textContent = left < 100 ? Math.ceil(left) : format(left);
  }
}

async function accept(button) {
  if (button.hasAttribute("aria-busy")) return;
  button.setAttribute("aria-busy", "true");
  try {
    const { session } = await post(button.dataset.accept);
    button.closest("[data-offer]").remove();
    refreshParts();
    goTo(session);
  } catch (error) {
    button.removeAttribute("aria-busy");
    complain(error);
    refreshOffers();
  }
}

async function decline(button) {
  button.closest("[data-offer]").remove();
  await post(button.dataset.decline).catch(complain);
}

export function acceptFirst() {
  const button = box().querySelector("[data-accept]");
  if (button) accept(button);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-accept], [data-decline]");
  if (!button) return;
  if (button.dataset.accept) accept(button);
  else decline(button);
});
document.addEventListener("cx:parts", noticeNew);
document.addEventListener("cx:arrived", noticeNew);
setInterval(count, 250);

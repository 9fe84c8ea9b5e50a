// The visitor's frame: which of its views is shown, and who tells whom.

import { get, Offline, post, Refused, Stale } from "./api.js";
import { callForm, callPage } from "./calls.js";
import { makeComposer, takeDrops } from "./composer.js";
import { config, el, icon, roughly, t, when } from "./dom.js";
import { asksAnything, awayForm, beforeForm, errorNote, rateForm, shutNote, takenNote } from "./forms.js";
import { makeHead } from "./head.js";
import { makeHost } from "./host.js";
import { makeLine } from "./line.js";
import { makeLog } from "./log.js";
import { ring } from "./sound.js";
import { store } from "./store.js";
import { makeTalk } from "./talk.js";
import { makeTrail, pageOf } from "./trail.js";

const SLOW_MS = 200;
// Not all who wait for the morning ask in the same second.
const SPREAD_MS = 15000;
const root = document.getElementById("wd");
const embedded = parent !== window;

let site = null;
let door = { open: true };
let known = {};
let view = "";
let isOpen = !embedded;
let page = {};
let userJwt = null;
let postponed = false;
let begun = null;
let thanks = "";
let opening = 0;
let shownCall = "";

// --- Parts ---

const talk = makeTalk({ changed, away, lost: restart, fault });
const line = makeLine({ told: hear, up: (said) => talk.up(said), down: () => talk.down(), refused: restart });
talk.follow(line);
const trail = makeTrail(talk);
const log = makeLog(talk, { seen: markSeen, request: () => away(talk.state.door, ""), call: askCall, showCall });
const composer = makeComposer({ say, sayFiles, typing: () => line.typing() });
const head = makeHead({ minimise, end: askEnd, call: callUs, embedded });
const strip = el("div", { class: "wd-net", role: "status", hidden: true }, icon("wifi-off"), el("span", {}, t("no_connection")));
const ask = el("div", { class: "wd-ask", role: "alertdialog", "aria-label": t("end_chat"), hidden: true });
const stage = el("div", { class: "stage" });
const host = makeHost(heard);

root.append(head.node, strip, ask, stage);
takeDrops(root, () => view === "talk", composer.addFiles);
addEventListener("keydown", (event) => event.key === "Escape" && minimise());
document.addEventListener("visibilitychange", markSeen);
store.onChange("token", () => {
  // Another tab has begun the talk.
  if (site && !talk.hasTalk && store.talked) restart();
});
if (store.talked || store.signed || !embedded) begin();

// --- Beginning ---

/** Ask the center who we are and where the talk stands. One question at a time. */
function begin() {
  if (begun) return;
  const asked = session().finally(() => {
    if (begun === asked) begun = null;
  });
  begun = asked;
}

/** Begin anew, whatever was asked before. */
function restart() {
  line.want(false);
  begun = null;
  begin();
}

async function session() {
  const slow = setTimeout(() => site || show("loading", el("div", { class: "body", role: "status" }, el("p", { class: "mut" }, t("loading")))), SLOW_MS);
  try {
    const told = await post("session", { site: config.site, token: store.token, ...(userJwt ? { user_jwt: userJwt } : {}) });
    take(told);
  } catch (error) {
    if (error instanceof Stale) return;
    if (error instanceof Refused && error.code === "bad_user") {
      console.warn(`cxcenter.identify: ${error.message}`);
      userJwt = null;
      setTimeout(begin);
      return;
    }
    if (!(error instanceof Offline) && !(error instanceof Refused)) throw error;
    if (!site || !talk.hasTalk) show("error", el("div", { class: "body" }, errorNote(error.message && error.told ? error.message : t("no_answer"), begin)));
    setTimeout(() => (isOpen || store.talked) && begin(), 5000);
  } finally {
    clearTimeout(slow);
  }
}

function take(told) {
  if (told.signed === true && !store.signed) store.sign(true);
  postponed = told.signed === "later";
  store.token = told.token;
  store.talked = told.thread;
  site = told.site;
  const { text = "", ...fields } = typed();
  known = { ...told.known, ...store.form, ...fields };
  heed(told.door);
  view = "";
  talk.begin(told);
  line.renew();
  choose(text);
  trail.send();
}

/** Return what stands in a form that may have to make room. */
function typed() {
  const form = ["before", "away"].includes(view) && stage.querySelector("form");
  return form ? Object.fromEntries([...new FormData(form)].filter(([, value]) => value)) : {};
}

/** Note how the door stands, and ask again when it opens. */
function heed(told) {
  door = told;
  clearTimeout(opening);
  if (!door.opens_at) return;
  const wait = Math.max(0, new Date(door.opens_at) - Date.now()) + Math.random() * SPREAD_MS;
  opening = setTimeout(() => isOpen && knock(), Math.min(wait, 2 ** 31 - 1));
}

/** Ask how the door stands now: nobody tells it to a page without a talk. */
async function knock() {
  if (begun || talk.state.open || !["before", "talk", "away", "taken", "callback"].includes(view)) return;
  try {
    const told = await post("session", { site: config.site, token: store.token });
    if (told.door.open !== door.open && !talk.outbox.isBusy) take(told);
    else heed(told.door);
    drawHead();
  } catch (error) {
    if (!(error instanceof Offline) && !(error instanceof Refused) && !(error instanceof Stale)) throw error;
    // Out of reach when it was to open: a little later then.
    heed(door);
  }
}

// --- Views ---

/** Choose the view by where things stand; `text` is a question that was begun. */
function choose(text = "") {
  if (text && door.open) composer.take(text);
  const { state } = talk;
  if (talk.hasTalk && state.callback && !state.open && !talk.outbox.isBusy) showCall();
  else if (talk.hasTalk && state.rate && !store.wasAsked(state.session)) showRating();
  else if (talk.hasTalk || talk.outbox.pending.some((one) => !one.file)) showTalk();
  else if (!door.open) showAway(text);
  else if (store.form || !asksAnything(site)) showTalk();
  else showBefore();
  keepLine();
}

function show(name, ...nodes) {
  view = name;
  stage.replaceChildren(...nodes);
  drawHead();
  if (isOpen && embedded) focusView();
}

function focusView() {
  if (view === "talk") composer.focus();
  else (stage.querySelector("input:not([type=checkbox], [type=radio])") ?? stage.querySelector("input, button"))?.focus({ preventScroll: true });
}

function foot(...children) {
  return children.length && children[0] ? el("footer", { class: "wd-by" }, children) : "";
}

function showBefore(problem = null) {
  const form = beforeForm(
    site,
    known,
    (answers) => {
      known = answers;
      store.form = { ...answers, topic: Number(answers.topic) || null, page };
      showTalk();
      talk.outbox.pump();
    },
    problem,
  );
  if (door.message) form.prepend(el("p", { class: "wd-note", role: "status" }, icon("speakerphone"), el("span", {}, door.message)));
  show("before", form, foot(site.contact_line));
}

function showTalk() {
  if (!talk.hasTalk && !store.form) store.form = { page };
  const greeting = talk.hasTalk ? "" : el("p", { class: "hello wd-hello" }, asksAnything(site) ? t("write_us") : site.greeting || t("write_us"));
  const closed = talk.hasTalk && !talk.state.open && !door.open;
  const shut = el("footer", {}, el("button", { type: "button", class: "btn btn-w", onclick: () => showAway("") }, t("leave_request")));
  show("talk", greeting, log.node, closed && door.form === false ? foot(site.contact_line) : closed ? shut : composer.node);
  log.draw("all");
  log.toEnd();
}

function showRating() {
  const again = el("button", { type: "button", class: "link", onclick: () => leaveRating(false) }, t("open_again"));
  show("rating", rateForm(talk.state.session, leaveRating), foot(`${t("not_solved")} `, again));
}

function leaveRating(isRated) {
  thanks = isRated ? t("rated") : "";
  store.noteAsked(talk.state.session);
  showTalk();
}

function showAway(text) {
  if (door.form === false) {
    const past = el("button", { type: "button", class: "link", onclick: showTalk }, t("show_talk"));
    show("away", shutNote(door, text), foot(site.contact_line || (talk.messages.length ? past : "")));
    return;
  }
  const form = awayForm(site, door, known, text, (words, callback) => {
    if (callback) {
      // Its page tells more, and goes on telling it.
      restart();
      return;
    }
    const back = el("button", { type: "button", class: "btn", onclick: () => showAway("") }, t("another_request"));
    const past = el("button", { type: "button", class: "btn btn-w", onclick: showTalk }, t("show_talk"));
    show("taken", takenNote(words, talk.messages.length ? [past, back] : [back]), foot(site.contact_line));
  });
  const past = el("button", { type: "button", class: "link", onclick: showTalk }, t("show_talk"));
  show("away", form, foot(site.contact_line || (talk.messages.length ? past : "")));
}

/** Show where the callback stands. Who writes instead takes its place. */
function showCall() {
  if (talk.state.callback) show("callback", ...callNodes());
  else showTalk();
}

function callNodes() {
  const { callback } = talk.state;
  shownCall = JSON.stringify(callback);
  const cancel = async () => {
    await talk.cancelCall();
    choose();
  };
  const past = talk.messages.length ? showTalk : null;
  return [callPage(callback, { change: askCall, cancel, write: door.open ? showTalk : null, past: door.open ? null : past }), foot(site.contact_line)];
}

/** Draw the page of the callback again if it says something else now: a button that was about to be pressed stays so. */
function redrawCall() {
  if (JSON.stringify(talk.state.callback) === shownCall) return;
  const at = [...stage.querySelectorAll("button")].indexOf(document.activeElement);
  stage.replaceChildren(...callNodes());
  stage.querySelectorAll("button")[at]?.focus();
}

/** Ask for a callback instead of waiting, or for another time: what can be chosen is asked first. */
async function askCall() {
  let offered;
  try {
    offered = await get("callback");
  } catch (error) {
    if (!(error instanceof Offline) && !(error instanceof Refused)) throw error;
    // He is served, or waits no more: the talk shows it.
    await talk.check();
    return;
  }
  const back = () => (talk.state.callback ? showCall() : showTalk());
  const send = async (given) => {
    await talk.call(given);
    showCall();
  };
  show("call", callForm(offered, send, back), foot(site.contact_line));
}

function drawHead() {
  const { state } = talk;
  const talking = view === "talk";
  if (view === "rating") head.draw({ title: t("how_was_it"), small: t("chat_over") });
  else if (view === "away" || view === "taken") head.draw({ title: t(["full", "wait"].includes(door.why) ? "busy" : "away"), small: smallAway() });
  else if (view === "callback" || view === "call") head.draw({ title: t("callback"), small: site.title });
  else head.draw({ title: talkTitle(), agent: talking ? state.agent : "", small: smallTitle(), canEnd: talking && state.open });
}

function smallAway() {
  if (door.opens_at) return t("back_at", { when: when(new Date(door.opens_at)) });
  return view === "away" && door.form !== false ? t("leave_request") : "";
}

function talkTitle() {
  const agent = view === "talk" && talk.state.agent;
  return agent ? `${agent}, ${site.title.split(",")[0]}` : (site?.title ?? document.title);
}

function smallTitle() {
  const { state } = talk;
  if (!site) return "";
  if (talk.offline && talk.hasTalk) return t("reconnecting");
  if (view === "talk" && state.agent) return `● ${t("online")}`;
  if (view === "talk" && state.open) return t("looking");
  if (thanks && view === "talk") return thanks;
  if (!door.open || door.estimate_s === null || door.estimate_s === undefined) return door.open ? `● ${t("online")}` : "";
  return door.estimate_s < 60 ? t("answers_in_minute") : t("answers_in", { time: roughly(door.estimate_s) });
}

// --- What happens ---

function changed(what, message) {
  if (!site) return;
  if (what === "started") {
    known = { ...known, ...store.form };
    stage.querySelector(".wd-hello")?.remove();
    line.renew();
  }
  strip.hidden = !talk.offline || view !== "talk";
  const { state } = talk;
  if (view === "talk" && !state.open && state.rate && !store.wasAsked(state.session) && !talk.outbox.isBusy) showRating();
  if (view === "rating" && state.open) showTalk();
  if (view === "call" && state.agent) showTalk();
  if (view === "callback") {
    if (state.open || !state.callback) showTalk();
    else redrawCall();
  }
  if (view === "talk") log.draw(what);
  if (what === "news") news(message);
  if (state.open) thanks = "";
  if (!state.open && postponed && userJwt) begin();
  drawHead();
  trail.send();
  keepLine();
  markSeen();
}

function news(message) {
  log.typing("");
  if (message.author === "system") return;
  if (!isOpen || document.hidden || !document.hasFocus()) ring();
}

function hear(said) {
  if (said.kind === "typing") {
    if (view === "talk") log.typing(said.name || t("operator"));
  } else talk.hear(said);
}

function keepLine() {
  line.want(talk.hasTalk && (talk.state.open || talk.state.callback?.state === "queued" || isOpen));
}

/** What stands before the visitor's eyes is read; the rest is only got. */
function markSeen() {
  if (talk.hasTalk) talk.mark(isOpen && !document.hidden && view === "talk" && log.isAtEnd());
  host.tell({ cx: "unread", n: talk.unread });
}

/** Close the frame. What comes while the page still hears of it is not before his eyes any more. */
function minimise() {
  if (!embedded) return;
  acts.closed();
  host.tell({ cx: "close" });
}

function say(text) {
  thanks = "";
  talk.outbox.say(text);
}

function sayFiles(files) {
  for (const file of files) {
    const isLarge = file.size > site.file_limit_mb * 1024 * 1024;
    talk.outbox.sayFile(file, isLarge ? t("too_large", { limit: site.file_limit_mb }) : "");
  }
}

/** The door is shut: what was written becomes the question of the request, behind what stands in it already. */
function away(shut, text) {
  heed(shut ?? { open: false });
  const question = view === "away" && stage.querySelector("form")?.elements.text;
  if (question) question.value = [question.value, text].filter(Boolean).join("\n");
  else showAway(text);
}

/** The form was refused: back to it, what was written stays in the box. */
function fault(error, text) {
  composer.take(text);
  known = { ...known, ...store.form };
  store.form = null;
  showBefore(error);
}

// A window of its own: the call goes on while the visitor walks over the site. It is opened at once, for a browser lets
// nobody open one later.
async function callUs() {
  const opened = window.open("about:blank", "cxcall", "popup,width=420,height=680");
  const address = new URL(`../../call/${config.site}/?lang=${config.language}`, location.href);
  try {
    const { ticket } = await post("call/ticket");
    address.hash = new URLSearchParams({ ticket }).toString();
  } catch {
    // He calls as a stranger then.
  }
  if (opened) opened.location.replace(address.href);
}

function askEnd() {
  const stay = () => {
    ask.hidden = true;
    composer.focus();
  };
  const leave = () => {
    ask.hidden = true;
    talk.end();
  };
  const yes = el("button", { type: "button", class: "btn btn-w", onclick: leave }, t("end_yes"));
  ask.replaceChildren(el("span", {}, t("end_sure")), yes, el("button", { type: "button", class: "btn", onclick: stay }, t("end_no")));
  ask.hidden = false;
  yes.focus();
}

// --- The page around us ---

const acts = {
  hello(said) {
    const texts = { open: t("open_chat"), close: t("close_chat"), unread: t("unread"), message: t("new_message"), chat: t("chat") };
    host.tell({ cx: "ready", colour: config.colour, texts: { ...texts, unread: t("unread", { n: "{n}" }) } });
    page = pageOf(said.page ?? {}, page);
    if (said.open) acts.opened();
    markSeen();
  },
  opened() {
    isOpen = true;
    if (!site) begin();
    else {
      keepLine();
      knock();
      if (talk.hasTalk) talk.check();
      if (view === "talk") log.toEnd();
      focusView();
    }
    markSeen();
  },
  closed() {
    isOpen = false;
    keepLine();
  },
  /** Note what happened on the site; the page around us keeps it until we have it. */
  track(said) {
    const { key, at, type, data } = said;
    if (type === "page_view") page = pageOf({ ...said.page, ...data }, page);
    trail.note(type === "page_view" ? { key, at, type, page } : { key, at, type, data });
    host.tell({ cx: "got", key });
  },
  identify(said) {
    const before = userJwt;
    userJwt = typeof said.jwt === "string" ? said.jwt : null;
    if (userJwt && userJwt !== before) {
      // Another may have signed in: what was asked for the one before counts no more.
      if (store.signed) store.sign(true);
      restart();
    }
    if (!userJwt && store.signed) {
      store.signOut();
      composer.take("");
      restart();
    }
  },
};

function heard(said) {
  if (Object.hasOwn(acts, said.cx)) acts[said.cx](said);
}

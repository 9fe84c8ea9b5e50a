// The log of the talk: rows by their keys, so that what has not changed is not touched.

import { config, day, el, hour, icon, linked, roughly, t } from "./dom.js";
import { get } from "./api.js";
import { callWords } from "./calls.js";

// Addresses of files live for an hour.
const FRESH_MS = 50 * 60 * 1000;
const THUMB_BYTES = 5 * 1024 * 1024;
const AT_END_PX = 60;
const AT_TOP_PX = 80;
const JOIN_MS = 5 * 60 * 1000;

/** Make the log of a talk. Returns {node, draw(), isAtEnd(), toEnd(), typing(name)}. */
export function makeLog(talk, { seen, request, call, showCall }) {
  const typing = el("div", { class: "cx-typing", role: "status", hidden: true });
  const below = el("button", { type: "button", class: "wd-new", hidden: true, onclick: () => toEnd() }, t("new_below"));
  const node = el("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": t("messages"), tabindex: "0" }, typing, below);
  const rows = new Map();
  let atEnd = true;
  let quiet = 0;

  function isAtEnd() {
    return node.scrollHeight - node.scrollTop - node.clientHeight < AT_END_PX;
  }

  function toEnd() {
    node.scrollTop = node.scrollHeight;
    atEnd = true;
    below.hidden = true;
    seen();
  }

  node.addEventListener("scroll", () => {
    atEnd = isAtEnd();
    if (atEnd && !below.hidden) toEnd();
    if (node.scrollTop < AT_TOP_PX) talk.earlier();
  });
  // A row that grows (a picture is loaded) or a frame that shrinks leaves the end where it was.
  new ResizeObserver(() => atEnd && toEnd()).observe(node);

  /** Draw what has changed. The log moves only if its end was before the eyes, or at one's own message. */
  function draw(what) {
    const height = node.scrollHeight;
    const wanted = plan(talk, { request, call, showCall });
    const keys = new Set(wanted.map((row) => row.key));
    for (const [key, row] of rows) {
      if (keys.has(key)) continue;
      row.node.remove();
      rows.delete(key);
    }
    let previous = null;
    for (const row of wanted) {
      const known = rows.get(row.key);
      const stands = known?.version === row.version;
      row.node = stands ? known.node : row.make();
      if (!stands) known?.node.replaceWith(row.node);
      if (row.dress && !(stands && known.look === row.look)) row.dress(row.node);
      const next = previous ? previous.nextSibling : node.firstChild;
      if (next !== row.node) node.insertBefore(row.node, next);
      rows.set(row.key, row);
      previous = row.node;
    }
    if (what === "earlier") node.scrollTop += node.scrollHeight - height;
    else if (atEnd || what === "mine") toEnd();
    else if (what === "news") below.hidden = false;
  }

  function showTyping(name) {
    clearTimeout(quiet);
    typing.hidden = !name;
    if (!name) return;
    typing.replaceChildren(el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i")), t("typing", { name }));
    quiet = setTimeout(() => showTyping(""), 4000);
    if (atEnd) toEnd();
  }

  return { node, draw, isAtEnd, toEnd, typing: showTyping };
}

/**
 * Return the rows that the log should have: {key, version, make}; what may change without its being said again
 * (its mark, how it joins the row before) has a `look` and a `dress(node)`.
 */
function plan(talk, { request, call, showCall }) {
  const rows = [];
  let last = null;
  const offer = talk.state.door && talk.messages.findLast((message) => OFFERING.includes(message.code));
  for (const message of talk.messages) {
    addDay(rows, message.at, last?.at);
    rows.push(message.author === "system" ? line(message, message === offer && request) : said(message, talk, joins(message, last)));
    last = message;
  }
  for (const item of talk.outbox.pending) {
    addDay(rows, item.at, last?.at);
    rows.push(waiting(item, talk));
    last = { at: item.at };
  }
  const place = queuePlace(talk.state, call);
  if (place) rows.push(place);
  if (talk.state.callback) rows.push(callRow(talk.state.callback, showCall));
  return rows;
}

function addDay(rows, at, before) {
  const name = day(new Date(at));
  if (before && day(new Date(before)) === name) return;
  rows.push({ key: `day ${new Date(at).toDateString()}`, version: name, make: () => el("div", { class: "cx-div" }, el("span", {}, name)) });
}

function joins(message, last) {
  return last && last.author === message.author && last.name === message.name && new Date(message.at) - new Date(last.at) < JOIN_MS;
}

// --- Rows ---

const ICONS = {
  joined: "user-circle",
  transferred: "arrow-forward-up",
  back_in_queue: "rotate",
  closed: "circle-check",
  silent_warning: "clock",
  callback_taken: "phone-off",
  away: "clock",
  announcement: "speakerphone",
  overflow_queue: "arrow-forward-up",
  overflow_callback: "phone-incoming",
  overflow_form: "mail",
  overflow_message: "speakerphone",
  overflow_close: "ban",
};
// Lines after the last of which a request may be left, while that is how it stands.
const OFFERING = ["away", "overflow_form", "overflow_message"];

/** Make the row of a system line; `request` opens the form of a shut door while that is how it stands. */
function line(message, request) {
  const button = () => el("button", { type: "button", class: "link", onclick: request }, t("leave_request"));
  return {
    key: `m ${message.id}`,
    version: `${message.changed} ${Boolean(request)}`,
    make: () => el("div", { class: "cx-sys" }, icon(ICONS[message.code] ?? "info-circle"), el("span", {}, words(message), request && " ", request && button())),
  };
}

function words({ code, args }) {
  if (code === "announcement" || (code.startsWith("overflow_") && args.reason)) return args.reason ?? "";
  if (code === "closed") return t(["ended", "left", "silent", "callback", "refused"].includes(args.reason) ? `line_closed_${args.reason}` : "line_closed");
  const known = ["joined", "transferred", "back_in_queue", "silent_warning", "away", "callback_taken", "overflow_queue", "overflow_callback", "overflow_form"].includes(code);
  return known ? t(`line_${code}`, { name: args.name || t("operator") }) : "";
}

function said(message, talk, isJoined) {
  const mine = message.author === "customer";
  const step = mine ? stepOf(message, talk) : "";
  return {
    key: message.key ? `k ${message.key}` : `m ${message.id}`,
    version: String(message.changed),
    make: () => {
      const css = ["cx-msg", mine && "out", message.author === "bot" && "bot"].filter(Boolean).join(" ");
      return el("div", { class: css }, !mine && avatar(message), bubble(message, mine && el("span", { class: "step", "aria-live": "off" })));
    },
    look: `${step} ${isJoined}`,
    dress: (node) => {
      node.classList.toggle("cont", Boolean(isJoined));
      if (mine) node.querySelector(".step").replaceChildren(...STEPS[step]());
    },
  };
}

function avatar(message) {
  const name = message.author === "bot" ? t("bot") : message.name || t("operator");
  const first = [...name][0]?.toUpperCase() ?? "";
  return el("span", { class: "cx-av", title: name, "aria-hidden": "true" }, message.author === "bot" ? icon("robot") : first);
}

function bubble(message, state) {
  const at = new Date(message.at);
  const who = message.author === "bot" ? el("div", { class: "who" }, t("bot")) : null;
  const speaker = message.author === "staff" ? el("span", { class: "sr" }, `${message.name || t("operator")}: `) : null;
  const meta = el("div", { class: "meta" }, el("time", { datetime: message.at }, hour(at)), state);
  const files = message.files.map((file) => attached(file, at));
  return el("div", { class: "bub" }, who, speaker, files, message.text ? el("span", { class: "txt" }, linked(message.text)) : null, meta);
}

function stepOf(message, talk) {
  if (message.seq <= talk.marks.staff_read) return "read";
  // What an operator has got stays delivered when he has passed the talk on or ended it.
  return talk.state.agent || message.seq <= talk.state.delivered ? "delivered" : "sent";
}

const STEPS = {
  sent: () => [icon("check"), el("span", { class: "sr" }, t("sent"))],
  delivered: () => [icon("checks"), el("span", { class: "sr" }, t("delivered"))],
  read: () => [el("span", { class: "read" }, icon("checks"), el("span", { class: "sr" }, t("read")))],
};

function size(bytes) {
  const number = new Intl.NumberFormat(config.language, { maximumFractionDigits: 1 });
  return bytes < 1024 * 1024 ? t("kb", { n: Math.max(1, Math.round(bytes / 1024)) }) : t("mb", { n: number.format(bytes / 1024 / 1024) });
}

function attached(file) {
  const made = Date.now();
  const link = el("a", { class: "cx-file", href: file.url, download: file.name, rel: "noopener" }, thumb(file), naming(file.name, size(file.size)));
  link.addEventListener("click", async (event) => {
    if (Date.now() - made < FRESH_MS) return;
    event.preventDefault();
    link.href = (await get("file", { id: file.id })).url;
    location.assign(link.href);
  });
  return link;
}

function naming(name, small) {
  return el("span", { class: "nm" }, el("span", { class: "m" }, name), el("small", {}, small));
}

function thumb(file) {
  const isShown = file.kind === "image" && file.size <= THUMB_BYTES;
  const drawing = isShown
    ? el("img", { src: file.url, alt: t("photo", { name: file.name }), width: file.width, height: file.height, loading: "lazy" })
    : icon(file.kind === "image" ? "photo" : "file-text");
  return el("span", { class: "cx-thumb" }, drawing);
}

function waiting(item, talk) {
  const percent = Math.round((item.progress ?? 0) * 100);
  const version = `${item.step} ${item.why} ${percent} ${talk.offline} ${talk.hasTalk}`;
  return {
    key: `k ${item.key}`,
    version: `waits ${version}`,
    make: () => {
      const failed = item.step === "failed";
      const body = item.file
        ? el("span", { class: "cx-file" }, el("span", { class: "cx-thumb" }, icon("file")), naming(item.file.name, size(item.file.size)))
        : el("span", { class: "txt" }, linked(item.text));
      const meta = el("div", { class: "meta" }, failed ? failure(item, talk) : progress(item, percent, talk));
      return el("div", { class: failed ? "cx-msg out fail" : "cx-msg out" }, el("div", { class: "bub" }, body, meta));
    },
  };
}

function progress(item, percent, talk) {
  const time = el("time", { datetime: item.at }, hour(new Date(item.at)));
  if (item.file && item.step === "sending") {
    return [el("progress", { max: 100, value: percent, "aria-label": t("sending") }), `${percent} %`];
  }
  if (item.file && !talk.hasTalk) return [icon("clock"), t("file_waits"), el("button", { type: "button", onclick: () => talk.outbox.remove(item.key) }, t("remove"))];
  const word = talk.offline ? el("span", {}, t("waits")) : el("span", { class: "sr" }, t("sending"));
  return [time, icon("clock"), word];
}

function failure(item, talk) {
  return [
    el("span", { class: "why" }, icon("alert-circle"), el("span", {}, item.why || t("not_sent"))),
    !item.final && el("button", { type: "button", onclick: () => talk.outbox.retry(item.key) }, t("retry")),
    el("button", { type: "button", onclick: () => talk.outbox.remove(item.key) }, t("remove")),
  ];
}

function queuePlace({ open, agent, queue, calls }, call) {
  if (!open || agent || !queue) return null;
  const place = queue.position === 1 ? t("place_first") : t("place", { n: queue.position });
  let wait = t("no_estimate");
  if (queue.estimate_s !== null) wait = queue.estimate_s < 60 ? t("wait_minute") : t("wait_about", { time: roughly(queue.estimate_s) });
  return {
    key: "place",
    version: `${place} ${wait} ${calls}`,
    make: () => {
      const instead = calls && el("button", { type: "button", class: "btn", onclick: call }, icon("phone-incoming"), t("call_instead"));
      return el("div", { class: "wd-wait", role: "status" }, icon("hourglass"), el("span", {}, el("b", {}, place), " ", wait), instead);
    },
  };
}

/** Make the row of a callback that the visitor waits for; it leads to its page. */
function callRow(callback, show) {
  const said = callWords(callback);
  return {
    key: "callback",
    version: `${said.title} ${said.words}`,
    make: () => el("div", { class: "wd-wait", role: "status" }, icon(said.icon), el("span", {}, el("b", {}, said.title), " ", said.words, " ", el("button", { type: "button", class: "link", onclick: show }, t("call_more")))),
  };
}

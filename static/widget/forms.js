// The forms: before the talk, the rating after it, and the request while nobody can answer.

import { newKey, post } from "./api.js";
import { callHours, day, el, hour, icon, t, when, zone } from "./dom.js";
import { store } from "./store.js";

let numbers = 0;

// --- Parts ---

/** Make a labelled field. `control` gets an id; errors stand under it. */
export function field(name, label, control, hint = "") {
  numbers += 1;
  const id = `f${numbers}`;
  control.id = id;
  control.name = name;
  control.classList.add(control.tagName === "SELECT" ? "form-select" : "form-control");
  return el("div", { "data-field": name }, el("label", { class: "form-label", for: id }, label, hint && el("span", { class: "r" }, hint)), control);
}

function select(options) {
  return el("select", {}, options.map(([value, label]) => el("option", { value }, label)));
}

function consent(site) {
  const [before, after] = t("consent", { link: "\u0000" }).split("\u0000");
  const words = t("consent_link");
  const link = site.consent_url ? el("a", { href: site.consent_url, target: "_blank", rel: "noopener" }, words) : words;
  const box = el("input", { type: "checkbox", name: "consent" });
  return el("div", { "data-field": "consent" }, el("label", { class: "form-check" }, box, el("span", {}, before, link, after)));
}

export function act(name, drawing) {
  return el("button", { type: "submit", class: "btn btn-w" }, drawing && icon(drawing), name);
}

/** Show what is wrong at its field, and lead there. Returns whether the field is on the form. */
export function complain(form, name, words) {
  for (const old of form.querySelectorAll(".invalid-feedback")) old.remove();
  for (const old of form.querySelectorAll("[aria-invalid]")) old.removeAttribute("aria-invalid");
  const place = name && form.querySelector(`[data-field="${CSS.escape(name)}"]`);
  if (!place) return false;
  numbers += 1;
  const note = el("div", { class: "invalid-feedback", id: `f${numbers}`, role: "alert" }, words);
  const control = place.querySelector("input, select, textarea");
  place.append(note);
  control.setAttribute("aria-invalid", "true");
  control.setAttribute("aria-describedby", note.id);
  control.focus();
  return true;
}

const isEmail = (text) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text);
export const isPhone = (text) => !/[a-zа-яё]/i.test(text) && text.replace(/\D/g, "").length >= 7;

// --- Before the talk ---

/** Tell whether a site asks for anything before the talk. */
export function asksAnything(site) {
  return site.ask_name || site.ask_contact || site.topics.length > 0 || site.ask_consent;
}

/** Make the form before the talk; `done(answers)` when it is filled in. */
export function beforeForm(site, known, done, problem = null) {
  const name = site.ask_name && field("name", t("your_name"), el("input", { autocomplete: "name", maxlength: "120", value: known.name ?? "" }));
  const contact =
    site.ask_contact &&
    field("contact", t("contact"), el("input", { autocomplete: "tel", maxlength: "120", placeholder: "+7 900 000-00-00", value: known.contact ?? known.email ?? known.phone ?? "" }), site.contact_why ?? t("contact_why"));
  const topics = site.topics.map((topic) => [topic.id, topic.label]);
  const topic = topics.length > 0 && field("topic", t("topic"), select([["", t("choose_topic")], ...topics]));
  if (topic && known.topic) topic.querySelector("select").value = known.topic;
  const agree = site.ask_consent && consent(site);
  if (agree && known.consent) agree.querySelector("input").checked = true;
  const form = el(
    "form",
    { class: "body", novalidate: true },
    el("p", { class: "hello" }, site.greeting || t("hello")),
    name,
    contact,
    topic,
    agree,
    el("div", { class: "acts" }, act(site.start ?? t("start"), site.start_icon ?? t("start_icon"))),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = answers(form);
    const wrong = wrongBefore(site, given);
    if (wrong) complain(form, ...wrong);
    else done(given);
  });
  if (problem) queueMicrotask(() => complain(form, problem.told.field, problem.message) || form.prepend(errorNote(problem.message)));
  return form;
}

function answers(form) {
  const data = Object.fromEntries(new FormData(form));
  return { ...data, consent: form.elements.consent?.checked ?? false };
}

function wrongBefore(site, given) {
  const contact = (given.contact ?? "").trim();
  if (site.need_contact && !contact) return ["contact", t("need_contact")];
  if (contact && !isEmail(contact) && !isPhone(contact)) return ["contact", t("bad_contact")];
  if (site.ask_consent && !given.consent) return ["consent", t("need_consent")];
  return null;
}

/** Make a note that something did not work, with a way to try again. */
export function errorNote(words, again = null) {
  return el("div", { class: "wd-error", role: "alert" }, icon("alert-circle"), el("span", {}, words), again && el("button", { type: "button", onclick: again }, t("retry")));
}

// --- The rating ---

/** Make the rating of a session; `done()` when it is given or skipped. */
export function rateForm(session, done) {
  const word = el("div", { class: "mut word", role: "status" });
  const stars = [1, 2, 3, 4, 5].map((n) =>
    el("label", {}, el("input", { type: "radio", name: "csat", value: n, "aria-label": t("of_five", { n }) }), icon("star-filled")),
  );
  const steps = [1, 2, 3, 4, 5, 6, 7].map((n) =>
    el("label", {}, el("input", { type: "radio", name: "ces", value: n, "aria-label": t("of_seven", { n }) }), el("span", { "aria-hidden": "true" }, String(n))),
  );
  const form = el(
    "form",
    { class: "body wd-rate", novalidate: true },
    el("fieldset", { "data-field": "csat" }, el("legend", {}, t("rate_answer")), el("div", { class: "wd-stars" }, stars), word),
    el(
      "fieldset",
      { "data-field": "ces" },
      el("legend", {}, t("easy")),
      el("div", { class: "wd-ces" }, steps),
      el("div", { class: "wd-ends" }, el("span", {}, t("not_at_all")), el("span", {}, t("fully"))),
    ),
    field("comment", t("better"), el("textarea", { rows: "2", maxlength: "2000" }), t("optional")),
    el("div", { class: "acts" }, act(t("send")), el("button", { type: "button", class: "btn", onclick: () => leave(false) }, t("skip"))),
  );

  function leave(isRated) {
    store.noteAsked(session);
    done(isRated);
  }

  form.addEventListener("change", () => {
    const chosen = form.elements.csat.value;
    word.textContent = chosen ? t(`stars_${chosen}`) : "";
  });
  sends(form, async () => {
    const data = Object.fromEntries(new FormData(form));
    await post("rating", { session, ...data });
    leave(true);
  });
  return form;
}

/** Let a form be sent once at a time, with its errors where they belong. */
export function sends(form, send) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    if (button.getAttribute("aria-busy")) return;
    button.setAttribute("aria-busy", "true");
    form.querySelector(".wd-error")?.remove();
    try {
      await send();
    } catch (error) {
      if (!error.told) form.prepend(errorNote(t("no_connection")));
      else if (!complain(form, error.told.field, error.message)) form.prepend(errorNote(error.message));
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
}

// --- The request ---

/** Make the choice of an hour among slots: {node, value, show(yes)}. With `soon` the first choice is no hour at all. */
export function timeFields(slots, soon = "") {
  const days = [...new Set(slots.map((slot) => slot.toDateString()))];
  const named = days.map((one) => [one, capital(day(new Date(one), { 0: t("day_today"), 1: t("day_tomorrow") }))]);
  const dayBox = field("day", t("day"), select(soon ? [["", soon], ...named] : named));
  const timeBox = field("slot", t("time"), select([]));
  const node = el("div", { class: "two" }, dayBox, timeBox);
  const chosen = dayBox.querySelector("select");
  const hours = timeBox.querySelector("select");

  function fill() {
    const those = slots.filter((slot) => slot.toDateString() === chosen.value);
    hours.replaceChildren(...those.map((slot) => el("option", { value: slot.toISOString() }, `${hour(slot)}–${hour(new Date(slot.getTime() + 3600000))}`)));
    timeBox.hidden = those.length === 0;
  }

  chosen.addEventListener("change", fill);
  fill();
  return {
    node,
    get value() {
      return hours.value;
    },
    show(yes) {
      node.hidden = !yes;
    },
  };
}

/** Make the form of a shut door; `done(words, callback)` when the request, sent to `path`, is taken. */
export function awayForm(site, door, known, text, done, path = "offline") {
  const key = newKey();
  const slots = callHours(door.slots);
  const call = el("button", { type: "button", onclick: () => choose("call") }, icon("phone-incoming"), t("call_me"));
  const write = el("button", { type: "button", onclick: () => choose("write") }, icon("mail"), t("write_me"));
  const phone = field("contact", t("phone"), el("input", { type: "tel", autocomplete: "tel", maxlength: "120", placeholder: "+7 900 000-00-00", value: isPhone(known.contact ?? known.phone ?? "") ? (known.contact ?? known.phone) : "" }));
  const email = field("contact", t("email"), el("input", { type: "email", autocomplete: "email", maxlength: "120", placeholder: "name@example.com", value: isEmail(known.contact ?? "") ? known.contact : (known.email ?? "") }));
  const times = timeFields(slots, door.soon ? t("as_soon") : "");
  const name = site.ask_name && field("name", t("your_name"), el("input", { autocomplete: "name", maxlength: "120", value: known.name ?? "" }));
  const button = act(t("book_call"), "check");
  const form = el(
    "form",
    { class: "body", novalidate: true },
    door.message && el("p", { class: "wd-note", role: "status" }, icon("speakerphone"), el("span", {}, door.message)),
    door.letters !== false && el("div", { class: "wd-seg", role: "group", "aria-label": t("how_to_answer") }, call, write),
    phone,
    email,
    slots.length > 0 && times.node,
    name,
    field("text", t("your_question"), el("textarea", { rows: "3", maxlength: "8000" })),
    site.ask_consent && consent(site),
    el("div", { class: "acts" }, button),
  );
  form.elements.text.value = text;
  let kind = "call";

  function choose(chosen) {
    kind = chosen;
    const calls = kind === "call";
    call.setAttribute("aria-pressed", String(calls));
    write.setAttribute("aria-pressed", String(!calls));
    phone.hidden = !calls;
    times.show(calls);
    email.hidden = calls;
    phone.querySelector("input").disabled = !calls;
    email.querySelector("input").disabled = calls;
    button.lastChild.textContent = t(calls ? "book_call" : "send_request");
  }

  choose("call");
  sends(form, async () => {
    const given = answers(form);
    const wrong = wrongAway(site, kind, given);
    if (wrong) {
      complain(form, ...wrong);
      return;
    }
    const told = await post(path, { ...given, kind, key, zone });
    const slot = kind === "call" && given.slot ? when(new Date(given.slot)) : "";
    done(t(kind === "call" ? "will_call" : "will_write", { contact: given.contact, when: slot }).replace(" .", "."), told.callback);
  });
  return form;
}

function wrongAway(site, kind, given) {
  const contact = (given.contact ?? "").trim();
  if (kind === "call" && !isPhone(contact)) return ["contact", t("need_phone")];
  if (kind === "write" && !isEmail(contact)) return ["contact", t("need_email")];
  if (!given.text.trim()) return ["text", t("need_question")];
  if (site.ask_consent && !given.consent) return ["consent", t("need_consent")];
  return null;
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Make the page of a door that is shut without a form: its words, and what was written and not sent. */
export function shutNote(door, text) {
  const lost = text && el("div", { "data-unsent": "" }, el("p", { class: "form-label" }, t("not_sent_words")), el("p", { class: "wd-note" }, el("span", {}, text)));
  return el("div", { class: "body" }, el("p", { class: "wd-note", role: "status" }, icon("speakerphone"), el("span", {}, door.message)), lost);
}

/** Make the page that says that a request is taken. */
export function takenNote(words, acts) {
  return el("div", { class: "body wd-done", role: "status" }, icon("circle-check"), el("h2", {}, t("request_taken")), el("p", {}, words), el("div", { class: "acts" }, acts));
}

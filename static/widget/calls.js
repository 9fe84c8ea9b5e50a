// Callbacks: the form that asks for one, and where it stands.

import { callHours, el, hour, icon, roughly, t, when, zone } from "./dom.js";
import { act, complain, errorNote, field, isPhone, sends, timeFields } from "./forms.js";

/**
 * Make the form of a visitor who waits: his phone, and "keep my place" or a time of his choice.
 * `offered` is {phone, slots}; `send(given)` asks the center; `back()` leaves the form.
 */
export function callForm(offered, send, back) {
  const slots = callHours(offered.slots);
  const phone = field("contact", t("phone"), el("input", { type: "tel", autocomplete: "tel", maxlength: "120", placeholder: "+7 900 000-00-00", value: offered.phone }));
  const times = timeFields(slots);
  const kinds = el(
    "fieldset",
    { class: "wd-when", "data-field": "when" },
    el("legend", { class: "sr" }, t("when_call")),
    choice("soon", t("call_soon"), t("call_soon_why"), true),
    slots.length > 0 && choice("time", t("call_at"), t("call_at_why"), false),
  );
  const form = el("form", { class: "body", novalidate: true }, el("p", { class: "hello" }, t("call_hello")), phone, kinds, times.node, el("div", { class: "acts" }, act(t("call_me"), "phone-incoming"), el("button", { type: "button", class: "btn", onclick: back }, t("wait_here"))));

  function show() {
    times.show(form.elements.when.value === "time");
  }

  kinds.addEventListener("change", show);
  show();
  sends(form, async () => {
    const contact = form.elements.contact.value.trim();
    if (!isPhone(contact)) {
      complain(form, "contact", t("need_phone"));
      return;
    }
    const slot = form.elements.when.value === "time" ? times.value : "";
    await send({ contact, slot, zone });
  });
  return form;
}

function choice(value, title, why, checked) {
  return el("label", { class: "wd-choice" }, el("input", { type: "radio", name: "when", value, checked }), el("span", {}, el("b", {}, title), el("small", {}, why)));
}

/** Say where a callback stands: {icon, title, words, open}. */
export function callWords({ phone, state, result, at, due_at, attempts, position, estimate_s }) {
  const open = state !== "ended";
  if (!open) return { icon: "phone-off", title: t("not_reached"), words: t(result === "wrong_number" ? "wrong_phone" : "no_reply", { phone }), open };
  if (state === "calling") return { icon: "phone-calling", title: t("calling_now"), words: phone, open };
  const title = t("will_call_you");
  if (state === "planned" && attempts > 0) return { icon: "phone-outgoing", title, words: t("call_again", { phone, when: when(new Date(due_at)) }), open };
  if (at) return { icon: "calendar-event", title, words: t("call_planned", { phone, when: when(new Date(at)), until: hour(new Date(Date.parse(at) + 3600000)) }), open };
  if (state === "planned") return { icon: "clock", title, words: t("call_opens", { phone, when: when(new Date(due_at)) }), open };
  const place = position === null ? "" : position === 1 ? t("call_next") : t("call_place", { n: position });
  const wait = estimate_s === null || estimate_s === undefined ? "" : estimate_s < 60 ? t("wait_minute") : t("wait_about", { time: roughly(estimate_s) });
  return { icon: "phone-outgoing", title, words: [t("call_turn", { phone }), place, wait].filter(Boolean).join(" "), open };
}

/** Make the page of a callback; `acts` are {change, cancel, write, past}: what the visitor may do. */
export function callPage(callback, acts) {
  const said = callWords(callback);
  const trouble = el("div", { role: "alert" });
  const calling = callback.state === "calling";
  const button = (name, words, main) => acts[name] && el("button", { type: "button", class: main ? "btn btn-w" : "btn", onclick: () => run(acts[name], trouble) }, words);
  return el(
    "div",
    { class: "body wd-done", role: "status" },
    icon(said.icon),
    el("h2", {}, said.title),
    el("p", {}, said.words),
    trouble,
    el(
      "div",
      { class: "acts" },
      said.open && !calling && button("change", t("call_change"), true),
      said.open && !calling && button("cancel", t("call_cancel"), false),
      button("write", t("write_instead"), !said.open),
      button("past", t("show_talk"), false),
    ),
  );
}

/** Do what a button says; what the center refuses is told beside it. */
async function run(doing, trouble) {
  trouble.replaceChildren();
  try {
    await doing();
  } catch (error) {
    trouble.replaceChildren(errorNote(error.told ? error.message : t("no_connection")));
  }
}

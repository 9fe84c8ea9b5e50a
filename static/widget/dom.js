// Elements made without markup: what people write is text and never anything else.

const config = JSON.parse(document.getElementById("config").textContent);
const texts = JSON.parse(document.getElementById("texts").textContent);

export { config };

/** Return a text of the frame, its words in braces filled in. */
export function t(name, words = {}) {
  return texts[name].replace(/\{(\w+)\}/g, (all, key) => (key in words ? String(words[key]) : all));
}

/** Make an element: attributes as they are, `on…` functions as listeners, null and false left out. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Draw an icon of the sprite. It says nothing to a screen reader. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", "i");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `${config.icons}#${name}`);
  svg.append(use);
  return svg;
}

/** Make a button with an icon alone; its name is for the ear and the tooltip. */
export function iconButton(name, label, onclick, attributes = {}) {
  return el("button", { type: "button", class: "wd-ib", "aria-label": label, title: label, onclick, ...attributes }, icon(name));
}

const LINK = /\b(https?:\/\/[^\s<>"']+|www\.[^\s<>"']+\.[^\s<>"']+)/gi;

function isAddress(text) {
  try {
    return Boolean(new URL(text));
  } catch {
    return false;
  }
}

/** Turn a text into nodes with safe links: web addresses only, opened elsewhere, telling nothing of us. */
export function linked(text) {
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(LINK)) {
    const shown = found[0].replace(/[.,;:!?)\]}»]+$/, "");
    const address = shown.startsWith("http") ? shown : `https://${shown}`;
    if (!isAddress(address)) continue;
    nodes.push(text.slice(from, found.index));
    nodes.push(el("a", { href: address, target: "_blank", rel: "noopener noreferrer nofollow ugc" }, shown));
    from = found.index + shown.length;
  }
  nodes.push(text.slice(from));
  return nodes;
}

/** Write seconds as "3 min" or "2 h", rounded up; the number stays with its unit. */
export function roughly(seconds) {
  const minutes = Math.max(1, Math.ceil(seconds / 60));
  const words = minutes < 90 ? t("minutes", { n: minutes }) : t("hours", { n: Math.round(minutes / 60) });
  return words.replace(" ", "\u00a0");
}

/** The time zone of this browser: nobody is called at night. */
export const { timeZone: zone } = new Intl.DateTimeFormat().resolvedOptions();

/** Read the hours that are offered for a call, without those at his night: the center does not know where he is. */
export function callHours(offered = []) {
  const [morning, night] = config.day;
  return offered.map((slot) => new Date(slot)).filter((slot) => morning <= slot.getHours() && slot.getHours() < night);
}

const clock = new Intl.DateTimeFormat(config.language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const date = new Intl.DateTimeFormat(config.language, { weekday: "short", day: "numeric", month: "long" });

/** Write a moment as the hour and minute of the reader's zone. */
export function hour(moment) {
  return clock.format(moment);
}

/** Write the day of a moment: today, tomorrow, yesterday, or its date. */
export function day(moment, names = { 0: t("today"), "-1": t("yesterday"), 1: t("day_tomorrow") }) {
  const midnight = (at) => new Date(at.getFullYear(), at.getMonth(), at.getDate());
  const distance = Math.round((midnight(moment) - midnight(new Date())) / 86400000);
  return names[distance] || date.format(moment);
}

/** Write a moment to come: "tomorrow at 8:00". */
export function when(moment) {
  const names = { 0: t("day_today"), 1: t("day_tomorrow") };
  return t("at_time", { day: day(moment, names), time: hour(moment) });
}

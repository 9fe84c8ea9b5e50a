// What a user likes: language, theme, sounds; and his state, with the question before he leaves.
import { openDialog, show, sure } from "../dialogs.js";
import { Refused, post, words } from "../net.js";
import { play } from "../sounds.js";
import { complain } from "../toast.js";
import { refreshParts } from "./parts.js";

// The server keeps them, so that they are the same in every browser.
export const prefs = JSON.parse(document.getElementById("prefs")?.textContent || "{}");

export function savePrefs() {
  post("/preferences/", { preferences: JSON.stringify(prefs) }).catch(complain);
}

// The browser has its own say; what it allows can be switched off here.
export const notifies = () => prefs.notify !== false && window.Notification?.permission === "granted";

export function ring(sound) {
  play(sound, prefs.silent || {});
}

async function setLanguage(value) {
  await post("/preferences/", { language: value }).catch(complain);
  window.location.reload();
}

function turnTheme() {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.bsTheme === "dark" ? "light" : "dark";
  document.dispatchEvent(new Event("cx:theme"));
  post("/preferences/", { theme: root.dataset.theme }).catch(complain);
}

// --- State ---

export async function setPresence(mode, { reason = "", after = false } = {}) {
  try {
    await post("/desk/presence/", { mode, reason, after: after ? "1" : "" });
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== "open_contacts") return void complain(error);
    const move = await sure(error.message, { title: words.openContacts, yes: words.moveAll, no: words.stay });
    if (!move) return false;
    await post("/desk/presence/", { mode, move: "1" }).catch(complain);
  }
  refreshParts();
  return true;
}

// Which kinds of work come to me: what is not ticked does not.
async function switchKinds(menu) {
  const boxes = [...menu.querySelectorAll("[data-kind]")];
  const said = new URLSearchParams(boxes.filter((box) => !box.checked).map((box) => ["off", box.dataset.kind]));
  await post("/desk/presence/kinds/", said).catch(complain);
  refreshParts();
}

async function signOut(form) {
  if (document.getElementById("status") && (await setPresence("offline")) === false) return;
  await post("/desk/goodbye/", { tab: sessionStorage.getItem("cx.tab") || "" }).catch(() => {});
  form.submit();
}

async function setNotify(on, input) {
  prefs.notify = on;
  savePrefs();
  if (on) await Notification.requestPermission();
  input.checked = notifies();
}

function soundsDialog() {
  const box = document.getElementById("dialog");
  const form = document.createElement("form");
  form.method = "dialog";
  const [header, h2, body, footer, ok] = ["header", "h2", "div", "footer", "button"].map((tag) => document.createElement(tag));
  h2.textContent = words.sounds;
  header.append(h2);
  body.className = "bd";
  const silent = (prefs.silent ||= {});
  const line = (text, checked, change) => {
    const [label, input, span] = ["label", "input", "span"].map((tag) => document.createElement(tag));
    label.className = "form-check";
    input.type = "checkbox";
    input.className = "form-check-input";
    input.checked = checked;
    input.addEventListener("change", () => change(input.checked, input));
    span.textContent = text;
    label.append(input, span);
    body.append(label);
  };
  for (const [name, text] of [["offer", words.soundOffer], ["message", words.soundMessage], ["late", words.soundLate]])
    line(text, !silent[name], (on) => {
      silent[name] = !on;
      savePrefs();
      if (on) ring(name);
    });
  if (window.Notification) line(words.notify, notifies(), setNotify);
  ok.className = "btn btn-primary";
  ok.textContent = words.close;
  footer.append(ok);
  form.append(header, body, footer);
  box.replaceChildren(form);
  show(box);
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-act], [data-presence], [data-dialog]");
  if (!target) return;
  if (target.dataset.presence) {
    const after = document.getElementById("pause-after")?.checked;
    setPresence(target.dataset.presence, { reason: target.dataset.reason || "", after: target.dataset.presence === "pause" && after });
  } else if (target.dataset.dialog) openDialog(target.dataset.dialog).catch(complain);
  else if (target.dataset.act === "language") setLanguage(target.dataset.value);
  else if (target.dataset.act === "theme") turnTheme();
  else if (target.dataset.act === "sounds") soundsDialog();
});

document.addEventListener("change", ({ target }) => {
  if (target.dataset.kind) switchKinds(target.closest(".dropdown-menu"));
});

document.addEventListener("submit", (event) => {
  if (event.target.dataset.act !== "sign-out") return;
  event.preventDefault();
  signOut(event.target);
});

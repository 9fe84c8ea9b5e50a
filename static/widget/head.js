// The head of the frame: who speaks with the visitor, and the acts on the frame itself.

import { config, el, icon, iconButton, t } from "./dom.js";
import { store } from "./store.js";

/** Make the head. Returns {node, draw({title, small, agent, canEnd})}. */
export function makeHead({ minimise, end, call, embedded }) {
  const face = el("span", { class: "cx-av", "aria-hidden": "true" }, icon("headset"));
  const title = el("h1");
  const small = el("small", { role: "status" });
  const sound = iconButton("volume", "", toggleSound);
  const leave = iconButton("door-exit", t("end_chat"), end, { hidden: true });
  const phone = config.calls && iconButton("phone", t("call_us"), call);
  const close = embedded && iconButton("chevron-down", t("minimise"), minimise);
  const node = el("header", {}, face, el("div", { class: "who" }, title, small), leave, phone, sound, close);

  function toggleSound() {
    store.muted = !store.muted;
    drawSound();
  }

  function drawSound() {
    const label = t(store.muted ? "sound_on" : "sound_off");
    sound.setAttribute("aria-label", label);
    sound.title = label;
    sound.replaceChildren(icon(store.muted ? "volume-off" : "volume"));
  }

  drawSound();
  return {
    node,
    draw(shown) {
      const first = shown.agent ? [...shown.agent][0].toUpperCase() : "";
      if (first ? face.textContent !== first : !face.firstElementChild) face.replaceChildren(first || icon("headset"));
      if (title.textContent !== shown.title) title.textContent = shown.title;
      if (small.textContent !== shown.small) small.textContent = shown.small;
      leave.hidden = !shown.canEnd;
    },
  };
}

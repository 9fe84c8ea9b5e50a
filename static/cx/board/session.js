// One session for reading: its log comes from the desk's own address and lives by the desk's own line.
import { tick } from "../clock.js";
import { begin, check, decorate, log, toEnd } from "../desk/log.js";
import { elements, getText } from "../net.js";
import { complain } from "../toast.js";

const page = document.querySelector(".cx-watchpage");
let line = null;

async function open() {
  try {
    const fresh = elements(await getText(log().dataset.history));
    for (const el of log().querySelectorAll(".cx-skel")) el.remove();
    // What was pushed meanwhile stands there already.
    log().prepend(...fresh.filter((el) => !el.id || !document.getElementById(el.id)));
    decorate();
    toEnd();
    begin();
    document.dispatchEvent(new CustomEvent("cx:arrived", { detail: {} }));
    check();
  } catch (error) {
    complain(error);
  }
}

// Who holds it may have changed: only the head is asked again.
let timer = 0;
function refreshHead() {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    try {
      const [fresh] = elements(await getText(`${window.location.pathname}head/`));
      document.getElementById("head").replaceWith(fresh);
      tick();
    } catch {
      // The next change asks again.
    }
  }, 150);
}

function watch() {
  line?.send({ watch: Number(page.dataset.talk) });
}

if (page) {
  open();
  document.addEventListener("cx:board-line", ({ detail }) => {
    line = detail;
    watch();
  });
  document.addEventListener("cx:session-changed", refreshHead);
  document.addEventListener("cx:follow", refreshHead);
}

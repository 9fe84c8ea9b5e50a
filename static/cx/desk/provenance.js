// Why a value stands: a small window beside the field, with what every source says and the choice of another.
import { elements, getText, post, words } from "../net.js";
import { complain, say } from "../toast.js";
import { reopen } from "./parts.js";

let opener = null;

function close() {
  document.getElementById("why")?.remove();
  opener?.setAttribute("aria-expanded", "false");
  opener = null;
}

async function open(button) {
  const again = opener === button;
  close();
  if (again) return;
  opener = button;
  try {
    const [box] = elements(await getText(button.dataset.why));
    if (opener !== button) return;
    document.body.append(box);
    place(box, button.getBoundingClientRect());
    button.setAttribute("aria-expanded", "true");
    box.focus();
  } catch (error) {
    close();
    complain(error);
  }
}

// Beside the field, and never beyond the window.
function place(box, at) {
  const [left, top] = [Math.min(at.left, window.innerWidth - box.offsetWidth - 8), Math.min(at.bottom + 4, window.innerHeight - box.offsetHeight - 8)];
  box.style.setProperty("--x", `${Math.max(8, left)}px`);
  box.style.setProperty("--y", `${Math.max(8, top)}px`);
}

async function pin(button) {
  const { url, version, pin: record } = button.dataset;
  try {
    await post(url, { field: button.closest("#why").dataset.of, record, version });
    close();
    say(words.saved);
    reopen();
  } catch (error) {
    complain(error);
  }
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-why], [data-pin]");
  if (button?.dataset.why) open(button);
  else if (button) pin(button);
  else if (!target.closest("#why")) close();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !opener) return;
  event.stopPropagation();
  const back = opener;
  close();
  back.focus();
}, true);
document.addEventListener("cx:leaving", close);

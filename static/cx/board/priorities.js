// The order of channels, topics and segments: moved by mouse or by keys, sent as a whole.
const form = document.getElementById("orders");
const itemsOf = (list) => [...list.querySelectorAll("[data-item]")];
const lineOf = (list) => list.querySelector("[data-line]");
const isAhead = (item) => Boolean(item.compareDocumentPosition(lineOf(item.parentElement)) & Node.DOCUMENT_POSITION_FOLLOWING);

// What stands above the line is sent; the last above it has one step, the one above that two.
function settle(list) {
  const items = itemsOf(list);
  const ahead = items.filter(isAhead);
  items.forEach((item) => {
    const steps = isAhead(item) ? ahead.length - ahead.indexOf(item) : 0;
    const badge = item.querySelector("[data-steps]");
    badge.textContent = `+${steps}`;
    badge.hidden = !steps;
    item.querySelector("input[type=hidden]").disabled = !steps;
    item.querySelector("[data-move=up]").disabled = steps === ahead.length && steps > 0;
    item.querySelector("[data-move=down]").disabled = !steps;
  });
}

function changed() {
  // It may be sent again.
  delete form.dataset.sent;
  form.querySelector("[data-changed]").hidden = false;
}

function say(item) {
  const list = item.parentElement;
  const ahead = itemsOf(list).filter(isAhead);
  const place = ahead.indexOf(item) + 1;
  const told = { what: item.dataset.label, place, count: ahead.length, steps: ahead.length - place + 1 };
  const words = place ? form.dataset.place : form.dataset.rest;
  form.querySelector("[data-said]").textContent = words.replace(/\{(\w+)\}/g, (_all, name) => told[name]);
}

// Up from the rest leads straight to the line; down from the last place leads to the rest.
function move(item, up) {
  const line = lineOf(item.parentElement);
  if (up && !isAhead(item)) line.before(item);
  else if (up) item.previousElementSibling?.matches("[data-item]") && item.previousElementSibling.before(item);
  else if (isAhead(item)) item.nextElementSibling.after(item);
  settle(item.parentElement);
  changed();
  say(item);
}

let dragged = null;

function drag(list) {
  list.addEventListener("dragstart", (event) => {
    dragged = event.target.closest("[data-item]");
    event.dataTransfer.effectAllowed = "move";
    dragged?.classList.add("is-dragged");
  });
  list.addEventListener("dragover", (event) => {
    const over = event.target.closest("[data-item], [data-line]");
    if (dragged?.parentElement !== list) return;
    event.preventDefault();
    if (!over || over === dragged) return;
    const { top, height } = over.getBoundingClientRect();
    if (event.clientY < top + height / 2) over.before(dragged);
    else over.after(dragged);
  });
  list.addEventListener("dragend", () => {
    if (!dragged) return;
    dragged.classList.remove("is-dragged");
    settle(list);
    changed();
    say(dragged);
    dragged = null;
  });
}

if (form && !("fixed" in form.dataset)) {
  for (const list of form.querySelectorAll("[data-order]")) {
    for (const item of itemsOf(list)) item.draggable = true;
    settle(list);
    drag(list);
  }
  document.addEventListener("cx:sent", () => {
    form.querySelector("[data-changed]").hidden = true;
  });
  form.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-move]");
    if (!button) return;
    const item = button.closest("[data-item]");
    move(item, button.dataset.move === "up");
    // A button that leads nowhere any more gives the focus on.
    (button.disabled ? item.querySelector("[data-grip]") : button).focus();
  });
  form.addEventListener("keydown", (event) => {
    const grip = event.target.closest("[data-grip]");
    if (!grip || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    move(grip.closest("[data-item]"), event.key === "ArrowUp");
    grip.focus();
  });
}

document.getElementById("order-of")?.addEventListener("change", ({ target }) => {
  window.location.assign(`${target.dataset.orders}?queue=${target.value}`);
});

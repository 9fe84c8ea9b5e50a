// The timeline: its filters, the file, and what happens while it is open.
import { elements, getText } from "../net.js";
import { complain } from "../toast.js";

const TYPING_MS = 300;
const form = () => document.getElementById("timeline-form");
const lines = () => document.getElementById("timeline-lines");
const news = () => document.getElementById("timeline-new");
let timer = 0;
let asking = null;

export const shownCustomer = () => Number(document.getElementById("timeline")?.dataset.customer || 0);

// Filters that say nothing are not asked.
function query() {
  return new URLSearchParams([...new FormData(form())].filter(([, value]) => value)).toString();
}

// What stands stays where it stands: the parts are made alike, and the fields are the reader's.
async function refresh() {
  asking?.abort();
  const { signal } = (asking = new AbortController());
  const customer = shownCustomer();
  try {
    const fresh = elements(await getText(`${form().action}?${query()}`, signal));
    // Cards were merged or parted meanwhile: another customer's lines stand here, and these are not his.
    if (signal.aborted || customer !== shownCustomer()) return;
    for (const id of ["timeline-chips", "timeline-lines"]) {
      const part = fresh.map((el) => el.querySelector(`#${id}`)).find(Boolean);
      window.Idiomorph.morph(document.getElementById(id), part, { ignoreActiveValue: true });
    }
    window.htmx?.process(lines());
    news().hidden = true;
  } catch (error) {
    if (!signal.aborted) complain(error);
  }
}

function later(act, ms) {
  clearTimeout(timer);
  timer = setTimeout(act, ms);
}

// Who reads further down is not moved: he is told.
function isReadFurther() {
  if (lines().querySelector("[data-later]")) return true;
  return lines().getBoundingClientRect().top < lines().closest(".cx-scroll").getBoundingClientRect().top - 20;
}

export function timelineChanged(customer) {
  if (!customer || customer !== shownCustomer()) return;
  later(() => {
    if (customer !== shownCustomer()) return;
    if (isReadFurther()) news().hidden = false;
    else refresh();
  }, TYPING_MS);
}

function toTop() {
  lines().closest(".cx-scroll").scrollTop = 0;
  return refresh();
}

const isFilter = (el) => Boolean(el.form) && el.form === form();

document.addEventListener("change", ({ target }) => isFilter(target) && target.type !== "search" && toTop());
document.addEventListener("input", ({ target }) => isFilter(target) && target.type === "search" && later(toTop, TYPING_MS));
document.addEventListener("click", ({ target }) => {
  if (target.closest("#timeline-new")) toTop();
  const file = target.closest("a[data-export]");
  if (file) file.search = query();
});

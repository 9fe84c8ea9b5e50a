// Menus in rows that scroll stand over the page, by their button, wherever it goes.
function place(menu) {
  const button = menu.querySelector("summary").getBoundingClientRect();
  const size = menu.querySelector(".dropdown-menu").getBoundingClientRect();
  const below = button.bottom + 4 + size.height <= window.innerHeight;
  menu.style.setProperty("--x", `${Math.max(8, button.right - size.width)}px`);
  menu.style.setProperty("--y", `${below ? button.bottom + 4 : Math.max(8, button.top - 4 - size.height)}px`);
}

const placeOpen = () => document.querySelectorAll("details.cx-menu.float[open]").forEach(place);
document.addEventListener("toggle", ({ target }) => target.matches?.("details.cx-menu.float[open]") && place(target), true);
document.addEventListener("scroll", placeOpen, true);
window.addEventListener("resize", placeOpen);

// The wall: the same numbers for a TV. W or the button switches it, Esc leaves it; the address keeps it (#wall).
const set = (on) => {
  document.body.classList.toggle("is-wall", on);
  const { pathname, search } = window.location;
  history.replaceState(null, "", pathname + search + (on ? "#wall" : ""));
};
const isOn = () => document.body.classList.contains("is-wall");

if (document.getElementById("wall")) {
  const read = () => set(window.location.hash === "#wall");
  window.addEventListener("hashchange", read);
  read();
  document.getElementById("wall").addEventListener("click", () => set(true));
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select") || document.querySelector("dialog[open]");
    if (typing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.code === "KeyW") set(!isOn());
    else if (event.key === "Escape" && isOn()) set(false);
  });
}

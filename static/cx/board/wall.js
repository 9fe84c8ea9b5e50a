// The wall: the same numbers for a TV, dark, nothing to click. W or the button switches it, Esc leaves it; ?wall is its address.
import { now } from "../clock.js";

// So many tiles fit; more take turns.
const TILES = 24;
const TURN_S = 10;
const root = document.documentElement;
export const onWall = () => document.body.classList.contains("is-wall");

function set(on) {
  document.body.classList.toggle("is-wall", on);
  const query = new URLSearchParams(window.location.search);
  if (on) query.set("wall", "");
  else query.delete("wall");
  const said = query.toString().replace("wall=", "wall");
  history.replaceState(null, "", window.location.pathname + (said ? `?${said}` : ""));
  // The user's own theme comes back.
  document.dispatchEvent(new Event("cx:theme"));
}

// Of many rows those whose turn it is.
export function turned(rows) {
  const pages = Math.ceil(rows.length / TILES);
  const page = pages > 1 ? Math.floor(now() / TURN_S) % pages : 0;
  document.getElementById("wall-turn").textContent = pages > 1 ? `${page + 1}/${pages}` : "";
  return rows.slice(page * TILES, (page + 1) * TILES);
}

function enter() {
  set(true);
  root.requestFullscreen?.().catch(() => {});
}

function leave() {
  if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
  set(false);
}

if (document.getElementById("wall")) {
  document.addEventListener("cx:theme", () => onWall() && (root.dataset.bsTheme = "dark"));
  set(new URLSearchParams(window.location.search).has("wall"));
  document.getElementById("wall").addEventListener("click", enter);
  // Esc in full screen is the browser's own: it says so only by this.
  document.addEventListener("fullscreenchange", () => !document.fullscreenElement && onWall() && set(false));
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select") || document.querySelector("dialog[open]");
    if (typing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.code === "KeyW") (onWall() ? leave : enter)();
    else if (event.key === "Escape" && onWall()) leave();
  });
}

// The palette: customers and cases by what is typed, and commands by their name.
import { show } from "../dialogs.js";
import { elements, getText } from "../net.js";
import { complain } from "../toast.js";

const box = () => document.getElementById("palette");
const input = () => document.getElementById("palette-q");
const list = () => document.getElementById("palette-list");
let timer = 0;
let index = 0;
let commands = () => [];

export function useCommands(list) {
  commands = list;
}

function openWith(text) {
  input().value = text;
  show(box());
  input().focus();
  fill(text);
}

export function openPalette() {
  openWith("");
}

async function fill(query) {
  const wanted = query.trim().toLowerCase();
  const links = [...document.querySelectorAll(".cx-rail .cx-nav")].map((a) => ({ title: a.textContent.trim(), keys: "", run: () => a.click() }));
  const fitting = [...links, ...commands()].filter((one) => one.title.toLowerCase().includes(wanted)).map(option);
  let found = [];
  if (wanted.length >= 2) {
    found = await search(query);
    if (input().value !== query) return;
  }
  list().replaceChildren(...found, ...fitting);
  index = 0;
  mark();
}

async function search(query) {
  try {
    return elements(await getText(`/desk/search/?q=${encodeURIComponent(query)}`));
  } catch (error) {
    complain(error);
    return [];
  }
}

function option(one) {
  const [button, name, keys] = ["button", "span", "kbd"].map((tag) => document.createElement(tag));
  button.type = "button";
  button.setAttribute("role", "option");
  name.className = "grow";
  name.textContent = one.title;
  keys.textContent = one.keys;
  button.append(name, ...(one.keys ? [keys] : []));
  button.addEventListener("click", () => {
    box().close();
    one.run();
  });
  return button;
}

function mark() {
  const options = list().querySelectorAll("[role=option]");
  options.forEach((el, i) => {
    el.id = `palette-${i}`;
    el.setAttribute("aria-selected", String(i === index));
  });
  input().setAttribute("aria-activedescendant", options[index]?.id ?? "");
  options[index]?.scrollIntoView({ block: "nearest" });
}

document.addEventListener("click", (event) => {
  // A page of the desk is changed in place: nothing else would close it.
  if (event.target.closest?.("#palette-list a")) box().close();
  if (event.target.id === "q") openPalette();
});

document.addEventListener("input", (event) => {
  // Who comes to the field of the bar by Tab goes on by Tab; what is typed there goes on in the palette.
  if (event.target.id === "q" && event.target.value) {
    const text = event.target.value;
    event.target.value = "";
    openWith(text);
  }
  if (event.target.id !== "palette-q") return;
  clearTimeout(timer);
  timer = setTimeout(() => fill(input().value), 150);
});

document.addEventListener("keydown", (event) => {
  if (event.target.id !== "palette-q") return;
  const options = list().querySelectorAll("[role=option]");
  const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (move && options.length) {
    event.preventDefault();
    index = (index + move + options.length) % options.length;
    mark();
  } else if (event.key === "Enter") {
    event.preventDefault();
    options[index]?.click();
  }
});

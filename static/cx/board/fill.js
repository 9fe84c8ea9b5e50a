// Fills templates: data-f="field" is a text, data-text="pattern with {field}" too, data-a-NAME="pattern" an attribute.
const bound = new WeakMap();
const put = (pattern, values) => pattern.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? "");

function bindings(root) {
  const found = [];
  for (const node of [root, ...root.querySelectorAll("*")]) {
    if (node.dataset?.f) found.push({ node, pattern: `{${node.dataset.f}}` });
    if (node.dataset?.text) found.push({ node, pattern: node.dataset.text });
    for (const { name, value } of [...(node.attributes || [])])
      if (name.startsWith("data-a-")) found.push({ node, attribute: name.slice(7), pattern: value });
  }
  return found;
}

// Writes only what differs: focus, menus and selections stay as they are.
export function fill(root, values) {
  if (!bound.has(root)) bound.set(root, bindings(root));
  for (const one of bound.get(root)) {
    const text = put(one.pattern, values);
    if (one.said === text) continue;
    one.said = text;
    if (one.attribute) one.node.setAttribute(one.attribute, text);
    else one.node.textContent = text;
  }
}

export function made(template) {
  return template.content.firstElementChild.cloneNode(true);
}

// Keeps one child per row, in the order of the rows; `templateOf` names the template of a row.
export function keyed(box, rows, { key, template, draw }) {
  const old = new Map([...box.children].map((el) => [el.dataset.key, el]));
  let before = null;
  for (const row of rows) {
    const name = String(key(row));
    let el = old.get(name);
    if (el) old.delete(name);
    else {
      el = made(template(row));
      el.dataset.key = name;
    }
    const place = before ? before.nextElementSibling : box.firstElementChild;
    if (place !== el) box.insertBefore(el, place);
    draw(el, row);
    before = el;
  }
  for (const el of old.values()) el.remove();
}

// One class of a family: mark(el, "s-", "bad") takes away s-ok and s-warn.
export function mark(el, prefix, state) {
  if (el.dataset.mark === state) return;
  el.dataset.mark = state;
  for (const name of ["ok", "warn", "bad"]) el.classList.toggle(prefix + name, name === state);
}

export function part(root, selector) {
  return root.querySelector(selector);
}

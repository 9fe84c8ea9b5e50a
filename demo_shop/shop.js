// The made-up shop: goods, a basket in the browser, and what it reports to the chat.

const GOODS = [
  { sku: "T-205", picture: "tyre", price: 15600, en: "Nord Ice 205/55 R16", ru: "Шина Nord Ice 205/55 R16" },
  { sku: "W-16", picture: "wheel", price: 9800, en: "Alloy wheel 16″, silver", ru: "Диск литой 16″, серебристый" },
  { sku: "O-530", picture: "oil", price: 3650, en: "Engine oil 5W-30, 4 l", ru: "Масло моторное 5W-30, 4 л" },
  { sku: "M-04", picture: "mats", price: 5200, en: "Floor mats, set", ru: "Коврики салона, комплект" },
];
const WORDS = {
  en: { add: "Add to basket", added: "It is in your basket", empty: "The basket is empty.", item: "Item", count: "Count", sum: "Sum", total: "Total", order: "Place the order", ordered: "Thank you. The order is placed.", price: "{p} ₽" },
  ru: { add: "В корзину", added: "Уже в корзине", empty: "Корзина пуста.", item: "Товар", count: "Количество", sum: "Сумма", total: "Итого", order: "Оформить заказ", ordered: "Спасибо. Заказ оформлен.", price: "{p} ₽" },
};
const language = document.documentElement.lang === "ru" ? "ru" : "en";
const words = WORDS[language];
const $ = (selector) => document.querySelector(selector);

function el(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function picture(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `goods.svg#${name}`);
  svg.append(use);
  svg.setAttribute("width", "110");
  svg.setAttribute("height", "110");
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

const price = (amount) => words.price.replace("{p}", amount.toLocaleString("ru-RU"));
const basket = () => JSON.parse(localStorage.getItem("basket") ?? "{}");

function report(type, data) {
  // The chat may still be on its way: what is reported before waits in its queue.
  window.cxcenter = window.cxcenter ?? { queue: [] };
  if (window.cxcenter.track) window.cxcenter.track(type, data);
  else window.cxcenter.queue.push(["track", type, data]);
}

function keep(content) {
  localStorage.setItem("basket", JSON.stringify(content));
  $("#count").textContent = Object.values(content).reduce((sum, one) => sum + one, 0);
}

function add(good) {
  const content = basket();
  keep({ ...content, [good.sku]: (content[good.sku] ?? 0) + 1 });
  report("cart_add", { sku: good.sku, price: good.price });
}

function showGoods(place) {
  for (const good of GOODS) {
    const link = el("a", { href: `item${language === "ru" ? "-ru" : ""}.html?sku=${good.sku}` }, el("b", {}, good[language]));
    const text = el("div", { class: "tx" }, link, el("div", { class: "pr" }, price(good.price)));
    place.append(el("article", { class: "good" }, el("div", { class: "pic" }, picture(good.picture)), text));
  }
}

function showItem(place) {
  const good = GOODS.find((one) => one.sku === new URLSearchParams(location.search).get("sku")) ?? GOODS[0];
  document.title = `${good[language]} — norda.store`;
  const button = el("button", { class: "btn", type: "button" }, words.add);
  button.addEventListener("click", () => {
    add(good);
    button.textContent = words.added;
  });
  const about = el("div", {}, el("h1", {}, good[language]), el("div", { class: "pr" }, price(good.price)), button);
  place.append(el("div", { class: "pic" }, picture(good.picture)), about);
}

function showBasket(place) {
  const rows = Object.entries(basket()).map(([sku, count]) => [GOODS.find((one) => one.sku === sku), count]);
  if (!rows.length) {
    place.replaceChildren(el("p", { class: "note" }, words.empty));
    return;
  }
  const total = rows.reduce((sum, [good, count]) => sum + good.price * count, 0);
  const head = el("tr", {}, ...[words.item, words.count, words.sum].map((word) => el("th", {}, word)));
  const lines = rows.map(([good, count]) => el("tr", {}, ...[good[language], String(count), price(good.price * count)].map((word) => el("td", {}, word))));
  const foot = el("tr", {}, ...[words.total, "", price(total)].map((word) => el("th", {}, word)));
  const order = el("button", { class: "btn", type: "button" }, words.order);
  order.addEventListener("click", () => {
    report("order_placed", { total, items: rows.length });
    keep({});
    place.replaceChildren(el("p", { class: "note" }, words.ordered));
  });
  place.replaceChildren(el("table", {}, head, ...lines, foot), order);
}

if ($("#goods")) showGoods($("#goods"));
if ($("#item")) showItem($("#item"));
if ($("#basket")) showBasket($("#basket"));
keep(basket());

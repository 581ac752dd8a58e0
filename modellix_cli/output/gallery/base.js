// What the parts of the page share: the data, small helpers, words for quantities.

let gallery = JSON.parse(document.getElementById("data").textContent);
const byId = new Map();
const usedIn = new Map();

/** Index a gallery's items: by id, and by what was made from them. */
function index(next) {
  gallery = next;
  byId.clear();
  usedIn.clear();
  for (const item of gallery.items) {
    byId.set(item.id, item);
    for (const source of item.sources ?? []) {
      if (!usedIn.has(source)) usedIn.set(source, []);
      usedIn.get(source).push(item.id);
    }
  }
}

const $ = (id) => document.getElementById(id);

/** Make an element. Text is only ever set as text, never parsed. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") element.className = value;
    else if (name === "text") element.textContent = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Draw an icon of one path on 16 by 16. */
function icon(path, filled = false) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const shape = document.createElementNS(space, "path");
  for (const [name, value] of [["viewBox", "0 0 16 16"], ["width", 16], ["height", 16]]) svg.setAttribute(name, value);
  svg.setAttribute("aria-hidden", "true");
  shape.setAttribute("d", path);
  shape.setAttribute("fill", filled ? "currentColor" : "none");
  if (!filled) {
    shape.setAttribute("stroke", "currentColor");
    shape.setAttribute("stroke-width", "2");
    shape.setAttribute("stroke-linecap", "round");
    shape.setAttribute("stroke-linejoin", "round");
  }
  svg.append(shape);
  return svg;
}
const PLAY = "M4.5 2.6v10.8L13.2 8z";
const TICK = "m3.5 8.5 3 3 6-7";

const plural = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
const dollars = (amount) => "$" + amount.toFixed(amount !== 0 && amount < 0.095 ? 3 : 2).replace(/(\.\d\d)0$/, "$1");
const dayOf = (time) => new Date(time * 1000).toDateString();

function cost(item) {
  if (item.cost === undefined) return "";
  const amount = dollars(Number(item.cost));
  const shared = item.siblings > 1 ? ` for ${item.siblings}` : "";
  return `${item.billed ? "" : "about "}${amount}${shared}`;
}

function length(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  const hours = Math.floor(minutes / 60);
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes % 60)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

function span(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

function bytes(size) {
  if (size < 1024) return `${size} B`;
  const units = ["KiB", "MiB", "GiB"];
  let amount = size / 1024;
  while (amount >= 1024 && units.length > 1) {
    amount /= 1024;
    units.shift();
  }
  return `${amount.toFixed(1)} ${units[0]}`;
}

function moment(time, options = { dateStyle: "medium", timeStyle: "short" }) {
  return new Date(time * 1000).toLocaleString(undefined, options);
}

const dayNames = new Map();
/** Return the name of a day; writing dates is slow, so each is written once. */
function day(time) {
  const date = dayOf(time);
  const today = dayOf(Date.now() / 1000);
  if (date === today) return "Today";
  if (date === dayOf(Date.now() / 1000 - 86400)) return "Yesterday";
  if (!dayNames.has(date)) {
    const year = date.slice(-4) === today.slice(-4) ? {} : { year: "numeric" };
    dayNames.set(date, moment(time, { weekday: "long", day: "numeric", month: "long", ...year }));
  }
  return dayNames.get(date);
}

const bareModel = (item) => (item.model ?? "").split("/").pop();
const titleOf = (item) => item.prompt?.trim() || item.name;
const ratioOf = (item) => (item.width && item.height ? item.width / item.height : 0);

let telling = 0;
/** Say something in passing, on the screen and to screen readers. */
function say(text) {
  $("status").textContent = text;
  clearTimeout(telling);
  telling = setTimeout(() => ($("status").textContent = ""), 2600);
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea", { class: "hidden", readonly: true });
    area.value = text;
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  say(`${what} copied`);
}

function remembered(name) {
  try {
    return localStorage.getItem(`modellix-gallery-${name}`);
  } catch {
    return null;
  }
}

function remember(name, value) {
  try {
    localStorage.setItem(`modellix-gallery-${name}`, value);
  } catch {
    // A browser that keeps nothing for files: the choice lasts as long as the page.
  }
}

// The results in rows of equal height under their days. Where each one goes is computed; only
// what is near the screen is in the document, so that thousands scroll as lightly as ten.

const results = $("results");
const CAPTION = 47;
const BELOW = 26;
const HEAD = 68;
const AHEAD = 900;
const cards = new Map();
const measured = new Map();
let blocks = [];
let places = new Map();
let current = null;

/** Compute the place of every heading and row, and show those near the screen; the focus stays. */
function arrange() {
  const anchor = firstVisible();
  const focused = results.contains(document.activeElement);
  const width = results.clientWidth - 2 * parseFloat(getComputedStyle(results).paddingLeft);
  const styles = getComputedStyle(document.documentElement);
  const [target, gap] = ["--row", "--gap"].map((name) => parseFloat(styles.getPropertyValue(name)));
  blocks.forEach(discard);
  blocks = [];
  places = new Map();
  let top = 0;
  for (const { name, items } of sections()) {
    if (name) blocks.push({ top, height: HEAD, name, count: items.length });
    top += name ? HEAD : BELOW;
    for (const row of fill(items, width, target, gap)) {
      row.forEach((place) => places.set(place.item.id, Object.assign(place, { block: blocks.length })));
      blocks.push({ top, height: row[0].height + CAPTION, row });
      top += row[0].height + CAPTION + BELOW;
    }
  }
  const list = make("div", { class: "grid", role: "list" });
  list.style.height = `${Math.ceil(top)}px`;
  results.replaceChildren(shown.length ? list : nothing());
  restore(anchor);
  refreshView();
  if (focused) cards.get(current?.id)?.firstChild.focus({ preventScroll: true });
}

/** Divide items into rows as wide as the page, each as near to the wished height as may be. */
function fill(items, width, target, gap) {
  const rows = [];
  let row = [];
  let sum = 0;
  const close = (height) => {
    let left = 0;
    rows.push(row.map(({ item, ratio }) => {
      const place = { item, left, width: ratio * height, height };
      left += place.width + gap;
      return place;
    }));
    row = [];
    sum = 0;
  };
  const height = (count, ratios) => (width - gap * (count - 1)) / ratios;
  for (const item of items) {
    const ratio = measured.get(item.id) ?? room(item);
    const before = row.length ? height(row.length, sum) : Infinity;
    const after = height(row.length + 1, sum + ratio);
    if (after < target && row.length && before / target < target / after) close(before);
    row.push({ item, ratio });
    sum += ratio;
    const now = height(row.length, sum);
    if (now <= target && now > 0) close(now);
  }
  if (row.length) close(Math.min(target, height(row.length, sum)));
  return rows;
}

const pageTop = () => results.getBoundingClientRect().top + scrollY;

/** Put into the document what is near the screen, with the row of the current card; take out the rest. */
function refreshView() {
  const list = results.firstElementChild;
  if (!blocks.length || !list) return;
  const from = scrollY - pageTop() - AHEAD;
  const until = from + innerHeight + 2 * AHEAD;
  const kept = places.get(current?.id)?.block;
  blocks.forEach((block, number) => {
    const near = (block.top + block.height > from && block.top < until) || number === kept;
    if (near && !block.element) list.append((block.element = block.row ? rowOf(block) : headOf(block)));
    else if (!near && block.element) discard(block);
  });
}

/** Take a block out of the document; a video gives its decoder back. */
function discard(block) {
  if (!block.element) return;
  for (const { item } of block.row ?? []) {
    const video = cards.get(item.id)?.querySelector("video");
    video?.removeAttribute("src");
    video?.load();
    cards.delete(item.id);
  }
  block.element.remove();
  block.element = null;
}

function headOf({ top, name, count }) {
  const head = make("h2", { class: "day", text: name }, make("small", { text: count.toLocaleString("en") }));
  head.style.top = `${top}px`;
  return head;
}

function rowOf({ top, row }) {
  const element = make("div", { class: "row", role: "presentation" });
  element.style.top = `${top}px`;
  for (const { item, left, width, height } of row) {
    const card = makeCard(item);
    card.setAttribute("aria-setsize", shown.length);
    card.setAttribute("aria-posinset", shown.indexOf(item) + 1);
    card.style.left = `${left}px`;
    card.style.width = `${width}px`;
    card.style.setProperty("--height", `${height}px`);
    card.firstChild.tabIndex = item === current ? 0 : -1;
    cards.set(item.id, card);
    markPicked(item.id, card);
    element.append(card);
  }
  return element;
}

/** Remember what is at the top of the screen, to keep it there. */
function firstVisible() {
  if (scrollY < 200) return null;
  const from = scrollY - pageTop();
  const block = blocks.find((one) => one.row && one.top + one.height > from);
  return block ? { id: block.row[0].item.id, offset: block.top - from } : null;
}

function restore(anchor) {
  const place = anchor && places.get(anchor.id);
  if (place) scrollTo(0, pageTop() + blocks[place.block].top - anchor.offset);
}

/** Give a picture the room that it takes, where its header did not say it or it is turned. */
function correct(item, image) {
  const ratio = clamp(image.naturalWidth / image.naturalHeight);
  if (!(ratio > 0) || Math.abs(ratio / (measured.get(item.id) ?? room(item)) - 1) < 0.03) return;
  measured.set(item.id, ratio);
  soon(arrange);
}

/** Make one card the one that Tab reaches; arrows move from it. */
function setCurrent(item, focus = false) {
  const before = cards.get(current?.id);
  if (before) before.firstChild.tabIndex = -1;
  current = item;
  const block = blocks[places.get(item?.id)?.block];
  if (!block) return;
  if (focus) reveal(block);
  refreshView();
  const open = cards.get(item.id).firstChild;
  open.tabIndex = 0;
  if (focus) open.focus({ preventScroll: true });
}

function reveal({ top, height }) {
  const bar = document.querySelector(".bar").offsetHeight + 14;
  const at = pageTop() + top;
  if (at < scrollY + bar) scrollTo(0, at - bar);
  else if (at + height + 14 > scrollY + innerHeight) scrollTo(0, Math.min(at - bar, at + height + 14 - innerHeight));
}

/** Move by one card, or to the nearest one of the row above or below. */
function move(key) {
  const at = shown.indexOf(current);
  if (at < 0) return;
  const last = shown.length - 1;
  const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[key];
  const item = next === undefined ? neighbour(key === "ArrowDown" ? 1 : -1) : shown[Math.min(last, Math.max(0, next))];
  if (item) setCurrent(item, true);
}

function neighbour(by) {
  const from = places.get(current.id);
  let number = from.block + by;
  while (blocks[number] && !blocks[number].row) number += by;
  const middle = ({ left, width }) => left + width / 2;
  const distance = (place) => Math.abs(middle(place) - middle(from));
  const row = blocks[number]?.row;
  return row ? row.reduce((best, place) => (distance(place) < distance(best) ? place : best)).item : null;
}

let planned = new Set();
/** Do something once before the next frame. */
function soon(work) {
  if (!planned.size) requestAnimationFrame(() => {
    const now = planned;
    planned = new Set();
    now.forEach((one) => one());
  });
  planned.add(work);
}

let arrangedFor = 0;
new ResizeObserver(() => {
  if (results.clientWidth === arrangedFor) return;
  arrangedFor = results.clientWidth;
  soon(arrange);
}).observe(results);
addEventListener("scroll", () => soon(refreshView), { passive: true });
addEventListener("resize", () => soon(refreshView));

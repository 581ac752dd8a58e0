// Two results beside each other or one over the other, and in what they differ.

const compare = $("compare");
let picked = [];
let mode = "side";

/** Choose or leave an item; a third one takes the place of the first. */
function pick(item) {
  if (picked.includes(item.id)) picked = picked.filter((id) => id !== item.id);
  else picked = [...picked, item.id].slice(-2);
  showPicked();
}

function showPicked() {
  picked = picked.filter((id) => byId.has(id));
  for (const [id, card] of cards) markPicked(id, card);
  $("tray").hidden = !picked.length;
  document.body.classList.toggle("choosing", picked.length > 0);
  const items = picked.map((id) => byId.get(id));
  $("tray-items").replaceChildren(...items.map((item) => thumb(item, () => openDetail(item))));
  $("tray-hint").textContent = picked.length === 1 ? "Choose one more" : "";
  $("tray-hint").hidden = picked.length > 1;
  $("tray-open").disabled = picked.length < 2;
}

function markPicked(id, card) {
  card.classList.toggle("chosen", picked.includes(id));
  card.lastChild.setAttribute("aria-pressed", String(picked.includes(id)));
}

function openCompare() {
  if (picked.length < 2) return;
  const [a, b] = picked.map((id) => byId.get(id));
  const both = [a, b].every((item) => item.kind === "image" && !item.missing);
  if (!both) mode = "side";
  $("compare-modes").hidden = !both;
  for (const button of $("compare-modes").children) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
  $("compare-stage").replaceChildren(mode === "wipe" ? overlay(a, b) : make("div", { class: "pair" }, make("div", {}, still(a)), make("div", {}, still(b))));
  $("compare-table").replaceChildren(make("tbody", {}, ...rows(a, b)));
  if (!compare.open) compare.showModal();
}

function still(item) {
  const view = large(item);
  if (view.tagName === "VIDEO") view.muted = true;
  return view;
}

/** Lay one picture over the other, cut off at an edge that can be moved. */
function overlay(a, b) {
  const box = make("div", { class: "wipe-box" }, still(a), still(b));
  box.style.setProperty("--r", ratioOf(a) || 1);
  const slider = make("input", { type: "range", min: 0, max: 100, step: 0.5, value: 50, "aria-label": "Edge between the two pictures" });
  slider.addEventListener("input", () => box.style.setProperty("--cut", `${slider.value}%`));
  box.addEventListener("pointermove", (event) => {
    const edge = box.getBoundingClientRect();
    slider.value = ((event.clientX - edge.left) / edge.width) * 100;
    box.style.setProperty("--cut", `${slider.value}%`);
  });
  return make("div", { class: "wipe" }, box, slider);
}

function rows(a, b) {
  const one = new Map([...facts(a), ...(a.parameters ?? [])]);
  const two = new Map([...facts(b), ...(b.parameters ?? [])]);
  const names = [...new Set([...one.keys(), ...two.keys()])].filter((name) => name !== "Task");
  const others = names.map((name) => {
    const left = one.get(name) ?? "–";
    const right = two.get(name) ?? "–";
    const cells = [left, right].map((value) => make("td", { dir: "auto", text: value }));
    return make("tr", { class: left === right ? "same" : null }, make("th", { scope: "row", text: name }), ...cells);
  });
  return [promptRow(a, b), ...others].filter(Boolean);
}

function promptRow(a, b) {
  if (!a.prompt && !b.prompt) return null;
  const cells = [different(a.prompt ?? "", b.prompt ?? ""), different(b.prompt ?? "", a.prompt ?? "")];
  return make("tr", { class: "prompt-row" }, make("th", { scope: "row", text: "Prompt" }), ...cells);
}

/** Make a cell with the words marked that the other text does not have. */
function different(text, other) {
  const key = (word) => word.toLowerCase().replace(/[\p{P}]/gu, "");
  const known = new Set(other.split(/\s+/).map(key));
  const cell = make("td", { dir: "auto" });
  for (const part of text.split(/(\s+)/)) {
    const isNew = other && key(part.trim()) && !known.has(key(part));
    cell.append(isNew ? make("mark", { text: part }) : part);
  }
  return cell;
}

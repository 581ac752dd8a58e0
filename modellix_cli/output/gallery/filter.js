// What is wanted of the results, by words, kind and model, in which order; and the sum of it.

const KINDS = [["", "All"], ["image", "Images"], ["video", "Video"], ["audio", "Audio"], ["text", "Text"], ["missing", "Missing"]];
const ORDERS = {
  newest: () => 0,
  oldest: (a, b) => (a.created ?? 0) - (b.created ?? 0),
  cost: (a, b) => Number(b.cost ?? -1) - Number(a.cost ?? -1),
  took: (a, b) => (b.took ?? -1) - (a.took ?? -1),
};
const wanted = { words: [], kind: "", model: "", order: "newest" };
let shown = [];

const searched = new WeakMap();
/** Return the text in which the words of a search are looked for. */
function haystack(item) {
  if (!searched.has(item)) {
    const parameters = (item.parameters ?? []).map((pair) => pair.join(" "));
    const parts = [item.prompt, item.model, item.name, item.task_id, item.tag, item.line_id, item.text, ...parameters];
    searched.set(item, parts.filter(Boolean).join("\n").normalize("NFKC").toLowerCase());
  }
  return searched.get(item);
}

const isOfKind = (item, kind) => !kind || (kind === "missing" ? item.missing : item.kind === kind);

function isWanted(item) {
  if (!isOfKind(item, wanted.kind)) return false;
  if (wanted.model && (item.model ?? "") !== wanted.model) return false;
  return wanted.words.every((word) => haystack(item).includes(word));
}

/** Show what is wanted now. */
function render() {
  shown = gallery.items.filter(isWanted).sort(ORDERS[wanted.order]);
  current = shown.find((item) => item.id === current?.id) ?? shown[0] ?? null;
  summarize();
  arrange();
}

/** Return the results that are shown under the names of their days, if they are in that order. */
function sections() {
  const byDay = wanted.order === "newest" || wanted.order === "oldest";
  const found = [];
  for (const item of shown) {
    const name = byDay && item.created ? day(item.created) : "";
    if (found.at(-1)?.name !== name) found.push({ name, items: [] });
    found.at(-1).items.push(item);
  }
  return found;
}

function summarize() {
  const costs = new Map();
  for (const item of shown) if (item.cost !== undefined) costs.set(item.task_key, Number(item.cost));
  const total = [...costs.values()].reduce((sum, amount) => sum + amount, 0);
  const all = plural(gallery.items.length, "result");
  const count = shown.length === gallery.items.length ? all : `${shown.length.toLocaleString("en")} of ${all}`;
  const [tasks, most] = [gallery.tasks, gallery.total].map((number) => (number ?? 0).toLocaleString("en"));
  const capped = gallery.total > gallery.tasks ? `the newest ${tasks} of ${most}` : "";
  $("summary").textContent = [count, total ? dollars(total) : "", capped].filter(Boolean).join(" · ");
}

function fillFilters() {
  const counts = KINDS.map(([kind, name]) => [kind, name, gallery.items.filter((item) => isOfKind(item, kind)).length]);
  $("kinds").replaceChildren(...counts.filter(([kind, , count]) => count || !kind).map(kindButton));
  const models = [...new Set(gallery.items.map((item) => item.model).filter(Boolean))].sort();
  const options = models.map((name) => make("option", { value: name, text: name }));
  $("model").replaceChildren(make("option", { value: "", text: "All models" }), ...options);
  $("model").value = wanted.model;
}

function kindButton([kind, name, count]) {
  const button = make("button", { type: "button", "data-kind": kind }, name, make("small", { text: count.toLocaleString("en") }));
  button.setAttribute("aria-pressed", String(wanted.kind === kind));
  return button;
}

function chooseKind(kind) {
  wanted.kind = kind;
  for (const button of $("kinds").children) button.setAttribute("aria-pressed", String(button.dataset.kind === kind));
  render();
}

function nothing() {
  const empty = !gallery.items.length;
  const text = empty ? "Results appear here once they are saved: modellix-cli model run … --wait --output-dir ." : "Try fewer words, or another kind or model.";
  return make("div", { class: "empty" }, make("b", { text: empty ? "Nothing here yet" : "Nothing matches" }), text);
}

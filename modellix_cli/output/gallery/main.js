// Starts the page: listens to pointer and keyboard, keeps the theme, asks a live server for news.

const THEMES = ["auto", "light", "dark"];
const PHONE = matchMedia("(max-width: 720px)");

function setTheme(theme) {
  const root = document.documentElement;
  if (theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = theme;
  $("theme-name").textContent = { auto: "Auto", light: "Light", dark: "Dark" }[theme];
  $("theme").setAttribute("aria-label", `Theme: ${theme}`);
  remember("theme", theme);
}

function nextTheme() {
  const now = document.documentElement.dataset.theme ?? "auto";
  setTheme(THEMES[(THEMES.indexOf(now) + 1) % THEMES.length]);
}

function setZoom(row) {
  const height = Math.min(480, Math.max(120, Number(row) || 240));
  $("zoom").value = height;
  if (!PHONE.matches) document.documentElement.style.setProperty("--row", `${height}px`);
  remember("row", height);
  soon(arrange);
}

function search() {
  wanted.words = $("search").value.normalize("NFKC").toLowerCase().split(/\s+/).filter(Boolean);
  render();
}

let typing = 0;
$("search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(search, 60);
});
$("model").addEventListener("change", (event) => ((wanted.model = event.target.value), render()));
$("order").addEventListener("change", (event) => ((wanted.order = event.target.value), render()));
$("zoom").addEventListener("input", (event) => setZoom(event.target.value));
$("kinds").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) chooseKind(button.dataset.kind);
});
$("theme").addEventListener("click", nextTheme);
$("help-open").addEventListener("click", () => $("help").showModal());
$("tray-open").addEventListener("click", openCompare);
$("tray-clear").addEventListener("click", () => ((picked = []), showPicked()));
$("previous").addEventListener("click", () => step(-1));
$("next").addEventListener("click", () => step(1));
$("swap").addEventListener("click", () => (picked.reverse(), showPicked(), openCompare()));
$("compare-modes").addEventListener("click", (event) => {
  mode = event.target.dataset.mode ?? mode;
  openCompare();
});
results.addEventListener("pointerover", preview);
results.addEventListener("click", (event) => {
  const item = byId.get(event.target.closest(".card")?.dataset.id);
  if (!item) return;
  if (event.target.closest(".pick")) pick(item);
  else if (event.target.closest(".open")) openDetail(item);
});
results.addEventListener("focusin", (event) => {
  const item = byId.get(event.target.closest(".card")?.dataset.id);
  if (item && event.target.matches(".open")) setCurrent(item);
});
for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]") || event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => {
    if (document.activeElement === document.body && current) setCurrent(current, true);
  });
}
for (const [dialog, stage] of [[detail, $("stage")], [compare, $("compare-stage")]]) {
  dialog.addEventListener("close", () => stage.replaceChildren()); // so that nothing plays on
}
detail.addEventListener("close", () => {
  opened = null;
  setHash("");
  if (current) setCurrent(current, true);
});

const openDialog = () => [$("help"), compare, detail].find((dialog) => dialog.open) ?? null;

/** What a key does, wherever it is pressed; false leaves it to the browser. */
function onKey(event) {
  const { key, target } = event;
  const dialog = openDialog();
  if (target.matches("input[type=search]")) {
    if (key === "Escape" || key === "Enter") {
      if (key === "Escape") ((target.value = ""), search());
      target.blur();
      if (current) setCurrent(current, true);
      return true;
    }
    return key === "ArrowDown" && current ? (setCurrent(current, true), true) : false;
  }
  if (target.matches("input, select, textarea")) return false;
  const item = dialog === detail ? opened : dialog ? null : current;
  if (key === "?") return openHelp(dialog);
  if (key === "t") return (nextTheme(), say(`Theme: ${$("theme-name").textContent}`), true);
  if (dialog === $("help") || dialog === compare) return false;
  if (key === "c") return onPick(item, dialog);
  if (key === "y") return (copyCommand(item), true);
  if (dialog === detail) return onDetailKey(key, target);
  if (key === "/") return ($("search").focus(), $("search").select(), true);
  if (key === "+" || key === "=") return (setZoom(Number($("zoom").value) + 40), true);
  if (key === "-") return (setZoom(Number($("zoom").value) - 40), true);
  if (/^(Arrow|Home|End)/.test(key) && !target.closest("button:not(.open)")) return (move(key), true);
  return false;
}

const openHelp = (dialog) => (dialog === $("help") ? false : ($("help").showModal(), true));

function onDetailKey(key, target) {
  if (target.matches("video, audio")) return false;
  if (key === "ArrowLeft" || key === "ArrowUp") return (step(-1), true);
  if (key === "ArrowRight" || key === "ArrowDown") return (step(1), true);
  return false;
}

function onPick(item, dialog) {
  if (!item) return false;
  pick(item);
  if (picked.length === 2) openCompare();
  else say(picked.includes(item.id) ? "Chosen. Choose one more to compare" : "Not chosen any more");
  if (dialog === detail) openDetail(item);
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (onKey(event)) event.preventDefault();
});

/** Ask the server for news now and then, while somebody looks. */
async function refresh() {
  try {
    const reply = await fetch("/gallery.json", { cache: "no-cache" });
    if (!reply.ok) return;
    const next = await reply.json();
    if (next.version === gallery.version) return;
    const before = new Map(gallery.items.map((item) => [item.id, item]));
    next.items = next.items.map((item) => keep(before.get(item.id), item));
    const fresh = next.items.filter((item) => !before.has(item.id));
    index(next);
    fillFilters();
    render();
    showPicked();
    for (const item of fresh) cards.get(item.id)?.classList.add("new");
    if (fresh.length) say(plural(fresh.length, "new result"));
  } catch {
    // The server has stopped, or the machine sleeps: what is shown stays.
  }
}

const keep = (old, item) => (old && JSON.stringify(old) === JSON.stringify(item) ? old : item);

$("title").textContent = gallery.title;
setTheme(THEMES.includes(remembered("theme")) ? remembered("theme") : "auto");
setZoom(remembered("row") ?? 240);
index(gallery);
fillFilters();
render();
if (byId.has(location.hash.slice(1))) openDetail(byId.get(location.hash.slice(1)));
if (gallery.live) {
  setInterval(() => document.visibilityState === "visible" && refresh(), 2000);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && refresh());
}

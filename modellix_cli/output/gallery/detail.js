// One result, large, with its label: what was asked, with which parameters, at what cost, from what.

const detail = $("detail");
let opened = null;

function openDetail(item) {
  const first = !detail.open;
  opened = item;
  $("stage").replaceChildren(large(item));
  $("label").replaceChildren(...label(item));
  const at = shown.indexOf(item);
  $("place").textContent = at < 0 ? "" : `${at + 1} of ${shown.length}`;
  $("previous").disabled = at <= 0;
  $("next").disabled = at < 0 || at === shown.length - 1;
  if (first) detail.showModal();
  $("label").focus({ preventScroll: true });
  $("label").scrollTop = detail.scrollTop = 0;
  setHash(`#${item.id}`);
  if (at >= 0) setCurrent(item);
}

function step(by) {
  const next = shown[shown.indexOf(opened) + by];
  if (opened && next && shown.includes(opened)) openDetail(next);
}

function setHash(hash) {
  try {
    history.replaceState(null, "", hash || "#");
  } catch {
    // Some browsers allow no such change to the address of a file.
  }
}

/** Make the large view of an item. */
function large(item) {
  if (item.missing) return make("div", { class: "column" }, make("div", { class: "said-large none", text: "The file is not where it was saved." }), make("code", { text: item.path }));
  if (item.kind === "image") {
    const image = make("img", { alt: titleOf(item) });
    image.addEventListener("error", () => image.replaceWith(unseen(item, "cannot be shown here")));
    image.src = item.src;
    return image;
  }
  if (item.kind === "video") {
    const video = make("video", { controls: true, loop: true, playsinline: true, preload: "metadata", class: (item.width ?? 999) < 640 ? "small" : null });
    video.src = item.src;
    if (!calm.matches) video.autoplay = true;
    return video;
  }
  if (item.kind === "audio") {
    const audio = make("audio", { controls: true, preload: "metadata" });
    audio.src = item.src;
    return make("div", { class: "column" }, make("div", { class: "said-large", dir: "auto", text: item.prompt ?? item.name }), audio);
  }
  if (item.kind === "text") return make("div", { class: "column" }, make("div", { class: "said-large", dir: "auto", text: item.text ?? "" }));
  return make("div", { class: "column" }, unseen(item, "No preview"));
}

function label(item) {
  const prompt = item.prompt?.trim();
  const words = ["words-of-it", prompt ? "" : "none", (prompt?.length ?? 0) > 240 ? "long" : ""].join(" ").trim();
  return [
    make("p", { class: "when", text: item.created ? moment(item.created) : "" }),
    make("p", { class: words, id: "detail-prompt", dir: "auto", text: prompt || item.name }),
    actions(item),
    list(facts(item), item),
    ...group("Parameters", item.parameters?.length ? list(item.parameters) : null),
    ...group("Made from", thumbs(item.sources)),
    ...group("Used for", thumbs(usedIn.get(item.id))),
    ...group("From the same task", thumbs(siblings(item))),
    ...group("Command", item.command ? make("pre", { class: "command", text: item.command }) : null),
  ];
}

const group = (title, content) => (content ? [make("h3", { text: title }), content] : []);

function siblings(item) {
  if (!item.task_key || item.siblings < 2) return [];
  return gallery.items.filter((other) => other.task_key === item.task_key).map((other) => other.id);
}

function thumbs(ids) {
  const items = (ids ?? []).map((id) => byId.get(id)).filter(Boolean);
  if (!items.length) return null;
  const buttons = items.map((item) => {
    const button = thumb(item, () => openDetail(item));
    if (item === opened) button.setAttribute("aria-current", "true");
    return button;
  });
  return make("div", { class: "thumbs" }, ...buttons);
}

function actions(item) {
  const button = (text, onclick) => make("button", { type: "button", class: "line-button", text, onclick });
  const chosen = picked.includes(item.id);
  const compare = button(chosen ? "Chosen" : "Compare", () => (pick(item), openDetail(item)));
  compare.setAttribute("aria-pressed", String(chosen));
  const openable = item.src && !/\.svg$/i.test(item.name);
  return make(
    "div",
    { class: "actions" },
    item.command ? button("Copy command", () => copyCommand(item)) : null,
    item.prompt ? button("Copy prompt", () => copy(item.prompt, "Prompt")) : null,
    compare,
    openable ? make("a", { class: "line-button", href: item.src, target: "_blank", rel: "noopener noreferrer", text: "Open file" }) : null,
  );
}

function copyCommand(item) {
  if (item?.command) copy(item.command, "Command");
  else say("No command is known for this result");
}

function facts(item) {
  const pixels = item.width ? `${item.width} × ${item.height}` : "";
  const made = [item.batch ? `batch ${item.batch}` : "", item.line ? `line ${item.line}` : "", item.line_id ?? ""].filter(Boolean).join(", ");
  return [
    ["Model", item.model],
    ["Cost", cost(item)],
    ["Took", item.took ? span(item.took) : ""],
    ["Size", [pixels, item.size !== undefined ? bytes(item.size) : ""].filter(Boolean).join(", ")],
    ["Length", item.seconds ? length(item.seconds) : ""],
    ["Task", item.task_id],
    ["Batch", made],
    ["Tag", item.tag],
    ["Profile", item.profile === "default" ? "" : item.profile],
    ["File", item.path],
  ].filter(([, value]) => value);
}

function list(pairs) {
  return make("dl", { class: "facts" }, ...pairs.map(([name, value]) => make("div", {}, make("dt", { text: name }), fact(name, value))));
}

function fact(name, value) {
  if (name !== "File" && name !== "Task") return make("dd", { dir: "auto", text: value });
  const button = make("button", { type: "button", title: "Copy", text: value, onclick: () => copy(value, name) });
  return make("dd", { class: "path" }, button);
}

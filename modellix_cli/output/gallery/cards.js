// One card for each result, and the small pictures that lead to others.

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const NARROWEST = 0.5;
const WIDEST = 2.8;

/** Make a video that shows its first frame and makes no sound. */
function silentVideo(item) {
  const video = make("video", { preload: "metadata", playsinline: true, loop: true, tabindex: -1, "aria-hidden": "true" });
  video.muted = true;
  video.addEventListener("error", () => video.replaceWith(unseen(item, "cannot be played here")));
  video.src = `${item.src}#t=0.1`;
  return video;
}

function unseen(item, why) {
  return make("span", { class: "words" }, make("span", { class: "said", text: item.name }), make("small", { text: why }));
}

/** Make what a card or a small picture shows of an item. */
function face(item) {
  if (item.missing) return unseen(item, "Not where it was saved");
  if (item.kind === "image") {
    const image = make("img", { loading: "lazy", decoding: "async", alt: "", draggable: "false" });
    image.addEventListener("error", () => image.replaceWith(unseen(item, "cannot be shown here")));
    image.addEventListener("load", () => correct(item, image));
    image.src = item.src;
    return image;
  }
  if (item.kind === "audio") {
    const note = make("small", {}, icon(PLAY, true), item.seconds ? length(item.seconds) : "Audio");
    return make("span", { class: "words" }, make("q", { dir: "auto", text: item.prompt ?? item.name }), note);
  }
  if (item.kind === "text") {
    return make("span", { class: "words" }, make("q", { dir: "auto", text: item.text ?? "" }), make("small", { text: "Text" }));
  }
  return unseen(item, "No preview");
}

const clamp = (ratio) => Math.min(WIDEST, Math.max(NARROWEST, ratio));

/** Return the ratio of width to height that an item takes in the grid. */
function room(item) {
  if (ratioOf(item)) return clamp(ratioOf(item));
  return { audio: 1.25, text: 1.25, video: 16 / 9 }[item.kind] ?? (item.missing ? 1.3 : 1);
}

function makeCard(item) {
  const frame = make("span", { class: item.missing ? "frame gone" : "frame", "data-id": item.id });
  if (item.kind === "video" && !item.missing) {
    frame.append(silentVideo(item));
    if (item.seconds) frame.append(make("span", { class: "badge", text: length(item.seconds) }));
    else frame.append(make("span", { class: "badge", text: "Video" }));
  } else frame.append(face(item));
  const spoken = item.kind === "audio" && item.prompt && !item.missing; // it stands in the frame
  const meta = [bareModel(item), cost(item)].filter(Boolean).join(" · ") || (item.size ? bytes(item.size) : "");
  const caption = make(
    "span",
    { class: "caption" },
    make("span", { class: "prompt", dir: "auto", text: spoken ? "Audio" : titleOf(item).slice(0, 200) }),
    make("span", { class: "meta", text: meta }),
  );
  const kind = item.missing ? "missing" : item.kind;
  const open = make("button", { type: "button", class: "open", tabindex: -1 }, frame, caption);
  open.setAttribute("aria-label", `${titleOf(item).slice(0, 200)}. ${kind}${meta ? `, ${meta}` : ""}`);
  const pick = make("button", { type: "button", class: "pick", tabindex: -1, "aria-pressed": "false" }, icon(TICK));
  pick.setAttribute("aria-label", "Choose for comparing");
  pick.title = "Compare (c)";
  const card = make("div", { class: "card", role: "listitem", "data-id": item.id }, open, pick);
  return card;
}

/** Make a small picture that leads to another result. */
function thumb(item, onclick) {
  const inside = item.kind === "video" && !item.missing ? silentVideo(item) : face(item);
  const plain = inside.tagName === "IMG" || inside.tagName === "VIDEO";
  const button = make("button", { type: "button", class: "thumb", onclick }, plain ? inside : item.missing ? "missing" : item.kind);
  button.setAttribute("aria-label", `${titleOf(item).slice(0, 120)}, ${item.kind}`);
  button.title = titleOf(item).slice(0, 200);
  return button;
}

/** Play a video while the pointer rests on it. */
function preview(event) {
  const video = event.target.closest?.(".open")?.querySelector("video");
  if (!video || calm.matches) return;
  const leave = () => {
    video.pause();
    video.currentTime = 0.1;
  };
  video.play().catch(() => {});
  video.closest(".open").addEventListener("pointerleave", leave, { once: true });
}

"""The gallery in a browser: everything it shows, nothing that a prompt could make it do."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from struct import pack

import pytest

from modellix_cli.output.gallery.item import GalleryItem
from modellix_cli.output.gallery.page import Gallery, page
from tests.e2e import browser as chromium
from tests.e2e.conftest import BODY, Shell

pytestmark = pytest.mark.skipif(chromium.BINARY is None, reason="there is no Chromium")

MANY = 2000
COUNT = "Number(document.querySelector('.card')?.getAttribute('aria-setsize') ?? 0)"
SCROLL = """(async () => {
  const seen = new Set();
  const most = [];
  for (let y = 0; y < document.body.scrollHeight; y += innerHeight) {
    scrollTo(0, y);
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    const cards = [...document.querySelectorAll('.card')];
    most.push(cards.length);
    cards.filter(card => card.getBoundingClientRect().top < innerHeight)
      .forEach(card => seen.add(card.dataset.id));
  }
  return [seen.size, Math.max(...most)];
})()"""
HOSTILE = (
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "--><svg onload=document.title='owned'>",
    "{{script}} ${document.title='owned'} &lt;b&gt; \u2028 \u202egnp.exe\u202c \ufdd0",
    "javascript:document.title='owned'",
)


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[chromium.Page]:
    with chromium.browser(tmp_path_factory.mktemp("chromium")) as page:
        page.look_as(1280, 800, "light")
        yield page


def png(number: int) -> bytes:
    """A picture of 8 by 6 pixels in a colour of its own."""
    row = b"\0" + bytes((number % 251, number % 83 * 3, 120)) * 8
    header = pack(">IIBBBBB", 8, 6, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(row * 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        pack(">I", len(data)) + name + data + pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def item(number: int, **other: object) -> GalleryItem:
    made = GalleryItem(
        id=f"{number:016x}",
        kind="image",
        name=f"{number}.png",
        path=f"/made/{number}.png",
        src=f"./{number}.png",
        width=8,
        height=6,
        created=1_800_000_000.0 - number,
        prompt=f"Picture number {number}",
        model="a/b" if number % 2 else "c/d",
        command=f"modellix-cli model run a/b --body '{number}'",
    )
    return replace(made, **other)  # type: ignore[arg-type]


def show(tab: chromium.Page, folder: Path, *items: GalleryItem) -> None:
    gallery = Gallery("Pictures", items, 1_800_000_000.0, len(items), len(items))
    for shown in items:
        if shown.src is not None:
            (folder / f"{int(shown.id, 16)}.png").write_bytes(png(int(shown.id, 16)))
    place = folder / "page.html"
    place.write_text(page(gallery), encoding="utf-8")
    tab.open(place.as_uri())


def shown(tab: chromium.Page) -> int:
    return int(tab.ask(COUNT))


def opened(tab: chromium.Page) -> object:
    """The prompt of the picture that is open, once one is: what a key does may take a moment."""
    tab.wait("document.querySelector('#detail').open")
    return tab.ask("document.querySelector('#detail-prompt').textContent")


def test_two_thousand_results_are_shown_and_few_of_them_at_a_time(
    tab: chromium.Page, tmp_path: Path
) -> None:
    show(tab, tmp_path, *map(item, range(MANY)))
    assert shown(tab) == MANY
    assert tab.ask("document.querySelector('#summary').textContent") == "2,000 results"
    seen, most = tab.ask(SCROLL)
    assert seen == MANY
    assert most < 100
    tab.wait("[...document.images].at(-1).naturalWidth === 8")
    assert tab.problems == []


def test_a_prompt_is_never_more_than_text(tab: chromium.Page, tmp_path: Path) -> None:
    items = [
        item(
            number,
            prompt=text,
            model=text,
            name=text,
            path=text,
            tag=text,
            command=text,
            parameters=((text, text),),
        )
        for number, text in enumerate(HOSTILE)
    ]
    show(tab, tmp_path, *items)
    assert shown(tab) == len(HOSTILE)
    tab.ask("document.querySelector('.open').click()")
    for text in HOSTILE:
        assert opened(tab) == text
        tab.press("ArrowRight")
    tab.press("Escape", "Home", "c", "ArrowRight", "c")
    tab.wait("document.querySelector('#compare').open")
    assert tab.ask("document.title") == "Pictures"
    assert tab.ask("document.querySelectorAll('script').length") == 2
    assert tab.ask("document.querySelectorAll('svg[onload], img[onerror]').length") == 0
    assert tab.problems == []


def test_search_and_filters_leave_what_is_wanted(tab: chromium.Page, tmp_path: Path) -> None:
    show(
        tab,
        tmp_path,
        *map(item, range(30)),
        item(99, src=None, missing=True, prompt="A lost ＦＯＸ"),
    )
    tab.press("/", *"NUMBER 2")
    tab.wait(f"{COUNT} === 12")
    tab.press("Escape")
    assert shown(tab) == 31
    tab.press("/", *"fox")
    tab.wait(f"{COUNT} === 1")
    assert "Not where it was saved" in str(tab.ask("document.querySelector('.card').textContent"))
    tab.press("Escape")
    tab.ask("document.querySelector('[data-kind=missing]').click()")
    assert shown(tab) == 1
    tab.ask("document.querySelector('[data-kind=\"\"]').click()")
    tab.ask("(m => { m.value = 'c/d'; m.dispatchEvent(new Event('change')) })(model)")
    assert shown(tab) == 15


def test_the_keyboard_moves_opens_compares_and_copies(tab: chromium.Page, tmp_path: Path) -> None:
    show(tab, tmp_path, *map(item, range(40)))
    tab.press("End", "Enter")
    assert opened(tab) == "Picture number 39"
    tab.press("ArrowLeft")
    assert opened(tab) == "Picture number 38"
    tab.press("Escape", "Home", "ArrowDown", "ArrowUp", "ArrowRight", "Enter")
    assert opened(tab) == "Picture number 1"
    tab.press("Escape", "c", "ArrowRight", "c")
    tab.wait("document.querySelector('#compare').open")
    assert "Picture number 2" in str(tab.ask("document.querySelector('#compare').textContent"))
    tab.press("Escape", "?")
    assert "Copy the command" in str(tab.ask("document.querySelector('#help[open]').textContent"))
    tab.press("Escape", "y")
    tab.wait("document.querySelector('#status').textContent === 'Command copied'")


def test_what_has_the_focus_keeps_it_when_the_page_is_arranged_anew(
    tab: chromium.Page, tmp_path: Path
) -> None:
    show(tab, tmp_path, *map(item, range(40)))
    tab.press("End")
    tab.ask("(zoom => (zoom.value = 200, zoom.dispatchEvent(new Event('input'))))(zoom)")
    tab.ask("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert "39" in str(tab.ask("document.activeElement.closest('.card')?.textContent"))
    tab.press("Enter")
    assert opened(tab) == "Picture number 39"


def test_a_key_right_after_a_dialog_is_about_what_is_seen(
    tab: chromium.Page, tmp_path: Path
) -> None:
    show(tab, tmp_path, *map(item, range(3)))
    tab.ask("document.querySelector('.open').click()")
    assert opened(tab) == "Picture number 0"
    key = "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '%s', bubbles: true}))"
    pressed = "".join(f"{key % name};" for name in ("ArrowRight", "c"))
    tab.ask(f"detail.close(); {pressed}")
    chosen = "[...document.querySelectorAll('.card.chosen')].map(card => card.dataset.id)"
    assert tab.ask(chosen) == [item(1).id]


def test_what_was_made_from_what_is_shown_both_ways(tab: chromium.Page, tmp_path: Path) -> None:
    show(tab, tmp_path, item(0, sources=(item(1).id,)), item(1))
    tab.ask("document.querySelector('.open').click()")
    assert "Made from" in str(tab.ask("document.querySelector('#label').textContent"))
    tab.ask("document.querySelector('.thumb').click()")
    assert opened(tab) == "Picture number 1"
    assert "Used for" in str(tab.ask("document.querySelector('#label').textContent"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_enough_contrast_in_both_themes(
    tab: chromium.Page, tmp_path: Path, theme: str
) -> None:
    tab.look_as(1280, 800, theme)
    show(tab, tmp_path, item(0))
    colors = tab.ask(
        "(style => ['--ink', '--muted', '--bg', '--fill', '--surface', '--stage']"
        ".map(name => style.getPropertyValue(name)))(getComputedStyle(document.documentElement))"
    )
    tab.look_as(1280, 800, "light")
    texts, grounds = colors[:2], colors[2:]
    assert min(contrast(text, ground) for text in texts for ground in grounds) >= 4.5


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, as WCAG 2 defines it."""
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def luminance(color: str) -> float:
    digits = color.strip().lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_page_of_a_real_run_asks_for_nothing_but_its_files(
    shell: Shell, tab: chromium.Page
) -> None:
    for slug in ("sandbox/image", "sandbox/video", "sandbox/audio"):
        made = shell(
            "model", "run", slug, "--body", BODY, "--sandbox", "--wait", "--output-dir", "."
        )
        assert made.status == 0
    written = shell("task", "gallery", "--sandbox", "--json").json
    assert (written["items"], written["missing"]) == (3, 0)
    tab.requested.clear()
    tab.open(Path(written["path"]).as_uri())
    tab.wait("[...document.images].some(image => image.naturalWidth)")
    tab.wait("[...document.querySelectorAll('video')].some(video => video.readyState > 1)")
    tab.ask("[...document.querySelectorAll('.open')].find(o => o.querySelector('q')).click()")
    tab.wait("document.querySelector('#stage audio').readyState > 0")
    blocked = "fetch('https://example.com').then(() => 'sent', () => 'refused')"
    assert tab.ask(blocked) == "refused"
    assert {url.partition(":")[0] for url in tab.requested} <= {"file", "data"}  # its own icons


def test_a_served_gallery_shows_new_results_by_itself(shell: Shell, tab: chromium.Page) -> None:
    server = shell.start(
        "task", "gallery", "--sandbox", "--serve", "--port", "0", "--json", stdout=-1
    )
    try:
        assert server.stdout is not None
        facts = b""
        while not facts.rstrip().endswith(b"}"):
            facts += server.stdout.readline()
        tab.open(json.loads(facts)["url"])
        assert "Nothing here yet" in str(tab.ask("document.body.innerText"))
        shell(
            "model",
            "run",
            "sandbox/video",
            "--body",
            BODY,
            "--sandbox",
            "--wait",
            "--output-dir",
            ".",
        )
        tab.wait("[...document.querySelectorAll('video')].some(video => video.readyState > 1)")
        assert shown(tab) == 1
    finally:
        server.terminate()
        server.communicate(timeout=10)

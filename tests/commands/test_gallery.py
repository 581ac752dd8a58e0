"""`task gallery`: the page over what was saved."""

import json
import re
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modellix_cli.output.gallery.page import MARKER
from modellix_cli.workflows.gallery import parse_since
from tests.conftest import Cli

Opened = list[str]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """What the browser was asked to show."""
    addresses: Opened = []

    def show(address: str) -> bool:
        addresses.append(address)
        return True

    monkeypatch.setattr(webbrowser, "open", show)
    return addresses


@pytest.fixture
def run(cli: Cli) -> Callable[..., None]:
    def one(slug: str = "sandbox/image", prompt: str = "a fox", *options: str) -> None:
        body = json.dumps({"prompt": prompt})
        saving = ("--wait", "--output-dir", "out", "--sandbox")
        assert cli("model", "run", slug, "--body", body, *saving, *options).status == 0

    return one


def items_of(page: Path) -> list[dict[str, Any]]:
    (data,) = re.findall(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"))
    items: list[dict[str, Any]] = json.loads(data)["items"]
    return items


def test_the_page_shows_what_was_saved(cli: Cli, run: Callable[..., None], work: Path) -> None:
    run()
    result = cli("task", "gallery", "--sandbox")
    page = work / "modellix-gallery.html"
    assert result.stdout == f"{page}: 1 file. Open it in a browser, or add --open.\n"
    (item,) = items_of(page)
    assert (item["prompt"], item["model"], item["src"]) == ("a fox", "sandbox/image", "./out/1.png")
    assert item["command"] == (
        """modellix-cli model run sandbox/image --body '{"prompt":"a fox"}' """
        "--wait --output-dir . --sandbox"
    )


def test_json_counts_what_is_missing(cli: Cli, run: Callable[..., None], work: Path) -> None:
    run()
    (work / "out" / "1.png").unlink()
    result = cli("task", "gallery", "--sandbox", "--out", "deep.html", "--json")
    path = str(work / "deep.html")
    assert result.json == {"path": path, "items": 1, "missing": 1, "ok": True}
    assert cli("task", "gallery", "--sandbox", "-q").stdout.endswith("modellix-gallery.html\n")


def test_without_results_it_says_how_to_get_some(cli: Cli, work: Path) -> None:
    result = cli("task", "gallery")
    assert result.status == 0
    assert "empty. Save results with model run --output-dir" in result.stdout
    assert items_of(work / "modellix-gallery.html") == []


def test_filters_by_model_and_time(cli: Cli, run: Callable[..., None], work: Path) -> None:
    run()
    run("sandbox/video")
    page = work / "modellix-gallery.html"
    cli("task", "gallery", "--sandbox", "--model", "VIDEO")
    assert [item["kind"] for item in items_of(page)] == ["video"]
    cli("task", "gallery", "--sandbox", "--since", "2100-01-01")
    assert items_of(page) == []
    result = cli("task", "gallery", "--sandbox", "--since", "7d", "--limit", "1")
    assert len(items_of(page)) == 1
    assert "The newest 1 of 2" in result.stderr


def test_a_folder_is_shown_with_what_the_ledger_knows(
    cli: Cli, run: Callable[..., None], work: Path
) -> None:
    run()
    (work / "best").mkdir()
    (work / "out" / "1.png").rename(work / "best" / "renamed.png")
    (work / "best" / "strange.png").write_bytes(b"no picture")
    page = work / "best" / "page.html"
    result = cli("task", "gallery", "--folder", "best", "--out", str(page), "--sandbox", "--json")
    assert result.json["items"] == 2
    known = {item["name"]: item.get("prompt") for item in items_of(page)}
    assert known == {"renamed.png": "a fox", "strange.png": None}
    assert {item["src"] for item in items_of(page)} == {"./renamed.png", "./strange.png"}


def test_a_file_that_is_no_gallery_stays(cli: Cli, work: Path) -> None:
    page = work / "modellix-gallery.html"
    page.write_text("<!doctype html>\nmine")
    result = cli("task", "gallery")
    assert result.status == 2
    assert "exists and is not a gallery" in result.stderr
    assert page.read_text() == "<!doctype html>\nmine"
    assert cli("task", "gallery", "--overwrite").status == 0
    assert MARKER in page.read_text()


def test_an_earlier_gallery_is_replaced(cli: Cli, run: Callable[..., None], work: Path) -> None:
    assert cli("task", "gallery", "--sandbox").status == 0
    run()
    assert cli("task", "gallery", "--sandbox").status == 0
    assert len(items_of(work / "modellix-gallery.html")) == 1
    assert {path.name for path in work.iterdir()} == {"modellix-gallery.html", "out"}


def test_a_place_that_cannot_be_written(cli: Cli, work: Path) -> None:
    (work / "folder").mkdir()
    for place in ("no/such/folder.html", "folder"):
        result = cli("task", "gallery", "--out", place, "--json")
        assert result.status == 1
        assert result.json["error"]["code"] == "OUTPUT_UNWRITABLE"


def test_open_shows_it_in_the_browser(cli: Cli, work: Path, opened: Opened) -> None:
    assert cli("task", "gallery", "--open").status == 0
    assert opened == [(work / "modellix-gallery.html").as_uri()]


def test_without_a_browser_the_address_is_told(
    cli: Cli, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    result = cli("task", "gallery", "--open")
    assert result.status == 0
    assert f"Open it yourself: file://{work}/modellix-gallery.html" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--port", "0"), "--port is only for --serve."),
        (("--serve", "--out", "a.html"), "--serve writes no file"),
        (("--serve", "--overwrite"), "--serve writes no file"),
        (("--folder", "nowhere"), "There is no folder nowhere."),
        (("--since", "soon"), "Invalid --since"),
        (("--since", "0d"), "--since must be greater than zero."),
        (("--limit", "0"), "--limit"),
    ],
)
def test_wrong_options_are_refused(
    cli: Cli, work: Path, options: tuple[str, ...], message: str
) -> None:
    result = cli("task", "gallery", *options)
    assert result.status == 2
    assert message in result.stderr
    assert not list(work.iterdir())


def test_a_time_ago_and_a_date() -> None:
    now = 1_800_000_000.0
    assert parse_since("2d", now) == now - 2 * 86400
    assert parse_since("2026-11-20T10:00:00Z", now) == 1_795_168_800.0
    midnight = time.localtime(parse_since("2026-11-20", now))
    assert midnight[:6] == (2026, 11, 20, 0, 0, 0)

"""The gallery's page as text: its policy, its data, and what marks it as ours."""

import json
import re
from base64 import b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.output.gallery.item import GalleryItem
from modellix_cli.output.gallery.page import Gallery, data, is_ours, page

ITEM = GalleryItem(id="0" * 16, kind="image", name="1.png", path="/made/1.png", src="./1.png")


def gallery(*items: GalleryItem, title: str = "Gallery", live: bool = False) -> Gallery:
    return Gallery(title, items, 1_800_000_000.0, live=live)


def policy_of(text: str) -> dict[str, str]:
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    return dict(rule.split(" ", 1) for rule in policy.split("; "))


def test_only_its_own_script_and_styles_run() -> None:
    text = page(gallery(ITEM))
    policy = policy_of(text)
    for tag in ("script", "style"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = b64encode(sha256(content.encode()).digest()).decode()
        assert policy[f"{tag}-src"] == f"'sha256-{digest}'"
    assert "unsafe" not in text[: text.index("</head>")]


@pytest.mark.parametrize(
    ("live", "media", "connect"), [(False, "file:", "'none'"), (True, "'self'", "'self'")]
)
def test_nothing_is_fetched_but_media(live: bool, media: str, connect: str) -> None:
    policy = policy_of(page(gallery(live=live)))
    assert policy["default-src"] == policy["form-action"] == policy["base-uri"] == "'none'"
    assert policy["connect-src"] == connect
    assert policy["media-src"] == policy["img-src"] == media


def test_the_page_names_no_address_of_the_web() -> None:
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+", page(gallery(ITEM))))
    assert addresses == {"http://www.w3.org"}  # the name of SVG, which nothing fetches


@given(st.text())
def test_any_text_stands_in_the_data_and_nowhere_else(text: str) -> None:
    written = data(gallery(GalleryItem("0" * 16, "image", text, text, prompt=text), title=text))
    assert not re.search(r"[<>&\u2028\u2029\u202a-\u202e\u2066-\u2069]", written)
    read = json.loads(written)
    assert read["title"] == read["items"][0]["name"] == text


def test_a_title_is_escaped() -> None:
    assert "<title>&lt;b&gt;{{script}}</title>" in page(gallery(title="<b>{{script}}"))


def test_what_is_not_known_is_left_out() -> None:
    assert json.loads(data(gallery(ITEM)))["items"] == [
        {
            "id": "0" * 16,
            "kind": "image",
            "name": "1.png",
            "path": "/made/1.png",
            "src": "./1.png",
            "position": 1,
            "siblings": 1,
        }
    ]


def test_a_page_knows_its_own_kind() -> None:
    assert is_ours(page(gallery()))
    assert not is_ours("<!doctype html>\n<html>")

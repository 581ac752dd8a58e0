"""The documentation's pages are found by what names them, never by guessing from the slug."""

import pytest

from modellix_cli.api.pages import DocsEntry
from modellix_cli.domain.values import parse_slug
from modellix_cli.workflows.docs import _indexed_page, find_pages


def entry(path: str, title: str, description: str = "") -> DocsEntry:
    return DocsEntry(title, f"https://docs.modellix.ai{path}", path, description)


PAGES = (
    entry("/bytedance/seedream-4-5-t2i", "Seedream 4.5", "Text to image"),
    entry("/bfl/flux-1-dev", "FLUX.1 dev"),
    entry("/other/seedream-4-5-t2i", "Something else"),
    entry("/ways-to-use/cli", "Command line", "Install it; webhooks too"),
    entry("/api/webhooks", "Webhooks", "Be called back at a task's end"),
)


@pytest.mark.parametrize(
    ("slug", "path"),
    [
        ("bytedance/seedream-4.5-t2i", "/bytedance/seedream-4-5-t2i"),
        ("black-forest-labs/flux.1-dev", "/bfl/flux-1-dev"),
        ("a/none", None),
    ],
)
def test_the_index_names_pages_otherwise_than_slugs(slug: str, path: str | None) -> None:
    assert _indexed_page(PAGES, parse_slug(slug)) == path


def test_a_search_finds_all_words_and_puts_titles_first() -> None:
    assert [page.path for page in find_pages(PAGES, ["webhooks"])] == [
        "/api/webhooks",
        "/ways-to-use/cli",
    ]
    assert find_pages(PAGES, ["webhooks", "nothing"]) == []
    assert find_pages(PAGES, []) == []

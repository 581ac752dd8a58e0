"""The documentation: its index, and pages by path or by address, never by a model's slug."""

import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.api.client import Client, connect
from modellix_cli.api.pages import DocsEntry, docs_path, read_index
from modellix_cli.api.retry import RetryPolicy
from modellix_cli.domain.errors import ErrorCode, ModellixError
from tests.support import FakeClock

DOCS = "https://docs.modellix.ai"
INDEX = """# Modellix

> Images, videos and audio.

## Docs

- [Seedream 4.5](https://docs.modellix.ai/bytedance/seedream-4-5-t2i.md): Text to image: fast.
- [Errors](/ways-to-use/errors.md)
* [A \\[b\\]](https://docs.modellix.ai/a-b) - dashes
- [Elsewhere](https://evil.example/x.md): not ours
- [Twice](/ways-to-use/errors.md)
- [OpenAPI](https://docs.modellix.ai/api/openapi.json)
no entry [at](https://docs.modellix.ai/all.md)
"""


def client(base_url: str = DOCS) -> Client:
    return connect(
        base_url, None, clock=FakeClock(), policy=RetryPolicy(), notice=lambda text: None
    )


def test_the_index_is_a_list_of_titles_addresses_and_descriptions() -> None:
    entries = read_index(INDEX, DOCS)
    assert entries[:3] == (
        DocsEntry(
            "Seedream 4.5",
            f"{DOCS}/bytedance/seedream-4-5-t2i.md",
            "/bytedance/seedream-4-5-t2i",
            "Text to image: fast.",
        ),
        DocsEntry("Errors", f"{DOCS}/ways-to-use/errors.md", "/ways-to-use/errors", ""),
        DocsEntry("A [b]", f"{DOCS}/a-b", "/a-b", "dashes"),
    )
    assert [entry.title for entry in entries[3:]] == ["OpenAPI"]


@respx.mock
def test_the_index_is_asked_for_without_a_key() -> None:
    route = respx.get(f"{DOCS}/llms.txt").respond(text=INDEX)
    assert len(client().docs_index()) == 4
    assert "Authorization" not in route.calls.last.request.headers


@pytest.mark.parametrize(
    ("where", "path"),
    [
        ("/a/b", "/a/b.md"),
        ("a/b", "/a/b.md"),
        ("a/b.md", "/a/b.md"),
        ("/a/b/", "/a/b.md"),
        ("/llms.txt", "/llms.txt"),
        ("/a b/\u00fc", "/a%20b/%C3%BC.md"),
        ("/a%20b", "/a%20b.md"),
        ("/a#part", "/a.md"),
        ("/a?x=1", "/a.md"),
        (f"{DOCS}/a/b", "/a/b.md"),
        (f"{DOCS}/a/b.md#part", "/a/b.md"),
        ("http://DOCS.modellix.ai/a", "/a.md"),
    ],
)
def test_a_page_is_named_by_its_path_or_address(where: str, path: str) -> None:
    assert docs_path(where, DOCS) == path


@pytest.mark.parametrize(
    "where",
    [
        *("", "/", "..", "/../x", "/a/../b", "/a/%2e%2e/b", "/a//b", "/a/%0a", "/a\\b", "\\\\h\\x"),
        *("//evil.example/a", "https://evil.example/a", "https://docs.modellix.ai.evil.example/a"),
        *("https://evil@docs.modellix.ai/a", "https://[x", "file:///etc/passwd", "data:,x"),
        *("javascript:x", "/" + "x" * 600, "/a\x1b[2J"),
    ],
)
def test_what_is_no_page_of_the_documentation_is_refused(where: str) -> None:
    with pytest.raises(ModellixError) as caught:
        docs_path(where, DOCS)
    assert caught.value.code is ErrorCode.USAGE


def test_a_gateway_serves_pages_below_its_own_path() -> None:
    base = "https://gateway.corp/modellix"
    assert docs_path("https://gateway.corp/modellix/a/b", base) == "/a/b.md"
    assert docs_path(f"{DOCS}/a/b", base) == "/a/b.md"


@respx.mock
def test_a_page_is_read_as_markdown_as_it_was_sent() -> None:
    text = "# Hi &lt;b&gt; &#x202e;\n"
    route = respx.get(f"{DOCS}/a/b.md").respond(text=text)
    page = client().docs_page(f"{DOCS}/a/b")
    assert (page.url, page.markdown) == (f"{DOCS}/a/b.md", text)
    assert route.calls.last.request.headers["accept"].startswith("text/markdown")


@given(st.text(max_size=60) | st.text(max_size=30).map(lambda text: f"{DOCS}/{text}"))
def test_whatever_is_asked_for_is_a_path_of_this_host_or_refused(where: str) -> None:
    try:
        path = docs_path(where, DOCS)
    except ModellixError as error:
        assert error.code is ErrorCode.USAGE
    else:
        assert path.startswith("/")
        assert not path.startswith("//")
        assert ".." not in path.split("/")
        assert path.isascii()


@given(st.text(max_size=200) | st.text("-[]() \\:/ax\n", max_size=60))
def test_whatever_the_index_holds_is_a_list(text: str) -> None:
    for entry in read_index(text, DOCS):
        assert docs_path(entry.path, DOCS)

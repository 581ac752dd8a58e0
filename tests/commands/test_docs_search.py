"""`docs search`: by the documentation's server where the extra is there, else in the index."""

import sys

import pytest
import respx

from modellix_cli.api import docs_server
from modellix_cli.api.docs_server import DocsAnswer, DocsFilters, DocsResult
from tests.conftest import Cli

INDEX = "- [Webhooks](https://docs.modellix.ai/api/webhooks): Be called back\n"


@pytest.fixture
def index(respx_mock: respx.MockRouter) -> respx.Route:
    return respx_mock.get("https://docs.modellix.ai/llms.txt").respond(text=INDEX)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, DocsFilters]]:
    """The package is there, and a server that finds one part."""
    asked: list[tuple[str, str, DocsFilters]] = []

    def search(url: str, query: str, filters: DocsFilters) -> DocsAnswer:
        asked.append((url, query, filters))
        found = DocsResult("Hooks", "https://docs.modellix.ai/hooks", "Title: Hooks\n\x1b[2Jtext")
        return DocsAnswer((found,), ("language",) if filters.language else ())

    monkeypatch.setattr(docs_server, "search_docs", search)
    return asked


@pytest.fixture
def without_mcp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)


def test_the_server_is_asked_with_the_filters(
    cli: Cli, asked: list[tuple[str, str, DocsFilters]]
) -> None:
    result = cli(*("docs", "search", "web", "hooks", "--version", "v2", "--api-only", "--json"))
    assert result.json == {
        "results": [
            {
                "title": "Hooks",
                "url": "https://docs.modellix.ai/hooks",
                "text": "Title: Hooks\n\x1b[2Jtext",
            }
        ]
    }
    filters = DocsFilters("v2", None, api_only=True)
    assert asked == [("https://docs.modellix.ai/mcp", "web hooks", filters)]


@pytest.mark.usefixtures("asked")
def test_what_was_found_cannot_act_on_the_terminal(cli: Cli) -> None:
    assert cli("docs", "search", "hooks").stdout == "Title: Hooks\n\\u001b[2Jtext\n"
    assert cli("docs", "search", "hooks", "-q").stdout == "https://docs.modellix.ai/hooks\n"


@pytest.mark.usefixtures("asked")
def test_a_filter_that_the_server_does_not_have_is_warned_of(cli: Cli) -> None:
    result = cli("docs", "search", "hooks", "--language", "zh", "--json")
    assert "no filter for --language" in result.stderr


@pytest.mark.usefixtures("index", "without_mcp")
def test_without_the_extra_the_index_is_searched_and_the_extra_named(cli: Cli) -> None:
    result = cli("docs", "search", "webhooks")
    assert result.stdout == "/api/webhooks\tWebhooks\n"
    assert "pip install 'modellix-cli[mcp]'" in result.stderr
    assert cli("docs", "search", "webhooks", "--json").stderr == ""


@pytest.mark.usefixtures("index", "without_mcp")
def test_filters_that_cannot_be_used_are_warned_of_also_with_json(cli: Cli) -> None:
    result = cli("docs", "search", "webhooks", "--code-only", "--json")
    assert "Searching the index only, without --code-only" in result.stderr


def test_the_sandbox_asks_no_server(cli: Cli, asked: list[tuple[str, str, DocsFilters]]) -> None:
    result = cli("docs", "search", "webhooks", "--sandbox", "-q")
    assert (result.status, asked) == (0, [])

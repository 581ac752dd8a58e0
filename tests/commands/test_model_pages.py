"""`model get-schema`, `model docs`: what can be read about a model without a key."""

import re
from pathlib import Path

import pytest
import respx

from tests.conftest import Cli
from tests.support import at_terminal

SCHEMA = {
    "servers": [{"url": "https://api.modellix.ai/api/v1/test/model"}],
    "post": {
        "summary": "Test Model",
        "description": "A test",
        "requestBody": {"required": True},
        "responses": {"200": {}},
    },
    "x-more": 1,
}
SCHEMA_ROUTE = "https://www.modellix.ai/models/test/model/api_schema"


@respx.mock
def test_a_schema_needs_no_key_and_is_shown_as_sent(cli: Cli) -> None:
    route = respx.get(SCHEMA_ROUTE).respond(json=SCHEMA)
    for key in (None, "mk-any-key-0123456789"):
        result = cli("model", "get-schema", "test/model", env={"MODELLIX_API_KEY": key})
        assert (result.status, result.json) == (0, SCHEMA)
    assert not any("Authorization" in call.request.headers for call in route.calls)


@respx.mock
def test_the_other_forms_of_a_schema(cli: Cli) -> None:
    respx.get(SCHEMA_ROUTE).respond(json=SCHEMA)
    endpoint = "https://api.modellix.ai/api/v1/test/model"
    assert cli("model", "get-schema", "test/model", "-q").stdout == f"{endpoint}\n"
    assert cli("model", "get-schema", "test/model", "--output", "human").stdout == (
        "model: test/model\n"
        f"endpoint: {endpoint}\n"
        "summary: Test Model\n"
        "description: A test\n"
        'requestBody: {\n  "required": true\n}\n'
        'responses: {\n  "200": {}\n}\n'
    )


@respx.mock
def test_a_base_url_takes_the_place_of_the_public_sites(cli: Cli) -> None:
    respx.get("http://localhost:5/models/test/model/api_schema").respond(json=SCHEMA)
    listed("http://localhost:5")
    respx.get("http://localhost:5/tests/model-1.md").respond(text="# Test")
    base: dict[str, str | None] = {"MODELLIX_BASE_URL": "http://localhost:5"}
    assert cli("model", "get-schema", "test/model", env=base).json == SCHEMA
    assert cli("model", "docs", "test/model", "--base-url", "http://localhost:5").status == 0


@respx.mock
def test_the_official_base_url_set_by_hand_does_not(cli: Cli) -> None:
    respx.get(SCHEMA_ROUTE).respond(json=SCHEMA)
    base: dict[str, str | None] = {"MODELLIX_BASE_URL": "https://api.modellix.ai/"}
    assert cli("model", "get-schema", "test/model", env=base).json == SCHEMA


PAGE = "# Test Model\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nSee [pricing](https://x.example/p).\n"
PAGE_ROUTE = "https://docs.modellix.ai/tests/model-1.md"
DOCS = ("model", "docs", "test/model")
LISTED = {
    "items": [{"slug": "test/model", "docs_url": "https://docs.modellix.ai/tests/model-1"}],
    "total": 1,
}


def listed(origin: str = "https://www.modellix.ai") -> None:
    """The public model list, which names the page."""
    respx.get(url__startswith=f"{origin}/portal/v1/models").respond(json=LISTED)


@respx.mock
def test_without_the_list_the_index_names_the_page(cli: Cli) -> None:
    respx.get(url__startswith="https://www.modellix.ai/portal/v1/models").respond(503)
    index = "- [A model](https://docs.modellix.ai/tests/model.md): to test\n"
    respx.get("https://docs.modellix.ai/llms.txt").respond(text=index)
    respx.get("https://docs.modellix.ai/tests/model.md").respond(text=PAGE)
    assert cli(*DOCS).stdout == PAGE


@respx.mock
def test_a_model_without_a_page_is_exit_5_and_names_the_search(cli: Cli) -> None:
    respx.get(url__startswith="https://www.modellix.ai/portal/v1/models").respond(json=[])
    respx.get("https://docs.modellix.ai/llms.txt").respond(text="# Nothing\n")
    result = cli(*DOCS)
    assert result.status == 5
    assert "docs search model" in result.stderr


@respx.mock
def test_a_page_is_piped_as_it_is(cli: Cli) -> None:
    listed()
    route = respx.get(PAGE_ROUTE).respond(text=PAGE)
    assert cli(*DOCS, env={"MODELLIX_API_KEY": None}).stdout == PAGE
    assert "Authorization" not in route.calls.last.request.headers
    assert cli(*DOCS, "-q").stdout == f"{PAGE_ROUTE}\n"
    assert cli(*DOCS, "--json").json == {
        "markdown": PAGE,
        "ok": True,
        "slug": "test/model",
        "url": PAGE_ROUTE,
    }


@respx.mock
def test_at_a_terminal_a_page_is_laid_out(env: dict[str, str], work: Path) -> None:
    listed()
    respx.get(PAGE_ROUTE).respond(text=PAGE)
    lines = at_terminal(env, work, *DOCS, columns=40)
    assert lines[0].strip() == "Test Model"
    assert "pricing (https://x.example/p)" in " ".join(lines)
    assert not any("|---|" in line for line in lines)


@respx.mock
def test_a_hostile_page_stays_harmless(env: dict[str, str], work: Path, cli: Cli) -> None:
    evil = "# A\x1b]0;owned\x07\n\n[bold]x[/bold] <b>kept</b> [go](js:\u202ex)\n\n    \x1b[2J\n"
    listed()
    respx.get(PAGE_ROUTE).respond(text=evil)
    shown = "\n".join(at_terminal(env, work, *DOCS))
    assert "[bold]x[/bold] <b>kept</b>" in shown
    assert not set(shown + cli(*DOCS).stdout) & set("\x1b\x07\u202e")
    colored = "\n".join(at_terminal(env, work, *DOCS, color=True))
    assert not re.sub(r"\x1b\[[0-9;]*m", "", colored).count("\x1b")


@respx.mock
@pytest.mark.parametrize(
    ("arguments", "url"),
    [(DOCS, PAGE_ROUTE), (("model", "get-schema", "test/model"), SCHEMA_ROUTE)],
)
def test_a_missing_page_or_schema_is_exit_5(cli: Cli, arguments: tuple[str, ...], url: str) -> None:
    listed()
    respx.get(url).respond(404, html="<h1>Not found</h1>")
    result = cli(*arguments, "--json")
    assert (result.status, result.json["error"]["code"]) == (5, "NOT_FOUND")


@pytest.mark.parametrize("verb", ["describe", "get-schema", "docs"])
@pytest.mark.parametrize("slug", ["", "a", "a/", "/b", "a/b/c", "a/\x1bb", "../b", "a" * 300])
def test_a_bad_slug_is_exit_2_before_anything_is_sent(cli: Cli, verb: str, slug: str) -> None:
    with respx.mock:
        result = cli("model", verb, slug)
    assert (result.status, result.stdout) == (2, "")
    assert "modellix-cli model list --output slugs" in result.stderr
    assert "\x1b" not in result.stderr

"""`model params`: what a model takes, to read, also where the service cannot be reached."""

import shlex
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from tests.conftest import Cli
from tests.support import FakeClock, at_terminal

ROUTE = "https://www.modellix.ai/models/test/model/api_schema"
LIST_ROUTE = "https://www.modellix.ai/portal/v1/models"
PARAMS = ("model", "params", "test/model")
PROPERTIES: dict[str, Any] = {
    "size": {"type": "string", "enum": ["1K", "2K"], "default": "1K", "description": "How large."},
    "prompt": {"type": "string", "maxLength": 500, "description": "What to make."},
    "n": {"type": "integer", "minimum": 1, "maximum": 4, "default": 1},
    "image_urls": {"type": "array", "items": {"type": "string"}},
    "camera": {"properties": {"zoom": {"type": "number", "minimum": 0.5}}},
}


def schema(properties: Any = None, required: Any = ("prompt",)) -> dict[str, Any]:
    body = {"properties": PROPERTIES if properties is None else properties}
    body["required"] = list(required)
    return {
        "servers": [{"url": "https://api.modellix.ai/api/v1/test/model"}],
        "post": {
            "requestBody": {"content": {"application/json": {"schema": body}}},
            "responses": {},
        },
    }


@respx.mock
def test_in_a_pipe_each_parameter_is_a_line_the_required_ones_first(cli: Cli) -> None:
    route = respx.get(ROUTE).respond(json=schema())
    result = cli(*PARAMS)
    assert result.status == 0
    assert result.stdout == (
        "prompt\ttext\t(required)\tat most 500 characters\tWhat to make.\n"
        "size\ttext\t1K\t1K, 2K\tHow large.\n"
        "n\tinteger\t1\t1 to 4\t\n"
        "image_urls\timage URLs\t-\t-\t\n"
        "camera.zoom\tnumber\t-\tat least 0.5\t\n"
    )
    assert "The main text is prompt" in result.stderr
    assert "Example: modellix-cli model run test/model 'a cat' -p size=2K\n" in result.stderr
    assert "Authorization" not in route.calls.last.request.headers


@respx.mock
def test_at_a_terminal_they_are_a_table_with_an_example(env: dict[str, str], work: Path) -> None:
    respx.get(ROUTE).respond(json=schema())
    lines = at_terminal(env, work, *PARAMS)
    assert lines[0].split() == ["Name", "Type", "Default", "Description"]
    assert lines[1].split() == [
        *("prompt", "text", "(required)", "What", "to", "make.", "At", "most", "500", "characters.")
    ]
    assert lines[2].endswith("How large. One of: 1K, 2K")
    assert lines[-1] == "Example: modellix-cli model run test/model 'a cat' -p size=2K"


@respx.mock
def test_json_has_all_that_is_known_of_each(cli: Cli) -> None:
    respx.get(ROUTE).respond(json=schema())
    result = cli(*PARAMS, "--json")
    assert (result.status, result.stderr) == (0, "")
    assert result.json["slug"] == "test/model"
    assert result.json["mainText"] == "prompt"
    assert result.json["parameters"] == [
        {"name": "prompt", "type": "string", "required": True, "maxLength": 500,
         "description": "What to make."},
        {"name": "size", "type": "string", "required": False, "allowed": ["1K", "2K"],
         "default": "1K", "description": "How large."},
        {"name": "n", "type": "integer", "required": False, "minimum": 1, "maximum": 4,
         "default": 1},
        {"name": "image_urls", "type": "array", "items": "string", "required": False,
         "media": "image"},
        {"name": "camera.zoom", "type": "number", "required": False, "minimum": 0.5},
    ]  # fmt: skip
    assert "cachedSeconds" not in result.json
    assert shlex.split(result.json["example"]) == result.json["exampleArgv"]


@respx.mock
def test_quiet_prints_the_names(cli: Cli) -> None:
    respx.get(ROUTE).respond(json=schema())
    assert cli(*PARAMS, "-q").stdout == "prompt\nsize\nn\nimage_urls\ncamera.zoom\n"


@respx.mock
@pytest.mark.parametrize(
    "failure",
    [httpx.ConnectError("no route"), httpx.Response(503), httpx.Response(200, text="<html>")],
)
def test_where_the_service_cannot_be_reached_the_kept_ones_are_shown_with_their_age(
    cli: Cli, clock: FakeClock, failure: Any
) -> None:
    route = respx.get(ROUTE).respond(json=schema())
    shown = cli(*PARAMS).stdout
    clock.time += 7500
    route.side_effect = [failure] * 10
    result = cli(*PARAMS)
    assert (result.status, result.stdout) == (0, shown)
    assert "The parameters shown are those of 2h 05m ago." in result.stderr
    assert clock.slept == []  # what is kept is better than a wait
    assert cli(*PARAMS, "--json").json["cachedSeconds"] == 7500


@respx.mock
def test_what_get_schema_saw_is_kept_too(cli: Cli) -> None:
    route = respx.get(ROUTE).respond(json=schema())
    cli("model", "get-schema", "test/model")
    route.side_effect = httpx.ConnectError("no route")
    assert cli(*PARAMS, "-q").stdout.startswith("prompt\n")


@respx.mock
def test_without_any_kept_the_failure_is_told(cli: Cli) -> None:
    respx.get(ROUTE).mock(side_effect=httpx.ConnectError("no route"))
    result = cli(*PARAMS, "--json")
    assert (result.status, result.json["error"]["code"]) == (7, "NETWORK")


@respx.mock
def test_an_unknown_model_is_exit_5_with_near_names(cli: Cli) -> None:
    respx.get(ROUTE).respond(404)
    entries = {"items": [{"slug": "test/model-2"}, {"slug": "other/thing"}], "total": 2}
    respx.get(url__startswith=LIST_ROUTE).respond(json=entries)
    result = cli(*PARAMS)
    assert result.status == 5
    assert "Did you mean test/model-2?" in result.stderr


@respx.mock
def test_an_unknown_model_is_exit_5_where_the_list_cannot_be_had(cli: Cli) -> None:
    respx.get(ROUTE).respond(404)
    respx.get(url__startswith=LIST_ROUTE).respond(503)
    assert cli(*PARAMS).status == 5


@respx.mock
def test_a_model_that_is_gone_is_not_shown_from_what_was_kept(cli: Cli) -> None:
    respx.get(url__startswith=LIST_ROUTE).respond(json=[])
    route = respx.get(ROUTE).respond(json=schema())
    cli(*PARAMS)
    route.respond(404)
    assert cli(*PARAMS).status == 5
    route.side_effect = httpx.ConnectError("no route")
    assert cli(*PARAMS).status == 7


@respx.mock
def test_a_model_without_parameters_names_its_page(cli: Cli) -> None:
    respx.get(ROUTE).respond(json=schema({}, ()))
    result = cli(*PARAMS)
    assert (result.status, result.stdout) == (0, "")
    assert "modellix-cli model docs test/model" in result.stderr
    assert cli(*PARAMS, "--json").json["parameters"] == []


@respx.mock
def test_a_hostile_schema_stays_harmless(cli: Cli, env: dict[str, str], work: Path) -> None:
    evil = {
        "description": "\x1b[2J\u202e[bold]x[/bold]\n\t" + "y" * 9999,
        "default": "\x1b]0;x\x07",
    }
    respx.get(ROUTE).respond(json=schema({"a\x1bb\tc": evil, "prompt": {}}, ()))
    piped, shown = cli(*PARAMS), "\n".join(at_terminal(env, work, *PARAMS))
    assert piped.stdout.count("\n") == 2
    assert "[bold]x[/bold]" in shown
    assert not {"\x1b", "\x07", "\u202e"} & set(shown + piped.stdout + piped.stderr)
    assert len(piped.stdout) < 1000


@pytest.mark.parametrize("slug", ["", "a", "../b", "a/\x1bb"])
def test_a_bad_slug_is_exit_2_before_anything_is_sent(cli: Cli, slug: str) -> None:
    with respx.mock:
        assert cli("model", "params", slug).status == 2


def test_it_works_in_the_sandbox(cli: Cli) -> None:
    result = cli("model", "params", "alibaba/qwen3-asr-flash", "--sandbox", "--json")
    assert result.json["mainText"] == "url"
    assert result.json["exampleArgv"][:4] == ["modellix-cli", "model", "run", result.json["slug"]]
    assert result.json["exampleArgv"][-1] == "--sandbox"
    missing = cli("model", "params", "alibaba/qwen3-asr-flsh", "--sandbox")
    assert missing.status == 5
    assert "Did you mean alibaba/qwen3-asr-flash" in missing.stderr

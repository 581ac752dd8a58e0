"""`model find`: a wish in words, answered from the list that was seen last."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from tests.conftest import Cli
from tests.support import API, FakeClock, at_terminal, problem

FLUX = {
    "slug": "flux/flux-2-pro",
    "type": "text-to-image",
    "description": "Photographic images. " + "Very much so. " * 10,
    "price": {"fixed": 0.05, "unit": "$/img"},
}
EDIT = {"slug": "alibaba/qwen-edit", "type": "image-to-image", "description": "Edits."}
TTS = {"slug": "alibaba/qwen-tts", "type": "text-to-speech", "description": "Reads aloud."}
FIND = ("model", "find")
DAY = 86400


@pytest.fixture
def models() -> Any:
    with respx.mock(assert_all_called=False) as router:
        yield router.get(f"{API}/models").respond(json={"models": [FLUX, EDIT, TTS]})


def test_models_are_found_best_first_and_the_next_step_is_told(
    cli: Cli, models: respx.Route
) -> None:
    result = cli(*FIND, "photoreal portrait, cheap")
    slug, kind, price, description = result.stdout.splitlines()[0].split("\t")
    assert (result.status, slug, kind, price) == (0, FLUX["slug"], FLUX["type"], "0.05 $/img")
    assert description.startswith("Photographic images.")
    assert len(description) <= 80
    params = "modellix-cli model params flux/flux-2-pro"
    assert result.stderr == f"What the first one takes: {params}\n"


def test_words_need_no_quotes(cli: Cli, models: respx.Route) -> None:
    assert cli(*FIND, "edit", "a", "photo", "-q").stdout.startswith("alibaba/qwen-edit\n")


def test_json_has_the_models_as_listed_with_what_was_matched(cli: Cli, models: respx.Route) -> None:
    result = cli(*FIND, "fotoreal photgraphic", "--json")
    (found,) = result.json["models"]
    assert {name: found[name] for name in FLUX} == FLUX
    assert found["score"] > 0
    matched = {"word": "photgraphic", "field": "description", "found": "photographic"}
    assert found["matched"] == [matched]
    assert result.json["query"] == "fotoreal photgraphic"
    assert result.json["listedAt"] == "2027-01-15T08:00:00.000Z"
    assert result.stderr == ""


def test_type_and_limit_hold(cli: Cli, models: respx.Route) -> None:
    assert cli(*FIND, "image", "--type", "IMAGE-to-image", "-q").stdout == "alibaba/qwen-edit\n"
    assert cli(*FIND, "image", "--limit", "1", "-q").stdout == "flux/flux-2-pro\n"
    assert "Types: image-to-image" in cli(*FIND, "image", "--type", "picture").stderr


def test_without_a_fit_nothing_is_on_stdout_and_a_way_on_is_told(
    cli: Cli, models: respx.Route
) -> None:
    result = cli(*FIND, "zebra")
    assert (result.status, result.stdout) == (0, "")
    assert result.stderr == (
        "No model fits, of 3. Use other words, or see all: modellix-cli model list --output human\n"
    )
    assert cli(*FIND, "zebra", "--json").json["models"] == []


def test_a_wish_of_blanks_is_refused(cli: Cli) -> None:
    result = cli(*FIND, "  ")
    assert (result.status, result.stdout) == (2, "")
    assert "what the model should do" in result.stderr


def test_the_list_of_the_last_day_is_not_asked_for_again(
    cli: Cli, models: respx.Route, clock: FakeClock
) -> None:
    cli("model", "list")
    clock.time += DAY - 1
    cli(*FIND, "image")
    assert models.call_count == 1
    clock.time += 1
    cli(*FIND, "image")
    assert models.call_count == 2


def test_a_list_from_the_future_is_asked_for_again(
    cli: Cli, models: respx.Route, clock: FakeClock
) -> None:
    cli("model", "list")
    clock.time -= 60
    cli(*FIND, "image")
    assert models.call_count == 2


@pytest.mark.parametrize(
    "failure",
    [
        {"side_effect": httpx.ConnectError("Name or service not known")},
        {"return_value": httpx.Response(503, json=problem(503, "down"))},
        {"return_value": httpx.Response(200, text="<html>Log in to this Wi-Fi</html>")},
    ],
)
def test_without_network_an_old_list_is_searched_after_one_try(
    cli: Cli, models: respx.Route, clock: FakeClock, failure: dict[str, Any]
) -> None:
    cli("model", "list")
    clock.time += 3 * DAY
    models.mock(**failure)
    result = cli(*FIND, "photographic")
    assert (result.status, result.stdout.split("\t")[0]) == (0, "flux/flux-2-pro")
    assert result.stderr.startswith("The model list could not be updated: ")
    assert "Searching the list of 2027-01-1" in result.stderr
    assert models.call_count == 2
    assert clock.slept == []


def test_without_network_and_list_it_fails(cli: Cli, models: respx.Route) -> None:
    models.mock(side_effect=httpx.ConnectError("Name or service not known"))
    result = cli(*FIND, "photographic")
    assert (result.status, result.stdout) == (7, "")


def test_a_refused_key_is_told_even_where_a_list_is_kept(
    cli: Cli, models: respx.Route, clock: FakeClock
) -> None:
    cli("model", "list")
    clock.time += DAY
    models.respond(401, json=problem(401, "Authentication failed"))
    assert cli(*FIND, "photographic").status == 3


@respx.mock
def test_without_a_key_the_public_list_is_searched(cli: Cli) -> None:
    entry = {"provider": "flux", "model_id": "flux-2-pro", "type": "text-to-image"}
    public = {"items": [entry], "total": 1}
    respx.get(url__startswith="https://www.modellix.ai/portal/v1/models").respond(json=public)
    for _ in range(2):
        found = cli(*FIND, "image", "--json", env={"MODELLIX_API_KEY": None}).json["models"]
        assert [one["slug"] for one in found] == ["flux/flux-2-pro"]
    assert respx.calls.call_count == 3  # image, video and audio, once


@respx.mock
def test_hostile_models_stay_harmless(cli: Cli) -> None:
    evil = {"slug": "a/$(id) fox", "type": "x\x1b[2J", "description": "\u202e\x07\nfox"}
    respx.get(f"{API}/models").respond(json={"models": [evil]})
    result = cli(*FIND, "fox")
    assert not set(result.stdout + result.stderr) & set("\x1b\x07\u202e")
    assert len(result.stdout.splitlines()) == 1
    assert "model params 'a/$(id) fox'" in result.stderr


def test_at_a_terminal_it_is_a_table(env: dict[str, str], work: Path, models: respx.Route) -> None:
    assert at_terminal(env, work, *FIND, "edit") == [
        "Slug               Type            Price  Description",
        "alibaba/qwen-edit  image-to-image  -      Edits.",
    ]


def test_in_the_sandbox_it_works_without_a_key(cli: Cli) -> None:
    result = cli(*FIND, "lip", "sync", "--sandbox", "-q", env={"MODELLIX_API_KEY": None})
    assert (result.status, result.stdout) == (0, "kling/kling-lip-sync\n")


NETWORK = {"httpx", "httpcore", "ssl", "truststore", "socket", "modellix_cli.api.network"}


def loaded(env: dict[str, str], *arguments: str) -> set[str]:
    """Return which modules a command line loads, in a process of its own."""
    script = (
        "import sys, json\n"
        "from modellix_cli.__main__ import main\n"
        f"sys.argv = ['modellix-cli', *{list(arguments)!r}]\n"
        "try:\n    main()\n"
        "finally:\n    print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False
    )
    return set(json.loads(ran.stderr.splitlines()[-1]))


@pytest.mark.parametrize("verb", ["list", "find", "diff"])
def test_help_loads_no_network_module(env: dict[str, str], verb: str) -> None:
    modules = loaded(env, "model", verb, "--help")
    assert f"modellix_cli.commands.model.{verb}" in modules
    assert modules & {*NETWORK, "modellix_cli.api.catalog", "rich", "decimal"} == set()


def test_a_young_list_is_searched_without_a_network_module(
    env: dict[str, str], cli: Cli, models: respx.Route, clock: FakeClock
) -> None:
    import time

    clock.time = time.time()
    cli("model", "list")
    modules = loaded(env, *FIND, "photographic")
    assert "modellix_cli.models.ranking" in modules
    assert modules & NETWORK == set()


def test_what_was_found_can_be_sorted_and_limited_by_price(cli: Cli, models: respx.Route) -> None:
    found = cli(*FIND, "photo", "--output", "slugs", "--sort", "price").stdout.splitlines()
    by_name = cli(*FIND, "photo", "--output", "slugs", "--sort", "name").stdout.splitlines()
    assert len(found) == 2
    assert by_name == sorted(found)
    listed = cli("model", "list", "--output", "slugs", "--sort", "price").stdout.splitlines()
    assert found == [slug for slug in listed if slug in found]
    cheap = cli(*FIND, "photo", "--max-price", "0.04", "--output", "slugs")
    assert FLUX["slug"] not in cheap.stdout.splitlines()
    assert "Left out: 2 models without a price." in cheap.stderr
    assert cli(*FIND, "image", "--max-price", "cheap").status == 2
    assert cli(*FIND, "image", "--sort", "cheap").status == 2

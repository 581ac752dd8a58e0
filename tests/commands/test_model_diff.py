"""`model diff`: what changed in the catalogue since the last one."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import respx

from tests.conftest import Cli
from tests.support import API, FakeClock, at_terminal, invoke

ONE = {"slug": "a/one", "type": "text-to-image", "price": {"fixed": 0.1, "unit": "$/img"}}
TWO = {"slug": "b/two", "type": "text-to-video"}
NEW = {"slug": "c/new", "type": "text-to-speech", "price": {"fixed": 13, "unit": "$/M chars"}}
DEARER = ONE | {"price": {"fixed": 0.2, "unit": "$/img"}}
DIFF = ("model", "diff")
NOTHING: dict[str, Any] = {"added": [], "removed": [], "changed": []}
Serve = Callable[..., None]


@pytest.fixture
def serve() -> Any:
    """Have the API list these models from now on."""
    with respx.mock(assert_all_called=False) as router:
        yield lambda *models: router.get(f"{API}/models").respond(json={"models": models})


def test_the_first_look_has_nothing_to_compare_with(cli: Cli, serve: Serve) -> None:
    serve(ONE, TWO)
    result = cli(*DIFF)
    assert (result.status, result.stdout) == (0, "")
    assert result.stderr == "First look: nothing to compare with. 2 models noted.\n"


def test_the_first_look_in_json_has_no_since(cli: Cli, serve: Serve) -> None:
    serve(ONE)
    result = cli(*DIFF, "--json")
    assert result.json == {"since": None} | NOTHING
    assert result.stderr == ""


def test_changes_are_listed_and_summed_up(cli: Cli, serve: Serve) -> None:
    serve(ONE, TWO)
    cli(*DIFF)
    serve(DEARER, NEW)
    result = cli(*DIFF)
    assert result.stdout == (
        "added\tc/new\ttext-to-speech, 13 $/M chars\n"
        "removed\tb/two\ttext-to-video\n"
        "price\ta/one\t0.1 $/img -> 0.2 $/img\n"
    )
    assert result.stderr.startswith("Since 2027-01-1")
    assert result.stderr.endswith(": 1 added, 1 removed, 1 changed. 2 models now.\n")


def test_json_has_the_models_and_both_values(cli: Cli, serve: Serve, clock: FakeClock) -> None:
    serve(ONE, TWO)
    cli(*DIFF)
    clock.time += 60
    serve(DEARER, TWO | {"type": "video-to-video"}, NEW)
    prices = {"before": ONE["price"], "after": DEARER["price"]}
    types = {"before": "text-to-video", "after": "video-to-video"}
    assert cli(*DIFF, "--json").json == {
        "since": "2027-01-15T08:00:00.000Z",
        "added": [NEW],
        "removed": [],
        "changed": [
            {"slug": "a/one", "field": "price"} | prices,
            {"slug": "b/two", "field": "type"} | types,
        ],
    }


def test_quiet_prints_the_slugs(cli: Cli, serve: Serve) -> None:
    serve(ONE, TWO)
    cli(*DIFF)
    serve(DEARER, NEW)
    result = cli(*DIFF, "-q")
    assert (result.stdout, result.stderr) == ("c/new\nb/two\na/one\n", "")


def test_what_was_shown_is_not_shown_again(cli: Cli, serve: Serve) -> None:
    serve(ONE)
    cli(*DIFF)
    serve(ONE, NEW)
    assert cli(*DIFF, "--json").json["added"] == [NEW]
    result = cli(*DIFF)
    assert result.stdout == ""
    assert result.stderr.startswith("Nothing has changed since 2027-01-1")


def test_with_keep_the_same_is_shown_again(cli: Cli, serve: Serve) -> None:
    serve(ONE)
    cli(*DIFF)
    serve(ONE, NEW)
    for _ in range(2):
        assert cli(*DIFF, "--keep", "-q").stdout == "c/new\n"


def test_other_commands_do_not_swallow_what_changed(
    cli: Cli, serve: Serve, clock: FakeClock
) -> None:
    serve(ONE)
    cli("model", "list")
    clock.time += 86400
    serve(ONE, NEW)
    cli("model", "list")
    cli("model", "find", "voice")
    found = cli(*DIFF, "--json").json
    assert (found["since"], found["added"]) == ("2027-01-15T08:00:00.000Z", [NEW])


def test_featured_models_alone_are_no_baseline(cli: Cli, serve: Serve) -> None:
    serve(ONE)
    cli("model", "list", "--featured")
    serve(ONE, TWO)
    assert "First look" in cli(*DIFF).stderr


class Full(io.StringIO):
    """A stream on a full disk."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def test_what_could_not_be_shown_is_shown_next_time(
    cli: Cli, serve: Serve, env: dict[str, str], work: Path
) -> None:
    serve(ONE)
    cli(*DIFF)
    serve(ONE, NEW)
    assert invoke(*DIFF, env=env, cwd=work, stdout=Full()).status == 1
    assert cli(*DIFF, "-q").stdout == "c/new\n"


def test_a_cache_that_cannot_be_written_is_warned_about(
    cli: Cli, serve: Serve, env: dict[str, str]
) -> None:
    Path(env["XDG_CACHE_HOME"]).write_text("a file")
    serve(ONE)
    result = cli(*DIFF)
    assert result.status == 0
    assert "could not be saved" in result.stderr


def test_a_broken_baseline_is_a_first_look(cli: Cli, serve: Serve, env: dict[str, str]) -> None:
    serve(ONE)
    cli(*DIFF)
    for file in Path(env["XDG_CACHE_HOME"]).rglob("*.json"):
        file.write_text("{")
    assert "First look" in cli(*DIFF).stderr
    assert "Nothing has changed" in cli(*DIFF).stderr


@respx.mock
def test_the_public_list_is_compared_with_itself(cli: Cli) -> None:
    respx.get(f"{API}/models").respond(json={"models": [ONE, TWO]})
    public = {"items": [ONE], "total": 1}
    respx.get(url__startswith="https://www.modellix.ai/portal/v1/models").respond(json=public)
    without_key = {"MODELLIX_API_KEY": None}
    assert "First look" in cli(*DIFF).stderr
    assert "First look" in cli(*DIFF, env=without_key).stderr
    assert cli(*DIFF, "-q", env=without_key).stdout == ""
    assert cli(*DIFF, "-q").stdout == ""


@respx.mock
def test_hostile_models_stay_harmless(cli: Cli) -> None:
    respx.get(f"{API}/models").respond(json={"models": [ONE]})
    cli(*DIFF)
    evil = {"slug": "a/\u202eb", "type": "x\x1b[2J\ty\n", "price": {"fixed": 1, "unit": "\x07"}}
    respx.get(f"{API}/models").respond(json={"models": [evil, ONE | {"type": "\x1b]0;x\x07"}]})
    shown = cli(*DIFF, "--keep").stdout + cli(*DIFF, "--json").stdout
    assert not set(shown) & set("\x1b\x07\u202e")


def test_at_a_terminal_it_is_a_table(
    cli: Cli, serve: Serve, env: dict[str, str], work: Path
) -> None:
    serve(ONE)
    cli(*DIFF)
    serve(DEARER)
    assert at_terminal(env, work, *DIFF) == [
        "Change  Slug   Details",
        "price   a/one  0.1 $/img -> 0.2 $/img",
    ]


def test_in_the_sandbox_it_works_without_a_key(cli: Cli) -> None:
    for _ in range(2):
        result = cli(*DIFF, "--sandbox", "--json", env={"MODELLIX_API_KEY": None})
        assert result.status == 0
    assert result.json["since"] is not None
    assert {name: result.json[name] for name in NOTHING} == NOTHING

"""`quickstart`, which is also the bare command line."""

from pathlib import Path

import pytest
import respx
import typer

from modellix_cli.app import build
from modellix_cli.output.first_steps import FIRST, THEN, commands
from tests.conftest import Cli
from tests.support import KEY

BARE: list[tuple[str, ...]] = [(), ("quickstart",)]


@pytest.mark.parametrize("line", BARE)
def test_without_a_key_it_says_how_to_begin(cli: Cli, line: tuple[str, ...]) -> None:
    with respx.mock:
        result = cli(*line, env={"MODELLIX_API_KEY": None})
    assert result.status == 0
    assert result.stdout.startswith("Welcome to Modellix CLI.\nNo API key is configured yet.\n")
    steps = result.stdout.split("Quickstart:\n")[1].splitlines()[:3]
    assert [step.partition("  #")[0].strip() for step in steps] == commands(FIRST, "modellix-cli")
    assert max(map(len, steps)) < 80
    assert "Get an API key at https://modellix.ai/console/api-key" in result.stdout
    assert "Docs: https://docs.modellix.ai/ways-to-use/cli" in result.stdout


@pytest.mark.parametrize("line", BARE)
def test_with_a_key_it_says_how_to_go_on(cli: Cli, line: tuple[str, ...]) -> None:
    with respx.mock:
        result = cli(*line, "--json")
    assert result.status == 0
    shown = result.json
    assert {name: shown[name] for name in shown if name != "nextSteps"} == {
        "apiKeySource": "environment",
        "configured": True,
        "docs": "https://docs.modellix.ai/ways-to-use/cli",
        "ok": True,
        "profile": "default",
        "profileSource": "default",
    }
    assert list(shown) == sorted(shown)
    assert shown["nextSteps"] == commands(THEN, "modellix-cli")
    assert KEY not in result.stdout


@pytest.mark.parametrize("key", [KEY, None])
def test_quiet_is_one_word(cli: Cli, key: str | None) -> None:
    word = "configured" if key else "missing"
    assert cli("-q", env={"MODELLIX_API_KEY": key}).stdout == f"{word}\n"


@pytest.mark.parametrize("key", [KEY, None])
def test_every_command_it_names_exists(cli: Cli, key: str | None) -> None:
    for step in cli("--json", env={"MODELLIX_API_KEY": key}).json["nextSteps"]:
        if step.startswith("modellix-cli "):
            words = [word for word in step.split()[1:3] if word.islower() and word.isalpha()]
            assert cli(*words, "--help").status == 0


@pytest.mark.parametrize(
    "arguments", [("--profile", "a b"), ("--base-url", "nonsense"), ("--sandbox",)]
)
def test_it_exits_0_whatever_is_set(cli: Cli, arguments: tuple[str, ...]) -> None:
    result = cli(*arguments, "--json", env={"MODELLIX_API_KEY": None})
    assert result.status == 0
    assert ("configurationWarning" in result.json) is (arguments != ("--sandbox",))


def test_a_broken_config_is_a_warning(cli: Cli, env: dict[str, str]) -> None:
    path = Path(env["XDG_CONFIG_HOME"]) / "modellix" / "config.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    result = cli(env={"MODELLIX_API_KEY": None})
    assert result.status == 0
    assert "Configuration warning: Unable to use" in result.stdout.splitlines()[2]


@pytest.mark.parametrize(
    ("config", "source"),
    [
        ('{"apiKey": "abcdefghijkl"}', "legacy-file"),
        ('{"profiles": {"default": {"apiKey": "abcdefghijkl"}}}', "legacy-file"),
    ],
)
def test_a_saved_key_is_found(cli: Cli, env: dict[str, str], config: str, source: str) -> None:
    path = Path(env["XDG_CONFIG_HOME"]) / "modellix" / "config.json"
    path.parent.mkdir(parents=True)
    path.write_text(config)
    assert cli("--json", env={"MODELLIX_API_KEY": None}).json["apiKeySource"] == source


def test_help_and_completion_pass_over_it(cli: Cli) -> None:
    assert "quickstart" not in cli("--help").stdout
    root = build()
    assert "quickstart" in root.list_commands(typer.Context(root))


def test_an_option_it_does_not_know_is_exit_2(cli: Cli) -> None:
    assert cli("--bogus").status == 2

"""`init`: from a key to the first commands."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import respx

from modellix_cli.output.first_steps import FIRST, SANDBOX_PICTURE, THEN, commands
from tests.commands.login import NO_KEY, Disk, answer_validity
from tests.conftest import Cli
from tests.support import KEY, Terminal, invoke

STEPS = commands(THEN, "modellix-cli")


@pytest.fixture
def disk(env: dict[str, str]) -> Disk:
    return Disk(env)


@respx.mock
def test_init_with_a_key_saves_it_and_shows_what_is_next(cli: Cli, disk: Disk) -> None:
    answer_validity()
    result = cli("init", "--api-key", "newkey-1", "--json", env=NO_KEY)
    assert result.status == 0
    assert result.json == {
        "apiKeySource": "flag",
        "configPath": str(disk.config),
        "credentialStore": "file",
        "docs": "https://docs.modellix.ai/ways-to-use/cli",
        "nextSteps": STEPS,
        "ok": True,
        "origin": "https://api.modellix.ai",
        "profile": "default",
        "saved": True,
        "valid": True,
    }
    assert disk.key("default") == "newkey-1"


@respx.mock
def test_quiet_prints_the_path_if_saved_and_valid_if_not(cli: Cli, disk: Disk) -> None:
    answer_validity()
    line = ("init", "--api-key", "newkey-1", "-q")
    assert cli(*line, env=NO_KEY).stdout == f"{disk.config}\n"
    assert cli(*line, env=NO_KEY).stdout == "valid\n"


@respx.mock
def test_in_words_it_never_shows_the_key(cli: Cli) -> None:
    answer_validity()
    result = cli("init", "--api-key", "newkey-1", env=NO_KEY)
    assert "Next steps:" in result.stdout
    assert all(step in result.stdout for step in STEPS)
    assert "newkey-1" not in result.stdout + result.stderr


@respx.mock
def test_a_key_that_is_only_in_the_environment_is_not_written(cli: Cli, disk: Disk) -> None:
    answer_validity()
    result = cli("init", "--json")
    assert result.status == 0
    assert result.json["apiKeySource"] == "environment"
    assert result.json["saved"] is False
    assert "credentialStore" not in result.json
    assert result.stderr == ""
    words = cli("init").stderr
    assert "was not saved" in words
    assert "modellix-cli auth import-env" in words
    assert "--api-key-stdin" in words
    assert KEY not in words
    assert disk.empty


@respx.mock
def test_check_writes_nothing(cli: Cli, disk: Disk) -> None:
    answer_validity()
    assert cli("init", "--api-key", "newkey-1", "--check", "-q", env=NO_KEY).stdout == "valid\n"
    assert disk.empty


@respx.mock
def test_an_invalid_key_is_exit_3_and_not_saved(cli: Cli, disk: Disk) -> None:
    answer_validity(False)
    result = cli("init", "--api-key", "newkey-1", env=NO_KEY)
    assert result.status == 3
    assert "Nothing was saved" in result.stderr
    assert "https://modellix.ai/console/api-key" in result.stderr
    assert disk.empty


def test_without_a_key_and_a_terminal_it_says_what_to_pass(cli: Cli) -> None:
    result = cli("init", env=NO_KEY)
    assert result.status == 3
    for word in ("--api-key-stdin", "--api-key", "MODELLIX_API_KEY"):
        assert word in result.stderr


@respx.mock
def test_the_saved_key_is_validated_again_and_stays(cli: Cli, disk: Disk) -> None:
    answer_validity()
    cli("init", "--api-key", "newkey-1", env=NO_KEY)
    before = disk.config.stat().st_mtime_ns
    result = cli("init", "--json", env=NO_KEY)
    assert (result.json["apiKeySource"], result.json["saved"]) == ("file", False)
    assert "auth login --force" in cli("init", env=NO_KEY).stderr
    assert disk.config.stat().st_mtime_ns == before


def test_in_the_sandbox_it_is_rehearsed(cli: Cli, disk: Disk) -> None:
    result = cli("init", "--sandbox", "--json", env=NO_KEY)
    assert result.status == 0
    assert (result.json["apiKeySource"], result.json["saved"]) == ("sandbox", False)
    assert "nothing is saved" in cli("init", "--sandbox", env=NO_KEY).stderr
    assert disk.empty


def at_a_terminal(
    env: dict[str, str], work: Path, typed: str, *options: str, **more: str
) -> tuple[int, str]:
    """Run init where somebody types, and return its status and what the screen showed."""
    del env["MODELLIX_API_KEY"]
    screen, keys = Terminal(), Terminal(typed)
    chosen = env | more
    ended = invoke("init", *options, env=chosen, cwd=work, stdin=keys, stdout=screen, stderr=screen)
    return ended.status, screen.getvalue()


@pytest.fixture
def typed_key(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The key that is typed where init asks for one; it is valid."""
    monkeypatch.setattr("modellix_cli.workflows.login.ask_secret", lambda *_: "newkey-1")
    with respx.mock:  # an answer given outside it would be given to all later tests
        answer_validity()
        yield "newkey-1"


@respx.mock
@pytest.mark.parametrize("answer", ["\n", "y\n", "YES\n", "abc\ny\n"])
def test_at_a_terminal_it_leads_from_a_sandbox_picture_to_a_key_to_a_real_one(
    env: dict[str, str], work: Path, disk: Disk, typed_key: str, answer: str
) -> None:
    answer_validity()
    status, screen = at_a_terminal(env, work, answer)
    assert status == 0
    assert [file.suffix for file in work.iterdir()] == [".png"]
    told = (f"modellix-cli {SANDBOX_PICTURE[0]}", "[Y/n]", ".png", "Get one at https://modellix.ai")
    places = [screen.index(word) for word in (*told, "The API key is valid.", STEPS[0])]
    assert places == sorted(places)
    assert disk.key("default") == typed_key


@respx.mock
@pytest.mark.parametrize("answer", ["n\n", "No\n", "", "abc\nn\n", "why?\n"])
def test_the_picture_may_be_declined(
    env: dict[str, str], work: Path, disk: Disk, typed_key: str, answer: str
) -> None:
    answer_validity()
    assert at_a_terminal(env, work, answer)[0] == 0
    assert list(work.iterdir()) == []
    assert disk.key("default") == typed_key


@respx.mock
@pytest.mark.parametrize(("options", "more"), [
    (("--check",), {}), (("--yes",), {}), (("--json",), {}),
    ((), {"MODELLIX_API_KEY": KEY}), (("--api-key", "newkey-1"), {}), (("--sandbox",), {}),
])  # fmt: skip
def test_no_picture_is_offered_where_it_is_not_what_is_wanted(
    env: dict[str, str], work: Path, typed_key: str, options: tuple[str, ...], more: dict[str, str]
) -> None:
    answer_validity()
    _, screen = at_a_terminal(env, work, "\n", *options, **more)
    assert "first picture" not in screen
    assert list(work.iterdir()) == []


@respx.mock
def test_a_picture_that_fails_does_not_end_it(
    env: dict[str, str], work: Path, disk: Disk, typed_key: str
) -> None:
    answer_validity()
    (work / "file").touch()  # where no folder can be
    status, screen = at_a_terminal(env | {"XDG_STATE_HOME": str(work / "file")}, work, "\n")
    assert status == 0
    assert "Warning:" in screen
    assert disk.key("default") == typed_key


def test_readme_help_and_the_bare_command_tell_the_same_steps(cli: Cli) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    first = readme.split("## The first picture")[1].split("\n## ")[0]
    steps = commands(FIRST, "modellix-cli")
    told = [line.partition("  #")[0].strip() for line in first.splitlines()]
    assert [line for line in told if line.startswith("modellix-cli ")][:3] == steps
    bare, root = cli(env=NO_KEY).stdout, cli("--help").stdout
    assert all(step in bare and step in root for step in steps)

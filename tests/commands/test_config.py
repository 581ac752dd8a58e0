"""`config path`, `show`, `clear`."""

import json

import pytest

from tests.commands.login import NO_KEY, ORIGIN, Disk
from tests.conftest import Cli

SAVED = {
    "currentProfile": "work",
    "profiles": {"default": {"apiKey": "mk-default"}, "work": {"apiKey": "mk-work"}},
}


@pytest.fixture
def disk(env: dict[str, str]) -> Disk:
    return Disk(env)


def test_path_shows_where_and_what_is_selected(cli: Cli, disk: Disk) -> None:
    disk.write(SAVED)
    assert cli("config", "path", "--json").json == {
        "configPath": str(disk.config),
        "currentProfile": "work",
        "profile": "work",
        "profiles": ["default", "work"],
        "profileSource": "config",
    }
    for output in ((), ("-q",)):
        assert cli("config", "path", *output).stdout == f"{disk.config}\n"


def test_path_works_without_a_config(cli: Cli, disk: Disk) -> None:
    result = cli("config", "path", "--json").json
    assert result["profiles"] == []
    assert "currentProfile" not in result
    assert not disk.folder.exists()


def test_path_of_a_broken_config_is_a_warning(cli: Cli, disk: Disk) -> None:
    disk.write("{broken")
    result = cli("config", "path", "--json")
    assert result.status == 0
    assert "invalid JSON" in result.json["warning"]


def test_a_relative_config_home_is_ignored_as_xdg_says(cli: Cli, env: dict[str, str]) -> None:
    result = cli("config", "path", env={"XDG_CONFIG_HOME": "relative"})
    assert result.stdout == f"{env['HOME']}/.config/modellix/config.json\n"


def test_show_says_which_key_would_be_used(cli: Cli, disk: Disk) -> None:
    disk.write(SAVED)
    result = cli("config", "show", "--json", env=NO_KEY)
    assert result.json == {
        "apiKeySource": "legacy-file",
        "configPath": str(disk.config),
        "configured": True,
        "currentProfile": "work",
        "migrationRequired": True,
        "ok": True,
        "origin": ORIGIN,
        "profile": "work",
        "profiles": ["default", "work"],
        "profileSource": "config",
    }
    assert cli("config", "show").stdout == (
        f"Configuration path: {disk.config}\n"
        "Selected profile: work, saved as the current one\n"
        "Saved profiles: default, work\n"
        "Active API key source: environment\n"
    )
    assert cli("config", "show", "-q").stdout == "work\n"


def test_show_without_anything_is_not_an_error(cli: Cli) -> None:
    result = cli("config", "show", env=NO_KEY)
    assert result.status == 0
    assert "Saved profiles: none\nActive API key source: missing\n" in result.stdout


@pytest.mark.parametrize(
    "broken",
    [
        "{broken",
        "[]",
        '{"apiKey": ""}',
        '{"profiles": {}}',
        '{"profiles": {"a": {"apiKey": 3}}}',
        '{"profiles": {"a b": {}}}',
        '{"currentProfile": "b", "profiles": {"a": {"apiKey": "k"}}}',
    ],
)
def test_show_of_a_broken_config_fails_only_without_another_key(
    cli: Cli, disk: Disk, broken: str
) -> None:
    disk.write(broken)
    alone = cli("config", "show", "--json", env=NO_KEY)
    assert alone.status == 3
    assert (alone.json["ok"], alone.json["configured"]) == (False, False)
    assert str(disk.config) in alone.json["warning"]
    with_key = cli("config", "show", "--json")
    assert (with_key.status, with_key.json["ok"]) == (0, True)
    assert str(disk.config) in with_key.json["warning"]


def test_clear_removes_the_selected_profile(cli: Cli, disk: Disk) -> None:
    disk.write(SAVED)
    assert cli("config", "clear", "--yes", "-q", env=NO_KEY).stdout == "work\n"
    assert list(json.loads(disk.config.read_text())["profiles"]) == ["default"]
    assert cli("config", "clear", "-y", "--profile", "nope").status == 0
    assert cli("config", "clear", "-y", env=NO_KEY).status == 0
    assert disk.empty


def test_clear_without_yes_and_a_terminal_is_exit_2(cli: Cli, disk: Disk) -> None:
    disk.write(SAVED)
    result = cli("config", "clear")
    assert result.status == 2
    assert "Pass --yes to remove the saved configuration" in result.stderr


def test_clear_deletes_a_config_that_cannot_be_used_unless_a_profile_is_named(
    cli: Cli, disk: Disk
) -> None:
    disk.write("{broken")
    assert cli("config", "clear", "--yes", "--profile", "work").status == 3
    assert disk.config.exists()
    result = cli("config", "clear", "--yes", "--json")
    assert (result.status, result.json["removed"]) == (0, True)
    assert disk.empty

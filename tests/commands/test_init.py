"""`init`: from a key to the first commands."""

import pytest
import respx

from tests.commands.login import NO_KEY, Disk, answer_validity
from tests.conftest import Cli
from tests.support import KEY

STEPS = [
    "modellix-cli doctor",
    "modellix-cli model list",
    'modellix-cli model run --model-slug <provider/model> --body \'{"prompt":"A cute cat"}\'',
    "modellix-cli task get <task_id>",
]


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

"""`auth login`, `status`, `logout`, `import-env`, `migrate`."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import respx

from modellix_cli.profiles.credentials import credential_ref
from tests.commands.login import (
    NO_KEY,
    ORIGIN,
    Disk,
    answer_balance,
    answer_validity,
    sent_key,
)
from tests.conftest import Cli
from tests.support import API, KEY, FakeClock, FakeKeyring, Result, Terminal, invoke, problem

LEGACY = {"currentProfile": "old", "profiles": {"old": {"apiKey": "mk-old-key"}}}


@pytest.fixture
def disk(env: dict[str, str]) -> Disk:
    return Disk(env)


@pytest.fixture
def at_terminal(env: dict[str, str], work: Path) -> Any:
    """Run a command line at a terminal where somebody types."""

    def run(*arguments: str, typed: str = "") -> Result:
        del env["MODELLIX_API_KEY"]
        streams = {"stdin": Terminal(typed), "stdout": Terminal(), "stderr": Terminal()}
        return invoke(*arguments, env=env, cwd=work, clock=FakeClock(), **streams)

    return run


def log_in(cli: Cli, key: str, *arguments: str) -> Result:
    return cli("auth", "login", "--api-key", key, *arguments, env=NO_KEY)


# login


@respx.mock
def test_login_saves_the_key_for_the_profile_and_makes_it_current(cli: Cli, disk: Disk) -> None:
    answer_validity()
    result = log_in(cli, "k2-secret", "--profile", "work", "--json")
    assert result.json == {
        "apiKeySource": "flag",
        "configPath": str(disk.config),
        "credentialStore": "file",
        "ok": True,
        "origin": ORIGIN,
        "profile": "work",
        "saved": True,
        "valid": True,
    }
    assert disk.key("work") == "k2-secret"
    assert json.loads(disk.config.read_text())["currentProfile"] == "work"


@respx.mock
def test_quiet_prints_the_profile(cli: Cli) -> None:
    answer_validity()
    assert log_in(cli, "k2-secret", "-q").stdout == "default\n"


@respx.mock
@pytest.mark.parametrize("piped", [b"k3-secret", b"k3-secret\n", b"\xef\xbb\xbf k3-secret\r\n"])
def test_a_key_can_be_piped(cli: Cli, disk: Disk, piped: bytes) -> None:
    answer_validity()
    result = cli("auth", "login", "--api-key-stdin", "--json", stdin=piped)
    assert result.json["apiKeySource"] == "stdin"
    assert disk.key("default") == "k3-secret"


@pytest.mark.parametrize(
    ("piped", "words"),
    [
        (b"", "must not be empty"),
        (b" \n", "must not be empty"),
        (b"x" * 17_000, "too long"),
        (b"x" * 70_000, "too long"),
        ("k3-sécret".encode(), "unsupported characters"),
        ("k3-secret".encode("utf-16"), "unsupported characters"),
    ],
)
def test_a_piped_key_that_cannot_be_one_is_exit_2(
    cli: Cli, disk: Disk, piped: bytes, words: str
) -> None:
    result = cli("auth", "login", "--api-key-stdin", stdin=piped)
    assert result.status == 2
    assert words in result.stderr
    assert disk.empty


def test_a_key_is_given_in_one_way_only(cli: Cli) -> None:
    result = cli("auth", "login", "--api-key", "a", "--api-key-stdin", stdin=b"b")
    assert result.status == 2
    assert "exclude each other" in result.stderr


def test_a_terminal_is_no_pipe(at_terminal: Any) -> None:
    result = at_terminal("auth", "login", "--api-key-stdin")
    assert result.status == 2
    assert "interactive terminal" in result.stderr


@respx.mock
def test_a_key_that_is_only_in_the_environment_is_not_written(cli: Cli, disk: Disk) -> None:
    answer_validity()
    result = cli("auth", "login", "--json")
    assert (result.status, result.json["saved"], result.stderr) == (0, False, "")
    assert "auth import-env" in cli("auth", "login").stderr
    assert disk.empty


@respx.mock
def test_another_saved_key_is_replaced_only_when_asked_for(cli: Cli, disk: Disk) -> None:
    answer_validity()
    log_in(cli, "k1-secret")
    refused = log_in(cli, "k2-secret")
    assert refused.status == 2
    assert "--force" in refused.stderr
    assert disk.key("default") == "k1-secret"
    assert log_in(cli, "k2-secret", "--force").status == 0
    assert disk.key("default") == "k2-secret"
    assert log_in(cli, "k1-secret", "-y").status == 0
    assert disk.key("default") == "k1-secret"


@respx.mock
def test_at_a_terminal_replacing_is_a_question_whose_answer_is_no(
    cli: Cli, disk: Disk, at_terminal: Any
) -> None:
    answer_validity()
    log_in(cli, "k1-secret")
    result = at_terminal("auth", "login", "--api-key", "k2-secret", typed="\n")
    assert result.status == 1
    assert "Replace the API key saved for profile default? [y/N]" in result.stderr
    assert "Nothing was changed" in result.stderr
    assert disk.key("default") == "k1-secret"


@respx.mock
def test_at_a_terminal_y_replaces(cli: Cli, disk: Disk, at_terminal: Any) -> None:
    answer_validity()
    log_in(cli, "k1-secret")
    assert at_terminal("auth", "login", "--api-key", "k2-secret", typed="y\n").status == 0
    assert disk.key("default") == "k2-secret"


def test_json_never_asks(cli: Cli, disk: Disk, at_terminal: Any) -> None:
    result = at_terminal("auth", "login", "--json", typed="k1-secret\n")
    assert result.status == 3
    assert "[y/N]" not in result.stderr


def test_a_terminal_that_cannot_hide_what_is_typed_is_not_asked(at_terminal: Any) -> None:
    result = at_terminal("auth", "login", typed="k1-secret\n")
    assert result.status == 2
    assert "--api-key-stdin" in result.stderr


@respx.mock
def test_a_login_after_which_the_profile_changed_is_refused(cli: Cli, disk: Disk) -> None:
    route = answer_validity()

    def meanwhile(request: httpx.Request) -> httpx.Response:
        route.mock(return_value=httpx.Response(200, json={"code": 0, "data": {"is_valid": True}}))
        log_in(cli, "k-other")
        return httpx.Response(200, json={"code": 0, "data": {"is_valid": True}})

    route.mock(side_effect=meanwhile)
    result = log_in(cli, "k-mine")
    assert result.status == 1
    assert "changed while the API key was being validated" in result.stderr
    assert disk.key("default") == "k-other"


@respx.mock
def test_a_broken_config_stops_a_login_before_anything_is_sent(cli: Cli, disk: Disk) -> None:
    route = answer_validity()
    disk.write("{broken")
    result = log_in(cli, "k1-secret")
    assert result.status == 3
    assert str(disk.config) in result.stderr
    assert "--force" in result.stderr
    assert route.call_count == 0
    assert log_in(cli, "k1-secret", "--force").status == 0
    assert disk.key("default") == "k1-secret"
    assert [path.read_text() for path in disk.folder.glob("*.unusable-*")] == ["{broken"]


@respx.mock
def test_another_profile_can_be_saved_beside_old_keys(cli: Cli, disk: Disk) -> None:
    route = answer_validity()
    answer_balance()
    disk.write(LEGACY)
    result = log_in(cli, "k-new-key", "--profile", "new")
    assert result.status == 0
    assert "auth migrate" in result.stderr
    for profile, key in (("old", "mk-old-key"), ("new", "k-new-key")):
        assert cli("auth", "status", "--profile", profile, env=NO_KEY).status == 0
        assert sent_key(route) == key


@respx.mock
def test_the_keychain_is_used_where_asked_for_and_then_stays_in_use(
    cli: Cli, disk: Disk, keyring: FakeKeyring
) -> None:
    answer_validity()
    result = log_in(cli, "k1-secret", "--store", "keychain", "--json")
    assert result.json["credentialStore"] == "keychain"
    log_in(cli, "k2-secret", "--force")
    assert list(keyring.keys.values()) == ["k2-secret"]
    assert disk.key("default") is None


def test_a_login_in_the_sandbox_writes_nothing(cli: Cli, disk: Disk) -> None:
    line = ("auth", "login", "--sandbox", "--api-key", "k1-secret")
    result = cli(*line, "--json", env=NO_KEY)
    assert (result.status, result.json["saved"]) == (0, False)
    assert "nothing is saved" in cli(*line, env=NO_KEY).stderr
    assert disk.empty


@respx.mock
@pytest.mark.parametrize("arguments", [("auth", "login"), ("auth", "import-env"), ("init",)])
def test_a_key_that_the_server_sends_back_is_not_shown(
    cli: Cli, arguments: tuple[str, ...]
) -> None:
    respx.get(f"{API}/apikey/validate").respond(401, json=problem(401, f"bad key {KEY}"))
    for output in ((), ("--json",)):
        result = cli(*arguments, *output)
        assert result.status == 3
        assert "[REDACTED]" in result.stdout + result.stderr
        assert KEY not in result.stdout + result.stderr


@respx.mock
def test_a_login_as_the_official_cli_writes_it_is_used(cli: Cli, disk: Disk) -> None:
    route = answer_validity()
    answer_balance()
    reference = credential_ref(ORIGIN, "work")
    metadata = {"credentialRef": reference, "store": "file"}
    profiles = {"work": {"origins": {ORIGIN: metadata}}}
    disk.write({"currentProfile": "work", "profiles": profiles, "schemaVersion": 2})
    stored = {"credentials": {reference: {"apiKey": "k-same-shape"}}, "schemaVersion": 1}
    (disk.folder / "credentials.json").write_text(json.dumps(stored, indent=2) + "\n")
    assert cli("auth", "status", "-q", env=NO_KEY).stdout == "work\n"
    assert sent_key(route) == "k-same-shape"


# status


@respx.mock
def test_status_shows_what_the_api_says(cli: Cli, disk: Disk) -> None:
    answer_validity()
    answer_balance()
    assert cli("auth", "status", "--json").json == {
        "apiKeySource": "environment",
        "authenticated": True,
        "balance": 12.5,
        "configPath": str(disk.config),
        "migrationRequired": False,
        "ok": True,
        "origin": ORIGIN,
        "profile": "default",
        "profileSource": "default",
        "valid": True,
        "validation": "valid",
    }
    words = cli("auth", "whoami").stdout
    assert words == (
        "Profile: default, as none was chosen\n"
        f"API origin: {ORIGIN}\n"
        "API key source: environment\n"
        "Validation: valid\n"
        "Team balance: $12.5000 USD\n"
    )
    assert cli("auth", "status", "-q").stdout == "default\n"


@respx.mock
def test_status_can_look_past_the_environment(cli: Cli) -> None:
    route = answer_validity()
    answer_balance()
    log_in(cli, "k-saved-key")
    result = cli("auth", "status", "--ignore-env", "--json")
    assert result.json["apiKeySource"] == result.json["credentialStore"] == "file"
    assert sent_key(route) == "k-saved-key"


def test_status_without_a_key_is_exit_3_and_says_what_to_do(cli: Cli) -> None:
    result = cli("auth", "status", "--profile", "work", "--json", env=NO_KEY)
    assert result.status == 3
    assert result.json["apiKeySource"] == "missing"
    assert result.json["authenticated"] is False
    assert result.stderr == ""  # what the vendor's clients read first
    error, words = result.json["error"], cli("auth", "status", "--profile", "work", env=NO_KEY)
    assert error["message"] == f"Missing API key for profile work at {ORIGIN}."
    assert "Validation: not authenticated" in words.stdout
    for text in (error["hint"], words.stderr):
        for word in ("modellix-cli auth login --profile work", "MODELLIX_API_KEY", "--sandbox"):
            assert word in text
    assert cli("auth", "status", "-q", env=NO_KEY).stdout == ""


@respx.mock
def test_an_invalid_key_is_not_authenticated(cli: Cli) -> None:
    answer_validity(False)
    result = cli("auth", "status", "--json")
    assert result.status == 3
    assert result.json["ok"] is result.json["valid"] is result.json["authenticated"] is False
    assert result.json["error"]["code"] == "UNAUTHORIZED"


@respx.mock
def test_status_still_succeeds_when_only_the_balance_is_unknown(cli: Cli) -> None:
    answer_validity()
    respx.get(f"{API}/team/balance").respond(403, json=problem(403, "no rights"))
    result = cli("auth", "status", "--json")
    assert (result.status, result.json["ok"]) == (0, True)
    assert "Unable to read team balance" in result.json["warning"]
    assert "Unable to read team balance" in cli("auth", "status").stderr


@respx.mock
def test_status_when_the_service_is_away_is_exit_7(cli: Cli) -> None:
    respx.get(f"{API}/apikey/validate").respond(500, json=problem(500, "away"))
    result = cli("auth", "status", "--json")
    assert result.status == 7
    assert result.json["ok"] is False


def test_a_bad_profile_name_is_told_in_the_result(cli: Cli) -> None:
    result = cli("auth", "status", "--profile", "a b", "--json")
    assert result.status == 2
    assert result.json["profile"] == "invalid"
    assert "Invalid profile name" in result.json["warning"]


@respx.mock
def test_old_keys_are_told_of(cli: Cli, disk: Disk) -> None:
    answer_validity()
    answer_balance()
    disk.write(LEGACY)
    result = cli("auth", "status", "--json", env=NO_KEY)
    assert result.json["apiKeySource"] == result.json["credentialStore"] == "legacy-file"
    assert result.json["migrationRequired"] is True
    assert "auth migrate" in cli("auth", "status", env=NO_KEY).stdout


def test_a_key_in_a_keychain_that_cannot_be_asked_is_told_of(
    cli: Cli, disk: Disk, keyring: FakeKeyring
) -> None:
    with respx.mock:
        answer_validity()
        log_in(cli, "k1-secret", "--store", "keychain")
    keyring.broken = RuntimeError("locked")
    result = cli("auth", "status", "--json", env=NO_KEY)
    assert result.status == 3
    assert result.json["error"]["code"] == "KEYCHAIN_UNAVAILABLE"


def test_status_works_in_the_sandbox(cli: Cli) -> None:
    result = cli("auth", "status", "--sandbox", "--json", env=NO_KEY)
    assert result.status == 0
    assert result.json["apiKeySource"] == "sandbox"
    assert result.json["balance"] == 10


# logout


@respx.mock
def test_logout_removes_the_profile_and_says_what_is_used_now(cli: Cli, disk: Disk) -> None:
    answer_validity()
    log_in(cli, "k1-secret")
    log_in(cli, "k2-secret", "--profile", "work")
    result = cli("auth", "logout", "--yes", "--json", env=NO_KEY)
    assert result.json == {
        "activeApiKeySource": "file",
        "configPath": str(disk.config),
        "currentProfile": "default",
        "ok": True,
        "profile": "work",
        "profiles": ["default"],
        "removed": True,
    }
    assert disk.key("work") is None


@respx.mock
def test_logout_says_that_the_environment_stays(cli: Cli, disk: Disk) -> None:
    answer_validity()
    log_in(cli, "k1-secret")
    assert "MODELLIX_API_KEY remains active" in cli("auth", "logout", "-y").stdout
    assert disk.empty


def test_logout_of_what_is_not_there_is_no_error(cli: Cli, disk: Disk) -> None:
    result = cli("auth", "logout", "--yes", "--json", env=NO_KEY)
    assert (result.status, result.json["removed"]) == (0, False)
    assert result.json["activeApiKeySource"] == "missing"
    assert "currentProfile" not in result.json
    assert cli("auth", "logout", "--yes", "-q", env=NO_KEY).stdout == ""
    assert not disk.folder.exists()


def test_logout_without_yes_and_a_terminal_is_exit_2(cli: Cli, disk: Disk) -> None:
    disk.write(LEGACY)
    result = cli("auth", "logout")
    assert result.status == 2
    assert "Pass --yes" in result.stderr
    assert disk.config.exists()


@pytest.mark.parametrize(("typed", "status"), [("y\n", 0), ("no\n", 1), ("", 1)])
def test_logout_at_a_terminal_asks(disk: Disk, at_terminal: Any, typed: str, status: int) -> None:
    disk.write(LEGACY)
    result = at_terminal("auth", "logout", typed=typed)
    assert result.status == status
    assert "Remove the saved Modellix profile old? [y/N]" in result.stderr
    assert disk.config.exists() is (status == 1)


def test_the_sandbox_leaves_the_saved_login_alone(cli: Cli, disk: Disk) -> None:
    disk.write(LEGACY)
    for arguments in (
        ("auth", "logout", "-y"),
        ("config", "clear", "-y"),
        ("auth", "migrate", "-y"),
    ):
        assert cli(*arguments, "--sandbox").status == 0
    assert json.loads(disk.config.read_text()) == LEGACY


@pytest.mark.parametrize(
    "line",
    [
        ("auth", "logout", "--yes"),
        ("config", "clear", "--yes"),
        ("auth", "login", "--api-key", "k1-secret"),
        ("init", "--api-key", "k1-secret"),
        ("auth", "import-env", "--env-var", "WORK_KEY"),
    ],
)
@pytest.mark.parametrize("saved", [False, True])
def test_the_key_that_a_killed_login_left_is_removed(
    cli: Cli, disk: Disk, line: tuple[str, ...], saved: bool
) -> None:
    with respx.mock:
        answer_validity()
        disk.folder.mkdir(parents=True)
        if saved:
            log_in(cli, "k1-secret")
        for stem in ("config", "credentials"):
            name = f".{stem}.4711.{uuid4()}.tmp"
            (disk.folder / name).write_text("k-SECRET")
        assert cli(*line, env=NO_KEY | {"WORK_KEY": "k1-secret"}).status == 0
    assert list(disk.folder.glob("*.tmp")) == list(disk.folder.glob(".*.tmp")) == []


# import-env


@respx.mock
def test_import_env_saves_the_key_of_a_variable(cli: Cli, disk: Disk) -> None:
    answer_validity()
    result = cli("auth", "import-env", "--env-var", "WORK_KEY", "--json", env={"WORK_KEY": "k-w\n"})
    assert result.json == {
        "clearEnvironmentVariable": "WORK_KEY",
        "credentialStore": "file",
        "ok": True,
        "origin": ORIGIN,
        "profile": "default",
        "saved": True,
        "valid": True,
    }
    assert disk.key("default") == "k-w"


@respx.mock
def test_import_env_takes_modellix_api_key_and_is_idempotent(cli: Cli, disk: Disk) -> None:
    answer_validity()
    assert cli("auth", "import-env", "-q").stdout == "default\n"
    assert disk.key("default") == KEY
    assert cli("auth", "import-env", "--json").json["saved"] is False


@respx.mock
def test_import_env_replaces_another_key_only_by_force(cli: Cli, disk: Disk) -> None:
    answer_validity()
    log_in(cli, "k-other")
    assert cli("auth", "import-env").status == 2
    assert disk.key("default") == "k-other"
    assert cli("auth", "import-env", "--force").status == 0
    assert disk.key("default") == KEY


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("NOT_SET", 3, "NOT_SET is empty or missing"),
        ("A-B", 2, "name is invalid"),
        ("", 2, "name is invalid"),
    ],
)
def test_import_env_needs_a_variable_with_a_key(
    cli: Cli, name: str, status: int, words: str
) -> None:
    result = cli("auth", "import-env", "--env-var", name)
    assert result.status == status
    assert words in result.stderr


# migrate


def test_migrate_converts_old_keys(cli: Cli, disk: Disk) -> None:
    disk.write(LEGACY)
    result = cli("auth", "migrate", "--yes", "--json")
    assert result.json == {
        "configPath": str(disk.config),
        "migrated": True,
        "ok": True,
        "origin": ORIGIN,
        "profiles": ["old"],
        "store": "file",
    }
    assert disk.key("old") == "mk-old-key"
    again = cli("auth", "migrate", "--yes", "--json").json
    assert (again["migrated"], again["profiles"]) == (False, ["old"])
    assert cli("auth", "migrate", "--yes", "-q").stdout == ""


def test_migrate_to_the_keychain(cli: Cli, disk: Disk, keyring: FakeKeyring) -> None:
    disk.write(LEGACY)
    assert cli("auth", "migrate", "--to", "keychain", "-y", "-q").stdout == "keychain\n"
    assert list(keyring.keys.values()) == ["mk-old-key"]


def test_migrate_without_yes_and_a_terminal_is_exit_2(cli: Cli, disk: Disk) -> None:
    disk.write(LEGACY)
    result = cli("auth", "migrate")
    assert result.status == 2
    assert "Pass --yes" in result.stderr
    assert json.loads(disk.config.read_text()) == LEGACY

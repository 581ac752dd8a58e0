"""Keys that the API refuses, cannot check, or that cannot be keys: what is said, and what helps."""

from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from tests.commands.login import NO_KEY, ORIGIN, Disk, answer_balance, sent_key
from tests.conftest import Cli
from tests.support import API, KEY, FakeClock, FakeKeyring, Terminal, invoke, problem

VALIDATE = f"{API}/apikey/validate"
QUOTED = [
    f"{left}{KEY}{right}"
    for left, right in ('""', "''", "\u201c\u201d", "\u2018\u2019", "\u00ab\u00bb", "``")
] + [f'"{KEY}', f"{KEY}'"]


@pytest.fixture
def disk(env: dict[str, str]) -> Disk:
    return Disk(env)


def answer_by_key(**valid: bool) -> respx.Route:
    """Let the API say of each key whether it is valid; 401 for those it does not know."""

    def answer(request: httpx.Request) -> httpx.Response:
        key = request.headers["Authorization"].removeprefix("Bearer ").replace("-", "_")
        if key not in valid:
            return httpx.Response(401, json=problem(401, "Authentication failed: unknown key"))
        return httpx.Response(200, json={"code": 0, "data": {"is_valid": valid[key]}})

    return respx.get(VALIDATE).mock(side_effect=answer)


def log_in(cli: Cli, key: str, *options: str) -> None:
    with respx.mock:
        respx.get(VALIDATE).respond(json={"code": 0, "data": {"is_valid": True}})
        result = cli("auth", "login", "--api-key", key, *options, env=NO_KEY)
    assert result.status == 0, result.stderr


# Not checked is not refused


@respx.mock
@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"side_effect": httpx.ConnectError("unreachable")}, 7),
        ({"side_effect": httpx.ConnectTimeout("slow")}, 7),
        ({"side_effect": httpx.ReadTimeout("slow")}, 7),
        ({"return_value": httpx.Response(429, json=problem(429, "Rate limit exceeded"))}, 6),
        ({"return_value": httpx.Response(503, json=problem(503, "breaker open"))}, 7),
        ({"return_value": httpx.Response(500, text="oops")}, 7),
        ({"return_value": httpx.Response(502, html="<html>")}, 7),
        ({"return_value": httpx.Response(200, html="<html>")}, 7),
        ({"return_value": httpx.Response(401, html="<h1>Sign in to the gateway</h1>")}, 7),
        ({"return_value": httpx.Response(403, html="<h1>Blocked</h1>")}, 7),
        ({"return_value": httpx.Response(401)}, 7),
        ({"return_value": httpx.Response(403, json={"message": "Forbidden"})}, 7),
        ({"return_value": httpx.Response(200, json={"code": 0, "data": {}})}, 7),
    ],
)
def test_a_key_that_could_not_be_checked_is_unknown(
    cli: Cli, answer: dict[str, Any], status: int
) -> None:
    respx.get(VALIDATE).mock(**answer)
    result = cli("auth", "status", "--json")
    assert result.status == status
    assert result.json["validation"] == "unknown"
    assert result.json["valid"] is result.json["authenticated"] is None
    assert result.json["ok"] is False
    assert result.json["error"]["exitCode"] == status
    assert result.stderr == ""
    words = cli("auth", "status")
    assert words.status == status
    assert "Validation: unknown" in words.stdout
    assert "not authenticated" not in words.stdout + words.stderr


@respx.mock
def test_status_does_not_open_the_ledger(cli: Cli, env: dict[str, str]) -> None:
    answer_by_key(**{KEY.replace("-", "_"): True})
    answer_balance()
    journal = Path(env["XDG_STATE_HOME"]) / "modellix" / "journal.db"
    journal.parent.mkdir(parents=True)
    journal.write_bytes(b"damaged" * 1000)
    result = cli("auth", "status")
    assert (result.status, result.stderr) == (0, "")
    assert [path.name for path in journal.parent.iterdir()] == ["journal.db"]
    assert journal.read_bytes() == b"damaged" * 1000


# The words that the vendor's clients search for (docs/spec/service.md 11)


@pytest.mark.parametrize(
    "line",
    [
        ("auth", "status"),
        ("auth", "login"),
        ("auth", "import-env"),
        ("init",),
        ("config", "show"),
        ("task", "get", "t-1"),
        ("model", "run", "a/b", "--body", "{}"),
    ],
)
def test_a_missing_key_is_told_in_the_words_that_clients_search_for(
    cli: Cli, line: tuple[str, ...]
) -> None:
    with respx.mock:
        result = cli(*line, "--json", env=NO_KEY)
        words = cli(*line, env=NO_KEY)
    if line == ("config", "show"):
        assert result.json["apiKeySource"] == "missing"
        return
    assert result.status == 3
    assert result.stderr == ""
    assert "missing api key" in result.json["error"]["message"].lower()
    assert "missing api key" in words.stderr.lower()


@respx.mock
@pytest.mark.parametrize("refusal", ["401", "is_valid"])
@pytest.mark.parametrize("line", [("auth", "status"), ("auth", "login"), ("init",), ("doctor",)])
def test_a_refused_key_is_told_in_the_words_that_clients_search_for(
    cli: Cli, line: tuple[str, ...], refusal: str
) -> None:
    known = {KEY.replace("-", "_"): False} if refusal == "is_valid" else {}
    answer_by_key(**known)
    result = cli(*line, "--json")
    assert result.status == (1 if line == ("doctor",) else 3)
    assert result.stderr == ""
    word = "invalid or inactive" if known else "401 unauthorized"
    assert word in result.stdout.lower()
    if line == ("auth", "status"):
        assert result.json["validation"] == "not authenticated"


@respx.mock
@pytest.mark.parametrize("status", [401, 403])
def test_a_gateways_page_says_nothing_about_a_key(cli: Cli, status: int) -> None:
    respx.get(VALIDATE).respond(status, html="<h1>Sign in to the gateway</h1>")
    login = cli("auth", "login", "--json")
    assert (login.status, login.json["error"]["code"]) == (7, "BAD_REPLY")
    checks = {check["name"]: check for check in cli("doctor", "--json").json["checks"]}
    assert not checks["connectivity"]["ok"]
    assert f"answered {status}" in checks["connectivity"]["detail"]
    assert "validation" not in checks


# Where the key came from


@respx.mock
@pytest.mark.parametrize(
    ("options", "variables", "words"),
    [
        (("--api-key", "k-bad"), NO_KEY, ("--api-key",)),
        ((), {"MODELLIX_API_KEY": "k-bad"}, ("MODELLIX_API_KEY", "unset")),
        (
            ("--profile", "default"),
            NO_KEY,
            ("profile default", "auth login --profile default"),
        ),
        (
            ("--profile", "work"),
            NO_KEY,
            ("profile work", "auth login --profile work", "--api-key-stdin"),
        ),
        ((), NO_KEY | {"MODELLIX_PROFILE": "work"}, ("auth login --profile work",)),
    ],
)
@pytest.mark.parametrize(
    "line",
    [
        ("task", "get", "t-1"),
        ("model", "run", "a/b", "--body", "{}"),
        ("model", "list"),
        ("auth", "status"),
        ("auth", "login"),
        ("doctor",),
    ],
)
def test_every_message_about_a_refused_key_names_its_source(
    cli: Cli,
    line: tuple[str, ...],
    options: tuple[str, ...],
    variables: dict[str, str | None],
    words: tuple[str, ...],
) -> None:
    log_in(cli, "k-bad", "--profile", "work")
    log_in(cli, "k-bad", "--profile", "default")
    respx.route().respond(401, json=problem(401, "Authentication failed: key revoked"))
    for output in ((), ("--json",)):
        result = cli(*line, *options, *output, env=variables)
        told = result.stdout + result.stderr
        assert "key revoked" in told
        for word in words:
            assert word in told
        if "MODELLIX_API_KEY" not in words:
            assert "Check MODELLIX_API_KEY" not in told
            assert "MODELLIX_API_KEY" not in told


@respx.mock
def test_a_batch_that_a_refused_key_stops_names_its_source(cli: Cli, work: Path) -> None:
    log_in(cli, "k-bad", "--profile", "work")
    respx.route().respond(401, json=problem(401, "Authentication failed: key revoked"))
    (work / "tasks.jsonl").write_text('{"modelSlug": "a/b", "body": {}}\n')
    result = cli("model", "batch", "tasks.jsonl", "--yes", "--profile", "work", env=NO_KEY)
    assert "auth login --profile work" in result.stderr


@respx.mock
def test_import_env_names_the_variable_that_was_refused(cli: Cli) -> None:
    answer_by_key()
    result = cli("auth", "import-env", "--env-var", "WORK_KEY", env={"WORK_KEY": "k-bad"})
    assert result.status == 3
    assert "WORK_KEY" in result.stderr


# A saved key that was revoked is replaced


@respx.mock
@pytest.mark.parametrize("command", [("auth", "login"), ("init",)])
@pytest.mark.parametrize("refusal", ["401", "is_valid"])
def test_a_revoked_saved_key_is_replaced_from_stdin_without_force(
    cli: Cli, disk: Disk, command: tuple[str, ...], refusal: str
) -> None:
    log_in(cli, "k-old", "--profile", "work")
    answer_by_key(k_new=True, **({"k_old": False} if refusal == "is_valid" else {}))
    line = (*command, "--profile", "work", "--api-key-stdin", "--json")
    result = cli(*line, stdin=b"k-new\n", env=NO_KEY)
    assert (result.status, result.stderr) == (0, "")
    assert result.json["saved"] is True
    assert disk.key("work") == "k-new"


@respx.mock
def test_import_env_replaces_a_revoked_key_without_force(cli: Cli, disk: Disk) -> None:
    log_in(cli, "k-old")
    answer_by_key(k_new=True)
    assert cli("auth", "import-env", env={"MODELLIX_API_KEY": "k-new"}).status == 0
    assert disk.key("default") == "k-new"


@respx.mock
@pytest.mark.parametrize("status", [403, 429, 503])
def test_a_saved_key_that_was_not_refused_is_not_replaced_without_force(
    cli: Cli, disk: Disk, status: int
) -> None:
    log_in(cli, "k-old")
    respx.get(VALIDATE).respond(status, json=problem(status, "no"))
    result = cli("auth", "login", "--api-key-stdin", stdin=b"k-new", env=NO_KEY)
    assert result.status == 2
    assert "--force" in result.stderr
    assert disk.key("default") == "k-old"


@respx.mock
@pytest.mark.parametrize("command", [("auth", "login"), ("init",)])
def test_at_a_terminal_a_revoked_saved_key_is_asked_for_again(
    cli: Cli,
    disk: Disk,
    env: dict[str, str],
    work: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
) -> None:
    log_in(cli, "k-old")
    route = answer_by_key(k_new=True)
    monkeypatch.setattr("modellix_cli.workflows.login.ask_secret", lambda *_: "k-new")
    del env["MODELLIX_API_KEY"]
    streams = {"stdin": Terminal(), "stdout": Terminal(), "stderr": Terminal()}
    result = invoke(*command, env=env, cwd=work, clock=FakeClock(), **streams)
    assert result.status == 0, result.stderr
    assert "API key saved for profile default does not work any more" in result.stderr
    assert sent_key(route) == "k-new"
    assert disk.key("default") == "k-new"


@respx.mock
def test_without_a_terminal_a_revoked_saved_key_is_exit_3_and_says_how_to_replace_it(
    cli: Cli, disk: Disk
) -> None:
    log_in(cli, "k-old", "--profile", "work")
    answer_by_key()
    result = cli("auth", "login", "--json", env=NO_KEY)
    assert result.status == 3
    hint = result.json["error"]["hint"]
    assert "saved for profile work" in hint
    assert "modellix-cli auth login --profile work" in hint
    assert "--api-key-stdin" in hint
    assert disk.key("work") == "k-old"


# Keys in quotation marks


@pytest.mark.parametrize("quoted", QUOTED)
@pytest.mark.parametrize(
    ("line", "place"),
    [
        (("auth", "login"), "MODELLIX_API_KEY"),
        (("auth", "import-env"), "MODELLIX_API_KEY"),
        (("init",), "MODELLIX_API_KEY"),
        (("task", "get", "t-1"), "MODELLIX_API_KEY"),
        (("auth", "login", "--api-key-stdin"), "stdin"),
    ],
)
def test_a_key_in_quotation_marks_is_refused_and_never_shown(
    cli: Cli, disk: Disk, line: tuple[str, ...], place: str, quoted: str
) -> None:
    with respx.mock:
        result = cli(*line, env={"MODELLIX_API_KEY": quoted}, stdin=quoted.encode())
    assert result.status == 2
    assert f"The API key {'from' if place == 'stdin' else 'in'} {place}" in result.stderr
    assert "quotation marks" in result.stderr
    assert KEY not in result.stdout + result.stderr
    assert disk.empty


def test_a_quoted_key_as_an_option_is_refused(cli: Cli) -> None:
    with respx.mock:
        result = cli("task", "get", "t-1", "--api-key", f'"{KEY}"')
    assert result.status == 2
    assert "The API key in --api-key is in quotation marks" in result.stderr


def test_a_quoted_key_that_is_saved_is_told_with_its_profile(cli: Cli, disk: Disk) -> None:
    disk.write({"profiles": {"work": {"apiKey": f'"{KEY}"'}}})
    with respx.mock:
        result = cli("task", "get", "t-1", "--profile", "work", env=NO_KEY)
    assert result.status == 3
    assert "the key saved for profile work is in quotation marks" in result.stderr
    assert "auth login --profile work" in result.stderr
    assert KEY not in result.stderr


def test_a_quoted_key_in_the_keychain_is_told(cli: Cli, disk: Disk, keyring: FakeKeyring) -> None:
    log_in(cli, "k-old", "--store", "keychain")
    for place in keyring.keys:
        keyring.keys[place] = "'k-old'"
    with respx.mock:
        result = cli("task", "get", "t-1", env=NO_KEY)
    assert result.status == 3
    assert "quotation marks" in result.stderr
    assert ORIGIN

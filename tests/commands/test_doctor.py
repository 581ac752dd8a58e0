"""`doctor`: what is checked, in which order, and what a failure is called."""

import socket
import threading
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import respx

from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.marks import LedgerMarks, set_incomplete
from tests.conftest import Cli
from tests.support import API, KEY, FakeClock, Result, Terminal, invoke, problem, task_reply

VALIDATE = f"{API}/apikey/validate"
BALANCE = f"{API}/team/balance"
SERVICE = ["python", "apiKey", "connectivity", "validation", "balance"]
MACHINE = [
    "dns",
    "tls",
    "version",
    "config",
    "project",
    "clock",
    "stateFolder",
    "ledger",
    "rateLimit",
    "proxy",
    "caBundle",
]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def healthy(
    valid: bool = True, balance: float = 12.5, headers: dict[str, str] | None = None
) -> None:
    respx.get(VALIDATE).respond(json={"code": 0, "data": {"is_valid": valid}}, headers=headers)
    respx.get(BALANCE).respond(json={"code": 0, "data": {"balance": balance}})


def checks(result: Result) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in every_check(result.json)}


def every_check(shown: Any) -> list[dict[str, Any]]:
    return [*shown["checks"], *shown["machineChecks"]]


@respx.mock
def test_a_healthy_machine_passes_every_check_in_the_documented_order(
    cli: Cli, clock: FakeClock
) -> None:
    healthy(headers={"Date": formatdate(clock.now(), usegmt=True)})
    result = cli("doctor", "--json")
    assert result.status == 0
    shown = result.json
    assert (shown["ok"], shown["apiKeySource"]) == (True, "environment")
    assert (shown["profile"], shown["profileSource"]) == ("default", "default")
    assert [check["name"] for check in shown["checks"]] == SERVICE
    assert [check["name"] for check in shown["machineChecks"]] == MACHINE
    assert all(check["ok"] for check in every_check(shown))
    required = [check["name"] for check in shown["checks"] if check["required"]]
    assert required == SERVICE[:4]
    assert checks(result)["balance"]["detail"] == "$12.5000 USD"
    assert KEY not in result.stdout


@respx.mock
def test_words_label_each_check_and_quiet_is_one_word(cli: Cli) -> None:
    healthy(balance=0)
    lines = cli("doctor").stdout.splitlines()
    assert lines[0] == "Modellix CLI doctor"
    assert lines[2].startswith("[PASS] apiKey: ")
    assert lines[5].startswith("[WARN] balance: $0.0000 USD")
    assert lines[-1] == "All required checks passed."
    assert cli("doctor", "-q").stdout == "ok\n"


@respx.mock
def test_without_a_key_the_connection_is_tried_and_the_key_is_what_to_fix_first(cli: Cli) -> None:
    route = respx.get(VALIDATE).respond(401, json=problem(401, "Authentication failed: no key"))
    result = cli("doctor", env={"MODELLIX_API_KEY": None})
    quiet = cli("doctor", "-q", env={"MODELLIX_API_KEY": None})
    shown = cli("doctor", "--json", env={"MODELLIX_API_KEY": None})
    assert "Authorization" not in route.calls.last.request.headers
    assert result.status == 1
    assert "[FAIL] apiKey: Missing API key." in result.stdout
    assert "[PASS] connectivity: Reached https://api.modellix.ai without a key." in result.stdout
    for name in ("dns", "tls"):
        assert f"[PASS] {name}: " in result.stdout
    for name in ("validation", "balance"):
        assert f"[SKIP] {name}: Not checked: no API key" in result.stdout
    assert "One or more required checks failed." in result.stdout
    assert result.stdout.endswith("Fix this first: apiKey.\n")
    assert (quiet.status, quiet.stdout) == (1, "failed\n")
    assert shown.json["apiKeySource"] == "missing"
    assert shown.json["fixFirst"] == "apiKey"
    assert "error" not in shown.json
    assert list(checks(shown)) == [*SERVICE[:3], *MACHINE]


def test_without_a_key_and_a_network_the_network_is_what_to_fix_first(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*args: object, **options: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    result = cli("doctor", "--json", env={"MODELLIX_API_KEY": None})
    found = checks(result)
    assert result.json["fixFirst"] == "dns"
    assert found["dns"]["cause"] == found["connectivity"]["cause"] == "dns"
    assert found["tls"]["skipped"] is True
    told = cli("doctor", env={"MODELLIX_API_KEY": None}).stdout
    assert told.endswith("Fix this first: dns.\n")
    assert told.count("cannot be resolved") == 1


@respx.mock
def test_a_healthy_machine_has_nothing_to_fix_first(cli: Cli) -> None:
    healthy()
    assert "fixFirst" not in cli("doctor", "--json").json
    assert "Fix" not in cli("doctor").stdout


@respx.mock
def test_labels_have_colours_at_a_terminal_only(cli: Cli, env: dict[str, str], work: Path) -> None:
    healthy(balance=0)
    shown = invoke("doctor", env=env, cwd=work, stdout=Terminal()).stdout
    assert "\x1b[32m[PASS]\x1b[0m python: " in shown
    assert "\x1b[33m[WARN]\x1b[0m balance: " in shown
    assert "\x1b[" not in cli("doctor").stdout
    plain = invoke("doctor", "--no-color", env=env, cwd=work, stdout=Terminal()).stdout
    assert "\x1b[" not in plain


@respx.mock
def test_the_rate_limit_headers_are_in_the_json(cli: Cli) -> None:
    healthy(headers={"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "42"})
    assert cli("doctor", "--json").json["rateLimit"] == {"limit": 100, "remaining": 42}
    healthy()
    assert "rateLimit" not in cli("doctor", "--json").json


@respx.mock
@pytest.mark.parametrize("name", ["ledger.db", "journal.db"])
@pytest.mark.parametrize("content", [b"damaged" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_ledger_is_told_and_left_as_it_is(
    cli: Cli, env: dict[str, str], name: str, content: bytes
) -> None:
    healthy()
    ledger = Path(env["XDG_STATE_HOME"]) / "modellix" / name
    ledger.parent.mkdir(parents=True)
    ledger.write_bytes(content)
    result = cli("doctor", "--json")
    assert (result.status, result.stderr) == (0, "")
    assert not checks(result)["ledger"]["ok"]
    assert str(ledger) in checks(result)["ledger"]["detail"]
    assert ledger.read_bytes() == content
    assert [path.name for path in ledger.parent.iterdir()] == [name]


@respx.mock
def test_the_mark_of_an_incomplete_ledger_is_told_and_stays(
    cli: Cli, env: dict[str, str], clock: FakeClock
) -> None:
    healthy()
    folder = Path(env["XDG_STATE_HOME"]) / "modellix"
    file = LedgerFile(folder, clock)
    file.transact(lambda db: set_incomplete(db, "damaged page", clock.now(), 3))
    file.close()
    for _ in range(2):
        found = checks(cli("doctor", "--json"))["ledger"]
        assert not found["ok"]
        assert "ledger acknowledge" in found["detail"]
    file = LedgerFile(folder, clock)
    assert LedgerMarks(file).incomplete() is not None
    file.close()


@respx.mock
def test_a_key_that_is_not_valid_fails_validation(cli: Cli) -> None:
    healthy(valid=False)
    result = cli("doctor", "--json")
    assert result.status == 1
    assert checks(result)["connectivity"]["ok"]
    assert not checks(result)["validation"]["ok"]
    assert "balance" not in checks(result)


@respx.mock
def test_a_key_that_is_refused_fails_validation_with_the_servers_reason(cli: Cli) -> None:
    respx.get(VALIDATE).respond(401, json=problem(401, "Authentication failed: expired"))
    found = checks(cli("doctor", "--json"))
    assert found["connectivity"]["ok"]
    assert "expired" in found["validation"]["detail"]


@respx.mock
def test_a_service_in_trouble_fails_connectivity_after_a_second_try(cli: Cli) -> None:
    route = respx.get(VALIDATE).respond(503, json=problem(503, "Unavailable: breaker open"))
    result = cli("doctor", "--json")
    assert result.status == 1
    assert "breaker open" in checks(result)["connectivity"]["detail"]
    assert route.call_count == 2


@respx.mock
def test_trouble_with_the_balance_is_only_a_warning(cli: Cli) -> None:
    healthy()
    respx.get(BALANCE).respond(403, json=problem(403, "Forbidden: not yours"))
    result = cli("doctor", "--json")
    assert result.status == 0
    assert not checks(result)["balance"]["ok"]
    assert "not yours" in checks(result)["balance"]["detail"]


@pytest.mark.parametrize(
    ("arguments", "source", "word"),
    [
        (("--profile", "a b"), "missing", "profile name"),
        (("--base-url", "http://api.example.com"), "missing", "HTTPS"),
        (("--api-key", "a b"), "missing", "unsupported characters"),
    ],
)
def test_a_wrong_setting_is_told_by_the_key_check(
    cli: Cli, arguments: tuple[str, ...], source: str, word: str
) -> None:
    with respx.mock:
        respx.get(VALIDATE).respond(401, json=problem(401, "Authentication failed: no key"))
        result = cli("doctor", *arguments, "--json")
    assert result.status == 1
    assert result.json["apiKeySource"] == source
    assert result.json["fixFirst"] == "apiKey"
    assert word in checks(result)["apiKey"]["detail"]
    reached = checks(result)["connectivity"]
    assert reached.get("skipped") if word == "HTTPS" else reached["ok"]


def test_a_broken_config_is_told(cli: Cli, env: dict[str, str]) -> None:
    path = Path(env["XDG_CONFIG_HOME"]) / "modellix" / "config.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with respx.mock:
        respx.get(VALIDATE).respond(401, json=problem(401, "Authentication failed: no key"))
        found = checks(cli("doctor", "--json", env={"MODELLIX_API_KEY": None}))
    assert "invalid JSON" in found["apiKey"]["detail"]
    assert not found["config"]["ok"]


@respx.mock
@pytest.mark.parametrize(
    ("offset", "ok", "words"),
    [(59, True, "Within"), (-59, True, "Within"), (61, False, "behind"), (-61, False, "ahead of")],
)
def test_the_clock_is_compared_with_the_servers(
    cli: Cli, clock: FakeClock, offset: float, ok: bool, words: str
) -> None:
    healthy(headers={"Date": formatdate(clock.now() + offset, usegmt=True)})
    found = checks(cli("doctor", "--json"))["clock"]
    assert found["ok"] is ok
    assert words in found["detail"]


@respx.mock
@pytest.mark.parametrize(
    ("headers", "ok", "words"),
    [
        ({"Limit": "100", "Remaining": "42"}, True, "42 of 100"),
        ({"Remaining": "0", "Reset": "1800000060"}, False, "until"),
        ({"Remaining": "many"}, True, "does not say"),
        ({"Remaining": "5", "Reset": "9" * 40}, True, "5 requests left."),
        ({}, True, "does not say"),
    ],
)
def test_the_requests_left_are_told(
    cli: Cli, headers: dict[str, str], ok: bool, words: str
) -> None:
    healthy(headers={f"X-RateLimit-{name}": value for name, value in headers.items()})
    found = checks(cli("doctor", "--json"))["rateLimit"]
    assert found["ok"] is ok
    assert words in found["detail"]


@respx.mock
def test_a_check_that_goes_through_ends_what_earlier_commands_were_told_to_wait(
    cli: Cli, clock: FakeClock
) -> None:
    told = {"Retry-After": "3600"}
    respx.get(f"{API}/tasks/task-1").respond(429, json=problem(429, "slow down"), headers=told)
    assert cli("task", "get", "task-1").status == 6
    refused = cli("task", "get", "task-1")
    assert respx.calls.call_count == 1
    assert "modellix-cli doctor" in refused.stderr
    healthy()
    assert cli("doctor").status == 0
    respx.get(f"{API}/tasks/task-1").respond(json=task_reply("task-1"))
    assert cli("task", "get", "task-1").status == 0
    assert sum(clock.slept) == 0


@respx.mock
def test_a_state_folder_that_cannot_be_written_is_a_warning(cli: Cli, work: Path) -> None:
    healthy()
    (work / "file").touch()
    result = cli("doctor", "--json", env={"XDG_STATE_HOME": str(work / "file")})
    assert result.status == 0
    assert not checks(result)["stateFolder"]["ok"]
    assert not checks(result)["ledger"]["ok"]


def test_the_sandbox_needs_no_key(cli: Cli) -> None:
    result = cli("doctor", "--sandbox", "--json", env={"MODELLIX_API_KEY": None})
    assert result.status == 0
    assert result.json["apiKeySource"] == "sandbox"
    assert checks(result)["balance"]["detail"] == "$10.0000 USD"
    assert "of 100 requests left" in checks(result)["rateLimit"]["detail"]


def connectivity(cli: Cli, *options: str) -> dict[str, Any]:
    return checks(cli("doctor", "--json", *options))["connectivity"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_a_refused_connection_is_named(cli: Cli) -> None:
    found = connectivity(cli, "--base-url", f"http://127.0.0.1:{free_port()}")
    assert found["cause"] == "refused"
    assert "base URL" in found["detail"]
    assert found["detail"].casefold().count("nothing listens there") == 1


def test_a_name_that_does_not_resolve_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **options: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    found = connectivity(cli, "--base-url", "http://nowhere.example", "--allow-http-api")
    assert found["cause"] == "dns"
    assert "cannot be resolved" in found["detail"]


@pytest.mark.parametrize(
    ("login", "words"),
    [("me:secret", "connection refused"), ("me:pass/secret", "not valid")],
)
def test_a_proxy_in_the_way_is_named_without_its_password(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, login: str, words: str
) -> None:
    proxy = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("HTTPS_PROXY", f"http://{login}@{proxy}")
    result = cli("doctor", "--json")
    found = checks(result)
    assert found["connectivity"]["cause"] == "proxy"
    assert f"the proxy http://{proxy}" in found["connectivity"]["detail"]
    assert words in found["connectivity"]["detail"]
    assert found["proxy"]["detail"].startswith(f"http://{proxy} ")
    assert "secret" not in result.stdout + result.stderr


def test_a_server_that_speaks_no_tls_is_named(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        found = connectivity(cli, "--base-url", f"https://127.0.0.1:{server.getsockname()[1]}")
    assert found["cause"] == "tls"


def test_a_certificate_bundle_that_cannot_be_read_is_named(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    found = checks(cli("doctor", "--json"))
    assert found["connectivity"]["cause"] == "certificates"
    assert "/nowhere/ca.pem" in found["caBundle"]["detail"]
    assert not found["caBundle"]["ok"]


@respx.mock
def test_a_certificate_bundle_of_the_users_is_shown(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy()
    bundle = Path(__file__).parent.parent / "data" / "ca.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    assert str(bundle) in checks(cli("doctor", "--json"))["caBundle"]["detail"]


@pytest.mark.parametrize("text", ["", "model = 5"])
def test_a_file_of_settings_that_cannot_be_used_is_found(cli: Cli, work: Path, text: str) -> None:
    (work / "modellix.toml").write_text(text, encoding="utf-8")
    found = checks(cli("doctor", "--json"))["project"]
    assert found["ok"] is (not text)
    assert str(work / "modellix.toml") in found["detail"]

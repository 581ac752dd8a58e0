"""The global options and variables: where they may stand, which wins."""

import io
from pathlib import Path

import pytest
import respx

from modellix_cli.__main__ import wants_envelope
from modellix_cli.domain.errors import Stopped
from tests.conftest import Cli
from tests.support import API, FakeClock, Terminal, accepted, invoke, task_reply

GET = ("task", "get", "t-1")


@respx.mock
@pytest.mark.parametrize(
    "arguments",
    [
        ("-q", *GET),
        ("task", "-q", "get", "t-1"),
        ("task", "get", "-q", "t-1"),
        (*GET, "-q"),
        ("--output", "quiet", *GET),
        (*GET, "--output=quiet"),
        ("--quiet", "--json", *GET),
    ],
)
def test_global_options_stand_anywhere(cli: Cli, arguments: tuple[str, ...]) -> None:
    respx.get(f"{API}/tasks/t-1").respond(json=task_reply("t-1"))
    assert cli(*arguments).stdout == "t-1\n"


@respx.mock
def test_json_beats_other_outputs_and_quiet_beats_json(cli: Cli) -> None:
    respx.get(f"{API}/tasks/t-1").respond(json=task_reply("t-1"))
    assert cli(*GET, "--json", "--output", "human").json == task_reply("t-1")
    assert cli(*GET, "--json", "-q").stdout == "t-1\n"


def test_an_option_at_two_levels_is_refused(cli: Cli) -> None:
    result = cli("--output", "json", *GET, "--output", "human")
    assert result.status == 2
    assert "--output can only be given once" in result.stdout + result.stderr


@respx.mock
def test_the_base_url_flag_beats_the_variable(cli: Cli) -> None:
    route = respx.get("http://localhost:5/api/v1/tasks/t-1").respond(json=task_reply("t-1"))
    variable: dict[str, str | None] = {"MODELLIX_BASE_URL": "http://localhost:5/"}
    assert cli(*GET, env=variable).status == 0
    other = cli(
        *GET, "--base-url", "http://localhost:5", env={"MODELLIX_BASE_URL": "http://localhost:6"}
    )
    assert other.status == 0
    assert route.call_count == 2


@respx.mock
def test_the_documented_base_with_its_path_is_the_same_address(cli: Cli) -> None:
    respx.post(f"{API}/a/b/async").respond(json=accepted("task-1"))
    run = ("model", "run", "a/b", "--body", "{}", "--resume")
    assert cli(*run, "--base-url", API).json["data"]["task_id"] == "task-1"
    again = cli(*run, env={"MODELLIX_BASE_URL": "https://api.modellix.ai./api/v1/"})
    assert again.json["reused"] is True
    assert cli(*run).json["reused"] is True


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x",
        "nonsense",
        "http://api.example.com",
        "https://u:p@x",
        "https://x/?a=b",
        "https://x#f",
        "https://",
        "https://x:99999",
    ],
)
def test_a_bad_base_url_is_refused_before_any_request(cli: Cli, url: str) -> None:
    with respx.mock:
        result = cli(*GET, "--base-url", url)
    assert result.status == 2
    assert "base URL" in result.stderr


@respx.mock
def test_plain_http_needs_a_flag_unless_it_is_this_machine(cli: Cli) -> None:
    respx.get("http://lan.example/api/v1/tasks/t-1").respond(json=task_reply("t-1"))
    assert cli(*GET, "--base-url", "http://lan.example").status == 2
    assert cli(*GET, "--base-url", "http://lan.example", "--allow-http-api").status == 0


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("task get x --json", True),
        ("--json task get x", True),
        ("task get x --output json", True),
        ("task get x --output=json", True),
        ("task get x", False),
        ("task get x --json -q", False),
        ("task get x --json --quiet", False),
        ("task get x --json -vq", False),
        ("task get x --json --output quiet", False),
        ("task get -- --json", False),
    ],
)
def test_the_envelope_is_for_json_asked_for_in_writing(line: str, wanted: bool) -> None:
    assert wants_envelope(line.split()) is wanted


def test_help_wins_over_anything_else_on_the_line(cli: Cli) -> None:
    shown = cli(*GET, "--bogus", "--help")
    assert shown.status == 0
    assert "Usage: modellix-cli task get" in shown.stdout


def test_reading_stdin_from_a_terminal_is_refused_at_once(
    env: dict[str, str], work: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modellix_cli.runtime.is_terminal", lambda stream: True)
    result = invoke("model", "run", "a/b", "--body-file", "-", env=env, cwd=work, clock=clock)
    assert result.status == 2
    assert "Pipe JSON to stdin" in result.stderr


@respx.mock
def test_a_terminal_gets_coloured_json(env: dict[str, str], work: Path) -> None:
    respx.get(f"{API}/tasks/t-1").respond(json=task_reply("t-1"))
    assert "\x1b[" in invoke(*GET, env=env, cwd=work, stdout=Terminal()).stdout
    plain = invoke(*GET, "--no-color", env=env, cwd=work, stdout=Terminal())
    assert "\x1b[" not in plain.stdout


class Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


class Gone(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


@respx.mock
@pytest.mark.parametrize(("stdout", "status"), [(Full(), 1), (Gone(), 141)])
def test_a_task_paid_for_is_named_when_stdout_fails(
    env: dict[str, str], work: Path, stdout: io.StringIO, status: int
) -> None:
    data = {"status": "pending", "task_id": "task-1"}
    respx.post(f"{API}/a/b/async").respond(json={"code": 0, "data": data})
    result = invoke(
        "model", "run", "a/b", "--body", "{}", "--json", env=env, cwd=work, stdout=stdout
    )
    assert result.status == status
    assert "task-1" in result.stderr


@respx.mock
def test_an_unexpected_failure_is_an_error_not_a_traceback(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    respx.get(f"{API}/tasks/t-1").respond(json=task_reply("t-1"))

    def broken(*args: object) -> None:
        raise RuntimeError("the unexpected")

    monkeypatch.setattr("modellix_cli.output.render.task_state", broken)
    result = cli(*GET)
    assert result.status == 1
    assert "the unexpected" in result.stderr
    assert "Traceback" not in result.stderr
    assert "Traceback" in cli(*GET, "--debug").stderr


@respx.mock
@pytest.mark.parametrize(("stop", "status"), [(KeyboardInterrupt(), 130), (Stopped(15), 143)])
def test_ctrl_c_and_signals_are_told_by_every_command(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, stop: KeyboardInterrupt, status: int
) -> None:
    def interrupt(*args: object, **options: object) -> None:
        raise stop

    monkeypatch.setattr("modellix_cli.api.client.Client.task", interrupt)
    result = cli(*GET, "--json")
    assert result.status == status
    assert result.json["error"]["code"] == "INTERRUPTED"
    assert "Interrupted." in result.stderr

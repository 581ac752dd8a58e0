"""How results are written where no option says so: at a terminal, in a pipe, in CI, pinned."""

import json
from pathlib import Path

import pytest
import respx

from tests.conftest import Cli
from tests.support import API, FakeClock, Result, Terminal, accepted, invoke, task_reply

URL = "https://cdn.example.com/a.png"
GIF = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
DOWNLOAD = ("task", "download", "t-1")
GET = ("task", "get", "t-1")
RUN = ("model", "run", "a/b", "--body", '{"prompt": "a cat"}')


def at_terminal(env: dict[str, str], work: Path, clock: FakeClock, *arguments: str) -> Result:
    plain = {"NO_COLOR": "1", "COLUMNS": "80"} | env
    return invoke(*arguments, env=plain, cwd=work, clock=clock, stdout=Terminal())


def task() -> dict[str, object]:
    resource = {"url": URL, "type": "image", "width": 1024, "height": 768, "format": "png"}
    more = {"duration": 3500, "billing": {"amount": 0.03}, "result": {"resources": [resource]}}
    reply = task_reply("t-1", "success", **more)
    respx.get(f"{API}/tasks/t-1").respond(json=reply)
    return reply


SUMMARY = [
    "Task:    t-1",
    "Model:   m",
    "Status:  success in 3.5s",
    "Billed:  $0.03",
    f"Result:  {URL}  (png, 1024×768)",
]


@respx.mock
def test_a_terminal_gets_a_summary_and_a_pipe_the_reply(
    env: dict[str, str], work: Path, clock: FakeClock, cli: Cli
) -> None:
    reply = task()
    assert at_terminal(env, work, clock, *GET).stdout.splitlines() == SUMMARY
    assert cli(*GET).json == reply


@respx.mock
@pytest.mark.parametrize(
    ("more", "options"),
    [
        ({}, ["--json"]),
        ({}, ["--output", "json"]),
        ({"MODELLIX_OUTPUT": "json"}, []),
        ({"CI": "1"}, []),
    ],
)
def test_json_at_a_terminal_where_asked_for_and_in_ci(
    env: dict[str, str],
    work: Path,
    clock: FakeClock,
    more: dict[str, str],
    options: list[str],
) -> None:
    reply = task()
    assert json.loads(at_terminal(env | more, work, clock, *GET, *options).stdout) == reply


@respx.mock
def test_the_variable_pins_words_in_a_pipe_and_an_option_beats_it(cli: Cli) -> None:
    reply = task()
    pinned: dict[str, str | None] = {"MODELLIX_OUTPUT": "Human"}
    assert cli(*GET, env=pinned).stdout.splitlines() == SUMMARY
    assert cli(*GET, "--json", env=pinned).json == reply
    assert cli(*GET, "-q", env=pinned).stdout == f"{URL}\n"


def test_the_variable_pins_json_for_commands_that_print_words(cli: Cli) -> None:
    pinned: dict[str, str | None] = {"MODELLIX_OUTPUT": "json"}
    assert cli("task", "history", env=pinned).json["entries"] == []
    assert cli("config", "path", env=pinned).json["configPath"]


def test_a_script_for_a_shell_is_no_json(cli: Cli) -> None:
    pinned: dict[str, str | None] = {"MODELLIX_OUTPUT": "json"}
    assert cli("completion", "bash", env=pinned).stdout == cli("completion", "bash").stdout
    assert cli("completion", "bash", "--json", env=pinned).json["shell"] == "bash"


def test_a_wrong_value_is_named(cli: Cli) -> None:
    result = cli("task", "history", env={"MODELLIX_OUTPUT": "yaml"})
    assert result.status == 2
    assert 'MODELLIX_OUTPUT="yaml" is not one of: human, json.' in result.stderr


def test_failures_stay_words_unless_json_is_written_on_the_command_line(cli: Cli) -> None:
    result = cli("task", "get", "", env={"MODELLIX_OUTPUT": "json"})
    assert (result.status, result.stdout) == (2, "")


@respx.mock
def test_a_submission_says_how_to_wait_for_it(
    env: dict[str, str], work: Path, clock: FakeClock
) -> None:
    respx.post(f"{API}/a/b/async").respond(json=accepted("t-1"))
    result = at_terminal(env, work, clock, *RUN)
    assert result.stdout == "Task:    t-1\nModel:   a/b\nStatus:  pending\n"
    assert result.stderr == "Wait for it with: modellix-cli task wait t-1\n"


@respx.mock
def test_a_task_that_runs_says_since_when_and_how_to_wait(
    env: dict[str, str], work: Path, clock: FakeClock
) -> None:
    respx.post(f"{API}/a/b/async").respond(json=accepted("t-1"))
    respx.get(f"{API}/tasks/t-1").respond(json=task_reply("t-1", "processing"))
    at_terminal(env, work, clock, *RUN)
    clock.sleep(125)
    result = at_terminal(env, work, clock, *GET)
    assert result.stdout == (
        "Task:    t-1\nModel:   a/b\nStatus:  processing, submitted 2m 05s ago\n"
    )
    assert result.stderr == "Wait for it with: modellix-cli task wait t-1\n"


@respx.mock
def test_why_a_task_failed_is_told(env: dict[str, str], work: Path, clock: FakeClock) -> None:
    reply = task_reply("t-1", "failed", error={"message": "The prompt was refused."})
    respx.get(f"{API}/tasks/t-1").respond(json=reply)
    shown = at_terminal(env, work, clock, *GET).stdout
    assert "Status:  failed\nReason:  The prompt was refused.\n" in shown


@respx.mock
def test_what_is_saved_is_named_once_and_needs_no_saving(
    env: dict[str, str], work: Path, clock: FakeClock
) -> None:
    resource = {"url": GIF, "type": "image", "width": 1, "height": 1}
    reply = task_reply("t-1", "success", result={"resources": [resource]})
    respx.get(f"{API}/tasks/t-1").respond(json=reply)
    path = work / "out" / "result-t1.gif"
    wide = env | {"COLUMNS": "300"}
    download = (*DOWNLOAD, "--output-dir", str(path.parent))
    assert at_terminal(wide, work, clock, *download).stdout.splitlines() == [
        f"Downloaded 1 resource to {path.parent}:",
        f"{path}  (gif, 1×1, {path.stat().st_size} B)",
    ]
    again = at_terminal(wide, work, clock, *GET)
    assert again.stdout.splitlines()[3:] == [f"Saved:   {path}  (gif, 1×1, 42 B)"]
    assert again.stderr == ""


@respx.mock
def test_several_tasks_are_a_table(env: dict[str, str], work: Path, clock: FakeClock) -> None:
    for number, status in ((1, "success"), (2, "failed")):
        reply = task_reply(f"t-{number}", status, *[URL] * (2 - number), duration=65_000)
        respx.get(f"{API}/tasks/t-{number}").respond(json=reply)
    result = at_terminal(env, work, clock, "task", "wait", "t-1", "t-2")
    assert result.stdout.splitlines() == [
        "Task  Status   Took    Billed  Results",
        "t-1   success  1m 05s  -       1 result to save",
        "t-2   failed   1m 05s  -       -",
    ]

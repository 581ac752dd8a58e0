"""The command for each delivery: what it is given, what it never gets, how it fails."""

import json
import sys
from pathlib import Path

import pytest

from modellix_cli.webhooks.commands import CommandRunner, Order, is_found, without_key
from tests.support import KEY

ENV = {"PATH": "/usr/bin:/bin", "MODELLIX_API_KEY": KEY, "COPY": f"Bearer {KEY}", "OTHER": "x"}


class Runs:
    """Runs a Python program for orders, and keeps what is told about failures."""

    def __init__(self, program: str, **options: float) -> None:
        self.told: list[str] = []
        words = [sys.executable, "-c", program]
        self.runner = CommandRunner(words, without_key(ENV, KEY), self.told.append, **options)  # type: ignore[arg-type]

    def run(self, *tasks: str, grace: float = 20.0) -> list[str]:
        for task in tasks:
            assert self.runner.start(Order(task, "e", b'{"taskId":"%b"}\n' % task.encode()))
        return self.runner.finish(grace)


def test_a_command_is_given_the_delivery_and_no_key(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    program = (
        "import json, os, sys; json.dump([sys.stdin.read(), dict(os.environ)], "
        f"open({str(seen)!r}, 'w'))"
    )
    runs = Runs(program)
    assert runs.run("t-1") == []
    given, env = json.loads(seen.read_text())
    assert json.loads(given) == {"taskId": "t-1"}
    assert (env["MODELLIX_TASK_ID"], env["MODELLIX_EVENT"], env["OTHER"]) == ("t-1", "e", "x")
    assert KEY not in json.dumps(env)
    assert runs.told == []


@pytest.mark.parametrize(
    ("program", "what"),
    [
        ("raise SystemExit(3)", "failed with status 3"),
        ("import os; os.kill(os.getpid(), 9)", "was ended by signal 9"),
    ],
)
def test_a_failure_is_told_and_the_next_command_runs(program: str, what: str) -> None:
    runs = Runs(program, at_once=1)
    runs.run("t-1", "t-2")
    assert runs.told == [f"The command for task {task} {what}." for task in ("t-1", "t-2")]
    assert runs.runner.failures == 2


def test_a_command_that_reads_nothing_is_no_failure() -> None:
    runs = Runs("")
    runs.runner.start(Order("t-1", "e", b"x" * 1_000_000))
    assert (runs.runner.finish(20.0), runs.told) == ([], [])


def test_a_command_that_takes_too_long_is_ended() -> None:
    runs = Runs("import time; time.sleep(60)", longest=0.2)
    runs.run("t-1")
    assert "took longer than" in runs.told[0]


def test_what_did_not_end_in_time_is_named() -> None:
    runs = Runs("import time; time.sleep(60)", at_once=1)
    assert sorted(runs.run("t-1", "t-2", grace=0.3)) == ["t-1", "t-2"]


def test_where_very_many_wait_the_listener_may_give_up() -> None:
    runs = Runs("import time; time.sleep(60)", at_once=1, most_waiting=1)
    started = [
        runs.runner.start(Order(f"t-{number}", "e", b""), lambda: True) for number in range(4)
    ]
    assert started[0]
    assert not started[-1]
    runs.runner.finish(0.1)


def test_a_command_that_is_gone_is_told() -> None:
    told: list[str] = []
    runner = CommandRunner(["/nowhere/at-all"], {}, told.append)
    runner.start(Order("t-1", "e", b""))
    runner.finish(20.0)
    assert told == ["The command for task t-1 could not be started: No such file or directory."]


def test_a_program_is_looked_for_on_the_path() -> None:
    assert is_found("sh", {"PATH": "/usr/bin:/bin"})
    assert not is_found("sh", {"PATH": "/nowhere"})

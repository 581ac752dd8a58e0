"""Ctrl-C at every stage of `model run`: what is known is told, and nothing is paid twice."""

import os
import signal
import sqlite3
import threading
from pathlib import Path

import httpx
import pytest
import respx

from modellix_cli.domain.saved import Saved
from modellix_cli.domain.task import Task
from modellix_cli.downloads.downloader import Downloader, NameChooser
from tests.conftest import Cli
from tests.support import API, FakeClock, Terminal, accepted, invoke, problem, task_reply

ROUTE = f"{API}/a/b/async"
TASK = f"{API}/tasks/task-1"
RUN = ("model", "run", "a/b", "--body", "{}", "--json")


def ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def states(env: dict[str, str]) -> list[tuple[str, str | None]]:
    with sqlite3.connect(Path(env["XDG_STATE_HOME"]) / "modellix" / "ledger.db") as db:
        rows = db.execute("SELECT state, task_id FROM submissions").fetchall()
    db.close()
    return rows


@pytest.fixture
def impatient(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who presses Ctrl-C as soon as there is something to wait for."""
    sleep = clock.sleep

    def wait(seconds: float) -> None:
        if seconds > 0:
            ctrl_c()
        sleep(seconds)

    monkeypatch.setattr(clock, "sleep", wait)


@respx.mock
@pytest.mark.usefixtures("impatient")
def test_while_a_limit_is_waited_for_nothing_is_sent(cli: Cli, env: dict[str, str]) -> None:
    limited = httpx.Response(429, json=problem(429, "x"), headers={"Retry-After": "30"})
    route = respx.post(ROUTE).mock(side_effect=[limited, limited, limited])
    result = cli(*RUN)
    error = result.json["error"]
    assert (result.status, error["charged"], route.call_count) == (130, "no", 1)
    assert "Interrupted before a task was accepted." in error["message"]
    assert states(env) == [("rejected", None)]


@pytest.fixture
def sent_elsewhere(cli: Cli, env: dict[str, str], clock: FakeClock) -> None:
    """Another machine with the same ledger is sending the request."""
    with respx.mock:
        respx.post(ROUTE).respond(json=accepted("task-1"))
        cli(*RUN)
    with sqlite3.connect(Path(env["XDG_STATE_HOME"]) / "modellix" / "ledger.db") as db:
        db.execute(
            "UPDATE submissions SET state = 'intent', task_id = NULL, host = 'elsewhere',"
            " lease_until = ?",
            (clock.now() + 800,),
        )
    db.close()


@pytest.mark.usefixtures("sent_elsewhere", "impatient")
def test_while_another_process_sends_it_nothing_is_said_of_money(cli: Cli) -> None:
    result = cli(*RUN, "--resume")
    error = result.json["error"]
    assert (result.status, error["charged"], error["request"]) == (130, "no", 1)
    assert error["message"] == "Interrupted while another process was sending this request."
    assert error["hint"] == "The same command, run again, tells what became of it."


@pytest.mark.usefixtures("sent_elsewhere")
def test_another_process_is_waited_for_until_the_timeout(cli: Cli, clock: FakeClock) -> None:
    began = clock.now()
    result = cli(*RUN, "--resume", "--wait", "--timeout", "30s")
    error = result.json["error"]
    assert (result.status, error["charged"], error["request"]) == (8, "no", 1)
    assert error["message"] == "Another process is still sending this request."
    assert error["hint"] == "The same command, run again, tells what became of it."
    assert 30 <= clock.now() - began < 60


@respx.mock
def test_during_the_request_its_reply_still_counts(cli: Cli, env: dict[str, str]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        ctrl_c()
        return httpx.Response(200, json=accepted("task-1"))

    route = respx.post(ROUTE).mock(side_effect=answer)
    result = cli(*RUN, "--wait")
    error = result.json["error"]
    assert (result.status, error["charged"], error["taskId"]) == (130, "yes", "task-1")
    assert error["resume"] == "modellix-cli task wait task-1"
    assert states(env) == [("accepted", "task-1")]
    assert route.call_count == 1


@respx.mock
def test_a_run_that_has_its_task_shows_it_and_still_ends_by_the_signal(cli: Cli) -> None:
    """Else a loop of the shell would go on and buy the next one."""

    def answer(request: httpx.Request) -> httpx.Response:
        ctrl_c()
        return httpx.Response(200, json=accepted("task-1"))

    respx.post(ROUTE).mock(side_effect=answer)
    result = cli(*RUN)
    assert result.json == accepted("task-1")
    assert result.status == 130


@respx.mock
def test_a_request_whose_reply_does_not_come_is_of_unknown_outcome(
    cli: Cli, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = threading.Event()
    monkeypatch.setattr("modellix_cli.engine.driver.GRACE", -1.0)  # it is over at once

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        ctrl_c()
        reply.wait(20)
        return httpx.Response(200, json=accepted("task-1"))

    sent: list[httpx.Request] = []
    respx.post(ROUTE).mock(side_effect=answer)
    result = cli(*RUN)
    error = result.json["error"]
    assert (result.status, error["charged"], error["retryable"]) == (130, "unknown", False)
    assert "task resolve 1" in error["hint"]
    assert states(env) == [("intent", None)]
    assert len(sent) == 1
    reply.set()


@respx.mock
def test_while_the_task_runs_it_is_named_and_can_be_resumed(cli: Cli) -> None:
    def poll(request: httpx.Request) -> httpx.Response:
        ctrl_c()
        return httpx.Response(200, json=task_reply("task-1", "processing"))

    respx.post(ROUTE).respond(json=accepted("task-1"))
    respx.get(TASK).mock(side_effect=poll)
    result = cli(*RUN, "--wait", "--output-dir", "out")
    error = result.json["error"]
    assert (result.status, error["charged"], error["taskId"]) == (130, "yes", "task-1")
    assert error["resume"] == (
        "modellix-cli task wait task-1 && modellix-cli task download task-1 --output-dir out"
    )


@respx.mock
def test_while_results_are_saved_nothing_incomplete_stays(
    cli: Cli, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Downloader.save

    def interrupted(self: Downloader, task: Task, names: NameChooser | None = None) -> Saved:
        ctrl_c()
        stopped.wait(10)
        return real(self, task, names)

    stopped, stop = threading.Event(), Downloader.stop

    def stopping(self: Downloader) -> None:
        stop(self)
        stopped.set()

    monkeypatch.setattr(Downloader, "save", interrupted)
    monkeypatch.setattr(Downloader, "stop", stopping)
    respx.post(ROUTE).respond(json=accepted("task-1"))
    respx.get(TASK).respond(json=task_reply("task-1", "success", "data:text/plain,hello"))
    result = cli(*RUN, "--wait", "--output-dir", "out")
    error = result.json["error"]
    assert (result.status, error["charged"], error["taskId"]) == (130, "yes", "task-1")
    assert list((work / "out").iterdir()) == []


@respx.mock
def test_people_are_offered_resume_and_told_that_this_run_charged_nothing(
    cli: Cli, env: dict[str, str], work: Path
) -> None:
    def poll(request: httpx.Request) -> httpx.Response:
        ctrl_c()
        return httpx.Response(200, json=task_reply("task-1", "processing"))

    respx.post(ROUTE).respond(json=accepted("task-1"))
    respx.get(TASK).mock(side_effect=poll)
    words = (*RUN[:-1], "--output=human", "--wait")
    first = invoke(*words, env=env, cwd=work, stderr=Terminal())
    same = "run the same command with --resume, or the next line."
    assert same in " ".join(first.stderr.split())
    assert "charged" not in first.stderr
    again = invoke(*words, "--resume", env=env, cwd=work, stderr=Terminal())
    assert "Nothing was charged this time." in " ".join(again.stderr.split())
    assert cli(*RUN, "--wait", "--resume").json["error"]["hint"] == ""

"""`task download --pending`: what is not saved yet, soonest to expire first."""

import os
import signal
import sqlite3
import threading
from pathlib import Path

import httpx
import pytest
import respx

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.saved import Saved
from modellix_cli.domain.task import Task
from modellix_cli.downloads.downloader import Downloader, NameChooser
from modellix_cli.ledger.tasks import TaskStore
from tests.conftest import Cli
from tests.support import API, FakeClock, problem, task_reply

URL = "https://10.0.0.1/a.png"
PENDING = ("task", "download", "--pending", "--output-dir", "out")
DAY = 86400


def data_url(text: str) -> str:
    return f"data:text/plain,{text}"


def reply(task_id: str, status: str, *urls: str, **data: object) -> respx.Route:
    answer = task_reply(task_id, status, *urls, **data)
    return respx.get(f"{API}/tasks/{task_id}").respond(json=answer)


@pytest.fixture
def submitted(cli: Cli) -> None:
    """Four tasks this machine knows of: t-1 to t-4, each polled while it ran."""
    with respx.mock:
        for number in range(1, 5):
            reply(f"t-{number}", "processing")
            cli("task", "get", f"t-{number}")


def contents(work: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (work / "out").iterdir()}


def statuses(env: dict[str, str]) -> dict[str, tuple[str, bool]]:
    with sqlite3.connect(Path(env["XDG_STATE_HOME"]) / "modellix" / "ledger.db") as db:
        rows = db.execute("SELECT task_id, status, saved_at IS NOT NULL FROM tasks").fetchall()
    db.close()
    return {task_id: (status, bool(saved)) for task_id, status, saved in rows}


@respx.mock
def test_what_is_not_saved_yet_is_saved(
    cli: Cli, work: Path, env: dict[str, str], submitted: None
) -> None:
    for number in (1, 2):
        reply(f"t-{number}", "success", data_url(str(number)))
    reply("t-3", "processing")
    reply("t-4", "failed", error="too dark")
    result = cli(*PENDING, "--json")
    assert result.status == 0
    shown = result.json
    paths = [entry["files"][0].pop("path") for entry in shown["tasks"]]
    assert shown == {
        "ok": True,
        "outputDirectory": str(work / "out"),
        "tasks": [
            {"taskId": "t-1", "ok": True, "files": [{"bytes": 1, "type": "image"}]},
            {"taskId": "t-2", "ok": True, "files": [{"bytes": 1, "type": "image"}]},
        ],
        "running": ["t-3"],
    }
    assert [Path(path).read_text() for path in paths] == ["1", "2"]
    assert contents(work).keys() == {"resource-1.txt", "resource-1-2.txt"}
    assert statuses(env) == {
        "t-1": ("success", True),
        "t-2": ("success", True),
        "t-3": ("processing", False),
        "t-4": ("failed", False),
    }
    assert "Left out: Task t-4 failed: too dark" in result.stderr


@respx.mock
def test_what_was_saved_or_has_failed_is_not_asked_for_again(cli: Cli, submitted: None) -> None:
    asked = [reply(f"t-{number}", "success", data_url("x")) for number in (1, 2)]
    asked += [reply(f"t-{number}", "failed") for number in (3, 4)]
    cli(*PENDING)
    again = cli(*PENDING)
    assert (again.status, again.stdout) == (0, "")
    assert "Nothing to save" in again.stderr
    assert [route.call_count for route in asked] == [1, 1, 1, 1]


@respx.mock
def test_tasks_that_still_run_are_told_with_how_to_wait_for_them(cli: Cli, submitted: None) -> None:
    for number in (1, 2, 3, 4):
        reply(f"t-{number}", "processing" if number == 3 else "failed")
    assert "modellix-cli task wait t-3" in cli(*PENDING).stderr


def test_nothing_to_save_is_said_and_needs_no_key(cli: Cli, work: Path) -> None:
    result = cli(*PENDING, "--json", env={"MODELLIX_API_KEY": None})
    assert result.status == 0
    assert result.json["tasks"] == result.json["running"] == []
    assert result.stderr == ""  # what a program reads first
    assert "Nothing to save" in cli(*PENDING, env={"MODELLIX_API_KEY": None}).stderr
    assert not (work / "out").exists()


@respx.mock
def test_the_first_to_expire_comes_first(cli: Cli, clock: FakeClock) -> None:
    for task_id, hour in (("late", "07"), ("early", "05"), ("middle", "06")):
        result = {
            "resources": [data_url(task_id)],
            "extensions": {"end_time": f"2027-01-15T{hour}:00:00Z"},
        }
        reply(task_id, "success", result=result)
        cli("task", "get", task_id)
    shown = cli(*PENDING, "--json").json["tasks"]
    assert [entry["taskId"] for entry in shown] == ["early", "middle", "late"]


@respx.mock
def test_what_is_older_than_7_days_is_left_alone(
    cli: Cli, clock: FakeClock, submitted: None
) -> None:
    asked = [reply(f"t-{number}", "processing") for number in range(1, 5)]
    clock.time += 7 * DAY - 100
    cli(*PENDING)
    assert [route.call_count for route in asked] == [1] * 4
    clock.time += 200
    assert "Nothing to save" in cli(*PENDING).stderr


@respx.mock
def test_tasks_of_another_account_are_left_alone(cli: Cli, submitted: None) -> None:
    other = {"MODELLIX_API_KEY": "mk-another-0123456789"}
    assert "Nothing to save" in cli(*PENDING, env=other).stderr
    elsewhere = cli(*PENDING, "--base-url", "https://eu.example.com")
    assert "Nothing to save" in elsewhere.stderr


@respx.mock
def test_one_failure_stops_no_other(
    cli: Cli, work: Path, env: dict[str, str], submitted: None
) -> None:
    respx.get(f"{API}/tasks/t-1").respond(404, json=problem(404, "Resource not found: task"))
    reply("t-2", "success", URL, data_url("2"))
    reply("t-3", "success", data_url("3"))
    reply("t-4", "success")
    result = cli(*PENDING, "--json")
    assert result.status == 1  # not found and refused
    tasks = result.json["tasks"]
    assert [(entry["taskId"], entry["ok"]) for entry in tasks] == [
        ("t-1", False),
        ("t-2", False),
        ("t-3", True),
        ("t-4", True),
    ]
    assert result.json["ok"] is False
    assert [entry["error"]["code"] for entry in tasks[:2]] == ["NOT_FOUND", "RESOURCE_REFUSED"]
    assert [len(entry["files"]) for entry in tasks] == [0, 1, 1, 0]
    assert "Error: Task t-1: Modellix API error (404" in result.stderr
    assert "Task t-2: Refusing" in result.stderr
    assert "Task t-4 made nothing" in result.stderr
    saved = {task_id for task_id, (_, done) in statuses(env).items() if done}
    assert saved == {"t-3"}


@respx.mock
def test_a_reply_without_a_result_may_be_early(
    cli: Cli, env: dict[str, str], submitted: None
) -> None:
    for number in range(1, 5):
        reply(f"t-{number}", "success")
    assert cli(*PENDING).status == 0
    assert set(statuses(env).values()) == {("success", False)}
    for number in range(1, 5):
        reply(f"t-{number}", "success", data_url(str(number)))
    assert len(cli(*PENDING, "--json").json["tasks"]) == 4
    assert set(statuses(env).values()) == {("success", True)}


@respx.mock
def test_a_refused_key_ends_it(cli: Cli) -> None:
    for number in range(20):
        reply(f"t-{number}", "processing")
        cli("task", "get", f"t-{number}")
    respx.clear()
    route = respx.get(url__startswith=f"{API}/tasks/")
    route.respond(401, json=problem(401, "Authentication failed: invalid key"))
    result = cli(*PENDING)
    assert result.status == 3
    assert result.stderr.count("invalid key") == 1
    assert route.call_count <= 16  # eight are under way at a time


@respx.mock
def test_a_result_that_is_gone_is_told_once(
    cli: Cli,
    env: dict[str, str],
    submitted: None,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("modellix_cli.downloads.hosts.is_private", lambda host: False)
    for number in range(1, 5):
        reply(f"t-{number}", "success", URL, result_expires_at=clock.now() - 1)
    respx.get(URL).respond(404)
    result = cli(*PENDING, "--json")
    assert result.status == 5
    codes = {entry["error"]["code"] for entry in result.json["tasks"]}
    assert codes == {"RESULT_EXPIRED"}
    assert set(statuses(env).values()) == {("expired", False)}
    assert "Nothing to save" in cli(*PENDING).stderr


@respx.mock
@pytest.mark.slow
def test_a_result_that_may_be_late_stays_pending(
    cli: Cli,
    env: dict[str, str],
    submitted: None,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("modellix_cli.downloads.hosts.is_private", lambda host: False)
    for number in range(1, 5):
        reply(f"t-{number}", "success", URL, result_expires_at=clock.now() + DAY)
    respx.get(URL).respond(404)
    result = cli(*PENDING, "--json")
    assert (result.status, set(statuses(env).values())) == (7, {("success", False)})
    respx.get(URL).respond(200, content=b"\x89PNG\r\n\x1a\n" + b"pixels" * 100)
    assert cli(*PENDING).status == 0
    assert set(statuses(env).values()) == {("success", True)}


@respx.mock
def test_in_words_it_lists_files_and_sums_up(cli: Cli, work: Path, submitted: None) -> None:
    reply("t-1", "success", data_url("1"), data_url("2"))
    reply("t-2", "success", data_url("3"))
    for number in (3, 4):
        reply(f"t-{number}", "pending")
    lines = cli(*PENDING).stdout.splitlines()
    names = ["resource-1.txt", "resource-2.txt", "resource-1-2.txt"]
    assert sorted(lines[:3]) == sorted(str(work / "out" / name) for name in names)
    summary = f"Downloaded 3 files of 2 tasks to {work / 'out'}; still running: 2."
    assert lines[3:] == [summary]


@respx.mock
def test_in_quiet_it_lists_paths_only(cli: Cli, work: Path, submitted: None) -> None:
    reply("t-1", "success", data_url("1"))
    for number in (2, 3, 4):
        reply(f"t-{number}", "pending")
    result = cli(*PENDING, "-q")
    assert result.stdout == f"{work / 'out' / 'resource-1.txt'}\n"
    assert result.stderr == ""


@respx.mock
def test_ctrl_c_tells_what_was_saved_and_how_to_go_on(
    cli: Cli, work: Path, env: dict[str, str], submitted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 5):
        reply(f"t-{number}", "success", data_url(str(number)))
    real = Downloader.save

    def interrupted(self: Downloader, task: Task, names: NameChooser | None = None) -> Saved:
        if task.task_id == "t-1":
            return real(self, task, names)
        first.wait(10)
        if task.task_id == "t-2":
            os.kill(os.getpid(), signal.SIGINT)
        stopped.wait(10)
        raise ModellixError(ErrorCode.DOWNLOAD_FAILED, "stopped")

    first, stopped = threading.Event(), threading.Event()
    monkeypatch.setattr(Downloader, "stop", lambda self: stopped.set())
    mark = TaskStore.mark_saved

    def marked(self: TaskStore, task_id: str) -> None:
        mark(self, task_id)
        first.set()

    monkeypatch.setattr(TaskStore, "mark_saved", marked)

    monkeypatch.setattr(Downloader, "save", interrupted)
    result = cli(*PENDING)
    assert (result.status, result.stdout) == (130, "")
    assert f"Saved: {work / 'out' / 'resource-1.txt'}" in result.stderr
    assert "Interrupted; 1 file saved." in result.stderr
    assert "Resume with: modellix-cli task download --pending --output-dir out" in result.stderr
    assert statuses(env)["t-1"] == ("success", True)


@respx.mock
def test_a_single_download_that_finds_all_gone_is_not_pending_any_more(
    cli: Cli, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modellix_cli.downloads.hosts.is_private", lambda host: False)
    reply("t-1", "success", URL)
    respx.get(URL).mock(return_value=httpx.Response(410))
    assert cli("task", "download", "t-1").status == 5
    assert statuses(env) == {"t-1": ("expired", False)}
    assert "Nothing to save" in cli(*PENDING).stderr


@respx.mock
def test_a_defect_of_ours_while_saving_is_told_as_one(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(self: Downloader, task: Task, names: NameChooser | None = None) -> Saved:
        raise ZeroDivisionError("no disk")

    reply("t-1", "success", data_url("1"))
    monkeypatch.setattr(Downloader, "save", defect)
    error = cli("task", "download", "t-1", "--output-dir", "out", "--json").json["error"]
    assert (error["code"], error["taskId"]) == ("INTERNAL", "t-1")
    assert error["message"] == "Unexpected failure. ZeroDivisionError: no disk"

"""A ledger that another process holds, moves away or fills while paid work runs."""

import json
import re
import resource
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.batches import LINES, Batches, batch, running_service
from tests.e2e.conftest import Ran
from tests.e2e.ledgers import codes, ledger, locked, state_folder
from tests.e2e.orders import (
    again,
    end,
    ended,
    made,
    run,
    task_ids,
    task_of,
    unknown_submissions,
    until,
)

__all__ = ["batch", "running_service"]

MANY = 40
PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}


def folder_removed(folder: Path) -> None:
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=True)


def folder_moved(folder: Path) -> None:
    folder.rename(folder.with_name("moved"))


def file_removed(folder: Path) -> None:
    for path in folder.glob("ledger.db*"):
        path.unlink(missing_ok=True)


def file_moved(folder: Path) -> None:
    (folder / "ledger.db").rename(folder / "aside.db")


def file_replaced(folder: Path) -> None:
    (folder / "new.db").write_bytes(b"")
    (folder / "new.db").replace(folder / "ledger.db")


def folder_replaced(folder: Path) -> None:
    folder.rename(folder.with_name("moved"))
    folder.mkdir()


LOSSES = [
    folder_removed, folder_moved, folder_replaced, file_removed, file_moved, file_replaced,
]  # fmt: skip


def lose(batch: Batches, loss: Callable[[Path], None]) -> tuple[Ran, int]:
    """Run forty lines, lose the ledger when five tasks are made; also how many there are then."""
    batch.write(*[{}] * MANY)
    batch.served.change(latency=0.1)
    words = ("model", "batch", str(batch.path), "--yes", "--json", "--concurrency", "2")
    running = batch.shell.start(*words, **PIPES)
    until(lambda: made(batch) >= 5)
    loss(state_folder(batch.shell))
    then = made(batch)
    out, err = running.communicate(timeout=60)
    batch.served.change(latency=0)
    return Ran(running.returncode, out, err.decode()), then


@pytest.mark.parametrize("loss", LOSSES)
def test_paid_work_stops_at_once_when_the_ledger_is_lost(
    batch: Batches, loss: Callable[[Path], None]
) -> None:
    ran, then = lose(batch, loss)
    assert ran.status == 1, ended(ran)
    assert "LEDGER_LOST" in codes(ran.json), ended(ran)
    assert made(batch) <= then + 4
    ids = [entry.get("taskId") for entry in ran.json["tasks"]]
    assert ids == batch.ids()  # nothing else knows what was paid for


@pytest.mark.parametrize("loss", [folder_removed, file_removed])
def test_a_resume_after_the_loss_does_not_pay_again_by_itself(
    batch: Batches, loss: Callable[[Path], None]
) -> None:
    lose(batch, loss)
    before = made(batch)
    assert before < MANY
    ran = again(batch, "--resume")
    assert end(ran) == (2, "LEDGER_INCOMPLETE"), ended(ran)
    assert made(batch) == before


def test_a_ledger_that_was_gone_before_a_run_is_begun_anew(batch: Batches) -> None:
    run(batch)
    ledger(batch.shell).rename(state_folder(batch.shell) / "aside.db")
    assert run(batch, body="2").status == 0
    assert ledger(batch.shell).exists()


def test_paid_work_stops_at_once_when_the_disk_is_full(batch: Batches) -> None:
    run(batch, body="before")
    room = ledger(batch.shell).stat().st_size + 250_000
    batch.write(*[{}] * 3 * MANY)
    words = ("model", "batch", str(batch.path), "--yes", "--json", "--concurrency", "1")

    def no_file_grows_beyond() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    running = batch.shell.start(*words, **PIPES, preexec_fn=no_file_grows_beyond)
    out, err = running.communicate(timeout=60)
    ran = Ran(running.returncode, out, err.decode())
    assert ran.status == 1, ended(ran)
    assert "LEDGER_LOST" in codes(ran.json), ended(ran)
    assert made(batch) < 3 * MANY
    told = {entry.get("taskId") for entry in ran.json.get("tasks", [])}
    assert set(batch.ids()) <= told | {None}


@pytest.mark.parametrize("brief", ["option", "variable"])
@pytest.mark.parametrize("command", ["run", "batch"])
def test_a_locked_ledger_sends_nothing(batch: Batches, command: str, brief: str) -> None:
    assert run(batch, body="before").status == 0
    options = ("--max-retry-wait", "1s") if brief == "option" else ()
    env = {} if brief == "option" else {"MODELLIX_MAX_RETRY_WAIT": "1s"}
    with locked(ledger(batch.shell)):
        ask = run if command == "run" else again
        ran = ask(batch, *options, **env)
    assert ran.status not in (0, 8), ended(ran)
    assert ran.json["error"]["code"] == "LEDGER_BUSY", ended(ran)
    assert ran.json["error"]["charged"] == "no"
    assert batch.posts == 1


@pytest.mark.parametrize("command", ["run", "batch"])
def test_a_ledger_that_is_free_in_time_is_waited_for(batch: Batches, command: str) -> None:
    assert run(batch, body="before").status == 0
    words = ["model", "batch", str(batch.path), "--yes"]
    if command == "run":
        words = ["model", "run", "a/b", "--body", '{"prompt": "1"}']
    with locked(ledger(batch.shell)) as db:
        running = batch.shell.start(*words, "--json", "--max-retry-wait", "40s", **PIPES)
        time.sleep(2)
        assert batch.posts == 1
        db.execute("ROLLBACK")
        out, err = running.communicate(timeout=60)
    assert running.returncode == 0, (out, err)
    assert batch.posts == 1 + (1 if command == "run" else LINES)


def test_lock_files_that_are_deleted_do_not_let_two_processes_pay(batch: Batches) -> None:
    batch.served.change(latency=0.2)
    words = ("model", "batch", str(batch.path), "--yes", "--json", "--concurrency", "1")
    first = batch.shell.start(*words, **PIPES)
    until(lambda: made(batch) >= 2)
    for path in state_folder(batch.shell).rglob("*lock*"):
        path.unlink()
    second = batch.shell.start(*words, "--resume", **PIPES)
    outs = [one.communicate(timeout=60) for one in (first, second)]
    assert first.returncode == 0, outs
    assert None not in batch.ids()
    assert batch.posts == LINES


def test_runs_that_were_killed_in_flight_hold_up_nobody(batch: Batches) -> None:
    batch.served.change(latency=30)
    runs = [
        batch.shell.start("model", "run", "a/b", "--body", json.dumps({"prompt": name}), **PIPES)
        for name in ("x", "y", "z")
    ]
    until(lambda: batch.posts == 3)
    for one in runs:
        one.kill()
        one.communicate(timeout=60)
    batch.served.change(latency=0)
    begun = time.monotonic()
    assert run(batch).status == 0
    assert time.monotonic() - begun < 15


@pytest.mark.parametrize("mode", ["NORMAL", "EXCLUSIVE"])
@pytest.mark.parametrize("command", [("get",), ("wait",), ("download", "--output-dir", "saved")])
def test_what_cannot_pay_gives_its_result_though_the_ledger_is_locked(
    batch: Batches, command: tuple[str, ...], mode: str
) -> None:
    task = task_of(run(batch))
    time.sleep(0.3)  # it ends meanwhile, which is not recorded
    words = ("task", command[0], task, *command[1:], "--json", "--max-retry-wait", "1s")
    insecure = ("--allow-insecure-http", "--allow-private-network")
    with locked(ledger(batch.shell), mode):
        ran = batch.shell(*words, *(insecure if command[0] == "download" else ()))
    assert ran.status == 0, ended(ran)
    assert task in json.dumps(ran.json)
    assert ran.stderr.count("Warning:") == 1, ended(ran)
    assert f"Not recorded: what became of {task}. Another program" in ran.stderr
    assert "No more lines" not in ran.stderr


def test_the_command_that_a_warning_names_records_what_was_not(batch: Batches) -> None:
    task = task_of(run(batch))
    with locked(ledger(batch.shell)):
        warned = batch.shell("task", "wait", task, "--max-retry-wait", "1s")
    statuses = [entry["status"] for entry in history(batch)]
    assert statuses == ["submitted"], ended(warned)
    assert batch.shell(*pasted(r"record it with: (.*)", warned.stderr)).status == 0
    assert [entry["status"] for entry in history(batch)] == ["success"]


@pytest.mark.slow
def test_no_result_waits_long_for_a_locked_ledger(batch: Batches) -> None:
    task = task_of(run(batch, "--wait"))
    with locked(ledger(batch.shell), "EXCLUSIVE"):
        begun = time.monotonic()
        ran = batch.shell("task", "wait", task)
    assert ran.status == 0, ended(ran)
    assert time.monotonic() - begun < 30


def pasted(command: str, told: str) -> list[str]:
    """The words of a command that a message names, without the program's name."""
    found = re.search(command, told)
    assert found is not None, told
    name, *words = shlex.split(found[1])
    assert name == "modellix-cli"
    return words


def history(batch: Batches) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = batch.shell("task", "history", "--json").json["entries"]
    return listed


def locked_from_the_post_on(batch: Batches, posts: int, *words: str) -> Ran:
    """Run a paying command whose ledger is locked once its requests are under way."""
    batch.served.change(latency=1.0)
    running = batch.shell.start(*words, "--json", "--max-retry-wait", "1s", **PIPES)
    until(lambda: batch.posts == posts)
    with locked(ledger(batch.shell)):
        out, err = running.communicate(timeout=60)
    batch.served.change(latency=0)
    return Ran(running.returncode, out, err.decode())


def test_an_id_that_is_not_recorded_is_told_with_the_command_that_records_it(
    batch: Batches,
) -> None:
    request = ("model", "run", "a/b", "--body", '{"prompt": "1"}')
    ran = locked_from_the_post_on(batch, 1, *request)
    assert ran.status == 1, ended(ran)
    task = task_of(ran)
    assert f"Task {task} was submitted; note its id, it is not recorded." in ran.stderr
    assert end(batch.shell(*request, "--json")) == (8, "SUBMISSION_UNKNOWN")
    words = pasted(r"record it with: (.*)", ran.stderr)
    assert words[:5] == ["task", "resolve", "1", "--task-id", task]
    assert batch.shell(*words).status == 0
    assert unknown_submissions(batch) == []
    resumed = batch.shell(*request, "--resume", "--json")
    assert (resumed.status, task_of(resumed)) == (0, task)
    assert batch.posts == 1


def test_so_is_one_that_a_full_disk_has_no_room_for(batch: Batches) -> None:
    batch.served.change(latency=1.0)
    request = ("model", "run", "a/b", "--body", '{"prompt": "1"}')
    running = batch.shell.start(*request, "--json", **PIPES)
    until(lambda: batch.posts == 1)
    resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (0, 0))
    out, err = running.communicate(timeout=60)
    batch.served.change(latency=0)
    ran = Ran(running.returncode, out, err.decode())
    assert ran.status == 1, ended(ran)
    words = pasted(r"record it with: (.*)", ran.stderr)
    assert batch.shell(*words).status == 0
    assert unknown_submissions(batch) == []
    resumed = batch.shell(*request, "--resume", "--json")
    assert (resumed.status, task_of(resumed)) == (0, task_of(ran))
    assert batch.posts == 1


def test_so_are_those_of_a_batch(batch: Batches) -> None:
    batch.write({}, {})
    words = ("model", "batch", str(batch.path), "--yes", "--concurrency", "2")
    ran = locked_from_the_post_on(batch, 2, *words)
    assert ran.status == 1, ended(ran)
    told = re.findall(r"Task (\S+) was submitted; .* record it with: (.*)", ran.stderr)
    assert sorted(task for task, _ in told) == sorted(filter(None, task_ids(ran))), ended(ran)
    for _, line in told:
        assert batch.shell(*shlex.split(line)[1:]).status == 0
    resumed = again(batch, "--resume")
    assert (resumed.status, task_ids(resumed)) == (0, batch.ids())
    assert batch.posts == 2

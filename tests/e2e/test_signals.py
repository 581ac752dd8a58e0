"""A process that is told to end says what it knows, then dies by that signal."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.batches import Batches, batch, running_service
from tests.e2e.conftest import COMMAND, Ran
from tests.e2e.orders import again, end, ended, made, run, until

__all__ = ["batch", "running_service"]

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
RUN = ("model", "run", "a/b", "--body", '{"prompt": "1"}')
SLOW = ("model", "run", "a/b", "--body", '{"prompt": "1", "_seconds": 60}', "--wait")
PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}

by_signal = pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)


def stop(batch: Batches, *words: str, when: Callable[[], bool], number: int) -> Ran:
    """Start a command, send it a signal when something is so, and return what came of it."""
    running = batch.shell.start(*words, **PIPES)
    until(lambda: when() or running.poll() is not None)
    running.send_signal(number)
    out, err = running.communicate(timeout=30)
    return Ran(running.returncode, out, err.decode())


@by_signal
def test_a_wait_dies_by_the_signal_and_tells_the_task(batch: Batches, number: int) -> None:
    polled = lambda: batch.served.stats()["polls"] > 0  # noqa: E731
    ran = stop(batch, *SLOW, when=polled, number=number)
    assert ran.status == -number, ended(ran)
    (task_id,) = [ids[0] for ids in batch.served.tasks_of().values()]
    assert task_id in ran.stderr


@by_signal
def test_a_submission_under_way_dies_by_the_signal_and_tells_the_doubt(
    batch: Batches, number: int
) -> None:
    batch.served.change(latency=30)
    ran = stop(batch, *RUN, "--json", when=lambda: batch.posts == 1, number=number)
    assert ran.status == -number, ended(ran)
    error = ran.json["error"]
    assert error["charged"] == "unknown"
    batch.served.change(latency=0)
    assert end(run(batch)) == (8, "SUBMISSION_UNKNOWN")
    assert batch.posts == 1


@by_signal
def test_a_batch_dies_by_the_signal_and_tells_every_line(batch: Batches, number: int) -> None:
    batch.served.change(latency=0.3)
    words = ("model", "batch", str(batch.path), "--yes", "--json", "--concurrency", "1")
    ran = stop(batch, *words, when=lambda: made(batch) >= 2, number=number)
    batch.served.change(latency=0)
    assert ran.status == -number, ended(ran)
    for entry, task_id in zip(ran.json["tasks"], batch.ids(), strict=True):
        assert entry.get("taskId") == task_id
    assert again(batch, "--resume").status == 0
    assert None not in batch.ids()


def test_a_loop_in_a_shell_ends_with_one_ctrl_c(batch: Batches) -> None:
    body = '"{\\"prompt\\": \\"$p\\", \\"_seconds\\": 4}"'
    loop = f'for p in a b c; do "{COMMAND}" model run a/b --body {body} --wait; done'
    running = subprocess.Popen(
        ["bash", "-c", loop], env=batch.shell.env, cwd=batch.shell.cwd,
        start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    until(lambda: batch.served.stats()["polls"] > 0)
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert made(batch) == 1, (out, err)


PAYING = [
    'model run a/b --body "{\\"prompt\\": \\"$p\\"}"',
    'model run a/b --body "{\\"prompt\\": \\"$p\\"}" --json',
    "model batch $p.jsonl --yes",
    "model batch $p.jsonl --yes --json",
]


@pytest.mark.parametrize("words", PAYING)
def test_a_loop_ends_with_one_ctrl_c_though_the_reply_to_the_request_still_came(
    batch: Batches, words: str
) -> None:
    for name in "abc":
        line = {"modelSlug": "a/b", "body": {"prompt": name}}
        (Path(batch.shell.cwd) / f"{name}.jsonl").write_text(json.dumps(line))
    batch.served.change(latency=0.4)
    loop = f'for p in a b c; do "{COMMAND}" {words}; done'
    running = subprocess.Popen(
        ["bash", "-c", loop], env=batch.shell.env, cwd=batch.shell.cwd,
        start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    until(lambda: batch.posts == 1)
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert made(batch) == 1, (out, err)
    (task_id,) = batch.served.tasks_of()["a"]
    assert task_id in out.decode()


def test_an_interrupt_around_the_acceptance_never_calls_a_made_task_free(batch: Batches) -> None:
    batch.served.change(latency=0.05)
    for step in range(6):
        body = json.dumps({"prompt": f"step {step}"})
        running = batch.shell.start("model", "run", "a/b", "--body", body, "--json", **PIPES)
        until(lambda count=step: made(batch) > count)  # type: ignore[misc]
        time.sleep(0.04 + 0.006 * step)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)
        told = json.loads(out)
        error = told.get("error", {})
        known = error.get("taskId") or told.get("data", {}).get("task_id")
        assert known in (None, *batch.served.tasks_of()[f"step {step}"]), (out, err)
        if error:
            assert error["charged"] == ("yes" if known else "unknown"), (out, err)


STARTED = [0.0, 0.01, 0.02, 0.03, 0.045, 0.06, 0.09, 0.15]


@pytest.mark.parametrize("words", [RUN, ("--version",), ("task", "history")], ids=" ".join)
def test_a_signal_while_it_starts_or_ends_leaves_no_traceback(
    batch: Batches, words: tuple[str, ...]
) -> None:
    for moment in STARTED:
        running = batch.shell.start(*words, **PIPES)
        time.sleep(moment)
        running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=30)
        assert running.returncode in (0, 8, -signal.SIGTERM), (moment, running.returncode, err)
        assert b"Traceback" not in err, (moment, err)
        assert b"Exception ignored" not in err, (moment, err)


def test_a_signal_after_the_end_of_its_work_leaves_no_traceback(batch: Batches) -> None:
    """The answer is on stdout: from there on it ends, by the signal or by itself."""
    for _ in range(8):
        running = batch.shell.start("task", "history", "--json", **PIPES)
        assert running.stdout is not None
        running.stdout.read(1)
        running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=30)
        assert running.returncode in (0, -signal.SIGTERM), err
        assert b"Traceback" not in err
        assert b"Exception ignored" not in err


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_before_the_command_begins_ends_it_by_that_signal(number: int) -> None:
    script = (
        "import os, sys\n"
        "from modellix_cli.__main__ import main\n"
        "from modellix_cli.commands._framework import command\n"
        f"command.Command.parse_args = lambda *_: os.kill(os.getpid(), {int(number)})\n"
        "sys.argv = ['modellix-cli', 'task', 'history']\n"
        "sys.exit(main())\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, timeout=30, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (-number, b"", b"")


def test_a_signal_while_a_long_json_is_written_puts_no_envelope_behind_it(batch: Batches) -> None:
    batch.path.write_text("".join(
        json.dumps({"modelSlug": "a/b", "id": f"{at:0200}", "body": {"prompt": str(at)}}) + "\n"
        for at in range(250)
    ))  # fmt: skip
    own = ("model", "batch", str(batch.path), "--yes", "--json", "--concurrency", "10")
    listed = ("task", "history", "--limit", "1000", "--json")
    for words in (own, listed, ("batch", "show", "1", "--json")):
        running = batch.shell.start(*words, **PIPES, bufsize=0)
        assert running.stdout is not None
        head = running.stdout.read(1000)  # the rest of a hundred thousand bytes fills the pipe
        time.sleep(0.3)
        running.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        out, err = running.communicate(timeout=60)
        document = head + out
        assert running.returncode in (0, -signal.SIGTERM), (words, err)
        assert b"Traceback" not in err
        assert b"INTERRUPTED" not in document, words
        if running.returncode == 0:
            json.loads(document)


def test_what_an_interrupted_run_was_saving_is_fetched_by_a_resume(batch: Batches) -> None:
    saving = ("--output-dir", "out", "--allow-insecure-http", "--allow-private-network")
    polled = lambda: batch.served.stats()["polls"] > 0  # noqa: E731
    words = ("model", "run", "a/b", "--body", '{"prompt": "1", "_seconds": 2}', "--wait", *saving)
    ran = stop(batch, *words, when=polled, number=signal.SIGINT)
    assert ran.status == -signal.SIGINT, ended(ran)
    ran = batch.shell(*words, "--resume", "--json")
    assert ran.status == 0, ended(ran)
    assert len(list(Path(batch.shell.cwd / "out").iterdir())) == 1
    assert batch.posts == 1

"""`model batch` before it starts, when it must stop, and when it goes on."""

import signal
import subprocess
import time

import pytest

from tests.e2e.batches import LINES, Batches, batch, running_service, states
from tests.e2e.conftest import Ran

__all__ = ["batch", "running_service"]


def test_without_consent_nothing_is_sent(batch: Batches) -> None:
    ran = batch.shell("model", "batch", str(batch.path))
    assert ran.status == 2
    assert f"Refusing to submit {LINES} potentially paid tasks" in ran.stderr
    assert batch.posts == 0


def test_more_lines_than_allowed_send_nothing(batch: Batches) -> None:
    ran = batch.shell("model", "batch", str(batch.path), "--max-tasks", str(LINES - 1))
    assert ran.status == 2
    assert f"--max-tasks limit of {LINES - 1}" in ran.stderr
    assert batch.posts == 0


def test_as_many_lines_as_allowed_are_sent(batch: Batches) -> None:
    ran = batch.shell("model", "batch", str(batch.path), "--max-tasks", str(LINES))
    assert ran.status == 0
    assert None not in batch.ids()


def test_a_batch_that_costs_more_than_allowed_sends_nothing(batch: Batches) -> None:
    ran = batch("--max-cost", "0.31", "--json")  # a/b costs 0.04
    assert ran.status == 10
    assert ran.json["error"]["code"] == "COST_LIMIT"
    assert batch.posts == 0


def test_a_batch_that_costs_as_much_as_allowed_is_sent(batch: Batches) -> None:
    assert batch("--max-cost", "0.32").status == 0
    assert None not in batch.ids()


@pytest.mark.parametrize("options", [["--dry-run"], ["--dry-run", "--check"]])
def test_a_rehearsal_sends_nothing_that_costs(batch: Batches, options: list[str]) -> None:
    assert batch(*options).status == 0
    assert batch.posts == 0


@pytest.mark.parametrize("options", [["--check"], ["--dry-run", "--check"]])
def test_a_body_that_its_model_would_refuse_sends_nothing(
    batch: Batches, options: list[str]
) -> None:
    batch.write({}, {"prompt": 7}, {})
    ran = batch(*options)
    assert ran.status == 2
    assert "line 2" in ran.stderr.lower()
    assert batch.posts == 0


def test_an_unknown_outcome_stops_new_lines(batch: Batches) -> None:
    batch.served.change(cut_rate=1)
    ran = batch("--concurrency", "2")
    assert ran.status == 8
    unknown = states(ran).count("unknown")
    assert 1 <= unknown <= 2
    assert batch.posts == unknown
    assert states(ran).count("skipped") == LINES - unknown


def test_an_unknown_outcome_stops_nothing_if_so_asked(batch: Batches) -> None:
    batch.write({}, {}, {})
    batch.served.change(cut_rate=1)
    ran = batch("--concurrency", "1", "--continue-on-unknown")
    assert states(ran) == ["unknown"] * 3
    assert None not in batch.ids()


def test_an_unknown_line_is_not_sent_again_by_a_resume(batch: Batches) -> None:
    batch.write({}, {}, {})
    batch.served.change(cut_rate=1)
    assert states(batch("--concurrency", "1")) == ["unknown", "skipped", "skipped"]
    batch.served.change(cut_rate=0)
    assert states(batch("--resume")) == ["unknown", "accepted", "accepted"]
    assert None not in batch.ids()


@pytest.mark.parametrize(("status", "ends"), [(401, 3), (402, 4)])
def test_a_refusal_that_will_not_pass_stops_at_once(batch: Batches, status: int, ends: int) -> None:
    batch.served.change(post_status=status, post_good=3)
    ran = batch("--concurrency", "2")
    assert ran.status == ends
    assert states(ran).count("accepted") == 3
    assert states(ran).count("skipped") >= LINES - 5
    assert batch.posts <= 5


@pytest.mark.parametrize("status", [401, 402])
def test_a_resume_finishes_when_the_cause_is_gone(batch: Batches, status: int) -> None:
    batch.served.change(post_status=status, post_good=3)
    batch("--concurrency", "2")
    batch.served.change(post_status=0)
    ran = batch("--resume")
    assert ran.status == 0
    assert [entry["taskId"] for entry in ran.json["tasks"]] == batch.ids()
    assert None not in batch.ids()


def interrupt(batch: Batches, number: int = signal.SIGTERM) -> Ran:
    """Stop a batch that sends slowly when it has made two tasks."""
    batch.served.change(latency=0.3)
    run = batch.shell.start(
        "model", "batch", str(batch.path), "--yes", "--concurrency", "1",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    while run.poll() is None and batch.served.stats()["tasks_created"] < 2:
        time.sleep(0.02)
    run.send_signal(number)
    out, err = run.communicate(timeout=30)
    batch.served.change(latency=0.0)
    return Ran(run.returncode, out, err.decode())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_batch_says_what_became_of_every_line(
    batch: Batches, number: signal.Signals
) -> None:
    ran = interrupt(batch, number)
    assert ran.status == -number  # ended by the signal itself
    assert [entry["index"] for entry in ran.json["tasks"]] == list(range(1, LINES + 1))
    for entry, task_id in zip(ran.json["tasks"], batch.ids(), strict=True):
        assert (entry["submissionState"] == "accepted") == (task_id is not None)
        assert entry.get("taskId") == task_id


def test_the_same_file_again_after_an_interruption_needs_a_decision(batch: Batches) -> None:
    interrupt(batch)
    posts = batch.posts
    ran = batch()
    assert ran.status == 2
    assert "--resume" in ran.stderr
    assert "--new" in ran.stderr
    assert batch.posts == posts


def test_a_resume_tells_the_tasks_of_the_run_before_too(batch: Batches) -> None:
    before = [entry.get("taskId") for entry in interrupt(batch).json["tasks"]]
    ran = batch("--resume")
    after = [entry["taskId"] for entry in ran.json["tasks"] if entry["ok"]]
    assert set(before) - {None} <= set(after)
    assert [entry["index"] for entry in ran.json["tasks"]] == list(range(1, LINES + 1))
    assert all(entry.get("taskId") in (None, task_id)
               for entry, task_id in zip(ran.json["tasks"], batch.ids(), strict=True))  # fmt: skip


def test_new_starts_over(batch: Batches) -> None:
    interrupt(batch)
    made = batch.served.stats()["tasks_created"]
    ran = batch("--new")
    assert ran.status == 0
    assert batch.served.stats()["tasks_created"] == made + LINES
    assert states(ran) == ["accepted"] * LINES


def test_a_resume_waits_for_tasks_of_the_run_before(batch: Batches) -> None:
    batch.write({}, {"_seconds": 3})
    assert batch("--wait", "--timeout", "1s").status == 124
    ran = batch("--wait", "--resume")
    assert ran.status == 0
    assert [entry["status"] for entry in ran.json["tasks"]] == ["success", "success"]
    assert batch.posts == 2


def test_a_reader_that_leaves_stops_the_batch_and_loses_nothing(batch: Batches) -> None:
    batch.served.change(latency=0.1)
    run = batch.shell.start(
        "model", "batch", str(batch.path), "--yes", "--concurrency", "1", "--output", "jsonl",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert run.stdout is not None
    assert run.stderr is not None
    run.stdout.readline()
    run.stdout.close()
    told = run.stderr.read().decode()
    run.stderr.close()
    run.wait(30)
    assert "--resume" in told
    assert batch.posts < LINES
    batch.served.change(latency=0.0)
    assert states(batch("--resume")) == ["accepted"] * LINES
    assert None not in batch.ids()


def test_a_batch_that_is_started_twice_at_once_is_paid_for_once(batch: Batches) -> None:
    runs = [
        batch.shell.start(
            "model", "batch", str(batch.path), "--yes",
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    for run in runs:
        run.communicate(timeout=60)
    # The later one finds the batch running (2) or already done, and then gives its results (0).
    assert sorted(run.returncode for run in runs) in ([0, 2], [0, 0])
    assert None not in batch.ids()
    assert batch.posts == LINES

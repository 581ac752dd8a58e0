"""The exit status of a batch or a run in which several things went wrong."""

import signal
import subprocess

import pytest

from tests.e2e.batches import Batches, batch, running_service
from tests.e2e.orders import SAVING, Body, again, end, ended, made, run, until

__all__ = ["batch", "running_service"]

SAVE = (*SAVING, "--output-dir", "out", "--timeout", "3s", "--max-retry-wait", "2s")
OK: Body = {}
REFUSED: Body = {"_status": 400}
NO_KEY: Body = {"_status": 401}
POOR: Body = {"_status": 402}
ABSENT: Body = {"_status": 404}
LIMITED: Body = {"_status": 429}
CLOSED: Body = {"_status": 503}
BROKEN: Body = {"_status": 500}
FAILED: Body = {"_fail": True}
UNSAVED: Body = {"_media": 404}
LATE: Body = {"_seconds": 60}

ENDS: dict[str, tuple[list[Body], int]] = {
    "all well": ([OK, OK], 0),
    "a task failed": ([OK, FAILED], 1),
    "a line refused": ([OK, REFUSED], 1),
    "not found": ([OK, ABSENT], 1),
    "time-outs alone": ([OK, LATE], 124),
    "a time-out and a failed task": ([LATE, FAILED], 1),
    "a time-out and a result not saved": ([LATE, UNSAVED], 9),
    "not saved": ([OK, UNSAVED], 9),
    "not saved and failed": ([UNSAVED, FAILED], 9),
    "limited": ([OK, LIMITED], 6),
    "closed": ([OK, CLOSED], 7),
    "closed and failed": ([FAILED, CLOSED], 7),
    "closed and a time-out": ([LATE, CLOSED], 7),
    "poor": ([OK, POOR], 4),
    "poor and not saved": ([UNSAVED, POOR], 4),
    "key refused": ([OK, NO_KEY], 3),
    "key refused and not saved": ([UNSAVED, NO_KEY], 3),
    "unknown": ([OK, BROKEN], 8),
    "unknown and poor": ([BROKEN, POOR], 8),
    "unknown and not saved": ([UNSAVED, BROKEN], 8),
    "unknown and a time-out": ([LATE, BROKEN], 8),
}


@pytest.mark.parametrize(("bodies", "status"), ENDS.values(), ids=ENDS)
def test_the_gravest_of_several_failures_is_the_exit_status(
    batch: Batches, bodies: list[Body], status: int
) -> None:
    batch.write(*bodies)
    ran = again(batch, *SAVE, "--concurrency", "1", "--continue-on-unknown")
    assert ran.status == status, ended(ran)
    assert ran.json["ok"] is (status == 0)


def test_a_signal_is_graver_than_an_unknown_outcome(batch: Batches) -> None:
    batch.write(BROKEN, LATE)
    words = ("model", "batch", str(batch.path), "--yes", "--wait", "--continue-on-unknown")
    running = batch.shell.start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: batch.served.stats()["polls"] > 0)
    running.send_signal(signal.SIGTERM)
    _, err = running.communicate(timeout=30)
    assert running.returncode == -signal.SIGTERM, err


RUNS: dict[str, tuple[Body, int, str | None]] = {
    "all well": (OK, 0, None),
    "refused": (REFUSED, 2, "INVALID_REQUEST"),
    "key refused": (NO_KEY, 3, "UNAUTHORIZED"),
    "poor": (POOR, 4, "PAYMENT_REQUIRED"),
    "not found": (ABSENT, 5, "NOT_FOUND"),
    "limited": (LIMITED, 6, "RATE_LIMITED"),
    "closed": (CLOSED, 7, "SERVICE_UNAVAILABLE"),
    "unknown": (BROKEN, 8, "SUBMISSION_UNKNOWN"),
    "not saved": (UNSAVED, 9, None),
    "late": (LATE, 124, "TASK_WAIT_TIMEOUT"),
}


@pytest.mark.parametrize(("body", "status", "code"), RUNS.values(), ids=RUNS)
def test_a_run_ends_with_the_status_of_its_failure(
    batch: Batches, body: Body, status: int, code: str | None
) -> None:
    ran = run(batch, *SAVE, body={"prompt": "1"} | body)
    assert ran.status == status, ended(ran)
    if code:
        assert end(ran) == (status, code)


MONEY = {
    "refused": (REFUSED, "no"), "poor": (POOR, "no"), "limited": (LIMITED, "no"),
    "closed": (CLOSED, "no"), "unknown": (BROKEN, "unknown"), "late": (LATE, "yes"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "charged"), MONEY.values(), ids=MONEY)
def test_an_error_of_a_run_tells_what_it_cost(batch: Batches, body: Body, charged: str) -> None:
    ran = run(batch, *SAVE, body={"prompt": "1"} | body)
    assert ran.json["error"]["charged"] == charged, ended(ran)


@pytest.mark.parametrize("words", [
    ("task", "get", "task-none"), ("task", "wait", "task-none", "--timeout", "1s"),
    ("task", "download", "task-none"),
], ids=lambda words: " ".join(words[:2]))  # fmt: skip
def test_a_command_that_cannot_pay_does_not_speak_of_a_charge(
    batch: Batches, words: tuple[str, ...]
) -> None:
    ran = batch.shell(*words, "--json")
    assert ran.status == 5, ended(ran)
    assert '"charged"' not in ran.stdout.decode()


def test_a_cost_limit_that_refuses_a_batch_is_a_status_of_its_own(batch: Batches) -> None:
    ran = again(batch, "--max-cost", "0.31")
    assert ran.status == 10, ended(ran)
    assert ran.json["error"]["charged"] == "no"
    assert batch.posts == 0


def test_a_cost_limit_counts_what_is_left_to_pay(batch: Batches) -> None:
    batch.write({}, {})
    assert batch("--max-cost", "0.08").status == 0
    batch.write({}, {}, {})
    assert again(batch, "--resume", "--max-cost", "0.03").status == 10
    assert again(batch, "--resume", "--max-cost", "0.04").status == 0
    assert made(batch) == 3

"""A clock that was wrong for a while: what it wrote down blocks nothing once it is right again."""

import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.batches import LINES, Batches, batch, running_service
from tests.e2e.orders import again, end, ended, made, run, until

__all__ = ["batch", "running_service"]

HOUR = 3600
SHIFTS = pytest.mark.parametrize("shift", [
    HOUR, 3 * HOUR, 400 * 24 * HOUR, -HOUR, -400 * 24 * HOUR,
], ids=["1 h ahead", "3 h ahead", "a year ahead", "1 h behind", "a year behind"])  # fmt: skip
SITE = """
import datetime, time
_time = time.time
time.time = lambda: _time() + {shift}
"""


def wrong(batch: Batches, shift: int) -> dict[str, str]:
    """Return the environment of a process whose clock is wrong by so many seconds."""
    folder = Path(batch.shell.env["HOME"]) / "site"
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(SITE.format(shift=shift))
    return {"PYTHONPATH": str(folder)}


@SHIFTS
def test_a_batch_goes_on_after_the_clock_was_put_right(batch: Batches, shift: int) -> None:
    batch.served.change(post_status=402, post_good=3)
    assert again(batch, "--concurrency", "1", **wrong(batch, shift)).status == 4
    batch.served.change(post_status=0)
    assert end(again(batch)) == (2, "ALREADY_PAID")
    ran = again(batch, "--resume")
    assert ran.status == 0, ended(ran)
    assert None not in batch.ids()
    assert batch.posts == LINES + 1


@SHIFTS
def test_a_batch_that_was_killed_under_a_wrong_clock_is_resumed_at_once(
    batch: Batches, shift: int
) -> None:
    batch.served.change(latency=0.3)
    batch.shell.env |= wrong(batch, shift)
    words = ("model", "batch", str(batch.path), "--yes", "--concurrency", "1")
    running = batch.shell.start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: made(batch) >= 2)
    running.kill()
    running.communicate(timeout=60)
    del batch.shell.env["PYTHONPATH"]
    batch.served.change(latency=0)
    begun = time.monotonic()
    ran = again(batch, "--resume", "--continue-on-unknown")
    assert ran.status in (0, 8), ended(ran)
    assert time.monotonic() - begun < 15
    assert batch.posts == LINES
    assert None not in batch.ids()


@SHIFTS
def test_a_limit_that_was_met_under_a_wrong_clock_ends(batch: Batches, shift: int) -> None:
    batch.served.change(rate=1, window=2)
    batch.served.submit({"prompt": "takes the only place"})
    limited = run(batch, "--max-retry-wait", "1s", **wrong(batch, shift))
    assert limited.status in (0, 6), ended(limited)
    batch.served.change(rate=0)
    begun = time.monotonic()
    ran = run(batch, "--max-retry-wait", "20s", body="2")
    assert ran.status == 0, ended(ran)
    assert time.monotonic() - begun < 15


@SHIFTS
def test_what_a_wrong_clock_wrote_is_still_the_latest(batch: Batches, shift: int) -> None:
    first = run(batch, **wrong(batch, shift))
    assert first.status == 0, ended(first)
    second = run(batch)
    ran = run(batch, "--resume")
    assert ran.status == 0, ended(ran)
    assert ran.json["data"]["task_id"] == second.json["data"]["task_id"]

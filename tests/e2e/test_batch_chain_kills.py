"""A chain of three lines, each using the one before, killed: every step is paid once."""

import json
import os
import signal
import time
from typing import Any

import pytest

from tests.e2e.batches import Batches, batch, running_service
from tests.e2e.killing import finish
from tests.e2e.orders import SAVING, unknown_submissions
from tests.e2e.test_kills import told

__all__ = ["batch", "running_service"]

STEPS = 3
EVERY = 1 if os.environ.get("ALL_KILLS") else 3
"""`make sweep` takes all 20 points, `make test` each third, for its time."""
POINTS = [(posts, delay) for posts in range(STEPS + 1) for delay in (0.0, 0.04, 0.08, 0.15, 0.3)][
    ::EVERY
]
"""After how many paid requests the process dies, and how many seconds later."""


def chain() -> str:
    """Three lines, each of a model of its own, by which an unknown request is known."""
    uses: tuple[dict[str, Any], ...] = (
        {},
        {"image": "@line:1[0]"},
        {"frames": [{"first": "@line:2"}]},
    )
    return "".join(
        json.dumps({
            "id": str(step),
            "modelSlug": f"a/{step}",
            "body": {"prompt": str(step), **more},
        })
        + "\n"
        for step, more in enumerate(uses, 1)
    )  # fmt: skip


@pytest.mark.parametrize(("posts", "delay"), POINTS)
def test_a_chain_that_is_killed_pays_for_every_step_once(
    batch: Batches, posts: int, delay: float
) -> None:
    batch.served.change(latency=0.05)
    batch.path.write_text(chain())
    words = ["model", "batch", str(batch.path), "--yes", *SAVING, "--output-dir", "out"]
    kill(batch, words, posts, delay)
    again = [*words, "--resume", "--json"]
    for _ in range(STEPS):  # what the kill left unknown is answered by what the service made
        ran = batch.shell(*again)
        if ran.status == 0:
            break
        assert unknown_submissions(batch), (ran.stdout, ran.stderr)
        answer(batch)
    assert (ran.status, told(ran, STEPS)) == (0, batch.ids()), (ran.stdout, ran.stderr)
    bodies = [entry["body"] for entry in batch.served.stats()["bodies"]]
    first, second, _ = batch.ids()
    assert bodies[1]["image"].endswith(f"/{first}.png")
    assert bodies[2]["frames"][0]["first"].endswith(f"/{second}.png")
    assert len(list((batch.shell.cwd / "out").glob("*.png"))) >= STEPS


def kill(batch: Batches, words: list[str], posts: int, delay: float) -> None:
    """Start the command and kill it a moment after so many paid requests."""
    running = batch.shell.start(*words, stdout=-1, stderr=-1)
    until = time.monotonic() + 30
    while running.poll() is None and batch.posts < posts and time.monotonic() < until:
        time.sleep(0.002)
    time.sleep(delay)
    running.kill()
    finish(running)
    assert running.returncode in (0, -signal.SIGKILL)


def answer(batch: Batches) -> None:
    """Tell of each request that is unknown what the service made of it."""
    made = batch.served.tasks_of()
    for entry in unknown_submissions(batch):
        ids = made.get(entry["modelSlug"].removeprefix("a/"), [])
        word = ("--task-id", ids[0]) if ids else ("--not-created",)
        assert batch.shell("task", "resolve", str(entry["request"]), *word).status == 0

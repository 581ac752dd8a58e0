"""kill -9 at random moments, then --resume: nothing is paid for twice, nothing is lost.

MODELLIX_KILL_ROUNDS=100 runs so many rounds of each kind instead of the few of `make test`.
"""

import os
import random
import signal
import time
from collections.abc import Iterable, Sequence

import pytest

from tests.e2e.batches import Batches, batch, running_service
from tests.e2e.conftest import Ran
from tests.e2e.killing import finish
from tests.e2e.orders import SAVING, lines, unknown_submissions

__all__ = ["batch", "running_service"]

LINES = 5
SAVE = (*SAVING, "--output-dir", "out")
KINDS: dict[str, tuple[int, Sequence[str]]] = {
    "run": (1, ()),
    "run with saving": (1, SAVE),
    "batch": (LINES, ("--concurrency", "2")),
    "batch with saving": (LINES, ("--concurrency", "3", *SAVE)),
}
ROUNDS = int(os.environ.get("MODELLIX_KILL_ROUNDS", "2"))


@pytest.mark.parametrize("seed", range(ROUNDS))
@pytest.mark.parametrize(("count", "options"), KINDS.values(), ids=KINDS)
def test_a_kill_loses_nothing_and_pays_for_nothing_twice(
    batch: Batches, count: int, options: Sequence[str], seed: int
) -> None:
    rng = random.Random(f"{count} {options} {seed}")
    batch.served.change(latency=rng.choice([0.0, 0.02, 0.1]))
    batch.path.write_text(text(range(1, count + 1)))
    words = ["model", "run", "a/1", "--body", '{"prompt": "1"}']
    if count > 1:
        words = ["model", "batch", str(batch.path), "--yes", "--continue-on-unknown"]
    for number in range(rng.randint(1, 2)):
        kill(batch, rng, [*words, *options, *(["--resume"] if number else [])], count)
    end_the_doubt(batch, batch.shell(*words, *options, "--resume", "--json"), count)
    ran = batch.shell(*words, *options, "--resume", "--json")
    assert ran.status == 0, (ran.stdout, ran.stderr)
    assert told(ran, count) == batch.ids()
    assert None not in batch.ids()
    assert unknown_submissions(batch) == []
    if SAVE[0] in options:
        assert len(list((batch.shell.cwd / "out").glob("*.png"))) >= count


def text(names: Iterable[int]) -> str:
    """The lines of a batch, each of a model of its own, by which an unknown request is known."""
    return "".join(lines({"prompt": str(name)}, slug=f"a/{name}") for name in names)


def kill(batch: Batches, rng: random.Random, words: list[str], count: int) -> None:
    """Start a command and kill it: at any moment, or just after a paid POST."""
    running = batch.shell.start(*words, stdout=-1, stderr=-1)
    deadline = time.monotonic() + rng.uniform(0.1, 1.2)
    if rng.random() < 0.6:
        posts = batch.posts + rng.randint(1, count)
        until = time.monotonic() + 3
        while running.poll() is None and batch.posts < posts and time.monotonic() < until:
            time.sleep(0.002)
        deadline = time.monotonic() + rng.uniform(0.0, 0.15)
    while running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    running.kill()
    finish(running)
    assert running.returncode in (0, 8, -signal.SIGKILL)


def end_the_doubt(batch: Batches, ran: Ran, count: int) -> None:
    """Check that what is unknown is listed, and answer it by what the service made."""
    assert ran.status in (0, 8), (ran.stdout, ran.stderr)
    made = batch.ids()[:count]
    listed = {entry["modelSlug"]: str(entry["request"]) for entry in unknown_submissions(batch)}
    known = told(ran, count)
    for name, (task_id, made_id) in enumerate(zip(known, made, strict=True), 1):
        if task_id is None:
            assert f"a/{name}" in listed, (name, ran.stdout, ran.stderr)
            answer = ("--task-id", made_id) if made_id else ("--not-created",)
            resolved = batch.shell("task", "resolve", listed.pop(f"a/{name}"), *answer)
            assert resolved.status == 0, resolved.stderr
        else:
            assert task_id == made_id
    assert listed == {}


def told(ran: Ran, count: int) -> list[str | None]:
    """The task ids in a result; None for a request of unknown outcome."""
    if count > 1:
        return [entry.get("taskId") for entry in ran.json["tasks"]]
    return [ran.json["data"]["task_id"]] if ran.status == 0 else [None]


def test_many_processes_that_are_killed_at_random_pay_for_each_line_once(batch: Batches) -> None:
    """Overlapping files, two names of the same key; with more rounds, more processes."""
    rng = random.Random(7)
    names = list(range(1, 13))
    batch.served.change(latency=0.05)
    paths = []
    for number in range(4):
        paths.append(batch.shell.cwd / f"lines-{number}.jsonl")
        paths[-1].write_text(text(rng.sample(names, 8)))
    words = ("--yes", "--resume", "--continue-on-unknown", "--concurrency", "2")
    running = []
    for number in range(4 * ROUNDS):
        profile = ("--profile", rng.choice(["work", "home"]))
        command = ("model", "batch", str(paths[number % 4]), *words, *profile)
        running.append(batch.shell.start(*command, stdout=-1, stderr=-1))
        time.sleep(rng.uniform(0.0, 0.3))
        victim = rng.choice(running)
        if rng.random() < 0.4 and victim.poll() is None:
            victim.kill()
    for one in running:
        finish(one)
    batch.path.write_text(text(names))
    last = ("model", "batch", str(batch.path), *words, "--json")
    end_the_doubt(batch, batch.shell(*last), len(names))
    ran = batch.shell(*last)
    assert ran.status == 0, (ran.stdout, ran.stderr)
    assert told(ran, len(names)) == batch.ids()
    assert None not in batch.ids()

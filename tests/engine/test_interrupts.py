"""Ctrl-C at every stage: each line is told once, and the next run pays for none twice."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.saved import Saved, SavedFile
from modellix_cli.domain.task import Task
from modellix_cli.engine.batch_book import BatchBook
from modellix_cli.engine.core import effects
from modellix_cli.engine.core.following import INTERRUPTED
from modellix_cli.engine.core.lines import Known
from tests.engine.runs import Bench, Saves, states, unavailable
from tests.support import FakeClock


@pytest.fixture
def bench(tmp_path: Path, clock: FakeClock) -> Iterator[Bench]:
    bench = Bench(tmp_path, clock)
    yield bench
    bench.file.close()


def line_two(effect: effects.Effect) -> bool:
    return isinstance(effect, effects.Post) and effect.ref == 2


def after_claim(bench: Bench) -> None:
    """Interrupt between the record of the first intents and their requests."""

    def patch(book: BatchBook) -> None:
        claim = book.claim

        def slowly(intents: Sequence[effects.Intent]) -> dict[int, int | Known | ModellixError]:
            claims = claim(intents)
            bench.interrupt()
            return claims

        book.claim = slowly  # type: ignore[method-assign]

    bench.on_book = patch


def undo(bench: Bench) -> None:
    bench.on_book = lambda book: None
    bench.on_emit = lambda outcome: None
    bench.service.on_post = lambda index: None
    bench.stuck = lambda effect: False


def test_an_interrupt_before_anything_sends_nothing(bench: Bench) -> None:
    driver = bench.prepare()
    bench.interrupt()
    driver.run()
    assert states(bench.outcomes) == ["skipped"] * 4
    assert bench.service.posts == []
    assert {state for _, state, _ in bench.on_disk()} == {None}


def test_what_was_recorded_but_has_not_left_is_not_sent(bench: Bench) -> None:
    after_claim(bench)
    assert states(bench.run()) == ["skipped"] * 4
    assert bench.service.posts == []
    undo(bench)
    assert states(bench.run()) == ["accepted"] * 4


def test_a_submission_under_way_may_still_end(bench: Bench) -> None:
    bench.service.on_post = bench.interrupt
    outcomes = bench.run(concurrency=2)
    assert states(outcomes) == ["accepted", "accepted", "skipped", "skipped"]
    assert bench.service.posts == [1, 2]


def test_a_submission_that_does_not_end_is_of_unknown_outcome(
    bench: Bench, clock: FakeClock
) -> None:
    bench.stuck = line_two
    bench.on_emit = bench.interrupt
    began = clock.time
    outcomes = bench.run(concurrency=2)
    assert states(outcomes)[:2] == ["accepted", "unknown"]
    assert clock.time - began < 1
    assert bench.on_disk()[1] == (2, "intent", None)


def test_the_next_run_covers_what_an_interrupt_left(bench: Bench) -> None:
    bench.stuck = line_two
    bench.on_emit = bench.interrupt
    bench.run(concurrency=2)
    bench.file.transact(lambda db: db.execute("UPDATE submissions SET pid = 2147483646").rowcount)
    undo(bench)
    assert states(bench.run()) == ["accepted", "unknown", "accepted", "accepted"]
    assert sorted(bench.service.posts) == [1, 3, 4]


def test_a_line_that_waits_for_another_try_keeps_why_it_was_refused_for_the_next_run(
    bench: Bench,
) -> None:
    def refuse() -> ModellixError:
        bench.interrupt()
        return unavailable()

    bench.service.answers[1] = [refuse]
    first = bench.run(concurrency=1)[0]
    assert states([first]) == ["rejected"]
    assert first.detail == "later."
    undo(bench)
    assert states(bench.run()) == ["accepted"] * 4


def test_tasks_that_run_are_told_as_interrupted(bench: Bench) -> None:
    bench.service.on_post = lambda index: bench.interrupt() if index == 4 else None
    outcomes = bench.run(wait=True, concurrency=4)
    assert set(states(outcomes)) == {"accepted"}
    assert {outcome.waiting for outcome in outcomes} == {INTERRUPTED}
    assert all(outcome.needs_resume for outcome in outcomes)


def test_an_interrupted_wait_leaves_the_tasks_of_earlier_runs_for_the_next(bench: Bench) -> None:
    bench.run()
    driver = bench.prepare(wait=True)
    bench.interrupt()
    driver.run()
    assert [outcome.waiting for outcome in bench.outcomes] == [INTERRUPTED] * 4
    undo(bench)
    assert {outcome.status for outcome in bench.run(wait=True)} == {"success"}
    assert len(bench.service.posts) == 4


def test_an_interrupt_stops_saving_and_the_next_run_saves_the_rest(bench: Bench) -> None:
    def save(ref: int, task: Task) -> Saved:
        if ref == 2:
            bench.interrupt()
        saved = Saved(Path())
        saved.add(SavedFile(Path(f"{ref}.png"), 3, "image", "https://x/a", "", 1))
        return saved

    bench.saves = Saves(save)
    bench.service.end = {"status": "success", "result": {"resources": ["https://x/a"]}}
    outcomes = bench.run(wait=True, saves=1, concurrency=4)
    assert bench.saves.stops == 1
    assert any(outcome.waiting == INTERRUPTED for outcome in outcomes)
    bench.saves = Saves(lambda ref, task: save(0, task))
    assert {outcome.status for outcome in bench.run(wait=True)} == {"success"}
    assert len(bench.service.posts) == 4


def test_a_second_interrupt_ends_at_once(bench: Bench) -> None:
    def impatient(index: int) -> None:
        raise KeyboardInterrupt

    bench.service.on_post = impatient
    with pytest.raises(KeyboardInterrupt):
        bench.prepare().run()
    assert {state for _, state, _ in bench.on_disk()} == {"intent", None}


def test_what_an_observer_raises_comes_out_when_the_ids_are_on_disk(bench: Bench) -> None:
    def fail(outcome: object) -> None:
        raise RuntimeError("odd")

    bench.on_emit = fail
    with pytest.raises(RuntimeError):
        bench.prepare(concurrency=2).run()
    assert bench.on_disk()[:2] == [(1, "accepted", "task-1"), (2, "accepted", "task-2")]

"""A batch that is interrupted: each line is told once, and the next run pays for none twice."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from modellix_cli.domain.errors import ModellixError
from modellix_cli.engine.batch_follow import INTERRUPTED
from modellix_cli.inputs.batch_file import Line
from tests.engine.batches import Bench, Key, states, unavailable
from tests.support import FakeClock


@pytest.fixture
def bench(tmp_path: Path, clock: FakeClock) -> Iterator[Bench]:
    bench = Bench(tmp_path, clock)
    yield bench
    bench.file.close()


def line_two(key: Key) -> bool:
    return key[0] == "submit" and key[1][0].index == 2


def test_an_interrupt_before_anything_sends_nothing(bench: Bench) -> None:
    bench.prepare()
    bench.interrupt()
    assert bench.current is not None
    bench.current.run(bench.lines, [])
    assert states(bench.told) == ["skipped"] * 4
    assert (bench.service.posts, bench.on_disk()) == ([], [])


def test_what_was_recorded_but_has_not_left_is_not_sent(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    intend = bench.book.intend

    def slowly(batch: int, lines: Sequence[Line]) -> None:
        intend(batch, lines)
        bench.interrupt()

    monkeypatch.setattr(bench.book, "intend", slowly)
    assert states(bench.run()) == ["skipped"] * 4
    assert bench.service.posts == []
    monkeypatch.undo()
    assert states(bench.run()) == ["accepted"] * 4


def test_a_submission_under_way_may_still_end(bench: Bench) -> None:
    bench.service.on_post = bench.interrupt
    fates = bench.run(concurrency=2)
    assert states(fates) == ["accepted", "accepted", "skipped", "skipped"]
    assert bench.service.posts == [1, 2]


def test_a_submission_that_does_not_end_is_of_unknown_outcome(
    bench: Bench, clock: FakeClock
) -> None:
    bench.stuck = line_two
    bench.on_emit = bench.interrupt
    began = clock.time
    assert states(bench.run(concurrency=2)) == ["accepted", "unknown", "skipped", "skipped"]
    assert clock.time - began < 1
    assert bench.on_disk()[1] == (2, "intent", None)


def test_the_next_run_covers_what_an_interrupt_left(bench: Bench) -> None:
    bench.stuck = line_two
    bench.on_emit = bench.interrupt
    bench.run(concurrency=2)
    bench.stuck = lambda key: False
    bench.on_emit = lambda fate: None
    assert states(bench.run()) == ["accepted", "unknown", "accepted", "accepted"]
    assert sorted(bench.service.posts) == [1, 3, 4]


def test_a_line_that_waits_for_another_try_says_why_it_was_refused(bench: Bench) -> None:
    def refuse() -> ModellixError:
        bench.interrupt()
        return unavailable()

    bench.service.answers[1] = [refuse]
    first = bench.run(concurrency=1)[0]
    assert (first.state, first.detail) == (
        "skipped", "Skipped: the batch was interrupted. It was refused before: later.",
    )  # fmt: skip


def test_tasks_that_run_are_told_as_interrupted(bench: Bench) -> None:
    bench.service.on_post = lambda index: bench.interrupt() if index == 4 else None
    fates = bench.run(wait=True, concurrency=4)
    assert {(fate.state, fate.status) for fate in fates} == {("accepted", INTERRUPTED)}
    assert all(fate.again for fate in fates)


def test_an_interrupted_wait_leaves_the_tasks_of_earlier_runs_for_the_next(bench: Bench) -> None:
    bench.run()
    bench.prepare(wait=True)
    bench.told = []
    bench.interrupt()
    assert bench.current is not None
    bench.current.run(bench.lines, bench.book.fates(bench.batch))
    assert [fate.status for fate in bench.told] == [INTERRUPTED] * 4


def test_an_interrupt_stops_saving(bench: Bench) -> None:
    bench.service.on_post = bench.interrupt
    bench.run(wait=True)
    assert bench.saves_stopped == 1


def test_a_second_interrupt_ends_at_once(bench: Bench) -> None:
    def impatient(index: int) -> None:
        raise KeyboardInterrupt

    bench.prepare()
    bench.service.on_post = impatient
    assert bench.current is not None
    with pytest.raises(KeyboardInterrupt):
        bench.current.run(bench.lines, [])
    assert {state for _, state, _ in bench.on_disk()} == {"intent"}


def test_what_a_listener_raises_comes_out_when_the_ids_are_on_disk(bench: Bench) -> None:
    def fail(fate: object) -> None:
        raise RuntimeError("odd")

    bench.on_emit = fail
    bench.prepare(concurrency=2)
    assert bench.current is not None
    with pytest.raises(RuntimeError):
        bench.current.run(bench.lines, [])
    assert bench.on_disk() == [(1, "accepted", "task-1"), (2, "accepted", "task-2")]

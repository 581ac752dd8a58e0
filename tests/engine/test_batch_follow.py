"""A batch's tasks: followed to their end, given up in time, their results saved."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.task import Task
from modellix_cli.downloads.downloader import Saved, SavedFile
from modellix_cli.engine.batch_follow import TIMED_OUT
from modellix_cli.ledger.batch_facts import Fate
from tests.engine.batches import Bench, busy, states
from tests.support import FakeClock

URL = "https://cdn.example.com/a.png"


@pytest.fixture
def bench(tmp_path: Path, clock: FakeClock) -> Iterator[Bench]:
    bench = Bench(tmp_path, clock)
    yield bench
    bench.file.close()


def made(bench: Bench) -> None:
    """Let tasks end with one result."""
    bench.service.end = {"status": "success", "result": {"resources": [{"url": URL}]}}


def saved_as(name: str) -> Saved:
    saved = Saved(Path())
    saved.add(SavedFile(Path(name), 3, "image", URL, "", 1))
    return saved


def failing(code: ErrorCode) -> Saved:
    saved = Saved(Path())
    saved.fail(ModellixError(code, "no."), 1)
    return saved


def test_a_line_is_told_when_its_task_has_ended(bench: Bench) -> None:
    made(bench)
    fates = bench.run(wait=True)
    assert {(fate.status, fate.urls, fate.detail) for fate in fates} == {("success", (URL,), None)}


def test_what_a_task_made_is_in_the_journal(bench: Bench) -> None:
    made(bench)
    fates = bench.run(wait=True)
    assert list(bench.book.fates(bench.batch)) == fates


def test_the_reason_of_a_failure_is_told_in_one_line_of_bounded_length(bench: Bench) -> None:
    bench.service.end = {"status": "failed", "error": "\ud800bad\n" + "x" * 100_000}
    detail = bench.run(wait=True)[0].detail or ""
    assert detail.startswith("Task reached terminal status failed.  bad x")
    assert len(detail) < 600
    assert "\n" not in detail


def test_a_task_that_does_not_end_is_given_up_after_its_time(
    bench: Bench, clock: FakeClock
) -> None:
    bench.service.runs_for = 1e9
    began = clock.time
    fates = bench.run(wait=True, timeout=30.0)
    assert {fate.status for fate in fates} == {TIMED_OUT}
    assert all(fate.again for fate in fates)
    assert 30 <= clock.time - began < 35


def test_looks_that_must_wait_do_not_hold_a_batch_beyond_its_time(
    bench: Bench, clock: FakeClock
) -> None:
    bench.service.look_trouble = lambda task_id: busy(3600.0)
    began = clock.time
    assert {fate.status for fate in bench.run(wait=True, timeout=60.0)} == {TIMED_OUT}
    assert 60 <= clock.time - began < 65


def test_an_answer_that_comes_at_the_very_end_of_the_time_loses_no_line(
    bench: Bench, clock: FakeClock
) -> None:
    bench.service.runs_for = 1e9

    def slow(task_id: str) -> None:
        if clock.time > began + 25:
            clock.time = began + 30.0

    began = clock.time
    bench.service.look_trouble = slow
    monotonic, ticks = clock.monotonic, iter(range(10**9))
    clock.monotonic = lambda: monotonic() + next(ticks) * 1e-4  # type: ignore[method-assign]
    assert len(bench.run(wait=True, timeout=30.0)) == 4


def test_a_task_that_cannot_be_looked_at_stays_accepted(bench: Bench) -> None:
    gone = ModellixError(ErrorCode.NOT_FOUND, "no such task.", status=404)
    bench.service.look_trouble = lambda task_id: gone if task_id == "task-2" else None
    fates = bench.run(wait=True)
    assert states(fates) == ["accepted"] * 4
    assert fates[1].detail == "Status polling failed: no such task."
    assert [fate.again for fate in fates] == [False, True, False, False]


def test_a_defect_while_looking_ends_one_line_only(bench: Bench) -> None:
    odd = RuntimeError("odd")
    bench.service.look_trouble = lambda task_id: odd if task_id == "task-2" else None
    fates = bench.run(wait=True)
    assert "RuntimeError: odd" in (fates[1].detail or "")
    assert [fate.status for fate in fates] == ["success", None, "success", "success"]


def test_two_lines_that_were_given_one_id_both_end(bench: Bench) -> None:
    bench.service.answers = {2: ["task-1"], 3: ["task-1"]}
    fates = bench.run(wait=True)
    assert [fate.task_id for fate in fates] == ["task-1", "task-1", "task-1", "task-4"]
    assert {fate.status for fate in fates} == {"success"}


def test_one_id_for_all_lines_does_no_harm_where_room_is_short(
    bench: Bench, clock: FakeClock
) -> None:
    bench.lines = [type(bench.lines[0])(n, n, bench.lines[0].slug, b"%d" % n, None)
                   for n in range(1, 30)]  # fmt: skip
    bench.service.always = "task-1"
    assert states(bench.run()) == ["accepted"] * 29


def test_tasks_of_earlier_runs_are_followed(bench: Bench) -> None:
    bench.run()
    posts = len(bench.service.posts)
    assert {fate.status for fate in bench.run(wait=True)} == {"success"}
    assert len(bench.service.posts) == posts


def test_many_tasks_of_earlier_runs_are_not_all_followed_at_once(bench: Bench) -> None:
    line = bench.lines[0]
    bench.lines = [type(line)(n, n, line.slug, b"%d" % n, None) for n in range(1, 1501)]
    bench.fates = [Fate(n, "a/b", None, "accepted", f"task-{n}") for n in range(1, 1501)]
    running: list[int] = []
    bench.on_emit = lambda fate: running.append(
        bench.current._following.running if bench.current else 0
    )
    assert {fate.status for fate in bench.run(wait=True)} == {"success"}
    assert max(running) <= 1000


def test_results_are_saved_and_named(bench: Bench) -> None:
    made(bench)
    bench.save = lambda fate, task: saved_as(f"{fate.index}.png")
    fates = bench.run(wait=True)
    assert fates[1].files == ({"bytes": 3, "path": "2.png", "type": "image", "url": URL},)


def test_a_download_that_failed_is_tried_again_by_the_next_run(bench: Bench) -> None:
    made(bench)
    bench.save = lambda fate, task: failing(ErrorCode.DOWNLOAD_FAILED)
    fates = bench.run(wait=True)
    assert fates[0].again
    assert str(fates[0].detail).startswith("no. Nothing incomplete was left behind.")
    bench.save = lambda fate, task: saved_as("x.png")
    assert all(fate.files and not fate.detail for fate in bench.run(wait=True))


def test_a_result_that_is_gone_is_not_asked_for_again(bench: Bench) -> None:
    asked: list[int] = []

    def save(fate: Fate, task: Task) -> Saved:
        asked.append(fate.index)
        return failing(ErrorCode.RESULT_EXPIRED)

    made(bench)
    bench.save = save
    assert not any(fate.again for fate in bench.run(wait=True))
    asked.clear()
    assert all(str(fate.detail).startswith("no. ") for fate in bench.run(wait=True))
    assert asked == []


def test_a_defect_while_saving_ends_one_line_only(bench: Bench) -> None:
    def save(fate: Fate, task: Task) -> Saved:
        if fate.index == 2:
            raise RuntimeError("odd")
        return saved_as("x.png")

    made(bench)
    bench.save = save
    assert [fate.detail is None for fate in bench.run(wait=True)] == [True, False, True, True]

"""The driver and tasks: followed to their end, given up in time, their results saved."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.saved import Saved, SavedFile
from modellix_cli.domain.task import Task
from modellix_cli.engine.core.following import LOST, TIMED_OUT
from tests.engine.runs import Bench, Saves, busy, states
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


def saved_as(path: Path) -> Saved:
    path.write_bytes(b"abc")
    saved = Saved(path.parent)
    saved.add(SavedFile(path, 3, "image", URL, "", 1))
    return saved


def failing(code: ErrorCode) -> Saved:
    saved = Saved(Path())
    saved.fail(ModellixError(code, "no."), 1)
    return saved


def test_a_line_is_told_when_its_task_has_ended(bench: Bench) -> None:
    made(bench)
    outcomes = bench.run(wait=True)
    assert {(o.status, o.urls, o.detail) for o in outcomes} == {("success", (URL,), None)}


def test_what_a_task_made_is_in_the_ledger(bench: Bench) -> None:
    made(bench)
    bench.run(wait=True)
    lines = list(bench.batches.lines(bench.batch))
    assert {(line.status, line.urls) for line in lines} == {("success", (URL,))}


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
    outcomes = bench.run(wait=True, timeout=30.0)
    assert {outcome.waiting for outcome in outcomes} == {TIMED_OUT}
    assert all(outcome.needs_resume for outcome in outcomes)
    assert 30 <= clock.time - began < 35


def test_polls_that_must_wait_do_not_hold_a_batch_beyond_its_time(
    bench: Bench, clock: FakeClock
) -> None:
    bench.service.poll_trouble = lambda task_id: busy(3600.0)
    began = clock.time
    assert {o.waiting for o in bench.run(wait=True, timeout=60.0)} == {TIMED_OUT}
    assert 60 <= clock.time - began < 65


def test_an_answer_that_comes_at_the_very_end_of_the_time_loses_no_line(
    bench: Bench, clock: FakeClock
) -> None:
    bench.service.runs_for = 1e9

    def slow(task_id: str) -> None:
        if clock.time > began + 25:
            clock.time = began + 30.0

    began = clock.time
    bench.service.poll_trouble = slow
    monotonic, ticks = clock.monotonic, iter(range(10**9))
    clock.monotonic = lambda: monotonic() + next(ticks) * 1e-4  # type: ignore[method-assign]
    assert len(bench.run(wait=True, timeout=30.0)) == 4


def test_a_task_that_cannot_be_polled_stays_accepted(bench: Bench) -> None:
    refused = ModellixError(ErrorCode.UNAUTHORIZED, "no such key.", status=401)
    bench.service.poll_trouble = lambda task_id: refused if task_id == "task-2" else None
    outcomes = bench.run(wait=True)
    assert states(outcomes) == ["accepted"] * 4
    assert outcomes[1].detail == "Status polling failed: no such key."
    assert [outcome.waiting for outcome in outcomes] == [None, LOST, None, None]
    assert [outcome.needs_resume for outcome in outcomes] == [False, True, False, False]


def test_a_defect_while_polling_ends_one_line_only(bench: Bench) -> None:
    odd = RuntimeError("odd")
    bench.service.poll_trouble = lambda task_id: odd if task_id == "task-2" else None
    outcomes = bench.run(wait=True)
    assert "RuntimeError: odd" in (outcomes[1].detail or "")
    assert [outcome.status for outcome in outcomes] == ["success", None, "success", "success"]


def test_two_lines_that_were_given_one_id_both_end(bench: Bench) -> None:
    bench.service.answers = {2: ["task-1"], 3: ["task-1"]}
    outcomes = bench.run(wait=True)
    assert [outcome.task_id for outcome in outcomes] == ["task-1", "task-1", "task-1", "task-4"]
    assert {outcome.status for outcome in outcomes} == {"success"}


def test_one_id_for_all_lines_does_no_harm_where_room_is_short(bench: Bench) -> None:
    bench.total = 29
    bench.service.always = "task-1"
    assert states(bench.run()) == ["accepted"] * 29


def test_tasks_of_earlier_runs_are_followed(bench: Bench) -> None:
    bench.run()
    posts = len(bench.service.posts)
    assert {outcome.status for outcome in bench.run(wait=True)} == {"success"}
    assert len(bench.service.posts) == posts


def test_results_are_saved_and_named(bench: Bench, tmp_path: Path) -> None:
    made(bench)
    bench.saves = Saves(lambda ref, task: saved_as(tmp_path / f"{ref}.png"))
    outcomes = bench.run(wait=True)
    path = str(tmp_path / "2.png")
    assert outcomes[1].files == ({"bytes": 3, "path": path, "type": "image", "url": URL},)
    assert bench.tasks.unsaved(bench.clock.now(), 1e6) == []


def test_what_is_saved_already_is_reused_while_the_files_are_there(
    bench: Bench, tmp_path: Path
) -> None:
    asked: list[int] = []

    def save(ref: int, task: Task) -> Saved:
        asked.append(ref)
        return saved_as(tmp_path / f"{ref}.png")

    made(bench)
    bench.saves = Saves(save)
    bench.run(wait=True)
    (tmp_path / "3.png").unlink()
    asked.clear()
    assert all(outcome.files for outcome in bench.run(wait=True))
    assert asked == [3]


def test_a_download_that_failed_is_tried_again_by_the_next_run(
    bench: Bench, tmp_path: Path
) -> None:
    made(bench)
    bench.saves = Saves(lambda ref, task: failing(ErrorCode.DOWNLOAD_FAILED))
    outcomes = bench.run(wait=True)
    assert outcomes[0].needs_resume
    assert str(outcomes[0].detail).startswith("no. No incomplete file was left behind.")
    bench.saves = Saves(lambda ref, task: saved_as(tmp_path / f"{ref}.png"))
    assert all(outcome.files and not outcome.detail for outcome in bench.run(wait=True))


def test_a_result_that_is_gone_is_not_asked_for_again(bench: Bench) -> None:
    asked: list[int] = []

    def save(ref: int, task: Task) -> Saved:
        asked.append(ref)
        return failing(ErrorCode.RESULT_EXPIRED)

    made(bench)
    bench.saves = Saves(save)
    assert not any(outcome.needs_resume for outcome in bench.run(wait=True))
    asked.clear()
    assert all(str(outcome.detail).startswith("no. ") for outcome in bench.run(wait=True))
    assert asked == []


def test_a_defect_while_saving_ends_one_line_only(bench: Bench, tmp_path: Path) -> None:
    def save(ref: int, task: Task) -> Saved:
        if ref == 2:
            raise RuntimeError("odd")
        return saved_as(tmp_path / f"{ref}.png")

    made(bench)
    bench.saves = Saves(save)
    outcomes = bench.run(wait=True)
    assert [outcome.detail is None for outcome in outcomes] == [True, False, True, True]
    assert outcomes[1].needs_resume


def test_many_tasks_of_earlier_runs_are_not_all_followed_at_once(bench: Bench) -> None:
    bench.total = 60
    bench.run(concurrency=10)
    running: list[int] = []

    def look(outcome: object) -> None:
        assert bench.engine is not None
        running.append(bench.engine._following.running)

    bench.on_emit = look
    assert {o.status for o in bench.run(wait=True, most_followed=20)} == {"success"}
    assert max(running) <= 20 + 3  # and as many as are brought at a time

"""A batch's submissions: what is sent, what is sent again, what stops, what is on disk."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from modellix_cli.api.retry import Limits
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.ledger.batch_facts import Fate
from tests.engine.batches import (
    Bench,
    busy,
    concurrency_limited,
    refused,
    states,
    unavailable,
    unknown,
)
from tests.support import FakeClock

SKIPPED_AFTER_UNKNOWN = "Skipped after an earlier paid submission returned an unknown outcome."


@pytest.fixture
def bench(tmp_path: Path, clock: FakeClock) -> Iterator[Bench]:
    bench = Bench(tmp_path, clock)
    yield bench
    bench.file.close()


def test_every_line_is_sent_once_and_told_with_its_id(bench: Bench) -> None:
    fates = bench.run()
    assert bench.service.posts == [1, 2, 3, 4]
    assert [fate.task_id for fate in fates] == ["task-1", "task-2", "task-3", "task-4"]


def test_the_intent_is_on_disk_when_a_post_leaves(bench: Bench) -> None:
    seen: list[object] = []
    bench.service.on_post = lambda index: seen.append(bench.on_disk()[index - 1])
    bench.run(concurrency=1)
    assert seen == [(n, "intent", None) for n in range(1, 5)]


def test_an_id_is_on_disk_before_its_line_is_told(bench: Bench) -> None:
    bench.on_emit = lambda fate: seen.append(bench.on_disk()[fate.index - 1])
    seen: list[object] = []
    bench.run(concurrency=1)
    assert seen == [(n, "accepted", f"task-{n}") for n in range(1, 5)]


def test_no_more_submissions_at_a_time_than_allowed(bench: Bench) -> None:
    bench.run(concurrency=2)
    assert bench.workers.most_submissions == 2


def test_a_refused_line_stops_no_other(bench: Bench) -> None:
    bench.service.answers[2] = [refused()]
    assert states(bench.run()) == ["accepted", "rejected", "accepted", "accepted"]


def test_an_unknown_outcome_lets_no_further_line_start(bench: Bench) -> None:
    bench.service.answers[2] = [unknown()]
    fates = bench.run(concurrency=1)
    assert states(fates) == ["accepted", "unknown", "skipped", "skipped"]
    assert fates[3].detail == SKIPPED_AFTER_UNKNOWN
    assert bench.service.posts == [1, 2]


def test_an_unknown_outcome_stops_nothing_if_so_asked(bench: Bench) -> None:
    bench.service.answers[2] = [unknown()]
    fates = bench.run(concurrency=1, continue_on_unknown=True)
    assert states(fates) == ["accepted", "unknown", "accepted", "accepted"]


def test_an_id_that_an_unusable_reply_names_is_kept_and_told(bench: Bench) -> None:
    bench.service.answers[2] = [unknown("task-x")]
    assert bench.run(concurrency=1)[1].task_id == "task-x"
    assert bench.on_disk()[1] == (2, "unknown", "task-x")


@pytest.mark.parametrize(
    "code", [ErrorCode.UNAUTHORIZED, ErrorCode.PAYMENT_REQUIRED, ErrorCode.TLS]
)
def test_what_no_other_line_can_escape_stops_the_batch(bench: Bench, code: ErrorCode) -> None:
    bench.service.answers[2] = [ModellixError(code, "no.")]
    assert states(bench.run(concurrency=1)) == ["accepted", "rejected", "skipped", "skipped"]
    assert bench.current is not None
    assert bench.current.stopped_by is not None
    assert bench.current.stopped_by.code is code


@pytest.mark.parametrize("error", [unavailable(), busy(), busy(3.0), concurrency_limited()])
def test_a_line_that_was_refused_for_a_time_is_sent_again(
    bench: Bench, error: ModellixError
) -> None:
    bench.service.answers[2] = [error, error]
    assert states(bench.run()) == ["accepted"] * 4
    assert bench.service.posts.count(2) == 3


def test_a_service_that_stays_away_ends_the_batch_after_the_patience(
    bench: Bench, clock: FakeClock
) -> None:
    bench.service.always = unavailable
    began = clock.time
    fates = bench.run(patience=60.0)
    assert 60 < clock.time - began < 90
    assert "accepted" not in states(fates)


def test_refusals_for_ever_end_the_batch_after_the_patience(bench: Bench, clock: FakeClock) -> None:
    bench.service.always = busy
    began = clock.time
    bench.run(patience=60.0)
    assert clock.time - began < 120


def test_a_server_that_was_never_reached_is_tried_four_times(
    bench: Bench, clock: FakeClock
) -> None:
    bench.service.always = lambda: ModellixError(ErrorCode.NETWORK, "refused.")
    fates = bench.run(concurrency=1)
    assert bench.service.posts == [1] * 4
    assert states(fates) == ["rejected", "skipped", "skipped", "skipped"]


def test_a_wait_beyond_the_patience_is_not_waited(bench: Bench, clock: FakeClock) -> None:
    bench.service.answers[1] = [busy(3600.0)]
    began = clock.time
    assert states(bench.run(concurrency=1)) == ["rejected", "skipped", "skipped", "skipped"]
    assert clock.time - began < 10


def test_limits_used_up_for_longer_than_the_patience_send_nothing(
    bench: Bench, clock: FakeClock
) -> None:
    bench.governor.answered(Limits(200, limit=100, remaining=0, reset_in=3600.0))
    began = clock.time
    assert states(bench.run()) == ["skipped"] * 4
    assert (bench.service.posts, clock.time - began < 10) == ([], True)
    assert bench.current is not None
    assert bench.current.stopped_by is not None
    assert "--max-retry-wait" in bench.current.stopped_by.hint


def test_tasks_that_run_for_long_do_not_end_a_batch_that_waits_for_room(
    bench: Bench, clock: FakeClock
) -> None:
    room_at = clock.time + 250
    bench.service.always = lambda: (
        concurrency_limited() if clock.time < room_at else f"late-{clock.time}"
    )
    bench.service.answers = {1: ["task-1"], 2: ["task-2"]}
    assert states(bench.run(patience=120.0, timeout=300.0)) == ["accepted"] * 4


def test_no_room_for_ever_ends_the_batch(bench: Bench, clock: FakeClock) -> None:
    bench.service.always = concurrency_limited
    began = clock.time
    assert "accepted" not in states(bench.run(patience=60.0, timeout=100.0))
    assert 160 < clock.time - began < 400


def test_very_many_refusals_end_in_no_defect(bench: Bench) -> None:
    bench.service.answers[1] = [unavailable() for _ in range(9)]
    bench.service.always = unavailable
    bench.lines = [bench.lines[0].__class__(n, n, line.slug, b"%d" % n, None)
                   for line in bench.lines[:1] for n in range(1, 300)]  # fmt: skip
    assert set(states(bench.run(patience=1e6, concurrency=10))) == {"rejected"}


def test_what_cannot_be_recorded_is_not_sent(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(batch: int, lines: object) -> None:
        raise ModellixError(ErrorCode.OUTPUT_UNWRITABLE, "full.")

    monkeypatch.setattr(bench.book, "intend", fail)
    fates = bench.run()
    assert (states(fates), fates[3].detail) == (["skipped"] * 4, "Skipped: full.")
    assert bench.service.posts == []


def test_an_id_that_cannot_be_recorded_is_warned_of(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.book, "settle", lambda *about: False)
    bench.run()
    assert sum("task-3" in warning for warning in bench.warnings) == 1


def test_an_id_that_could_not_be_recorded_is_recorded_at_the_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = bench.book.settle
    locked = [True, True]
    monkeypatch.setattr(
        bench.book, "settle", lambda *about: not (locked and locked.pop()) and settle(*about)
    )
    bench.run()
    assert [(state, task_id) for _, state, task_id in bench.on_disk()] == [
        ("accepted", f"task-{n}") for n in range(1, 5)
    ]


def test_a_refusal_that_could_not_be_recorded_does_not_undo_what_came_after(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = bench.book.settle
    locked = [True]
    monkeypatch.setattr(
        bench.book, "settle", lambda *about: not (locked and locked.pop()) and settle(*about)
    )
    bench.service.answers[1] = [unavailable()]
    bench.run(concurrency=1)
    assert {state for _, state, _ in bench.on_disk()} == {"accepted"}


def test_a_batch_that_is_not_in_the_journal_any_more_does_not_go_on(bench: Bench) -> None:
    bench.file.run(lambda db: db.execute("DELETE FROM batches"))
    assert states(bench.run()) == ["skipped"] * 4
    assert bench.service.posts == []


def test_a_defect_while_sending_is_an_unknown_outcome_of_that_line_only(bench: Bench) -> None:
    bench.service.answers[2] = [RuntimeError("odd")]
    fates = bench.run(continue_on_unknown=True)
    assert states(fates) == ["accepted", "unknown", "accepted", "accepted"]
    assert "RuntimeError: odd" in (fates[1].detail or "")


def test_a_resume_sends_what_was_refused_and_leaves_what_is_unknown(bench: Bench) -> None:
    bench.service.answers = {2: [refused()], 3: [unknown()]}
    bench.run(concurrency=1)
    bench.service.posts.clear()
    assert states(bench.run()) == ["accepted", "accepted", "unknown", "accepted"]
    assert sorted(bench.service.posts) == [2, 4]


def test_a_resume_sends_what_is_unknown_again_if_so_asked(bench: Bench) -> None:
    bench.service.answers[3] = [unknown()]
    bench.run(continue_on_unknown=True)
    bench.service.posts.clear()
    assert states(bench.run(resend_unknown=True)) == ["accepted"] * 4
    assert bench.service.posts == [3]


def test_a_resume_of_what_is_done_sends_nothing(bench: Bench) -> None:
    before = bench.run()
    bench.service.posts.clear()
    assert bench.run() == before
    assert bench.service.posts == []


def test_an_intent_without_an_outcome_is_not_sent_again(bench: Bench) -> None:
    bench.book.intend(bench.batch, bench.lines[:2])
    fates = bench.run()
    assert states(fates) == ["unknown", "unknown", "accepted", "accepted"]
    assert bench.service.posts == [3, 4]


def test_rows_of_no_line_do_not_make_others_unpaid(bench: Bench) -> None:
    bench.run()
    bench.service.posts.clear()
    bench.file.run(lambda db: db.execute(
        "INSERT INTO batch_lines (batch, line, slug, state) VALUES (?, 1.5, 'a/b', 'accepted')",
        (bench.batch,),
    ))  # fmt: skip
    assert states(bench.run()) == ["accepted"] * 4
    assert bench.service.posts == []


def test_nothing_is_sent_once_the_earlier_run_cannot_be_read(bench: Bench) -> None:
    def broken() -> Iterator[Fate]:
        yield Fate(1, "a/b", None, "accepted", "task-1")
        raise ModellixError(ErrorCode.OUTPUT_UNWRITABLE, "locked.")

    bench.fates = broken()
    assert states(bench.run()) == ["accepted", "skipped", "skipped", "skipped"]
    assert bench.service.posts == []

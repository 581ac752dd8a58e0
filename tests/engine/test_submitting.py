"""The driver and paid requests: what is sent, what is sent again, what stops, what is on disk."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from modellix_cli.api.retry import Limits
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.engine.batch_book import BatchBook
from modellix_cli.engine.core import effects
from modellix_cli.engine.core.lines import Known
from modellix_cli.engine.notices import Stopped
from tests.engine.runs import (
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


def full() -> ModellixError:
    return ModellixError(ErrorCode.LEDGER_UNUSABLE, "full.")


def test_every_line_is_sent_once_and_told_with_its_id(bench: Bench) -> None:
    outcomes = bench.run()
    assert bench.service.posts == [1, 2, 3, 4]
    assert [outcome.task_id for outcome in outcomes] == ["task-1", "task-2", "task-3", "task-4"]


def test_the_intent_is_on_disk_when_a_post_leaves(bench: Bench) -> None:
    seen: list[object] = []
    bench.service.on_post = lambda index: seen.append(bench.on_disk()[index - 1])
    bench.run(concurrency=1)
    assert seen == [(n, "intent", None) for n in range(1, 5)]


def test_an_id_is_on_disk_before_anything_is_told_of_it(bench: Bench) -> None:
    seen: list[object] = []

    def look(outcome: object) -> None:
        seen.append(bench.on_disk()[len(seen)])

    bench.on_emit = look
    bench.run(concurrency=1)
    assert seen == [(n, "accepted", f"task-{n}") for n in range(1, 5)]


def test_a_reply_is_on_disk_before_the_rate_limits_are_learned_from_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []

    def answered(limits: Limits) -> None:
        seen.append(bench.on_disk()[len(seen)])
        raise RuntimeError("odd")

    monkeypatch.setattr(bench.governor, "answered", answered)
    with pytest.raises(RuntimeError):
        bench.run(concurrency=1)
    assert seen == [(1, "accepted", "task-1")]


def test_no_more_submissions_at_a_time_than_allowed(bench: Bench) -> None:
    bench.run(concurrency=2)
    assert bench.workers.most_posts == 2


def test_a_refused_line_stops_no_other(bench: Bench) -> None:
    bench.service.answers[2] = [refused()]
    assert states(bench.run()) == ["accepted", "rejected", "accepted", "accepted"]


def test_an_unknown_outcome_lets_no_further_line_start(bench: Bench) -> None:
    bench.service.answers[2] = [unknown()]
    outcomes = bench.run(concurrency=1)
    assert states(outcomes) == ["accepted", "unknown", "skipped", "skipped"]
    assert outcomes[3].detail == SKIPPED_AFTER_UNKNOWN
    assert bench.service.posts == [1, 2]


def test_an_unknown_outcome_stops_nothing_if_so_asked(bench: Bench) -> None:
    bench.service.answers[2] = [unknown()]
    outcomes = bench.run(concurrency=1, continue_on_unknown=True)
    assert states(outcomes) == ["accepted", "unknown", "accepted", "accepted"]


def test_a_task_that_an_unusable_reply_names_is_accepted_once_it_is_found(bench: Bench) -> None:
    bench.service.answers[2] = [unknown("task-x")]
    outcome = bench.run(concurrency=1)[1]
    assert (str(outcome.state), outcome.task_id) == ("accepted", "task-x")
    assert bench.on_disk()[1] == (2, "accepted", "task-x")


def test_a_task_that_an_unusable_reply_names_stays_unknown_while_it_is_not_found(
    bench: Bench,
) -> None:
    bench.service.answers[2] = [unknown("task-x")]
    bench.service.poll_trouble = lambda task_id: ModellixError(
        ErrorCode.NOT_FOUND, "no such task.", status=404
    )
    outcome = bench.run(concurrency=1)[1]
    assert (str(outcome.state), outcome.task_id) == ("unknown", "task-x")
    assert bench.on_disk()[1] == (2, "unknown", "task-x")


@pytest.mark.parametrize(
    "code", [ErrorCode.UNAUTHORIZED, ErrorCode.PAYMENT_REQUIRED, ErrorCode.TLS]
)
def test_what_no_other_line_can_escape_stops_the_batch(bench: Bench, code: ErrorCode) -> None:
    bench.service.answers[2] = [ModellixError(code, "no.")]
    assert states(bench.run(concurrency=1)) == ["accepted", "rejected", "skipped", "skipped"]
    assert bench.stopped_by.code is code


@pytest.mark.parametrize("error", [unavailable(), busy(), busy(3.0), concurrency_limited()])
def test_a_line_that_was_refused_for_a_time_is_sent_again(
    bench: Bench, error: ModellixError
) -> None:
    bench.service.answers[2] = [error, error]
    assert states(bench.run()) == ["accepted"] * 4
    assert bench.service.posts.count(2) == 3


def test_a_line_that_is_sent_again_is_one_attempt_in_the_ledger(bench: Bench) -> None:
    bench.service.answers[1] = [unavailable(), unavailable()]
    bench.run(concurrency=1)
    rows = bench.file.read(lambda db: db.execute("SELECT count(*) FROM submissions").fetchall())
    assert rows == [(4,)]


def test_a_service_that_stays_away_ends_the_batch_after_the_patience(
    bench: Bench, clock: FakeClock
) -> None:
    bench.service.always = unavailable
    began = clock.time
    outcomes = bench.run(patience=60.0)
    assert 45 < clock.time - began < 90
    assert "accepted" not in states(outcomes)


def test_refusals_for_ever_end_the_batch_after_the_patience(bench: Bench, clock: FakeClock) -> None:
    bench.service.always = busy
    began = clock.time
    bench.run(patience=60.0)
    assert clock.time - began < 120


def test_a_server_that_was_never_reached_is_tried_four_times(bench: Bench) -> None:
    bench.service.always = lambda: ModellixError(ErrorCode.NETWORK, "refused.")
    outcomes = bench.run(concurrency=1)
    assert len(bench.service.posts) == 4
    assert "accepted" not in states(outcomes)
    assert bench.stopped_by.code is ErrorCode.NETWORK


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
    assert "--max-retry-wait" in bench.stopped_by.hint


@pytest.mark.slow
def test_tasks_that_run_for_long_do_not_end_a_batch_that_waits_for_room(
    bench: Bench, clock: FakeClock
) -> None:
    room_at = clock.time + 250
    bench.service.always = lambda: (
        concurrency_limited() if clock.time < room_at else f"late-{clock.time}"
    )
    bench.service.answers = {1: ["task-1"], 2: ["task-2"]}
    bench.service.runs_for = 250
    assert states(bench.run(patience=120.0, timeout=300.0)) == ["accepted"] * 4


def test_no_room_for_ever_ends_the_batch(bench: Bench, clock: FakeClock) -> None:
    bench.service.always = concurrency_limited
    began = clock.time
    assert "accepted" not in states(bench.run(patience=60.0, timeout=100.0))
    assert 100 < clock.time - began < 400


class Failing:
    """Makes a method of the book fail so often, then work again."""

    def __init__(self, name: str, times: int) -> None:
        self.name, self.times = name, times

    def __call__(self, book: BatchBook) -> None:
        work = getattr(book, self.name)

        def attempt(*values: object) -> object:
            if self.times:
                self.times -= 1
                raise full()
            return work(*values)

        setattr(book, self.name, attempt)


def test_what_cannot_be_recorded_is_not_sent(bench: Bench) -> None:
    bench.on_book = Failing("claim", 10**6)
    outcomes = bench.run()
    assert (states(outcomes), outcomes[3].detail) == (["skipped"] * 4, "Skipped: full.")
    assert bench.service.posts == []


def test_an_id_that_cannot_be_recorded_is_known_in_the_end_and_stops_paid_work(
    bench: Bench,
) -> None:
    bench.on_book = Failing("record", 10**6)
    outcomes = bench.run(concurrency=1)
    assert states(outcomes) == ["accepted", "skipped", "skipped", "skipped"]
    assert bench.driver is not None
    assert [(one.number, one.task_id) for one in bench.driver.unrecorded] == [(1, "task-1")]


def test_an_id_that_could_not_be_recorded_is_recorded_at_the_end(bench: Bench) -> None:
    bench.on_book = Failing("record", 2)
    bench.run(concurrency=1)
    assert bench.driver is not None
    assert bench.driver.unrecorded == []
    assert bench.on_disk()[0] == (1, "accepted", "task-1")


def test_a_lock_that_stays_is_waited_for_once_more_at_each_stage_not_for_each_id(
    bench: Bench,
) -> None:
    asked: list[int] = []

    def lock(book: BatchBook) -> None:
        def record(outcome: effects.RecordOutcome) -> None:
            asked.append(outcome.number)
            raise ModellixError(ErrorCode.LEDGER_BUSY, "locked.")

        setattr(book, "record", record)  # noqa: B010 - mypy knows another one

    bench.on_book = lock
    bench.run(concurrency=4)
    assert bench.driver is not None
    assert len(bench.service.posts) + 2 == len(asked)
    assert {(one.number, one.task_id, one.locked) for one in bench.driver.unrecorded} == {
        (number, f"task-{number}", True) for number in bench.service.posts
    }


def test_a_ledger_that_fails_when_all_was_sent_tells_nothing_of_more_lines(bench: Bench) -> None:
    bench.on_book = Failing("record_status", 1)
    bench.run(wait=True, concurrency=4)
    assert bench.engine is not None
    assert bench.engine.stopped_by is not None
    assert not any(isinstance(notice, Stopped) for notice in bench.notices)


def test_a_refusal_that_could_not_be_recorded_does_not_undo_what_came_after(bench: Bench) -> None:
    bench.on_book = Failing("record", 1)
    bench.service.answers[1] = [unavailable()]
    bench.run(concurrency=1)
    bench.on_book = lambda book: None
    assert states(bench.run(concurrency=1)) == ["accepted"] * 4
    assert {state for _, state, _ in bench.on_disk()} == {"accepted"}


def test_a_ledger_that_fails_ends_paid_work_but_not_the_wait_for_what_was_paid(
    bench: Bench,
) -> None:
    bench.on_book = Failing("record_status", 1)
    outcomes = bench.run(wait=True, concurrency=1)
    assert "accepted" in states(outcomes)
    ended = [o.status for o in outcomes if o.state is not None]
    assert set(ended) == {"success"}


def test_a_defect_while_sending_is_an_unknown_outcome_of_that_line_only(bench: Bench) -> None:
    bench.service.answers[2] = [RuntimeError("odd")]
    outcomes = bench.run(continue_on_unknown=True)
    assert states(outcomes) == ["accepted", "unknown", "accepted", "accepted"]
    assert "RuntimeError: odd" in (outcomes[1].detail or "")
    assert bench.on_disk()[1] == (2, "unknown", None)


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


def test_what_is_sent_again_by_the_users_word_is_sent_once_only(bench: Bench) -> None:
    bench.service.answers[3] = [unknown(), unknown()]
    bench.run(continue_on_unknown=True)
    bench.service.posts.clear()
    assert states(bench.run(resend_unknown=True))[2] == "unknown"
    assert bench.service.posts == [3]


def test_a_resume_of_what_is_done_sends_nothing(bench: Bench) -> None:
    before = bench.run()
    bench.service.posts.clear()
    after = bench.run()
    assert [outcome.task_id for outcome in after] == [outcome.task_id for outcome in before]
    assert all(outcome.reused for outcome in after)
    assert bench.service.posts == []


def test_a_line_that_another_process_sends_meanwhile_is_not_sent_and_gets_its_task(
    bench: Bench,
) -> None:
    claimed: list[int] = []

    def first(book: BatchBook) -> None:
        claim = book.claim

        def meanwhile(intents: Sequence[effects.Intent]) -> dict[int, int | Known | ModellixError]:
            if not claimed:  # the other one is quicker, and is this very process to the ledger
                found = claim(intents[:1])
                claimed.append(int(found[1]))  # type: ignore[arg-type]
                book.record(_accepted(claimed[0]))
            return claim(intents)

        book.claim = meanwhile  # type: ignore[method-assign]

    bench.on_book = first
    outcomes = bench.run(concurrency=1)
    assert (outcomes[0].task_id, outcomes[0].reused) == ("task-other", True)
    assert bench.service.posts == [2, 3, 4]


def _accepted(number: int) -> effects.RecordOutcome:
    from modellix_cli.domain.submission_state import SubmissionState

    return effects.RecordOutcome(number, SubmissionState.ACCEPTED, "task-other")


def test_an_intent_without_an_outcome_is_not_sent_again(bench: Bench) -> None:
    bench.stuck = lambda key: isinstance(key, effects.Post) and key.ref == 1
    bench.on_emit = lambda outcome: bench.interrupt()
    bench.run(concurrency=2)
    bench.file.transact(lambda db: db.execute("UPDATE submissions SET pid = 2147483646").rowcount)
    bench.stuck = lambda key: False
    bench.on_emit = lambda outcome: None
    bench.service.posts.clear()
    assert states(bench.run()) == ["unknown", "accepted", "accepted", "accepted"]
    assert sorted(bench.service.posts) == [3, 4]


def test_nothing_is_sent_once_the_earlier_run_cannot_be_read(bench: Bench) -> None:
    bench.prepare(concurrency=1)
    assert bench.source is not None
    assert bench.driver is not None
    fetch = bench.source.fetch
    calls: list[int] = []

    def breaking(at_most: int) -> object:
        calls.append(at_most)
        if len(calls) > 1:
            raise full()
        return fetch(at_most)

    bench.source.fetch = breaking  # type: ignore[method-assign,assignment]
    bench.driver.run()
    assert len(bench.service.posts) <= 1
    assert bench.stopped_by.message == "full."

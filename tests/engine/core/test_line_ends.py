"""What is recorded, told and kept of each line: numbers, ids, reasons."""

from typing import Any

import pytest

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.submission_state import NOT_SENT, RejectedBy, SubmissionState
from modellix_cli.domain.task import Submission
from modellix_cli.engine.core import effects, events
from modellix_cli.engine.core.earlier import STILL_SENT_ELSEWHERE
from modellix_cli.engine.core.lines import Line
from modellix_cli.engine.notices import (
    Counts,
    OtherTasks,
    Sending,
    SentElsewhere,
    SubmitRetried,
    TaskAwaited,
)
from tests.engine.core.bench import (
    SLUG,
    Bench,
    Follow,
    busy,
    crowded,
    known,
    lines,
    unavailable,
    unknown,
)

ACCEPTED, REJECTED = SubmissionState.ACCEPTED, SubmissionState.REJECTED
UNKNOWN, INTENT = SubmissionState.UNKNOWN, SubmissionState.INTENT
STOP = events.Stop("Skipped: interrupted.")
FILES = ({"path": "a.png"},)


def one(**facts: Any) -> list[Line]:
    return [Line(1, SLUG, **facts)]


# --- replies


def test_what_a_submission_said_goes_with_its_line() -> None:
    bench = Bench(one())
    submission = Submission("task-1", "pending", {}, ("task-2", "task-3"))
    bench.answers[1] = [None]
    bench.run()
    bench.step(events.Replied(1, "task-1", submission=submission))
    outcome = bench.outcomes[0]
    assert (outcome.task_id, outcome.number, outcome.submission) == ("task-1", 1, submission)
    assert OtherTasks("task-1", ("task-2", "task-3")) in bench.notices


def test_nothing_is_told_of_other_tasks_where_there_are_none() -> None:
    bench = Bench(one())
    bench.answers[1] = [None]
    bench.run()
    bench.step(events.Replied(1, "task-1", submission=Submission("task-1", "pending", {})))
    assert not [notice for notice in bench.notices if isinstance(notice, OtherTasks)]


def test_an_acceptance_that_is_recorded_late_names_the_other_tasks() -> None:
    bench = Bench(one())
    bench.answers[1] = [None]
    bench.run()
    submission = Submission("task-1", "pending", {}, ("task-2",))
    bench.step(events.Replied(1, "task-1", submission=submission, recorded=False))
    record = bench.all(effects.RecordOutcome)[0]
    assert (record.number, record.state, record.task_id) == (1, ACCEPTED, "task-1")
    assert record.detail is not None
    assert "task-2" in record.detail


@pytest.mark.parametrize(
    ("error", "state", "by"),
    [
        (ModellixError(ErrorCode.SUBMISSION_UNKNOWN, "cut.", task_id="task-9"), UNKNOWN, None),
        (ModellixError(ErrorCode.INVALID_REQUEST, "no prompt."), REJECTED, RejectedBy.SERVICE),
        (ModellixError(ErrorCode.NETWORK, "refused."), REJECTED, RejectedBy.NETWORK),
        (ModellixError(ErrorCode.TLS, "expired."), REJECTED, RejectedBy.NETWORK),
    ],
)
def test_a_failure_that_is_recorded_late_keeps_its_state_id_and_reason(
    error: ModellixError, state: SubmissionState, by: RejectedBy | None
) -> None:
    bench = Bench(one())
    bench.answers[1] = [None]
    bench.run()
    bench.step(events.Replied(1, error=error, recorded=False))
    record = effects.RecordOutcome(1, state, error.task_id, error.message, rejected_by=by)
    assert bench.all(effects.RecordOutcome)[0] == record


def test_an_outcome_that_is_recorded_is_not_recorded_again() -> None:
    bench = Bench(lines(2))
    bench.answers[2] = [ModellixError(ErrorCode.INVALID_REQUEST, "no.", status=400)]
    bench.run()
    assert bench.all(effects.RecordOutcome) == []


def test_an_unknown_outcome_says_why_and_carries_its_error() -> None:
    bench = Bench(one())
    error = unknown()
    bench.answers[1] = [error]
    outcome = bench.run()[0]
    assert (outcome.state, outcome.detail, outcome.error) == (UNKNOWN, "cut.", error)
    assert outcome.needs_resume


def test_what_is_skipped_after_an_unknown_outcome_says_so() -> None:
    bench = Bench(lines(2), concurrency=1)
    bench.answers[1] = [unknown()]
    skipped = bench.run()[1]
    assert skipped.detail is not None
    assert skipped.detail.startswith("Skipped after an earlier paid submission")
    assert (skipped.error, bench.engine.stopped_by) == (None, None)


def test_a_request_that_leaves_is_told() -> None:
    bench = Bench(lines(2), concurrency=1)
    bench.run()
    told = [notice for notice in bench.notices if isinstance(notice, Sending)]
    assert told == [Sending(1, SLUG), Sending(2, SLUG)]


# --- refusals


def test_a_refusal_that_is_waited_out_is_told_with_its_pause() -> None:
    bench = Bench(one())
    bench.answers[1] = [unavailable(3.0)]
    bench.run()
    told = [notice for notice in bench.notices if isinstance(notice, SubmitRetried)]
    assert [notice.message for notice in told] == ["later."]
    assert 3 <= told[0].seconds <= 3.75
    assert bench.now >= 3


def test_a_rate_limit_that_the_governor_knows_is_told_without_a_pause() -> None:
    bench = Bench(one())
    bench.answers[1] = [busy(1.0)]
    bench.run()
    retried = [notice for notice in bench.notices if isinstance(notice, SubmitRetried)]
    assert [notice.seconds for notice in retried] == [0.0]  # which displays do not write
    assert bench.states == ["accepted"]


def test_a_line_that_is_refused_for_a_time_goes_behind_the_others() -> None:
    bench = Bench(lines(3), concurrency=1)
    bench.answers[1] = [busy()]
    bench.run()
    assert bench.posts in ([1, 2, 3, 1], [1, 2, 1, 3])


def test_what_stops_all_lines_is_their_reason_and_their_error() -> None:
    bench = Bench(lines(3), concurrency=1)
    stop = ModellixError(ErrorCode.PAYMENT_REQUIRED, "no money.", status=402)
    bench.answers[1] = [stop]
    first, *others = bench.run()
    assert (first.state, first.error) == (REJECTED, stop)
    assert [(o.state, o.detail, o.error) for o in others] == [
        (None, "Skipped: no money.", stop)
    ] * 2
    assert bench.engine.stopped_by == stop


# --- limits


def test_a_wait_beyond_the_patience_says_how_long_and_what_to_do() -> None:
    bench = Bench(lines(2), patience=60.0, concurrency=1)
    bench.holds = [(75.4, False)]
    outcome = bench.run()[0]
    stop = bench.engine.stopped_by
    assert stop is not None
    assert (stop.code, stop.retry_after) == (ErrorCode.RATE_LIMITED, 75.4)
    assert stop.message == "Rate limit reached; the next request may be sent in 75s."
    assert stop.hint is not None
    assert "--max-retry-wait" in stop.hint
    assert (outcome.detail, outcome.error) == (f"Skipped: {stop.message}", stop)


@pytest.mark.parametrize(
    ("refusal", "met", "advice"),
    [
        (busy(75.0), "the next request may be sent in 75s. busy.", "Try again then"),
        (busy(1.0), "Rate limit reached, also after 1m 00s of waiting. busy.", "Try again later"),
        (crowded(), "Too many tasks run at once. too many tasks run.", "Wait until some have"),
    ],
)
def test_a_limit_that_is_not_waited_out_is_named_with_what_to_do(
    refusal: ModellixError, met: str, advice: str
) -> None:
    bench = Bench(lines(3), patience=60.0, concurrency=1)
    bench.always = refusal
    bench.run()
    stop = bench.engine.stopped_by
    assert stop is not None
    assert (stop.code, met in stop.message) == (ErrorCode.RATE_LIMITED, True)
    assert advice in str(stop.hint)
    assert "--max-retry-wait" in str(stop.hint)
    for outcome in bench.outcomes:
        assert met in str(outcome.detail)
        assert str(outcome.detail).count(refusal.message) == 1


def test_a_wait_of_just_the_patience_is_waited() -> None:
    bench = Bench(one(), patience=60.0)
    bench.holds = [(60.0, False)]
    bench.run()
    assert bench.states == ["accepted"]
    assert 60 <= bench.now < 61


def test_the_next_line_waits_for_nothing_once_it_leaves() -> None:
    bench = Bench(one())
    bench.holds = [(2.0, False)]
    bench.run()
    counts = [notice.waiting for notice in bench.notices if isinstance(notice, Counts)]
    assert any(counts)
    assert counts[-1] is None


def test_a_line_that_is_held_is_asked_for_before_those_behind_it() -> None:
    bench = Bench(lines(3), concurrency=2)
    bench.holds = [(1.0, False), (1.0, False)]
    bench.run()
    assert bench.posts == [1, 2, 3]


# --- what earlier runs did


def test_an_earlier_unknown_outcome_is_told_in_its_own_words() -> None:
    for detail in ("cut off.", None):
        bench = Bench(one(known=known(UNKNOWN, None, detail=detail)))
        outcome = bench.run()[0]
        said = detail or "An earlier submission of this request is of unknown outcome."
        assert (outcome.detail, outcome.number, outcome.reused) == (said, 70, True)
        assert outcome.error is not None
        assert outcome.error.message == said


def test_an_earlier_unknown_outcome_with_an_id_is_looked_for() -> None:
    bench = Bench(one(known=known(UNKNOWN, "task-0")))
    outcome = bench.run()[0]
    assert bench.all(effects.Poll)[0] == effects.Poll("task-0")
    assert (outcome.state, outcome.task_id, bench.posts) == (ACCEPTED, "task-0", [])


def test_an_id_that_is_not_found_is_still_told() -> None:
    missing = ModellixError(ErrorCode.NOT_FOUND, "no such task.", status=404)
    bench = Bench(one(known=known(UNKNOWN, "task-0", detail="cut.")))
    bench.poll_trouble = lambda task_id: missing
    outcome = bench.run()[0]
    assert (outcome.state, outcome.task_id) == (UNKNOWN, "task-0")
    assert outcome.error is not None
    assert outcome.error.code is ErrorCode.SUBMISSION_UNKNOWN
    assert outcome.error.task_id == "task-0"


def test_a_task_whose_end_and_files_are_known_is_not_touched() -> None:
    whole = known(status="success", files=FILES, urls=("u",))
    bench = Bench(one(known=whole), follow=Follow.TO_THE_END, save=True)
    outcome = bench.run()[0]
    assert (outcome.status, outcome.files, outcome.urls) == ("success", FILES, ("u",))
    assert bench.all(effects.Poll) + bench.all(effects.Save) == []


def test_a_task_that_ended_is_not_polled_where_nothing_is_saved() -> None:
    bench = Bench(one(known=known(status="success")), follow=Follow.TO_THE_END)
    assert bench.run()[0].status == "success"
    assert bench.all(effects.Poll) == []


def test_a_task_that_ended_and_is_not_saved_is_saved() -> None:
    ended = known(status="success", urls=("u",))
    bench = Bench(one(known=ended), follow=Follow.TO_THE_END, save=True)
    bench.made_at["task-0"] = -100.0
    bench.run()
    assert len(bench.all(effects.Save)) == 1


def test_a_task_that_has_not_ended_is_polled() -> None:
    bench = Bench(one(known=known()), follow=Follow.TO_THE_END)
    outcome = bench.run()[0]
    assert (outcome.status, outcome.reused, outcome.number) == ("success", True, 70)
    assert bench.all(effects.Poll) != []


def test_a_request_that_is_sent_again_is_none_that_was_reused() -> None:
    for earlier in (
        {"known": known(UNKNOWN, "task-0"), "resend": True},
        {"known": known(status="failed", failed=True, detail="x"), "retry_failed": True},
    ):
        outcome = Bench(one(**earlier)).run()[0]
        assert (outcome.reused, outcome.task_id, outcome.number) == (False, "task-1", 1)


def test_a_refused_attempt_is_the_one_that_is_sent_again() -> None:
    bench = Bench(one(known=known(REJECTED, None)))
    bench.run()
    assert bench.all(effects.RecordIntents)[0].intents == (effects.Intent(1, 70),)


def test_an_attempt_that_another_process_could_not_send_leaves_nothing_behind() -> None:
    bench = Bench(one(known=known(INTENT, "task-0", in_flight=True)))
    bench.seen[1] = [known(REJECTED, None)]
    outcome = bench.run()[0]
    assert bench.all(effects.RecordIntents)[0].intents == (effects.Intent(1),)
    assert (outcome.reused, outcome.task_id) == (False, "task-1")


def test_an_attempt_that_the_ledger_lost_may_have_been_sent() -> None:
    bench = Bench(one(known=known(INTENT, None, in_flight=True)))
    bench.seen[1] = [None]
    outcome = bench.run()[0]
    assert (outcome.state, bench.posts) == (UNKNOWN, [])
    assert outcome.detail is not None
    assert "holds no record of it any more" in outcome.detail


def test_an_earlier_task_ends_the_doubt_about_its_line() -> None:
    bench = Bench(one(known=known(UNKNOWN, None), resend=True))
    outcome = bench.run()[0]
    assert (outcome.state, outcome.detail) == (ACCEPTED, None)


def test_doubt_about_an_earlier_attempt_is_told_when_sending_again_fails() -> None:
    bench = Bench(one(known=known(UNKNOWN, None, detail="cut off."), resend=True))
    bench.answers[1] = [ModellixError(ErrorCode.INVALID_REQUEST, "no prompt.", status=400)]
    assert bench.run()[0].detail == "cut off. Sent again: no prompt."


# --- the end of a run


def test_whether_a_request_may_be_under_way() -> None:
    bench = Bench(one())
    bench.answers[1] = [None]
    seen = [bench.engine.in_flight]
    bench.run()
    seen.append(bench.engine.in_flight)
    bench.step(events.Replied(1, "task-1"))
    assert [*seen, bench.engine.in_flight] == [False, True, False]


def test_what_was_recorded_and_did_not_leave_says_so_in_the_ledger() -> None:
    bench = Bench(one())
    bench.on_effect = lambda effect: STOP if isinstance(effect, effects.RecordIntents) else None
    outcome = bench.run()[0]
    assert bench.all(effects.RecordOutcome) == [
        effects.RecordOutcome(1, REJECTED, detail=NOT_SENT, rejected_by=RejectedBy.INTERRUPT)
    ]
    assert (outcome.state, outcome.detail) == (None, NOT_SENT)


def test_a_line_that_is_being_prepared_when_time_is_over_was_not_sent() -> None:
    bench = Bench(one(prepare=True))
    bench.at = [(0.1, STOP), (0.2, events.GraceOver())]
    outcome = bench.run()[0]
    assert (outcome.state, outcome.detail, bench.posts) == (None, NOT_SENT, [])
    bench.step(events.Prepared(1))
    assert len(bench.outcomes) == 1


def test_a_line_that_is_ready_after_a_stop_is_not_sent() -> None:
    bench = Bench(one(prepare=True))
    bench.at = [(0.1, STOP)]
    outcome = bench.run()[0]
    assert (outcome.state, outcome.detail, bench.posts) == (None, "Skipped: interrupted.", [])


def test_a_submission_that_is_cut_short_says_that_a_task_may_exist() -> None:
    bench = Bench(one())
    bench.answers[1] = [None]
    bench.at = [(0.1, STOP), (0.2, events.GraceOver())]
    outcome = bench.run()[0]
    assert outcome.state is UNKNOWN
    assert outcome.detail is not None
    assert "a task may have been created" in outcome.detail


def test_the_first_reason_to_stop_stays() -> None:
    bench = Bench(lines(3), concurrency=1)
    bench.at = [(0.05, STOP), (0.06, events.Stop("Skipped: something else."))]
    assert [outcome.detail for outcome in bench.run()[1:]] == ["Skipped: interrupted."] * 2


def test_only_as_many_lines_are_fetched_as_there_is_room_for() -> None:
    bench = Bench(lines(40), concurrency=2)
    bench.always = None
    bench.run()
    assert len(bench.posts) == 2
    assert len(bench.work) >= 40 - 2 * 3


def test_no_more_lines_wait_for_others_than_tasks_may_be_followed() -> None:
    work = [Line(1, SLUG), *(Line(ref, SLUG, needs=(1,)) for ref in range(2, 40))]
    bench = Bench(work, concurrency=2, most_followed=5, follow=Follow.TO_THE_END)
    bench.answers[1] = [None]
    bench.run()
    assert 39 - len(bench.work) == 1 + 5


def test_lines_that_other_processes_send_take_room() -> None:
    earlier = known(INTENT, None, in_flight=True)
    bench = Bench(lines(40, known=earlier), concurrency=2, most_followed=4)
    bench.seen = {ref: [earlier] * 4 for ref in range(1, 41)}
    bench.run(longest=1.4)
    assert 40 - len(bench.work) == 4


def test_a_stopped_run_fetches_all_lines_to_say_that_they_are_skipped() -> None:
    bench = Bench(lines(40), concurrency=2)
    bench.always = None
    bench.at = [(0.1, STOP)]
    bench.run()
    assert len(bench.outcomes) == 38


def test_a_batch_goes_on_as_soon_as_there_is_room_again() -> None:
    bench = Bench(lines(3), concurrency=1)
    bench.latency = 10.0
    bench.run()
    assert bench.posts == [1, 2, 3]
    assert 29 <= bench.now <= 31


# --- what holds lines back


def missing(task_id: str) -> ModellixError:
    return ModellixError(ErrorCode.NOT_FOUND, "no such task.", status=404)


def test_an_id_that_is_not_found_ends_the_batch_unless_it_is_to_go_on() -> None:
    for goes_on in (False, True):
        bench = Bench(lines(3), concurrency=1, continue_on_unknown=goes_on)
        bench.answers[1] = [unknown("task-9")]
        bench.poll_trouble = missing
        bench.latency = 200.0
        first, *others = bench.run()
        assert (first.state, first.task_id) == (UNKNOWN, "task-9")
        assert [o.state for o in others] == ([ACCEPTED] * 2 if goes_on else [None] * 2)
        after = [o.detail for o in others if o.detail is not None]
        assert all(text.startswith("Skipped after an earlier paid") for text in after)
        assert len(after) == (0 if goes_on else 2)


@pytest.mark.parametrize("goes_on", [False, True])
def test_while_an_id_is_looked_for_no_line_leaves_unless_the_batch_is_to_go_on(
    *, goes_on: bool
) -> None:
    bench = Bench(lines(2), concurrency=1, continue_on_unknown=goes_on)
    bench.answers[1] = [unknown("task-9")]
    bench.poll_trouble = lambda task_id: missing(task_id) if bench.now < 2 else None
    bench.run()
    posted = bench.times[bench.log.index(effects.Post(2, 2))]
    assert (posted < 1) == goes_on
    assert bench.states == ["accepted", "accepted"]


def test_no_more_tasks_are_followed_than_allowed() -> None:
    bench = Bench(lines(2), concurrency=1, most_followed=1, follow=Follow.TO_THE_END)
    bench.run()
    ended = next(at for at, effect in enumerate(bench.log) if isinstance(effect, effects.Emit))
    assert bench.log.index(effects.Post(2, 2)) > ended


def test_the_next_moment_is_the_nearest_one() -> None:
    flying = known(INTENT, None, in_flight=True)
    bench = Bench([Line(1, SLUG, known=flying), Line(2, SLUG)])
    bench.seen[1] = [flying, flying, known()]
    bench.holds = [(30.0, False)]
    bench.run()
    ended = next(at for at, effect in enumerate(bench.log) if isinstance(effect, effects.Emit))
    assert bench.times[ended] < 2
    assert bench.now >= 30


def test_that_another_process_sends_a_request_is_told_once() -> None:
    flying = known(INTENT, None, number=7, in_flight=True)
    bench = Bench(one(known=flying))
    bench.seen[1] = [flying, flying, known()]
    bench.run()
    told = [notice for notice in bench.notices if isinstance(notice, SentElsewhere)]
    assert told == [SentElsewhere(1, SLUG, 7)]


def test_another_process_is_waited_for_as_long_as_a_task() -> None:
    flying = known(INTENT, None, number=7, in_flight=True)
    bench = Bench(one(known=flying), timeout=3.0, follow=Follow.TO_THE_END)
    bench.seen[1] = [flying] * 20
    outcome = bench.run()[0]
    assert (outcome.state, outcome.detail) == (UNKNOWN, STILL_SENT_ELSEWHERE)
    assert 3.0 <= bench.now < 4.0


def test_a_hold_of_no_time_is_a_short_one() -> None:
    bench = Bench(one())
    bench.holds = [(0.0, False)] * 3
    bench.run()
    assert 0.03 <= bench.now < 0.5


def test_a_line_whose_need_has_no_result_says_so() -> None:
    bench = Bench([Line(1, SLUG, needs=(1,))])
    outcome = bench.run()[0]
    assert outcome.detail == "Skipped: it uses the result of line 1, which has none."
    assert outcome.error is None


def test_a_line_that_waits_for_another_says_why_it_was_not_sent() -> None:
    bench = Bench([Line(1, SLUG), Line(2, SLUG, needs=(1,))])
    bench.answers[1] = [None]
    lost = ModellixError(ErrorCode.LEDGER_LOST, "gone.")
    bench.at = [(0.1, events.LedgerLost(lost))]
    bench.run()
    assert [(o.ref, o.detail, o.error) for o in bench.outcomes] == [(2, "Skipped: gone.", lost)]


def test_a_line_that_was_interrupted_before_it_was_sent_carries_no_error_of_others() -> None:
    bench = Bench(one(prepare=True))
    lost = ModellixError(ErrorCode.LEDGER_LOST, "gone.")
    bench.at = [(0.1, events.LedgerLost(lost)), (0.2, events.GraceOver())]
    outcome = bench.run()[0]
    assert (outcome.detail, outcome.error) == (NOT_SENT, None)


# --- an earlier task


def test_a_failed_task_is_paid_for_again_once() -> None:
    failed = known(status="failed", failed=True, detail="It failed.")
    bench = Bench(one(known=failed, retry_failed=True))
    bench.claims[1] = [known(status="failed", failed=True, detail="Again.", number=71)]
    outcome = bench.run()[0]
    assert (bench.posts, outcome.number, outcome.detail) == ([], 71, "Again.")


def awaited(bench: Bench) -> list[TaskAwaited]:
    bench.run()
    return [notice for notice in bench.notices if isinstance(notice, TaskAwaited)]


@pytest.mark.parametrize(("age", "told"), [(40.0, 40.0), (0.0, 0.0), (0.5, 0.5), (-1.0, None)])
def test_an_earlier_task_counts_from_its_submission(age: float, told: float | None) -> None:
    bench = Bench(one(known=known(age=age)), follow=Follow.TO_THE_END)
    assert [notice.age for notice in awaited(bench)] == [told]


def test_the_age_of_an_earlier_task_may_be_unknown() -> None:
    bench = Bench(one(known=known()), follow=Follow.TO_THE_END)
    assert [(notice.age, notice.reused) for notice in awaited(bench)] == [(None, True)]


def test_an_earlier_task_is_polled_at_once_and_a_new_one_is_not() -> None:
    old = Bench(one(known=known()), follow=Follow.TO_THE_END)
    new = Bench(one(), follow=Follow.TO_THE_END)
    old.run()
    new.run()
    assert old.polls_at("task-0")[0] == 0
    assert new.polls_at("task-1")[0] > 0.5


@pytest.mark.parametrize("ours", [True, False])
def test_a_task_from_elsewhere_that_is_not_found_is_given_up(*, ours: bool) -> None:
    bench = Bench(one(known=known(ours=ours)), follow=Follow.TO_THE_END)
    bench.poll_trouble = missing
    bench.run()
    assert (len(bench.all(effects.Poll)) > 1) == ours


def test_a_task_of_which_only_a_remark_is_known_is_polled() -> None:
    bench = Bench(one(known=known(detail="noted.")), follow=Follow.TO_THE_END, save=True)
    bench.run()
    assert bench.all(effects.Poll) != []


def test_a_task_that_failed_is_not_saved() -> None:
    failed = known(status="failed", detail="It failed.")
    bench = Bench(one(known=failed), follow=Follow.TO_THE_END, save=True)
    assert bench.run()[0].detail == "It failed."
    assert bench.all(effects.Poll) + bench.all(effects.Save) == []


# --- what the rule for sending again is told


def test_a_server_that_answers_polls_is_there() -> None:
    network = ModellixError(ErrorCode.NETWORK, "refused.")
    work = [Line(1, SLUG, known=known()), Line(2, SLUG)]
    bench = Bench(work, follow=Follow.TO_THE_END)
    bench.answers[2] = [network] * 6
    bench.run()
    assert bench.states == ["accepted", "accepted"]


def test_a_request_that_went_through_ends_the_trouble() -> None:
    work = [Line(1, SLUG), Line(2, SLUG, needs=(1,))]
    bench = Bench(work, patience=60.0, follow=Follow.TO_THE_END)
    bench.latency = 100.0
    bench.answers = {1: [unavailable()], 2: [unavailable()]}
    bench.run()
    assert bench.states == ["accepted", "accepted"]


@pytest.mark.parametrize("slots_full", [True, False])
def test_only_waiting_for_room_is_no_trouble_of_the_service(*, slots_full: bool) -> None:
    bench = Bench(one(), patience=60.0)
    bench.answers[1] = [unavailable(), unavailable()]

    def hold(effect: effects.Effect) -> None:
        if effect == effects.Post(1, 1):
            bench.holds = [(50.0, slots_full)] * 2

    bench.on_effect = hold
    bench.run()
    assert bench.states == (["accepted"] if slots_full else ["rejected"])


@pytest.mark.parametrize("slots_full", [True, False])
def test_while_a_line_waits_for_room_the_tasks_that_take_it_are_polled(*, slots_full: bool) -> None:
    bench = Bench(lines(2), concurrency=1)

    def hold(effect: effects.Effect) -> None:
        if effect == effects.Post(1, 1):
            bench.holds = [(50.0, slots_full)]

    bench.on_effect = hold
    bench.run()
    assert (bench.polls_at("task-1") != []) == slots_full


# --- claims that come back with an attempt


def test_its_own_refused_attempt_is_recorded_as_refused_once_more() -> None:
    bench = Bench(one())
    bench.answers[1] = [unavailable()]
    bench.claims[1] = [1, known(INTENT, None, number=1, in_flight=True)]
    bench.run()
    assert bench.all(effects.RecordOutcome) == [
        effects.RecordOutcome(1, REJECTED, None, "later.", rejected_by=RejectedBy.SERVICE)
    ]


def test_another_processs_attempt_answers_for_a_line_that_was_refused() -> None:
    bench = Bench(one())
    bench.answers[1] = [unavailable()]
    bench.claims[1] = [1, known(INTENT, None, number=71, in_flight=True)]
    bench.seen[1] = [known(number=71)]
    outcome = bench.run()[0]
    assert (outcome.state, outcome.number, outcome.task_id) == (ACCEPTED, 71, "task-0")


def test_an_earlier_refused_attempt_that_another_process_took_up_answers() -> None:
    bench = Bench(one(known=known(REJECTED, None)))
    bench.claims[1] = [known(INTENT, None, in_flight=True)]
    bench.seen[1] = [known()]
    outcome = bench.run()[0]
    assert (outcome.state, outcome.number, bench.posts) == (ACCEPTED, 70, [])


def test_a_stopped_run_fetches_every_line_even_while_it_watches_as_many_as_it_can() -> None:
    flying = known(INTENT, None, in_flight=True)
    bench = Bench(lines(20, known=flying), concurrency=2, most_followed=4)
    bench.seen = {ref: [flying] * 9 for ref in range(1, 21)}
    bench.at = [(0.3, events.LedgerLost(ModellixError(ErrorCode.LEDGER_LOST, "gone.")))]
    bench.run(longest=1.4)
    assert bench.work == []


def test_a_line_that_got_leave_after_a_stop_is_told_as_skipped() -> None:
    bench = Bench([])
    bench.engine.step(events.Woke(), 0.0)
    bench.engine.step(events.Work(tuple(one()), more=False), 0.0)
    bench.engine.step(STOP, 0.0)
    asked = bench.engine.step(events.SubmitAllowed(1), 0.0)
    ends = [effect.outcome for effect in asked if isinstance(effect, effects.Emit)]
    assert [(end.state, end.detail) for end in ends] == [(None, "Skipped: interrupted.")]


def test_the_first_failure_that_stops_a_run_stays_its_reason() -> None:
    bench = Bench(lines(2))
    first = ModellixError(ErrorCode.LEDGER_LOST, "gone.")
    bench.answers = {1: [None], 2: [None]}
    bench.at = [(0.1, events.LedgerLost(first)), (0.2, STOP)]
    bench.run()
    assert bench.engine.stopped_by == first


def test_a_line_that_is_refused_for_a_time_after_a_stop_was_rejected() -> None:
    bench = Bench(one())
    bench.answers[1] = [unavailable()]
    bench.on_effect = lambda effect: STOP if isinstance(effect, effects.Post) else None
    outcome = bench.run()[0]
    assert (outcome.state, outcome.detail) == (REJECTED, "later.")
    assert bench.engine.finished


def test_a_task_that_is_known_to_have_failed_ends_so_though_nobody_waits_for_it() -> None:
    failed = known(failed=True, last_status="canceled")
    waits = Line(2, SLUG, needs=(1,), prepare=True)
    bench = Bench([*one(known=failed), waits], follow=Follow.NOT)
    first, second = bench.run()
    assert (first.state, first.status, first.reused) == (ACCEPTED, "canceled", True)
    assert second.state is None  # there is no result that it could use
    assert (bench.posts, bench.all(effects.Poll)) == ([], [])


def test_a_task_that_is_known_to_have_failed_is_asked_for_its_reason_by_who_waits() -> None:
    bench = Bench(one(known=known(failed=True, last_status="failed")), follow=Follow.TO_THE_END)
    bench.ends = {"status": "failed", "reason": "too dark"}
    (outcome,) = bench.run()
    assert (outcome.status, "too dark" in str(outcome.detail)) == ("failed", True)

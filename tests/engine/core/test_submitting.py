"""What is sent, what is sent again, what stops, and what is on disk when."""

from dataclasses import replace

import pytest

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.engine.core import effects, events
from modellix_cli.engine.core.lines import Known, Line
from modellix_cli.engine.notices import Counts, SubmitRetried, Waiting
from tests.engine.core.bench import (
    SLUG,
    Bench,
    Follow,
    busy,
    crowded,
    known,
    lines,
    refused,
    unavailable,
    unknown,
)

ACCEPTED, REJECTED = SubmissionState.ACCEPTED, SubmissionState.REJECTED
UNKNOWN, INTENT = SubmissionState.UNKNOWN, SubmissionState.INTENT
STOP = events.Stop("Skipped: interrupted.")
NETWORK = ModellixError(ErrorCode.NETWORK, "refused.")
FULL = ModellixError(ErrorCode.LEDGER_UNUSABLE, "full.")
IN_FLIGHT = known(INTENT, None, in_flight=True)


def flying(bench: Bench) -> int:
    """Return how many requests were in flight at a time at most."""
    now = most = 0
    for effect in bench.log:
        now += isinstance(effect, effects.Post)
        now -= isinstance(effect, effects.Emit)
        most = max(most, now)
    return most


def test_every_line_is_sent_once_and_emitted_with_its_id() -> None:
    bench = Bench(lines(4))
    bench.run()
    assert bench.posts == [1, 2, 3, 4]
    assert [outcome.task_id for outcome in bench.outcomes] == [f"task-{n}" for n in range(1, 5)]
    assert bench.engine.finished


def test_the_intent_is_recorded_before_a_post_leaves() -> None:
    bench = Bench(lines(1))
    bench.run()
    kinds = [type(effect) for effect in bench.log]
    assert kinds.index(effects.AskSubmit) < kinds.index(effects.RecordIntents)
    assert kinds.index(effects.RecordIntents) < kinds.index(effects.Post)


@pytest.mark.parametrize("concurrency", [1, 2, 3])
def test_no_more_submissions_at_a_time_than_allowed(concurrency: int) -> None:
    bench = Bench(lines(9), concurrency=concurrency)
    bench.run()
    assert flying(bench) == concurrency


def test_leave_that_comes_late_for_some_lines_lets_no_more_of_them_go() -> None:
    """Lines that were allowed to leave take room while others are still asked for."""
    bench = Bench(lines(6), concurrency=3)
    engine = bench.engine
    engine.step(events.Woke(), 0.0)
    engine.step(events.Work(tuple(lines(6)), more=False), 0.0)
    engine.step(events.SubmitAllowed(1), 0.0)
    assert effects.AskSubmit(4) not in engine.step(events.SubmitAllowed(2), 0.0)
    last = engine.step(events.SubmitAllowed(3), 0.0)
    recorded = next(effect for effect in last if isinstance(effect, effects.RecordIntents))
    assert [intent.ref for intent in recorded.intents] == [1, 2, 3]


def test_a_refused_line_stops_no_other() -> None:
    bench = Bench(lines(4))
    bench.answers[2] = [refused()]
    bench.run()
    assert bench.states == ["accepted", "rejected", "accepted", "accepted"]


def test_an_unknown_outcome_lets_no_further_line_start() -> None:
    bench = Bench(lines(4), concurrency=1)
    bench.answers[2] = [unknown()]
    outcomes = bench.run()
    assert bench.states == ["accepted", "unknown", "skipped", "skipped"]
    assert "unknown outcome" in str(outcomes[3].detail)
    assert bench.posts == [1, 2]


def test_an_unknown_outcome_stops_nothing_if_so_asked() -> None:
    bench = Bench(lines(4), concurrency=1, continue_on_unknown=True)
    bench.answers[2] = [unknown()]
    bench.run()
    assert bench.states == ["accepted", "unknown", "accepted", "accepted"]


def test_an_id_that_an_unusable_reply_names_is_polled_and_then_accepted() -> None:
    bench = Bench(lines(2), concurrency=1)
    bench.answers[1] = [unknown("task-x")]
    outcomes = bench.run()
    assert (outcomes[0].state, outcomes[0].task_id) == (ACCEPTED, "task-x")
    recorded = effects.RecordOutcome(1, ACCEPTED, "task-x")
    assert bench.log.index(recorded) < bench.log.index(effects.Emit(outcomes[0]))


def test_an_id_that_no_poll_finds_stays_unknown() -> None:
    bench = Bench(lines(1))
    bench.answers[1] = [unknown("task-x")]
    bench.poll_trouble = lambda task_id: ModellixError(ErrorCode.NOT_FOUND, "none.", status=404)
    outcome = bench.run()[0]
    assert (outcome.state, outcome.task_id, outcome.needs_resume) == (UNKNOWN, "task-x", True)
    assert bench.all(effects.RecordOutcome) == []


@pytest.mark.parametrize(
    "code", [ErrorCode.UNAUTHORIZED, ErrorCode.PAYMENT_REQUIRED, ErrorCode.TLS]
)
def test_what_no_other_line_can_escape_stops_the_batch(code: ErrorCode) -> None:
    bench = Bench(lines(4), concurrency=1)
    bench.answers[2] = [ModellixError(code, "no.")]
    bench.run()
    assert bench.states == ["accepted", "rejected", "skipped", "skipped"]
    assert bench.engine.stopped_by is not None
    assert bench.engine.stopped_by.code is code


@pytest.mark.parametrize("error", [unavailable(), unavailable(0.0), busy(), busy(3.0), crowded()])
def test_a_line_that_was_refused_for_a_time_is_sent_again(error: ModellixError) -> None:
    bench = Bench(lines(4))
    bench.answers[2] = [error, error]
    bench.run()
    assert bench.states == ["accepted"] * 4
    assert bench.posts.count(2) == 3


def test_a_line_that_is_sent_again_names_the_attempt_that_was_refused() -> None:
    bench = Bench(lines(1))
    bench.answers[1] = [unavailable()]
    bench.run()
    intents = [effect.intents[0] for effect in bench.all(effects.RecordIntents)]
    assert intents == [effects.Intent(1), effects.Intent(1, repeats=1)]
    assert [notice for notice in bench.notices if isinstance(notice, SubmitRetried)]


@pytest.mark.parametrize("wait", [None, 0.0, 1.0])
def test_a_service_away_for_25_seconds_loses_no_line(wait: float | None) -> None:
    bench = Bench(lines(6), patience=120.0)
    bench.always = lambda: unavailable(wait) if bench.now < 25 else f"late-{bench.now}"
    bench.run()
    assert bench.states == ["accepted"] * 6
    assert len(bench.posts) < 6 + 3 * 27


def test_a_service_that_stays_away_ends_the_batch_after_the_patience() -> None:
    bench = Bench(lines(4), patience=60.0)
    bench.always = unavailable()
    bench.run()
    assert 45 < bench.now < 70
    assert "accepted" not in bench.states


def test_a_server_that_was_never_reached_is_tried_four_times() -> None:
    bench = Bench(lines(4), concurrency=1)
    bench.always = NETWORK
    bench.run()
    assert bench.posts == [1, 2, 1, 2]
    assert bench.states == ["rejected", "rejected", "skipped", "skipped"]


def test_a_single_line_says_how_often_it_was_tried() -> None:
    bench = Bench(lines(1))
    bench.always = NETWORK
    assert str(bench.run()[0].detail) == "refused. Tried 4 times."


def test_a_wait_beyond_the_patience_is_not_waited() -> None:
    bench = Bench(lines(4), concurrency=1)
    bench.answers[1] = [busy(3600.0)]
    bench.run()
    assert bench.states == ["rejected", "skipped", "skipped", "skipped"]
    assert bench.now < 10


def test_limits_used_up_for_longer_than_the_patience_send_nothing() -> None:
    bench = Bench(lines(4), concurrency=1, patience=60.0)
    bench.holds = [(3600.0, False)]
    bench.run()
    assert (bench.states, bench.posts) == (["skipped"] * 4, [])
    assert bench.engine.stopped_by is not None
    assert "--max-retry-wait" in bench.engine.stopped_by.hint


def test_a_line_that_is_held_leaves_when_its_time_has_come() -> None:
    bench = Bench(lines(2), concurrency=1)
    bench.holds = [(7.0, False), (2.0, False)]
    bench.run()
    assert bench.states == ["accepted"] * 2
    assert bench.now >= 9
    waits = [notice.waiting for notice in bench.notices if isinstance(notice, Counts)]
    assert Waiting(7.0, slots_full=False) in waits


def test_a_hold_of_no_time_does_not_spin() -> None:
    bench = Bench(lines(1))
    bench.holds = [(0.0, True)] * 20
    bench.run()
    assert bench.states == ["accepted"]
    assert bench.now > 0.1


def test_no_room_for_ever_ends_the_batch() -> None:
    bench = Bench(lines(4), patience=60.0, timeout=100.0)
    bench.always = crowded()
    bench.latency = 3.0
    bench.run()
    assert "accepted" not in bench.states
    assert 150 < bench.now < 180


def test_what_cannot_be_recorded_is_not_sent() -> None:
    bench = Bench(lines(4))
    bench.not_recorded = FULL
    outcomes = bench.run()
    assert (bench.states, outcomes[3].detail) == (["skipped"] * 4, "Skipped: full.")
    assert bench.posts == []
    assert len(bench.all(effects.ReturnLeave)) == 3


@pytest.mark.parametrize(
    ("answer", "state", "task_id"),
    [
        ("task-1", ACCEPTED, "task-1"),
        (refused(), REJECTED, None),
        (unavailable(), REJECTED, None),
        (unknown(), UNKNOWN, None),
        (unknown("task-x"), UNKNOWN, "task-x"),
    ],
)
def test_an_outcome_that_could_not_be_recorded_is_recorded_before_anything_follows(
    answer: ModellixError | str, state: SubmissionState, task_id: str | None
) -> None:
    bench = Bench(lines(1))
    bench.answers[1] = [answer]
    bench.recorded = False
    bench.run()
    first = bench.log.index(effects.Post(1, 1)) + 1
    record = bench.log[first]
    assert isinstance(record, effects.RecordOutcome)
    assert (record.number, record.state, record.task_id) == (1, state, task_id)


def test_a_lost_ledger_lets_nothing_more_be_sent_and_tasks_are_followed() -> None:
    bench = Bench(lines(4), concurrency=1, follow=Follow.TO_THE_END)
    bench.at = [(0.05, events.LedgerLost(FULL))]
    bench.run()
    assert bench.posts == [1]
    assert bench.states == ["accepted", "skipped", "skipped", "skipped"]
    assert bench.outcomes[0].status == "success"


def test_a_stop_before_anything_sends_nothing() -> None:
    bench = Bench(lines(4))
    bench.step(STOP)
    bench.run()
    assert (bench.states, bench.posts) == (["skipped"] * 4, [])


def test_what_was_recorded_but_has_not_left_is_not_sent() -> None:
    bench = Bench(lines(2), concurrency=1)
    bench.on_effect = lambda effect: STOP if isinstance(effect, effects.RecordIntents) else None
    bench.run()
    assert (bench.states, bench.posts) == (["skipped"] * 2, [])
    assert bench.all(effects.RecordOutcome)[0].state is REJECTED
    assert bench.all(effects.ReturnLeave) == [effects.ReturnLeave(1)]


def test_leave_that_comes_after_a_stop_is_given_back() -> None:
    bench = Bench(lines(1))
    bench.on_effect = lambda effect: STOP if isinstance(effect, effects.FetchWork) else None
    bench.engine.step(events.Woke(), 0.0)
    bench.engine.step(events.Work(tuple(lines(1)), more=False), 0.0)
    bench.engine.step(STOP, 0.0)
    asked = bench.engine.step(events.SubmitAllowed(1), 0.0)
    assert effects.ReturnLeave(1) in asked
    assert not [effect for effect in asked if isinstance(effect, effects.RecordIntents)]
    assert bench.engine.finished


def test_a_submission_under_way_may_still_end_after_a_stop() -> None:
    bench = Bench(lines(4), concurrency=2)
    bench.on_effect = lambda effect: STOP if isinstance(effect, effects.Post) else None
    bench.run()
    assert bench.states == ["accepted", "accepted", "skipped", "skipped"]
    assert bench.posts == [1, 2]


def test_a_submission_that_does_not_end_is_of_unknown_outcome() -> None:
    bench = Bench(lines(4), concurrency=2)
    bench.answers[2] = [None]
    bench.at = [(0.05, STOP), (0.75, events.GraceOver())]
    bench.run()
    assert bench.states == ["accepted", "unknown", "skipped", "skipped"]
    assert bench.engine.finished
    assert not bench.engine.in_flight


def test_a_reply_after_the_end_is_recorded_if_that_failed_before() -> None:
    bench = Bench(lines(1))
    bench.answers[1] = [None]
    bench.at = [(0.05, STOP), (0.75, events.GraceOver())]
    bench.run()
    late = bench.engine.step(events.Replied(1, "task-1", recorded=False), 2.0)
    assert late == [effects.RecordOutcome(1, ACCEPTED, "task-1")]


def test_a_line_that_waits_for_another_try_when_stopped_was_rejected() -> None:
    bench = Bench(lines(1))
    bench.answers[1] = [unavailable()]
    bench.at = [(0.5, STOP)]
    outcome = bench.run()[0]
    assert (outcome.state, outcome.needs_resume) == (REJECTED, True)
    assert outcome.detail == "Skipped: interrupted. It was refused before: later."


# --- what earlier runs did


def with_known(**facts: object) -> list[Line]:
    return [replace(lines(1)[0], **facts)]  # type: ignore[arg-type]


def test_a_line_that_was_accepted_before_is_not_sent() -> None:
    bench = Bench(with_known(known=known()))
    outcome = bench.run()[0]
    assert (bench.posts, outcome.state, outcome.reused) == ([], ACCEPTED, True)


def test_a_line_of_unknown_outcome_is_not_sent() -> None:
    bench = Bench([*with_known(known=known(UNKNOWN, None)), Line(2, SLUG)])
    outcome = bench.run()[0]
    assert (outcome.state, outcome.needs_resume) == (UNKNOWN, True)
    assert outcome.error is not None
    assert outcome.error.code is ErrorCode.SUBMISSION_UNKNOWN
    assert bench.posts == [2]


def test_a_line_of_unknown_outcome_is_sent_once_more_by_the_users_word() -> None:
    bench = Bench(with_known(known=known(UNKNOWN, None), resend=True))
    bench.run()
    assert bench.all(effects.RecordIntents)[0].intents == (effects.Intent(1, resends=70),)
    assert (bench.states, bench.posts) == (["accepted"], [1])


def test_the_users_word_is_good_for_one_attempt() -> None:
    bench = Bench(with_known(known=known(UNKNOWN, None), resend=True))
    bench.claims[1] = [known(UNKNOWN, None, number=71)]
    bench.run()
    assert (bench.states, bench.posts) == (["unknown"], [])


def test_a_second_unknown_outcome_is_not_sent_a_third_time() -> None:
    bench = Bench(with_known(known=known(UNKNOWN, None), resend=True))
    bench.answers[1] = [unknown()]
    bench.run()
    assert (bench.states, bench.posts) == (["unknown"], [1])


@pytest.mark.parametrize("how", ["refused", "stopped", "not recorded", "not prepared"])
def test_an_earlier_unknown_outcome_stays_when_sending_again_comes_to_nothing(how: str) -> None:
    bench = Bench(with_known(known=known(UNKNOWN, None), resend=True, prepare=True))
    if how == "refused":
        bench.answers[1] = [refused()]
    elif how == "not recorded":
        bench.not_recorded = FULL
    elif how == "not prepared":
        bench.prepare_error = ModellixError(ErrorCode.INVALID_MEDIA, "too big.")
    else:
        bench.at = [(0.1, STOP)]
    assert bench.run()[0].state is UNKNOWN


def test_a_failed_task_is_paid_for_again_by_the_users_word_only() -> None:
    failed = known(status="failed", detail="It failed.", failed=True)
    bench = Bench(with_known(known=failed))
    bench.run()
    assert bench.posts == []
    bench = Bench(with_known(known=failed, retry_failed=True))
    bench.run()
    assert bench.all(effects.RecordIntents)[0].intents == (effects.Intent(1, retries=70),)
    assert bench.posts == [1]


def test_a_rejected_line_is_sent_again() -> None:
    bench = Bench(with_known(known=known(REJECTED, None, detail="no prompt.")))
    bench.run()
    assert (bench.states, bench.posts) == (["accepted"], [1])


@pytest.mark.parametrize("why", ["no prompt.", "Skipped", "interrupted"])
def test_a_rejected_line_that_is_skipped_says_why_it_was_refused(why: str) -> None:
    bench = Bench(with_known(known=known(REJECTED, None, detail=why)))
    bench.step(STOP)
    assert bench.run()[0].detail == f"Skipped: interrupted. It was refused before: {why}"


# --- what other processes do


def test_a_line_that_another_process_sends_takes_its_result() -> None:
    bench = Bench(with_known(known=IN_FLIGHT), follow=Follow.TO_THE_END)
    bench.seen[1] = [IN_FLIGHT, IN_FLIGHT, known(task_id="task-9")]
    outcome = bench.run()[0]
    assert (bench.posts, outcome.task_id, outcome.reused) == ([], "task-9", True)


def test_a_line_that_another_process_could_not_send_is_sent() -> None:
    bench = Bench(with_known(known=IN_FLIGHT))
    bench.seen[1] = [known(REJECTED, None)]
    bench.run()
    assert (bench.posts, bench.outcomes[0].reused) == ([1], False)


@pytest.mark.parametrize("seen", [None, known(UNKNOWN, None)])
def test_a_line_of_which_another_process_leaves_no_outcome_is_not_sent(seen: Known | None) -> None:
    bench = Bench(with_known(known=IN_FLIGHT))
    bench.seen[1] = [seen]
    bench.run()
    assert (bench.states, bench.posts) == (["unknown"], [])


def test_a_claim_that_another_process_was_quicker_with_gives_the_leave_back() -> None:
    bench = Bench(lines(1))
    bench.claims[1] = [known(task_id="task-9")]
    bench.run()
    assert bench.outcomes[0].task_id == "task-9"
    assert bench.all(effects.ReturnLeave) == [effects.ReturnLeave(1)]


@pytest.mark.parametrize("late", [True, False])
def test_an_interrupt_waits_for_no_other_process(late: bool) -> None:
    bench = Bench(with_known(known=IN_FLIGHT))
    bench.seen[1] = [IN_FLIGHT] * 100
    if late:
        bench.at = [(1.2, STOP)]
    else:
        bench.step(STOP)
    bench.run()
    assert (bench.states, bench.engine.finished) == (["unknown"], True)
    assert bench.now < 2


TOO_DEAR = ModellixError(ErrorCode.BUDGET_EXCEEDED, "too dear.")


# --- lines that need something first


def test_a_line_is_prepared_then_sent() -> None:
    bench = Bench(with_known(prepare=True))
    bench.run()
    wanted = (effects.Prepare, effects.AskSubmit, effects.Post)
    assert [type(effect) for effect in bench.log if isinstance(effect, wanted)] == list(wanted)


def test_a_line_that_was_refused_is_not_prepared_again() -> None:
    bench = Bench(with_known(prepare=True))
    bench.answers[1] = [unavailable()]
    bench.run()
    assert len(bench.all(effects.Prepare)) == 1


# --- limits of cost


def test_a_line_that_costs_too_much_is_not_sent_and_stops_the_lines_after_it() -> None:
    bench = Bench(lines(4), concurrency=3)
    bench.claims[2] = [TOO_DEAR]
    bench.run()
    assert bench.posts == [1, 3]
    assert bench.states == ["accepted", "skipped", "accepted", "skipped"]
    assert [outcome.error for outcome in bench.outcomes] == [None, TOO_DEAR, None, TOO_DEAR]
    assert bench.all(effects.ReturnLeave) == [effects.ReturnLeave(2)]
    assert bench.engine.stopped_by is TOO_DEAR


def test_a_line_that_was_refused_may_cost_too_much_the_next_time() -> None:
    bench = Bench(lines(1))
    bench.answers[1] = [unavailable()]
    bench.claims[1] = [1, TOO_DEAR]
    bench.run()
    assert (bench.posts, bench.states, bench.outcomes[0].error) == ([1], ["skipped"], TOO_DEAR)
    assert bench.outcomes[0].needs_resume


def test_an_unknown_outcome_stays_told_where_sending_it_again_costs_too_much() -> None:
    bench = Bench(with_known(known=known(UNKNOWN, None), resend=True))
    bench.claims[1] = [TOO_DEAR]
    bench.run()
    assert (bench.states, bench.posts) == (["unknown"], [])


def test_a_line_that_cannot_be_prepared_is_not_sent_and_stops_no_other() -> None:
    bench = Bench([*with_known(prepare=True), Line(2, SLUG)])
    bench.prepare_error = ModellixError(ErrorCode.INVALID_MEDIA, "too big.")
    outcomes = bench.run()
    assert (bench.states, outcomes[0].error) == (["skipped", "accepted"], bench.prepare_error)


def test_a_line_waits_for_the_result_that_it_needs() -> None:
    work = [Line(1, SLUG), Line(2, SLUG, needs=(1,)), Line(3, SLUG)]
    bench = Bench(work, follow=Follow.TO_THE_END)
    bench.run()
    ended = next(i for i, e in enumerate(bench.log) if isinstance(e, effects.Emit))
    assert bench.posts == [1, 3, 2]
    assert bench.log.index(effects.Post(2, 3)) > ended


@pytest.mark.parametrize("follow", list(Follow))
def test_a_chain_of_lines_whose_first_fails_ends_at_once(follow: Follow) -> None:
    work = [Line(1, SLUG), *(Line(n, SLUG, needs=(n - 1,)) for n in range(2, 6))]
    bench = Bench(work, follow=follow)
    bench.answers[1] = [refused()]
    bench.run()
    assert bench.states == ["rejected", *["skipped"] * 4]
    assert bench.engine.finished


def test_a_line_that_needs_one_without_result_is_skipped() -> None:
    bench = Bench([Line(1, SLUG), Line(2, SLUG, needs=(1,))], follow=Follow.TO_THE_END)
    bench.ends = {"status": "failed"}
    bench.run()
    assert bench.states == ["accepted", "skipped"]


def test_a_line_that_is_skipped_names_the_one_that_it_needs() -> None:
    work = [
        Line(1, SLUG),
        Line(2, SLUG, needs=(1,), need_names=("cat",)),
        Line(3, SLUG, needs=(2,)),
    ]
    bench = Bench(work)
    bench.answers[1] = [refused()]
    assert [outcome.detail for outcome in bench.run()][1:] == [
        'Skipped: it uses the result of line "cat", which has none.',
        "Skipped: it uses the result of line 2, which has none.",
    ]


def test_lines_that_wait_for_others_keep_none_from_starting() -> None:
    pairs = [(Line(n, SLUG), Line(n + 1, SLUG, needs=(n,))) for n in range(1, 12, 2)]
    bench = Bench(
        [line for pair in pairs for line in pair], follow=Follow.TO_THE_END, concurrency=2
    )
    bench.run()
    assert bench.posts[:6] == [1, 3, 5, 7, 9, 11]


@pytest.mark.parametrize("need", [1, 2, 7])
def test_a_line_that_needs_itself_or_one_that_does_not_come_before_is_skipped(need: int) -> None:
    bench = Bench([Line(1, SLUG, needs=(need,))])
    bench.run()
    assert (bench.states, bench.engine.finished) == (["skipped"], True)


def test_very_many_refusals_end_in_no_defect() -> None:
    bench = Bench(lines(299), patience=1e6, concurrency=10)
    bench.always = refused()
    bench.run()
    assert set(bench.states) == {"rejected"}


@pytest.mark.slow
def test_twenty_thousand_lines_are_fetched_in_portions() -> None:
    bench = Bench(lines(3000), concurrency=5)
    most = 0

    def watch(effect: effects.Effect) -> None:
        nonlocal most
        if isinstance(effect, effects.FetchWork):
            most = max(most, effect.at_most)

    bench.on_effect = watch
    bench.run()
    assert bench.states == ["accepted"] * 3000
    assert most <= 5


def test_a_claim_that_finds_its_own_refused_attempt_waits_for_nobody() -> None:
    """The refusal is not on disk, so that the attempt looks as if it were in flight."""
    bench = Bench(lines(1))
    bench.answers[1] = [unavailable()]
    bench.claims[1] = [1, known(INTENT, None, number=1, in_flight=True)]
    bench.recorded = False
    bench.run()
    assert (bench.states, bench.posts, bench.engine.finished) == (["rejected"], [1], True)
    assert bench.all(effects.RecordOutcome)[-1].state is REJECTED

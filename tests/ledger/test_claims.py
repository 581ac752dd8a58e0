"""Claims: refused attempts are taken up again, and what answers for a request or a line."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.ledger.attempt import Attempt
from modellix_cli.ledger.marks import set_incomplete
from modellix_cli.ledger.processes import LEASE_SECONDS
from modellix_cli.ledger.records import BatchLine, Claimed
from modellix_cli.ledger.task_records import TaskReport
from tests.ledger.ledgers import (
    ACCEPTED,
    INTENT,
    REJECTED,
    UNKNOWN,
    Ledger,
    Lines,
    bodies,
    end_process,
    request,
)
from tests.support import FakeClock

LINE = '{"prompt": "a"}'


def states(ledger: Ledger) -> list[str]:
    return [row[0] for row in ledger.sql("SELECT state FROM submissions ORDER BY number")]


def linked(ledger: Ledger) -> list[int | None]:
    return [row[0] for row in ledger.sql("SELECT submission FROM batch_lines ORDER BY line")]


# --- an attempt that was refused


def test_an_attempt_that_was_refused_is_under_way_again(ledger: Ledger, clock: FakeClock) -> None:
    number = ledger.sent(state=REJECTED)
    ledger.sql("UPDATE submissions SET detail = 'later.', pid = 1, host = 'x', boot = 'y'")
    clock.time += 500
    assert ledger.claim(request(repeats=number)) == Claimed(number)
    attempt = ledger.submissions.attempt(number)
    assert attempt is not None
    assert (attempt.state, attempt.in_flight, attempt.detail) == (INTENT, True, None)
    row = ledger.sql("SELECT updated_at, lease_until FROM submissions")
    assert row == [(clock.time, clock.time + LEASE_SECONDS)]


@pytest.mark.parametrize("state", [ACCEPTED, UNKNOWN])
def test_an_attempt_that_was_not_refused_is_never_taken_up_again(
    ledger: Ledger, state: SubmissionState
) -> None:
    number = ledger.sent(state=state)
    claim = ledger.claim(request(repeats=number))
    assert isinstance(claim, Attempt)
    assert claim.number == number
    assert states(ledger) == [str(state)]


def test_sending_an_unknown_one_again_makes_an_attempt_in_its_place(ledger: Ledger) -> None:
    ledger.sent(state=UNKNOWN)
    refused = ledger.sent(state=REJECTED, resend_unknown=True)
    assert ledger.claim(request(repeats=refused), resend_unknown=True) == Claimed(3)
    assert states(ledger) == ["unknown", "rejected", "intent"]
    assert ledger.sql("SELECT replaces FROM submissions WHERE number = 3") == [(1,)]


def test_a_line_that_was_refused_is_under_way_again_under_its_number(ledger: Ledger) -> None:
    lines = Lines(bodies("a", "b"))
    batch = ledger.begun(lines).batch.number
    first = ledger.claim_line(batch, lines, 1).number
    ledger.record(first, REJECTED)
    assert ledger.claim_line(batch, lines, 1, repeats=first) == Claimed(first)
    assert states(ledger) == ["intent"]
    assert linked(ledger) == [first, None]


def test_a_line_repeats_no_attempt_that_was_accepted(ledger: Ledger) -> None:
    lines = Lines(bodies("a"))
    batch = ledger.begun(lines).batch.number
    first = ledger.claim_line(batch, lines, 1).number
    ledger.record(first, ACCEPTED)
    claim = ledger.claim_line(batch, lines, 1, repeats=first)
    assert isinstance(claim, Attempt)
    assert claim.number == first


# --- a ledger that may have lost something


def damage(ledger: Ledger) -> None:
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as db:
        set_incomplete(db, "damaged", 1.0, 0)


@pytest.mark.parametrize("how", ["resume", "key"])
def test_a_damaged_ledger_cannot_say_that_something_was_not_paid(ledger: Ledger, how: str) -> None:
    ledger.claim(request("{}"))
    damage(ledger)
    wanted = request(request_key="k") if how == "key" else request()
    with pytest.raises(ModellixError) as error:
        ledger.claim(wanted, resume=how == "resume")
    assert error.value.code is ErrorCode.LEDGER_INCOMPLETE
    assert states(ledger) == ["intent"]


def test_a_damaged_ledger_still_says_what_was_paid_and_lets_new_ones_be_sent(
    ledger: Ledger,
) -> None:
    paid = ledger.sent()
    damage(ledger)
    found = ledger.claim(resume=True)
    assert (found.number, found.state) == (paid, ACCEPTED)
    assert ledger.claim() == Claimed(2)


def test_a_damaged_ledger_lets_a_known_one_be_sent_by_the_users_word(ledger: Ledger) -> None:
    ledger.sent(state=UNKNOWN)
    damage(ledger)
    assert ledger.claim(resume=True, resend_unknown=True) == Claimed(2)


# --- which attempt answers for a single request


def test_an_accepted_attempt_answers_before_one_under_way_and_that_before_an_unknown_one(
    ledger: Ledger,
) -> None:
    accepted = ledger.sent()
    flying = ledger.claim().number
    assert ledger.claim(resume=True).number == accepted
    ledger.sql("UPDATE submissions SET state = 'unknown' WHERE number = ?", accepted)
    assert ledger.claim(resume=True).number == flying
    end_process(ledger, flying)
    assert ledger.claim(resume=True).number == flying


def test_typing_a_request_again_is_stopped_by_an_unknown_one_only(ledger: Ledger) -> None:
    unknown = ledger.sent(state=UNKNOWN)
    assert ledger.claim().number == unknown
    ledger.record(unknown, ACCEPTED)
    assert isinstance(ledger.claim(), Claimed)


def test_typing_a_request_again_while_it_is_resent_sends_it(ledger: Ledger) -> None:
    ledger.sent(state=UNKNOWN)
    assert ledger.claim(resend_unknown=True) == Claimed(2)
    assert ledger.claim() == Claimed(3)


def test_a_resend_of_another_request_answers_for_nothing(ledger: Ledger) -> None:
    ledger.sent(request(LINE), state=UNKNOWN)
    assert ledger.claim(request(LINE), resend_unknown=True) == Claimed(2)
    assert ledger.claim(request(), resend_unknown=True) == Claimed(3)


def test_a_request_of_another_model_answers_for_nothing(ledger: Ledger) -> None:
    ledger.sent(state=UNKNOWN)
    assert ledger.claim(request(slug="a/c")) == Claimed(2)


@pytest.mark.parametrize("state", [ACCEPTED, UNKNOWN])
def test_what_answers_under_a_request_key_has_it_from_then_on(
    ledger: Ledger, state: SubmissionState
) -> None:
    number = ledger.sent(state=state)
    assert ledger.claim(request(request_key="k"), resume=state is ACCEPTED).number == number
    if state is UNKNOWN:
        ledger.submissions.resolve(number, "task-x")
    assert ledger.claim(request(request_key="k")).number == number
    assert isinstance(ledger.claim(request(request_key="another")), Claimed)


# --- which attempt answers for a line


@pytest.fixture
def batch(ledger: Ledger) -> int:
    return ledger.begun(Lines([LINE])).batch.number


def line(ledger: Ledger, batch: int, **other: Any) -> Any:
    return ledger.claim_line(batch, Lines([LINE]), 1, **other)


@pytest.mark.parametrize("state", [UNKNOWN, INTENT])
def test_a_single_run_made_meanwhile_answers_while_it_is_open(
    ledger: Ledger, batch: int, state: SubmissionState
) -> None:
    number = ledger.claim(request(LINE)).number
    if state is UNKNOWN:
        ledger.record(number, UNKNOWN)
    claim = line(ledger, batch)
    assert isinstance(claim, Attempt)
    assert claim.number == number
    assert linked(ledger) == [number]


@pytest.mark.parametrize("state", [ACCEPTED, REJECTED])
def test_a_single_run_made_meanwhile_that_is_over_does_not(
    ledger: Ledger, batch: int, state: SubmissionState
) -> None:
    ledger.sent(request(LINE), state=state)
    assert line(ledger, batch) == Claimed(2)


def test_another_attempt_answers_for_no_line_that_is_sent_by_the_users_word(
    ledger: Ledger, batch: int
) -> None:
    first = line(ledger, batch).number
    ledger.record(first, UNKNOWN)
    ledger.sql("UPDATE submissions SET identity = 'other' WHERE number = ?", first)
    single = ledger.sent(request(LINE), state=UNKNOWN)
    ledger.sql(
        "UPDATE submissions SET identity = (SELECT identity FROM submissions WHERE number = ?)",
        single,
    )
    assert line(ledger, batch, resends=first) == Claimed(3)
    assert ledger.sql("SELECT replaces FROM submissions WHERE number = 3") == [(first,)]


def test_who_was_sent_in_the_place_of_the_one_to_resend_answers(ledger: Ledger, batch: int) -> None:
    first = line(ledger, batch).number
    ledger.record(first, UNKNOWN)
    second = line(ledger, batch, resends=first).number
    ledger.record(second, ACCEPTED)
    refused = ledger.sent(request("{}"), state=REJECTED)
    ledger.sql("UPDATE batch_lines SET submission = ?", refused)
    claim = line(ledger, batch, resends=first)
    assert isinstance(claim, Attempt)
    assert claim.number == second
    assert linked(ledger) == [second]


@pytest.mark.parametrize("state", [INTENT, UNKNOWN, ACCEPTED])
def test_the_users_word_ends_with_the_doubt_that_it_was_about(
    ledger: Ledger, batch: int, state: SubmissionState
) -> None:
    first = line(ledger, batch).number
    ledger.record(first, UNKNOWN)
    again = line(ledger, batch, resends=first).number
    ledger.record(again, REJECTED)  # and it is to be sent once more
    ledger.record(first, REJECTED)  # which was recorded late
    lines = Lines([LINE])
    other = ledger.begun(lines, OnPaid.RESUME, "d2").batch.number
    meanwhile = ledger.claim_line(other, lines, 1).number
    if state is not INTENT:
        ledger.record(meanwhile, state)
    claim = line(ledger, batch, repeats=again, resends=first)
    assert isinstance(claim, Attempt)
    assert claim.number == meanwhile
    assert states(ledger) == ["rejected", "rejected", str(state)]


def test_what_answers_for_a_line_is_no_reason_to_take_up_its_refused_attempt(
    ledger: Ledger, batch: int
) -> None:
    refused = line(ledger, batch).number
    ledger.record(refused, REJECTED)
    single = ledger.sent(request(LINE), state=UNKNOWN)
    assert line(ledger, batch, repeats=refused).number == single
    assert states(ledger) == ["rejected", "unknown"]


@pytest.mark.parametrize("where", ["earlier batch", "later batch", "single", "sent again"])
def test_attempts_of_other_requests_answer_for_no_line(ledger: Ledger, where: str) -> None:
    other = Lines(bodies("something else"))
    earlier = ledger.begun(other, digest="d1").batch.number
    batch = ledger.begun(Lines([LINE]), digest="d2").batch.number
    later = ledger.begun(Lines(bodies("a third")), digest="d3").batch.number
    if where == "earlier batch":
        ledger.record(ledger.claim_line(earlier, other, 1).number, ACCEPTED)
    elif where == "later batch":
        third = Lines(bodies("a third"))
        ledger.record(ledger.claim_line(later, third, 1).number, ACCEPTED)
    else:
        ledger.sent(request("{}"), state=UNKNOWN)
    if where == "sent again":
        ledger.sent(request("{}"), state=REJECTED, resend_unknown=True)
    assert isinstance(line(ledger, batch), Claimed)


@pytest.mark.parametrize("mine", [0, 1])
def test_an_attempt_of_another_batch_answers_whichever_was_begun_first(
    ledger: Ledger, mine: int
) -> None:
    batches = [ledger.begun(Lines([LINE]), digest=name).batch.number for name in ("d1", "d2")]
    theirs = line(ledger, batches[1 - mine]).number
    ledger.record(theirs, ACCEPTED)
    assert line(ledger, batches[mine]).number == theirs


def test_of_other_batches_attempts_an_accepted_one_answers_first(
    ledger: Ledger, batch: int
) -> None:
    both = Lines([LINE, LINE, LINE])
    other = ledger.begun(both, digest="d2").batch.number
    for number, state in ((1, UNKNOWN), (2, ACCEPTED), (3, ACCEPTED)):
        ledger.record(ledger.claim_line(other, both, number).number, state)
    assert line(ledger, batch).number == 2


def test_of_other_batches_attempts_that_of_the_same_id_answers_first(ledger: Ledger) -> None:
    mine = Lines([LINE], ids={1: "y"})
    batch = ledger.begun(mine).batch.number
    both = Lines([LINE, LINE], ids={1: "x", 2: "y"})
    other = ledger.begun(both, digest="d2").batch.number
    for number in (1, 2):
        ledger.record(ledger.claim_line(other, both, number).number, ACCEPTED)
    assert ledger.claim_line(batch, mine, 1).number == 2


def test_a_failed_task_is_paid_for_again_only_if_it_is_the_one_that_was_named(
    ledger: Ledger, batch: int
) -> None:
    first = line(ledger, batch).number
    ledger.record(first, ACCEPTED)
    other = ledger.sent(request("{}"))
    for number in (first, other):
        ledger.tasks.record_status(TaskReport(f"task-{number}", "FAILED"))
    assert line(ledger, batch, retries=other).number == first
    assert isinstance(line(ledger, batch, retries=first), Claimed)


@pytest.mark.parametrize("how", ["planned", "refused for now"])
def test_a_task_that_did_not_fail_after_all_is_not_paid_for_again(
    ledger: Ledger, batch: int, how: str
) -> None:
    first = line(ledger, batch).number
    ledger.record(first, UNKNOWN)
    ledger.submissions.resolve(first, "task-wrong")
    ledger.tasks.record_status(TaskReport("task-wrong", "failed"))
    words = {"retries": first}
    if how == "refused for now":
        words["repeats"] = line(ledger, batch, **words).number
        ledger.record(words["repeats"], REJECTED)
    ledger.submissions.resolve(first, "task-right")
    found = line(ledger, batch, **words)
    assert isinstance(found, Attempt)
    assert (found.number, found.task_id) == (first, "task-right")


def test_a_failure_that_only_the_line_knows_of_counts(ledger: Ledger, batch: int) -> None:
    first = line(ledger, batch).number
    ledger.record(first, ACCEPTED)
    assert isinstance(line(ledger, batch, retries=first), Attempt)
    ledger.batches.record_end(batch, BatchLine(1, "a/b", None, None, "failed"), f"task-{first}")
    assert isinstance(line(ledger, batch, retries=first), Claimed)


def test_what_was_told_of_a_line_is_forgotten_when_another_attempt_answers(
    ledger: Ledger, batch: int
) -> None:
    first = line(ledger, batch).number
    ledger.record(first, UNKNOWN)
    ledger.sql("UPDATE batch_lines SET status = 'lost', detail = 'x', made = '[]'")
    assert line(ledger, batch).number == first
    told = "SELECT status, detail, made FROM batch_lines"
    assert ledger.sql(told) == [("lost", "x", "[]")]
    line(ledger, batch, resends=first)
    assert ledger.sql(told) == [(None, None, None)]


def test_a_line_that_is_not_in_the_ledger_is_not_sent(ledger: Ledger, batch: int) -> None:
    two = Lines([LINE, LINE])
    with pytest.raises(ModellixError, match=r"Line 2 of batch 1 is not in the ledger\.") as error:
        ledger.claim_line(batch, two, 2)
    assert error.value.code is ErrorCode.LEDGER_LOST
    assert states(ledger) == []


# --- what is recorded


def test_a_request_that_is_sent_again_keeps_its_key(ledger: Ledger) -> None:
    first = ledger.sent(request(request_key="k"), state=UNKNOWN)
    ledger.sent(request(), resend_unknown=True)
    keys = ledger.sql("SELECT request_key, replaces FROM submissions ORDER BY number")
    assert keys == [("k", None), ("k", first)]


def test_an_attempt_of_a_line_says_whose_it_is(ledger: Ledger, batch: int) -> None:
    line(ledger, batch)
    row = ledger.sql("SELECT batch, line, replaces, created_at, lease_until FROM submissions")[0]
    assert row[:3] == (batch, 1, None)
    assert row[4] - row[3] == LEASE_SECONDS


def test_a_single_request_is_of_no_batch_and_no_line(ledger: Ledger) -> None:
    ledger.claim()
    assert ledger.sql("SELECT batch, line, estimated_cost FROM submissions") == [(None, None, None)]

"""Budgets: what counts, for how long, and that several processes keep to one together."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from modellix_cli.domain.account import account_of
from modellix_cli.domain.budget import Budget, CostLimits
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.money import Money
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.ledger import claims
from modellix_cli.ledger.attempt import Attempt
from modellix_cli.ledger.processes import Process
from modellix_cli.ledger.records import Claimed, Request, TooDear
from modellix_cli.ledger.task_records import TaskReport
from tests.ledger.ledgers import (
    ACCEPTED,
    API,
    OTHER,
    REJECTED,
    SANDBOX,
    UNKNOWN,
    Ledger,
    Lines,
    bodies,
    end_process,
    in_processes,
    request,
)
from tests.support import FakeClock

Open = Callable[..., Ledger]
DAY = 86400.0
HERE_WITH_A_NEW_KEY = account_of(API, "default", "mk-new-0123456789")


def usd(amount: str) -> Money:
    return Money(Decimal(amount))


def limits(budget: str, period: float = DAY, **other: Any) -> CostLimits:
    return CostLimits(budget=Budget(usd(budget), period, "MODELLIX_BUDGET"), **other)


def priced(name: str = "a", cost: str | None = "1", budget: str = "2", **other: Any) -> Request:
    amount = None if cost is None else usd(cost)
    other = {"limits": limits(budget)} | other
    return request(f'{{"prompt": "{name}"}}', estimated_cost=amount, **other)


def free(ledger: Ledger, cost: str = "1", budget: str = "2", **other: Any) -> bool:
    """Whether a request of its own would be allowed now; it is not kept."""
    claim = ledger.claim(priced("probe", cost, budget, **other))
    if isinstance(claim, Claimed):
        ledger.record(claim.number, REJECTED)
    return isinstance(claim, Claimed)


def refusal(claim: Any) -> ModellixError:
    assert isinstance(claim, TooDear), claim
    return claim.error


# --- what counts


def test_requests_are_sent_until_the_budget_is_used_up(ledger: Ledger) -> None:
    ledger.sent(priced("a"))
    ledger.sent(priced("b"))
    error = refusal(ledger.claim(priced("c", "0.01")))
    assert (error.code, error.exit_status, error.charged) == (ErrorCode.BUDGET_EXCEEDED, 10, "no")
    assert ledger.sql("SELECT count(*) FROM submissions") == [(2,)]


@pytest.mark.parametrize(
    ("state", "expected"), [(ACCEPTED, False), (UNKNOWN, False), (REJECTED, True)]
)
def test_only_a_request_that_was_refused_counts_no_more(
    ledger: Ledger, state: Any, expected: bool
) -> None:
    ledger.sent(priced("a", "1.5"), state)
    assert free(ledger) is expected


def test_what_is_about_to_be_sent_counts_also_when_its_process_is_gone(ledger: Ledger) -> None:
    number = ledger.claim(priced("a", "1.5")).number
    assert not free(ledger)
    end_process(ledger, number)
    assert not free(ledger)


@pytest.mark.parametrize(("billed", "expected"), [("0.4", True), ("0", True), ("1.5", False)])
def test_a_bill_takes_the_place_of_the_estimate(
    ledger: Ledger, billed: str, expected: bool
) -> None:
    ledger.sent(priced("a", "1.2"), task_id="t")
    assert not free(ledger)
    ledger.tasks.record_status(TaskReport("t", "success", billed_cost=usd(billed)))
    assert free(ledger) is expected


def test_a_task_that_ended_without_a_bill_keeps_its_estimate(ledger: Ledger) -> None:
    ledger.sent(priced("a", "1.2"), task_id="t")
    ledger.tasks.record_status(TaskReport("t", "success"))
    assert not free(ledger)


def test_the_bill_of_a_task_that_still_runs_is_not_believed(ledger: Ledger) -> None:
    ledger.sent(priced("a", "1.2"), task_id="t")
    ledger.tasks.record_status(TaskReport("t", "processing", billed_cost=usd("0")))
    assert not free(ledger)


def test_a_bill_that_was_seen_before_the_request_was_settled_counts(ledger: Ledger) -> None:
    number = ledger.sent(priced("a", "1.2"), UNKNOWN)
    ledger.tasks.record_status(TaskReport("t", "success", billed_cost=usd("0.1")))
    ledger.submissions.resolve(number, "t")
    assert free(ledger, "1.9")
    assert ledger.sql("SELECT billed_cost FROM submissions WHERE number = 1") == [("0.1",)]


def test_the_bill_of_a_task_that_an_unknown_outcome_names_is_not_believed(ledger: Ledger) -> None:
    number = ledger.claim(priced("a", "1.2")).number
    ledger.record(number, UNKNOWN, "t")
    ledger.tasks.record_status(TaskReport("t", "success", billed_cost=usd("0")))
    assert not free(ledger)


def test_a_request_that_the_user_says_created_nothing_is_free(ledger: Ledger) -> None:
    number = ledger.sent(priced("a", "1.5"), UNKNOWN)
    ledger.submissions.resolve(number, None)
    assert free(ledger)


def test_one_that_was_sent_again_counts_beside_the_first(ledger: Ledger) -> None:
    ledger.sent(priced("a"), UNKNOWN)
    ledger.sent(priced("a"), resend_unknown=True)
    assert not free(ledger, "0.01")


def test_what_answers_for_a_request_costs_nothing(ledger: Ledger) -> None:
    ledger.sent(priced("a", "2"))
    assert ledger.claim(priced("a", "2"), resume=True).number == 1


def test_what_answers_for_a_line_costs_nothing(ledger: Ledger) -> None:
    lines = Lines(bodies("a"))
    batch = ledger.begun(lines).batch.number
    wanted = [lines.request(1, estimated_cost=usd("2"), limits=limits("2"))]
    (first,) = ledger.submissions.claim_lines(batch, wanted)
    assert isinstance(first, Claimed)
    ledger.record(first.number, ACCEPTED)
    (again,) = ledger.submissions.claim_lines(batch, wanted)
    assert isinstance(again, Attempt)
    assert again.number == first.number


def test_what_was_sent_without_a_budget_counts_too(ledger: Ledger) -> None:
    ledger.sent(request('{"prompt": "x"}', estimated_cost=usd("1.5")))
    assert not free(ledger)


def test_tenths_of_a_cent_add_up_exactly(ledger: Ledger) -> None:
    for number in range(10):
        ledger.sent(priced(str(number), "0.1", "1"))
    assert free(ledger, "0", "1")
    assert not free(ledger, "0.000001", "1")


# --- what has no price


def test_what_cannot_be_priced_is_refused_under_a_budget(ledger: Ledger) -> None:
    error = refusal(ledger.claim(priced("a", None, unpriced="duration is not given")))
    assert (error.code, error.exit_status) == (ErrorCode.COST_LIMIT, 10)
    assert "duration is not given" in error.message
    assert ledger.sql("SELECT count(*) FROM submissions") == [(0,)]


def test_what_cannot_be_priced_counts_as_nothing_by_the_users_word(ledger: Ledger) -> None:
    ledger.sent(priced("a", None, limits=limits("2", allow_unpriced=True)))
    assert free(ledger, "2")


def test_its_bill_counts_once_it_is_known(ledger: Ledger) -> None:
    ledger.sent(priced("a", None, limits=limits("2", allow_unpriced=True)), task_id="t")
    ledger.tasks.record_status(TaskReport("t", "success", billed_cost=usd("1.5")))
    assert not free(ledger)


def test_a_limit_of_one_request_is_checked_without_a_budget(ledger: Ledger) -> None:
    dear = priced("a", "0.31", limits=CostLimits(usd("0.3")))
    error = refusal(ledger.claim(dear))
    assert error.code is ErrorCode.COST_LIMIT
    assert "$0.31" in error.message
    ledger.sent(priced("a", "0.3", limits=CostLimits(usd("0.3"))))


# --- whose money it is


def test_another_account_has_a_budget_of_its_own(ledger: Ledger, opened: Open) -> None:
    ledger.sent(priced("a", "2"))
    assert free(opened(account=OTHER), "2")
    assert free(opened(account=account_of(SANDBOX, "default", "sandbox")), "2")


def test_keys_of_one_account_share_a_budget(ledger: Ledger, opened: Open) -> None:
    ledger.sent(priced("a", "2"))
    other = opened(account=OTHER)
    other.batches.link_account(1)
    assert not free(other)


def test_a_new_key_of_the_same_profile_frees_nothing(ledger: Ledger, opened: Open) -> None:
    ledger.sent(priced("a", "2"))
    assert not free(opened(account=HERE_WITH_A_NEW_KEY))


# --- for how long


def test_after_the_period_it_counts_no_more(ledger: Ledger, clock: FakeClock) -> None:
    ledger.sent(priced("a", "2"))
    clock.sleep(DAY - 1)
    assert not free(ledger)
    clock.sleep(1)
    assert free(ledger)


@pytest.mark.parametrize("step", [-400 * DAY, -2 * DAY, 2 * DAY, 400 * DAY])
def test_setting_the_date_frees_nothing_and_keeps_nothing_longer(
    ledger: Ledger, clock: FakeClock, step: float
) -> None:
    ledger.sent(priced("a", "2"))
    clock.step(step)
    clock.sleep(DAY - 1)
    assert not free(ledger)
    clock.sleep(1)
    assert free(ledger)


def test_a_request_that_is_sent_again_counts_from_then_on(ledger: Ledger, clock: FakeClock) -> None:
    lines = Lines(bodies("a"))
    batch = ledger.begun(lines, OnPaid.RESUME).batch.number
    words = {"estimated_cost": usd("2"), "limits": limits("2")}
    number = ledger.claim_line(batch, lines, 1, **words).number
    ledger.record(number, REJECTED)
    clock.sleep(2 * DAY)
    assert ledger.claim_line(batch, lines, 1, repeats=number, **words) == Claimed(number)
    assert not free(ledger)


class TestAfterARestart:
    """The uptime begins anew; what was sent before is aged by the date."""

    @pytest.fixture(autouse=True)
    def machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.start("one")

    def start(self, boot: str) -> None:
        process = Process("here", boot, 1, 1)
        self.monkeypatch.setattr(claims, "this_process", lambda: process)

    def restart(self, clock: FakeClock, boot: str = "two") -> None:
        clock.stepped = clock.time - 10.0
        self.start(boot)

    def test_it_counts_until_the_date_says_that_the_period_is_over(
        self, ledger: Ledger, clock: FakeClock
    ) -> None:
        ledger.sent(priced("a", "2"))
        self.restart(clock)
        clock.sleep(DAY - 1)
        assert not free(ledger)
        clock.sleep(1)
        assert free(ledger)

    def test_a_date_that_was_wrong_in_the_future_counts(
        self, ledger: Ledger, clock: FakeClock
    ) -> None:
        clock.step(400 * DAY)
        ledger.sent(priced("a", "2"))
        clock.step(-400 * DAY)
        self.restart(clock)
        assert not free(ledger)

    def test_the_date_put_forward_frees_nothing_where_a_request_shows_it(
        self, ledger: Ledger, clock: FakeClock
    ) -> None:
        ledger.sent(priced("a", "1.5"))
        self.restart(clock)
        ledger.sent(priced("b", "0.1"))
        clock.step(2 * DAY)
        assert not free(ledger)
        clock.sleep(DAY)
        assert free(ledger)

    def test_where_the_boot_has_no_name_the_date_decides(
        self, ledger: Ledger, clock: FakeClock
    ) -> None:
        self.start("")
        ledger.sent(priced("a", "2"))
        assert not free(ledger)
        clock.sleep(DAY)
        assert free(ledger)
        assert ledger.sql("SELECT uptime FROM submissions LIMIT 1") == [(None,)]

    def test_a_request_that_is_sent_again_counts_from_then_on(
        self, ledger: Ledger, clock: FakeClock
    ) -> None:
        self.start("")
        test_a_request_that_is_sent_again_counts_from_then_on(ledger, clock)


# --- what is said


def test_the_refusal_says_what_is_left_and_when_enough_is_free(
    ledger: Ledger, clock: FakeClock
) -> None:
    ledger.sent(priced("a", "0.5"), task_id="t")
    ledger.tasks.record_status(TaskReport("t", "success", billed_cost=usd("0.4")))
    clock.sleep(3600)
    ledger.sent(priced("b", "1.1"))
    clock.sleep(3600)
    error = refusal(ledger.claim(priced("c", "1.2")))
    for words in ("$2.00 in 24h does", "may cost $1.20", "$0.50 is left", "$0.40 billed",
                  "$1.10 reserved"):  # fmt: skip
        assert words in error.message, error.message
    assert error.retry_after == 23 * 3600
    assert error.hint.startswith("Enough is free again in 23h 00m (")
    assert error.retryable


def test_a_request_that_the_whole_budget_does_not_allow_is_never_free(ledger: Ledger) -> None:
    error = refusal(ledger.claim(priced("a", "2.01")))
    assert (error.retryable, error.retry_after) == (False, None)
    assert "raise MODELLIX_BUDGET" in error.hint


# --- several at once


def test_of_lines_that_are_claimed_together_those_that_fit_are_sent(ledger: Ledger) -> None:
    lines = Lines(bodies("a", "b", "c"))
    batch = ledger.begun(lines).batch.number
    wanted = [
        lines.request(line, estimated_cost=usd("1"), limits=limits("2")) for line in (1, 2, 3)
    ]
    first, second, third = ledger.submissions.claim_lines(batch, wanted)
    assert (first, second) == (Claimed(1), Claimed(2))
    refusal(third)
    assert ledger.attempts(batch) == [1, 2, None]


@pytest.mark.slow
def test_of_twenty_processes_five_get_a_budget_for_five(tmp_path: Path) -> None:
    Ledger(tmp_path).close()

    def claim(number: int) -> bool:
        ledger = Ledger(tmp_path, FakeClock(), patience=60.0)
        claim = ledger.claim(priced(str(number), "0.2", "1"))
        ledger.close()
        return isinstance(claim, Claimed)

    assert in_processes(claim, [(number,) for number in range(20)]).count(True) == 5


def test_a_ledger_from_which_payments_may_be_missing_keeps_no_budget(
    ledger: Ledger,
) -> None:
    ledger.sent()
    ledger.sql(
        """INSERT INTO meta VALUES ('incomplete', '{"since": 1, "reason": "x", "kept": 0}')"""
    )
    with pytest.raises(ModellixError) as caught:
        ledger.claim(priced("a"))
    assert caught.value.code is ErrorCode.LEDGER_INCOMPLETE
    ledger.marks.acknowledge()
    assert free(ledger)

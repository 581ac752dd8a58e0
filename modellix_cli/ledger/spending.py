"""What an account spent within a period, and whether a request may be paid for on top of it.

An attempt counts from the moment it is recorded, before it is sent: with its estimate, in the end
with what was billed. One that the server refused does not count, one of unknown outcome does.
"""

# ruff: noqa: S608 - what is put together are constants
import sqlite3
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from modellix_cli.clock import clock_time
from modellix_cli.domain.account import Account
from modellix_cli.domain.budget import Budget, Verdict, judge
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.money import NOTHING, Money
from modellix_cli.domain.text import duration
from modellix_cli.domain.values import format_duration
from modellix_cli.ledger.accounts import KnownAccount
from modellix_cli.ledger.marks import refuse_incomplete
from modellix_cli.ledger.records import Request
from modellix_cli.ledger.sql import SqlValue

_LONGEST_WORTH_TELLING: Final = 366 * 86400.0
_OF_THIS_BOOT: Final = "(s.boot = :boot AND :boot <> '' AND s.uptime IS NOT NULL)"
_LEFT: Final = f"""
CASE WHEN {_OF_THIS_BOOT} THEN s.uptime + :period - :uptime ELSE s.created_at + :period - :wall END
"""
"""Seconds for which an attempt still counts."""
_COUNTED: Final = f"""
FROM submissions AS s WHERE s.state <> 'rejected'
AND (s.account IN (SELECT id FROM accounts WHERE team = :team)
  OR (s.base_url = :url AND s.profile = :profile))
AND (s.created_at > :wall - :period OR (s.boot = :boot AND s.uptime > :uptime - :period))
AND {_LEFT} > 0"""
_BILLED: Final = "CASE WHEN s.state = 'accepted' THEN s.billed_cost END"
"""A reply of unknown outcome may have named another's task: its bill says nothing of this one."""
_SUMS: Final = f"SELECT {_BILLED}, s.estimated_cost, count(*) {_COUNTED} GROUP BY 1, 2"
_BY_END: Final = f"SELECT {_BILLED}, s.estimated_cost, {_LEFT} {_COUNTED} ORDER BY 3, s.number"
_BOOT_DATE: Final = """
SELECT min(created_at - uptime) FROM submissions
WHERE boot = :boot AND :boot <> '' AND uptime > :uptime - :period"""


@frozen
class Moment:
    """When a transaction happens: Unix time, and seconds since the start of this machine.

    `boot` names that start, "" where the system does not.
    """

    now: float
    uptime: float
    boot: str


@frozen
class Spent:
    """What counts within a period.

    `reserved` are the estimates of what has no billed amount yet, `unpriced` is how many requests
    have neither, and count as nothing.
    """

    billed: Money = NOTHING
    reserved: Money = NOTHING
    unpriced: int = 0

    @property
    def total(self) -> Money:
        """What counts against a budget."""
        return self.billed + self.reserved


class Spending:
    """What an account spent, as one transaction sees it.

    To it belong the keys that are known to be of one team, and what was sent under the same
    profile: a key that was replaced frees no budget.
    """

    def __init__(
        self, db: sqlite3.Connection, account: Account, known: KnownAccount | None, moment: Moment
    ) -> None:
        self._db = db
        self._moment = moment
        self._who: dict[str, SqlValue] = {
            "team": None if known is None else known.team,
            "url": account.base_url,
            "profile": account.profile,
        }

    def refusal(self, request: Request) -> ModellixError | None:
        """Return why a request may not be paid for now, None if it may.

        Raises `LEDGER_INCOMPLETE` where a budget is set and payments may be missing.
        """
        limits, cost = request.limits, request.estimated_cost
        if limits.budget is not None:
            refuse_incomplete(self._db)
        verdict = judge(limits, cost, lambda budget: self.within(budget.period).total)
        if verdict is Verdict.OVER_BUDGET:
            assert limits.budget is not None
            return self._over_budget(limits.budget, cost or NOTHING)
        return _refusal_of_its_own(verdict, request)

    def within(self, period: float) -> Spent:
        """Return what counts of the last `period` seconds."""
        return sum_costs(Costs(*row) for row in self._rows(_SUMS, period))

    def _rows(self, statement: str, period: float) -> sqlite3.Cursor:
        """Return rows of attempts that count.

        Attempts of this boot are aged by the uptime, which nobody can set. Those before it are aged
        by the date; as far as an attempt of this boot shows that the date was put forward since,
        by the date as it was.
        """
        moment = self._moment
        values = {"boot": moment.boot, "uptime": moment.uptime, "period": period}
        boot_date = self._db.execute(_BOOT_DATE, values).fetchone()[0]
        wall = moment.now if boot_date is None else min(moment.now, boot_date + moment.uptime)
        return self._db.execute(statement, values | self._who | {"wall": wall})

    def _over_budget(self, budget: Budget, cost: Money) -> ModellixError:
        spent = self.within(budget.period)
        left = budget.limit - spent.total
        wait = self._free_in(budget, cost, spent.total)
        raises = f"raise {budget.source or 'the budget'}."
        hint = f"It was not sent. See what counts: modellix-cli usage. To allow it now, {raises}"
        if cost > budget.limit:
            hint = f"It was not sent. To allow it, {raises}"
        elif wait is not None and wait <= _LONGEST_WORTH_TELLING:
            when = clock_time(self._moment.now + wait)
            hint = f"Enough is free again in {duration(wait)} ({when}). {hint}"
        return ModellixError(
            ErrorCode.BUDGET_EXCEEDED,
            f"The budget of {budget.limit.exact} in {format_duration(budget.period)} does not "
            f"allow this request: it may cost {cost.exact}, and of the budget {left.exact} is left "
            f"({spent.billed.exact} billed, {spent.reserved.exact} reserved for what is not "
            "billed yet).",
            hint=hint,
            retryable=wait is not None,
            retry_after=wait,
        )

    def _free_in(self, budget: Budget, cost: Money, spent: Money) -> float | None:
        """Return in how many seconds the cost fits if nothing else happens, None for never."""
        if cost > budget.limit:
            return None
        for billed_cost, estimated_cost, left in self._rows(_BY_END, budget.period):
            spent -= amount(billed_cost) or amount(estimated_cost) or NOTHING
            if spent + cost <= budget.limit:
                return float(left)
        return 0.0


@frozen
class Costs:
    """The columns of what requests cost, and how many cost so much each."""

    billed: str | None
    estimated: str | None
    requests: int


def sum_costs(rows: Iterable[Costs]) -> Spent:
    """Return what requests come to: as billed, else as estimated, else as unpriced."""
    billed, reserved, unpriced = NOTHING, NOTHING, 0
    for row in rows:
        paid, estimated = amount(row.billed), amount(row.estimated)
        if paid is not None:
            billed += paid.times(Decimal(row.requests))
        elif estimated is not None:
            reserved += estimated.times(Decimal(row.requests))
        else:
            unpriced += row.requests
    return Spent(billed, reserved, unpriced)


def amount(text: SqlValue) -> Money | None:
    """Read an amount that the ledger holds; None where it holds none."""
    return None if text is None else Money.parse(str(text))


def refusal_without_ledger(request: Request, *, resume: bool) -> ModellixError | None:
    """Return why a request may not be paid for where no ledger can be kept, None if it may.

    It may not where the user relies on what a ledger knows: a budget, or that it is paid for once.
    """
    what = (
        "A budget is set"
        if request.limits.budget is not None
        else "--request-key was given"
        if request.request_key is not None
        else "--resume was given"
        if resume
        else None
    )
    if what is not None:
        return ModellixError(
            ErrorCode.LEDGER_UNUSABLE,
            f"{what}, and the ledger that it needs cannot be made. The request was not sent.",
            charged="no",
        )
    verdict = judge(request.limits, request.estimated_cost, lambda _: NOTHING)
    return _refusal_of_its_own(verdict, request)


def _refusal_of_its_own(verdict: Verdict, request: Request) -> ModellixError | None:
    """Return the refusal of a request for its own cost, None if there is none."""
    if verdict is Verdict.UNPRICED:
        return unpriced(request.unpriced)
    if verdict is Verdict.OVER_MAX_COST:
        assert request.limits.max_cost is not None
        assert request.estimated_cost is not None
        return over_max_cost(request.limits.max_cost, request.estimated_cost)
    return None


def unpriced(reason: str) -> ModellixError:
    """Return the refusal of a request whose cost is not known while a limit is set."""
    why = f": {reason}" if reason else ""
    return ModellixError(
        ErrorCode.COST_LIMIT,
        f"A limit of cost is set, and what this request may cost is not known{why}.",
        hint="It was not sent. With --allow-unpriced it is, and counts as nothing.",
    )


def over_max_cost(limit: Money, cost: Money) -> ModellixError:
    """Return the refusal of a request that may cost more than a limit of its own."""
    return ModellixError(
        ErrorCode.COST_LIMIT,
        f"This request may cost {cost.exact}, which is more than --max-cost {limit.exact}.",
        hint="It was not sent. Raise --max-cost, or ask for less.",
    )

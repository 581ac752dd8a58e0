"""What was spent, in groups, as far as the ledger knows; and what counts against a budget now."""

import sqlite3
from collections.abc import Iterator
from enum import StrEnum
from time import localtime, strftime
from typing import Final

from modellix_cli.domain.account import Account
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.money import NOTHING, Money
from modellix_cli.domain.task import has_failed
from modellix_cli.ledger import accounts
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.processes import this_process
from modellix_cli.ledger.spending import Costs, Moment, Spending, Spent, amount, sum_costs
from modellix_cli.ledger.sql import Values
from modellix_cli.ledger.tasks import GONE

_REQUESTS: Final = """
SELECT s.created_at, s.slug, s.profile, coalesce(s.tag, b.tag), s.batch,
  s.state = 'accepted' AND s.task_id IS NOT NULL, s.task_id, s.estimated_cost, s.billed_cost,
  (SELECT t.status FROM tasks AS t WHERE t.base_url = s.base_url AND t.task_id = s.task_id
   ORDER BY t.updated_at DESC LIMIT 1)
FROM submissions AS s LEFT JOIN batches AS b ON b.number = s.batch
WHERE s.state <> 'rejected' AND s.base_url = :url AND s.created_at >= :since
AND (:profile IS NULL OR s.profile = :profile)
ORDER BY s.number"""
_OTHER_TASKS: Final = """
SELECT min(t.created_at), max(t.slug), min(t.profile), NULL, NULL, 1, t.task_id, NULL,
  max(t.billed_cost), max(t.status)
FROM tasks AS t WHERE t.base_url = :url AND (:profile IS NULL OR t.profile = :profile)
AND t.status IS NOT :gone
AND NOT EXISTS (SELECT 1 FROM submissions AS s WHERE s.base_url = t.base_url
  AND s.task_id = t.task_id AND s.state <> 'rejected')
GROUP BY t.task_id HAVING min(t.created_at) >= :since"""
"""Tasks that were looked at here and submitted elsewhere."""


class UsageBy(StrEnum):
    """What usage is grouped by."""

    MODEL = "model"
    DAY = "day"
    PROFILE = "profile"
    TAG = "tag"
    BATCH = "batch"


@frozen
class Usage:
    """What requests came to.

    `tasks` were created, of which `failed` ended without a result; of `unknown` requests nobody
    knows whether they created one. `estimated` is what all of them were to cost at most, `billed`
    what the service says that they cost, `reserved` the estimates of those without a bill, and
    `unpriced` counts those that have neither.
    """

    tasks: int = 0
    failed: int = 0
    unknown: int = 0
    unpriced: int = 0
    estimated: Money = NOTHING
    billed: Money = NOTHING
    reserved: Money = NOTHING

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.tasks + other.tasks,
            self.failed + other.failed,
            self.unknown + other.unknown,
            self.unpriced + other.unpriced,
            self.estimated + other.estimated,
            self.billed + other.billed,
            self.reserved + other.reserved,
        )


Groups = dict[str | None, Usage]
"""Usage by model, day, profile, tag or number of the batch; None for what has none."""


class UsageStore:
    """What the keys of one account spent."""

    def __init__(self, file: LedgerFile, account: Account) -> None:
        self._file = file
        self._account = account

    def spent(self, period: float) -> Spent:
        """Return what counts against a budget for `period` seconds. Raises the ledger's errors."""
        clock = self._file.clock

        def work(db: sqlite3.Connection) -> Spent:
            moment = Moment(clock.now(), clock.uptime(), this_process().boot)
            known = accounts.find(db, self._account)
            return Spending(db, self._account, known, moment).within(period)

        return self._file.read(work)

    def groups(
        self,
        by: UsageBy,
        *,
        since: float = 0.0,
        profile: str | None = None,
        tag: str | None = None,
    ) -> Groups:
        """Return what was spent at this API address since a Unix time, of one profile or all.

        With a tag only what has it counts. Raises the ledger's errors.
        """
        scope = {"url": self._account.base_url, "since": since, "profile": profile, "gone": GONE}

        def work(db: sqlite3.Connection) -> Groups:
            groups: Groups = {}
            seen: set[str | None] = set()
            for row in _rows(db, scope):
                if tag is not None and row.tag != tag:
                    continue
                if row.task_id in seen:  # the server gave one task for several requests
                    continue
                if row.accepted:
                    seen.add(row.task_id)
                name = _group(by, row)
                groups[name] = groups.get(name, Usage()) + _usage(row)
            return groups

        return self._file.read(work)


@frozen
class _Row:
    """The columns of `_REQUESTS` and `_OTHER_TASKS`."""

    created_at: float
    slug: str | None
    profile: str
    tag: str | None
    batch: int | None
    accepted: int
    task_id: str | None
    estimated_cost: str | None
    billed_cost: str | None
    status: str | None


def _rows(db: sqlite3.Connection, scope: Values) -> Iterator[_Row]:
    for statement in (_REQUESTS, _OTHER_TASKS):
        yield from (_Row(*row) for row in db.execute(statement, scope))


def _group(by: UsageBy, row: _Row) -> str | None:
    match by:
        case UsageBy.MODEL:
            return row.slug
        case UsageBy.DAY:
            return _day(row.created_at)
        case UsageBy.PROFILE:
            return row.profile
        case UsageBy.TAG:
            return row.tag
        case UsageBy.BATCH:
            return None if row.batch is None else str(row.batch)


def _day(moment: float) -> str | None:
    """Return the day of a Unix time where this machine is; None for one that is in no calendar."""
    try:
        return strftime("%Y-%m-%d", localtime(moment))
    except (ValueError, OverflowError, OSError):
        return None


def _usage(row: _Row) -> Usage:
    billed_cost = row.billed_cost if row.accepted else None
    spent = sum_costs([Costs(billed_cost, row.estimated_cost, 1)])
    return Usage(
        tasks=int(row.accepted),
        failed=int(row.accepted and has_failed(row.status)),
        unknown=int(not row.accepted),
        unpriced=spent.unpriced,
        estimated=amount(row.estimated_cost) or NOTHING,
        billed=spent.billed,
        reserved=spent.reserved,
    )

"""What goes on now on this machine, over all its processes: tasks, batches, limits, spending.

It only reads.
"""

import json
import sqlite3
from collections.abc import Collection
from statistics import median
from typing import Any, Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.money import NOTHING, Money
from modellix_cli.domain.submission_state import NOT_SENT
from modellix_cli.domain.task import FAILED, SUCCEEDED, has_failed, is_final
from modellix_cli.ledger.bodies import unpacked
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.history import Scope
from modellix_cli.ledger.processes import Process, is_alive
from modellix_cli.ledger.rate_state import RateState, read_scope
from modellix_cli.ledger.tasks import EXPIRED, GONE

MOST_TASKS: Final = 200
_FORGOTTEN: Final = 24 * 3600.0
"""Seconds after which a task or batch that nobody has finished is not taken to go on."""
_POLLED_LATELY: Final = 60.0
_SUBMITTING: Final = 2.0
_ENDS: Final = json.dumps([*SUCCEEDED, *FAILED, EXPIRED, GONE])
_FAILURES: Final = json.dumps([*FAILED])
_IN_SCOPE: Final = "(base_url = :url) = :sandbox AND (:profile IS NULL OR profile = :profile)"

_TASKS: Final = f"""
SELECT t.base_url, t.task_id, t.profile, t.slug, t.status, t.created_at, t.updated_at, t.ended_at,
  s.batch, s.line, s.host, s.boot, s.pid, s.process_started, s.lease_until,
  (SELECT max(r.since) FROM running_tasks AS r WHERE r.task_id = t.task_id),
  (SELECT count(*) FROM files AS f WHERE f.base_url = t.base_url AND f.task_id = t.task_id)
FROM tasks AS t
LEFT JOIN submissions AS s ON s.number = (
  SELECT max(number) FROM submissions
  WHERE task_id = t.task_id AND base_url = t.base_url AND state = 'accepted')
WHERE {_IN_SCOPE.replace("base_url", "t.base_url").replace("profile =", "t.profile =")}
  AND {{which}}
GROUP BY t.base_url, t.task_id
ORDER BY t.created_at DESC, t.rowid DESC LIMIT :most"""  # noqa: S608

_GOING_ON: Final = f"""(
  (lower(coalesce(t.status, '')) NOT IN (SELECT value FROM json_each('{_ENDS}'))
    AND t.created_at >= :oldest)
  OR (lower(coalesce(t.status, '')) IN (SELECT value FROM json_each('{_ENDS}'))
    AND t.updated_at >= :since AND t.created_at >= :oldest))"""  # noqa: S608
_NAMED: Final = "t.task_id IN (SELECT value FROM json_each(:ids))"

_BATCHES: Final = f"""
SELECT number, source, total, state, created_at, updated_at, host, boot, pid, process_started,
  lease_until
FROM batches WHERE {_IN_SCOPE} AND hidden = 0
  AND (state = 'running' AND updated_at >= :oldest OR updated_at >= :since)
ORDER BY number DESC LIMIT 20"""  # noqa: S608

_REFUSED: Final = """s.state = 'rejected' AND s.detail IS NOT :not_sent
  AND (l.detail IS NOT NULL OR :over)"""
"""A line that was refused; while its batch runs it may be sent again until that is given up."""
_LINES: Final = f"""
SELECT sum(s.state <> 'rejected' OR {_REFUSED}),
  sum(l.status IS NOT NULL OR {_REFUSED}),
  sum(lower(coalesce(l.status, '')) IN (SELECT value FROM json_each('{_FAILURES}')) OR {_REFUSED}),
  sum(s.state = 'accepted' AND l.status IS NULL)
FROM batch_lines AS l JOIN submissions AS s ON s.number = l.submission
WHERE l.batch = :batch"""  # noqa: S608

_OPEN: Final = f"""
SELECT state, host, boot, pid, process_started, lease_until FROM submissions
WHERE state IN ('intent', 'unknown') AND {_IN_SCOPE}"""  # noqa: S608

_SPENT: Final = f"""
SELECT billed_cost, estimated_cost FROM submissions
WHERE state <> 'rejected' AND created_at >= :today AND {_IN_SCOPE}"""  # noqa: S608


@frozen
class WatchedTask:
    """A task that goes on, or ended lately. Times are Unix times.

    `followed` says that a process waits for it, as far as can be told; `expected` how many seconds
    such tasks take, None where that is not known; `files` how many of its results are saved.
    """

    base_url: str
    task_id: str
    profile: str
    slug: str | None
    status: str | None
    created_at: float
    ended_at: float | None
    batch: int | None
    line: int | None
    followed: bool
    files: int
    expected: float | None = None

    @property
    def finished(self) -> bool:
        """Whether it ended, or its results are gone."""
        return is_final(self.status) or self.status in (EXPIRED, GONE)

    @property
    def failed(self) -> bool:
        """Whether it ended without a result."""
        return has_failed(self.status)


@frozen
class WatchedBatch:
    """A batch that runs or ended lately, and how many of its lines are where.

    `running` says that a process works on it; `waiting` lines are not sent yet.
    """

    number: int
    source: str
    total: int
    state: str
    created_at: float
    running: bool
    waiting: int
    submitted: int
    ended: int
    failed: int


@frozen
class Limits:
    """What is left of a key's limits, None for what is not known.

    `requests` may leave until `reset_at`, of `limit` in all; of `slots` tasks that may run at a
    time `taken` are believed to.
    """

    requests: int | None = None
    limit: int | None = None
    reset_at: float | None = None
    taken: int = 0
    slots: int | None = None


@frozen
class Spending:
    """What requests of today cost: as billed, and as estimated where nothing is billed yet.

    `unpriced` counts those of which neither is known.
    """

    billed: Money = NOTHING
    estimated: Money = NOTHING
    unpriced: int = 0


@frozen
class Activity:
    """What goes on at one moment. `sending` requests are on their way, `unknown` ones were lost."""

    tasks: tuple[WatchedTask, ...] = ()
    batches: tuple[WatchedBatch, ...] = ()
    sending: int = 0
    unknown: int = 0
    limits: Limits = Limits()
    spending: Spending = Spending()


class ActivityReader:
    """Reads what goes on. `key_mark` is that of the key whose limits are shown, if one is known."""

    def __init__(
        self, file: LedgerFile, scope: Scope, sandbox_url: str, key_mark: str | None
    ) -> None:
        self._file = file
        self._scope = {"url": sandbox_url, "sandbox": scope.sandbox, "profile": scope.profile}
        self._key_mark = key_mark

    def version(self) -> tuple[int, int]:
        """Return what changes when any process changes the ledger. Raises the ledger's errors."""

        def read(db: sqlite3.Connection) -> tuple[int, int]:
            others = int(db.execute("PRAGMA data_version").fetchone()[0])
            return others, db.total_changes

        return self._file.read(read)

    def read(self, *, since: float, today: float, ids: Collection[str] = ()) -> Activity:
        """Return what goes on now, and what ended since a Unix time; with `ids` only those tasks.

        `today` is when the day began. Raises the ledger's errors.
        """
        now = self._file.clock.now()
        values: dict[str, Any] = self._scope | {
            "since": since,
            "oldest": now - _FORGOTTEN,
            "today": today,
            "most": MOST_TASKS if not ids else -1,
            "ids": json.dumps(list(ids)),
            "not_sent": NOT_SENT,
        }

        def read(db: sqlite3.Connection) -> Activity:
            sending, unknown = _open(db, values, now)
            return Activity(
                tasks=_tasks(db, values, now, named=bool(ids)),
                batches=() if ids else _batches(db, values, now),
                sending=sending,
                unknown=unknown,
                limits=_limits(db, self._key_mark, now),
                spending=_spending(db, values),
            )

        return self._file.read(read)

    def body(self, task: WatchedTask) -> bytes | None:
        """Return what was sent for a task, None where it was not kept."""
        row = self._file.read(
            lambda db: db.execute(
                "SELECT b.compressed FROM submissions AS s JOIN bodies AS b"
                " ON b.sha256 = s.body_sha256 WHERE s.task_id = ? AND s.base_url = ? LIMIT 1",
                (task.task_id, task.base_url),
            ).fetchone()
        )
        return None if row is None else unpacked(row[0])


def _owner(row: tuple[Any, ...]) -> tuple[Process, float]:
    host, boot, pid, started, lease = row
    return Process(str(host), str(boot), int(pid or 0), int(started or 0)), float(lease or 0.0)


def _works(row: tuple[Any, ...], now: float) -> bool:
    """Whether the process of these columns is alive."""
    return row[0] is not None and is_alive(*_owner(row), now)


def _tasks(
    db: sqlite3.Connection, values: dict[str, Any], now: float, *, named: bool
) -> tuple[WatchedTask, ...]:
    rows = db.execute(_TASKS.format(which=_NAMED if named else _GOING_ON), values).fetchall()
    expected: dict[tuple[str, str | None], float | None] = {}
    tasks = []
    for row in rows:
        base_url, task_id, profile, slug, status, created_at, _, ended_at, batch, line = row[:10]
        model = (base_url, slug)
        if model not in expected:
            expected[model] = _expected(db, base_url, slug)
        polled_at = float(row[15] or 0.0)  # first when it was submitted, then at each poll
        polled = polled_at > created_at + _SUBMITTING and now - _POLLED_LATELY < polled_at <= now
        followed = polled or _works(row[10:15], now)
        facts = (base_url, task_id, profile, slug, status, created_at, ended_at)
        place = (batch, line if batch is not None else None)
        tasks.append(WatchedTask(*facts, *place, followed, int(row[16]), expected[model]))
    return tuple(tasks)


def _expected(db: sqlite3.Connection, base_url: str, slug: str | None) -> float | None:
    rows = db.execute(
        "SELECT seconds FROM durations WHERE base_url = ? AND slug = ?", (base_url, slug)
    ).fetchall()
    return median(float(row[0]) for row in rows) if rows else None


def _batches(
    db: sqlite3.Connection, values: dict[str, Any], now: float
) -> tuple[WatchedBatch, ...]:
    batches = []
    for row in db.execute(_BATCHES, values).fetchall():
        number, source, total, state, created_at = row[:5]
        running = state == "running" and _works(row[6:11], now)
        lines = db.execute(_LINES, values | {"batch": number, "over": not running}).fetchone()
        sent, ended, failed, submitted = (int(amount or 0) for amount in lines)
        batches.append(
            WatchedBatch(
                number=int(number),
                source=str(source),
                total=int(total),
                state=str(state),
                created_at=float(created_at),
                running=running,
                waiting=max(0, int(total) - sent),
                submitted=submitted,
                ended=ended,
                failed=failed,
            )
        )
    return tuple(batches)


def _open(db: sqlite3.Connection, values: dict[str, Any], now: float) -> tuple[int, int]:
    """Return how many requests are on their way, and of how many the outcome is unknown."""
    sending = unknown = 0
    for state, *owner in db.execute(_OPEN, values):
        if state == "intent" and _works(tuple(owner), now):
            sending += 1
        else:
            unknown += 1
    return sending, unknown


def _limits(db: sqlite3.Connection, key_mark: str | None, now: float) -> Limits:
    if key_mark is None:
        return Limits()
    state, taken = read_scope(db, key_mark, now)
    left = _requests_left(state, now)
    return Limits(left, state.limit, state.reset_at if left is not None else None, taken, state.cap)


def _requests_left(state: RateState, now: float) -> int | None:
    """Return how many requests may still leave in the window that the server told of."""
    if state.limit is None or now >= state.reset_at:
        return None
    return max(0, state.remaining)


def _spending(db: sqlite3.Connection, values: dict[str, Any]) -> Spending:
    billed, estimated, unpriced = NOTHING, NOTHING, 0
    for bill, estimate in db.execute(_SPENT, values):
        amount = Money.parse(str(bill)) if bill is not None else None
        if amount is not None:
            billed += amount
            continue
        amount = Money.parse(str(estimate)) if estimate is not None else None
        if amount is not None:
            estimated += amount
        else:
            unpriced += 1
    return Spending(billed, estimated, unpriced)

"""What goes on now on this machine, over all its processes: tasks, batches, limits, spending.

It only reads.
"""

import json
import sqlite3
from collections.abc import Collection
from statistics import median
from typing import Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.task import FAILED, SUCCEEDED
from modellix_cli.ledger.bodies import unpacked
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.history import Scope
from modellix_cli.ledger.processes import Owner
from modellix_cli.ledger.rate_state import RateState, read_scope
from modellix_cli.ledger.spending import Costs, sum_costs
from modellix_cli.ledger.sql import Values
from modellix_cli.ledger.tasks import EXPIRED, GONE
from modellix_cli.ledger.watched import Activity, Limits, WatchedBatch, WatchedTask

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

_REFUSED: Final = """s.state = 'rejected' AND s.rejected_by IS NOT 'interrupt'
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
SELECT billed_cost, estimated_cost, 1 FROM submissions
WHERE state <> 'rejected' AND created_at >= :today AND {_IN_SCOPE}"""  # noqa: S608


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
        values: Values = self._scope | {
            "since": since,
            "oldest": now - _FORGOTTEN,
            "today": today,
            "most": MOST_TASKS if not ids else -1,
            "ids": json.dumps(list(ids)),
        }

        def read(db: sqlite3.Connection) -> Activity:
            sending, unknown = _open(db, values, now)
            return Activity(
                tasks=_tasks(db, values, now, named=bool(ids)),
                batches=() if ids else _batches(db, values, now),
                sending=sending,
                unknown=unknown,
                limits=_limits(db, self._key_mark, now),
                spending=sum_costs(Costs(*row) for row in db.execute(_SPENT, values)),
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


@frozen
class _TaskRow:
    """The columns of `_TASKS`; the owner is the process that sent it."""

    base_url: str
    task_id: str
    profile: str
    slug: str | None
    status: str | None
    created_at: float
    updated_at: float
    ended_at: float | None
    batch: int | None
    line: int | None
    host: str | None
    boot: str | None
    pid: int | None
    process_started: int | None
    lease_until: float | None
    polled_at: float | None
    files: int

    def is_followed(self, now: float) -> bool:
        """Whether a process waits for it, as far as can be told."""
        polled_at = float(self.polled_at or 0.0)  # first when submitted, then at each poll
        if polled_at > self.created_at + _SUBMITTING and now - _POLLED_LATELY < polled_at <= now:
            return True
        owner = (self.host, self.boot, self.pid, self.process_started, self.lease_until)
        return Owner(*owner).is_alive(now)


def _tasks(
    db: sqlite3.Connection, values: Values, now: float, *, named: bool
) -> tuple[WatchedTask, ...]:
    rows = db.execute(_TASKS.format(which=_NAMED if named else _GOING_ON), values).fetchall()
    expected: dict[tuple[str, str | None], float | None] = {}
    tasks = []
    for row in (_TaskRow(*row) for row in rows):
        model = (row.base_url, row.slug)
        if model not in expected:
            expected[model] = _expected(db, row.base_url, row.slug)
        tasks.append(
            WatchedTask(
                base_url=row.base_url,
                task_id=row.task_id,
                profile=row.profile,
                slug=row.slug,
                status=row.status,
                created_at=row.created_at,
                ended_at=row.ended_at,
                batch=row.batch,
                line=row.line if row.batch is not None else None,
                followed=row.is_followed(now),
                files=int(row.files),
                expected=expected[model],
            )
        )
    return tuple(tasks)


def _expected(db: sqlite3.Connection, base_url: str, slug: str | None) -> float | None:
    rows = db.execute(
        "SELECT seconds FROM durations WHERE base_url = ? AND slug = ?", (base_url, slug)
    ).fetchall()
    return median(float(row[0]) for row in rows) if rows else None


def _batches(db: sqlite3.Connection, values: Values, now: float) -> tuple[WatchedBatch, ...]:
    batches = []
    for row in db.execute(_BATCHES, values).fetchall():
        number, source, total, state, created_at = row[:5]
        running = state == "running" and Owner(*row[6:11]).is_alive(now)
        lines = db.execute(_LINES, {**values, "batch": number, "over": not running}).fetchone()
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


def _open(db: sqlite3.Connection, values: Values, now: float) -> tuple[int, int]:
    """Return how many requests are on their way, and of how many the outcome is unknown."""
    sending = unknown = 0
    for state, *owner in db.execute(_OPEN, values):
        if state == "intent" and Owner(*owner).is_alive(now):
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

"""What this user's processes know together about a key's limits, in the ledger.

Two things are shared: a `RateState`, which says how many requests are left and until when to hold
back, and the tasks believed to run, each in a slot. Where the ledger cannot be used, both live in
memory and each process learns for itself. engine/rate_governor.py decides what follows from them.
"""

# ruff: noqa: S608 - what is put together are constants
import json
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields
from operator import attrgetter
from threading import Lock
from typing import Final, TypeVar

from modellix_cli.domain.errors import ModellixError
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.processes import Owner, this_process
from modellix_cli.ledger.schema import statements

T = TypeVar("T")
_MOST: Final = 1e12
_SLACK: Final = 5.0
"""Seconds by which a clock may be set back without anything that it told being doubted."""


def lasts(since: float, until: float, now: float) -> float:
    """Return how long something still lasts that was to do so from `since` to `until`.

    0 if it is over, or if the clock that told it was wrong: then it would begin in the future.
    """
    return until - now if since - _SLACK <= now < until else 0.0


@dataclass(slots=True)
class RateState:
    """The limits of a key as far as they are known. Times are Unix times, in seconds.

    Requests: `limit` are allowed in a window of `window` seconds, None while nobody said;
    `remaining` are left until `reset_at`; `sent` left since `window_start`, the last at `last_at`.
    A window is `presumed` until an answer tells of it; the last such gave `refill` requests, 0 if
    there was none. None may leave from `held_at` to `hold_until`. `troubles` refusals in a row
    said too little, and at `tried_at` one request left to see whether that is over; `gap` seconds
    are kept between requests where no limit is told.

    Running tasks: `cap` is how many the team may run, None while none was refused for that;
    beyond it one is tried at `probe_at`, then every `probe_gap` seconds; `spurt` submissions may
    be under way at a time while no cap is known; none may leave from `submit_held_at` to
    `submit_hold`; `crowds` refusals in a row came while none of our own tasks ran.
    """

    limit: int | None = None
    window: float = 0.0
    remaining: int = 0
    reset_at: float = 0.0
    window_start: float = 0.0
    sent: int = 0
    last_at: float = 0.0
    presumed: bool = False
    refill: int = 0
    held_at: float = 0.0
    hold_until: float = 0.0
    troubles: int = 0
    tried_at: float = 0.0
    gap: float = 0.0
    cap: int | None = None
    probe_at: float = 0.0
    probe_gap: float = 0.0
    spurt: int = 1
    submit_held_at: float = 0.0
    submit_hold: float = 0.0
    crowds: int = 0


_NAMES: Final = tuple(field.name for field in fields(RateState))
_values: Final = attrgetter(*_NAMES)
"""Returns what a `RateState` says, in the order of its fields."""


class Slots:
    """The submissions under way and the tasks that run, each in a slot, within one transaction.

    A slot is taken by a submission, `ref`, then left to the task that it created. It is believed to
    be taken for a span, in seconds; times are Unix times. No call but `count` reads all of them.
    """

    def __init__(self, db: sqlite3.Connection, scope: str) -> None:
        self._db = db
        self._scope = scope

    def count(self, now: float) -> tuple[int, int]:
        """Return how many slots are taken, and how many of them by submissions under way.

        One that nobody renewed until its time is free again, and so is at once that of a
        submission whose process is dead.
        """
        self._db.execute(
            f"DELETE FROM running_tasks WHERE scope = :scope AND NOT {_LASTS}",
            {"scope": self._scope, "now": now},
        )
        rows = self._db.execute(
            "SELECT ref, host, boot, pid, process_started, until FROM running_tasks"
            " WHERE scope = ? AND task_id IS NULL",
            (self._scope,),
        ).fetchall()
        dead = [str(ref) for ref, *owner in rows if not Owner(*owner).is_alive(now)]
        for ref in dead:
            self.free(ref)
        taken = self._db.execute(
            "SELECT count(*) FROM running_tasks WHERE scope = ?", (self._scope,)
        ).fetchone()[0]
        return int(taken), len(rows) - len(dead)

    def take(self, ref: str, now: float, span: float) -> None:
        """Take a slot for the submission `ref`, which is about to leave."""
        self._put(ref, None, now, span)

    def assign(self, ref: str, task_id: str, now: float, span: float) -> None:
        """Leave the slot of `ref` to the task that it created."""
        self._put(ref, task_id, now, span)

    def _put(self, ref: str, task_id: str | None, now: float, span: float) -> None:
        owner = this_process()
        self._db.execute(
            "INSERT OR REPLACE INTO running_tasks (scope, ref, task_id, since, until, host, boot,"
            " pid, process_started) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(self._scope, ref, task_id, now, now + span),
                *(owner.host, owner.boot, owner.pid, owner.started),
            ),
        )

    def free(self, ref: str) -> None:
        """Free the slot of `ref`."""
        self._db.execute(
            "DELETE FROM running_tasks WHERE scope = ? AND ref = ?", (self._scope, ref)
        )

    def disown(self, owner: str) -> None:
        """Free the slots of the submissions under way whose `ref` begins with `owner`."""
        self._db.execute(
            "DELETE FROM running_tasks WHERE scope = ? AND task_id IS NULL"
            " AND substr(ref, 1, ?) = ?",
            (self._scope, len(owner), owner),
        )

    def ended(self, task_id: str) -> None:
        """Free the slot of a task that ended."""
        self._db.execute(
            "DELETE FROM running_tasks WHERE scope = ? AND task_id = ?", (self._scope, task_id)
        )

    def renew(self, task_id: str, now: float, span: float) -> None:
        """Keep the slot of a task that was seen running, at least for `span`."""
        self._db.execute(
            "UPDATE running_tasks SET since = :now, until ="
            f" max(:now + :span, CASE WHEN {_LASTS} THEN until ELSE 0 END)"
            " WHERE scope = :scope AND task_id = :task_id",
            {"now": now, "span": span, "scope": self._scope, "task_id": task_id},
        )


_LASTS: Final = f"(since - {_SLACK} <= :now AND until > :now)"
"""`lasts`, as SQL."""


class RateStateStore:
    """The shared knowledge about the key that is known as `scope`."""

    def __init__(self, file: LedgerFile, scope: str) -> None:
        self._file = file
        self._scope = scope
        self._memory: sqlite3.Connection | None = None
        self._lock = Lock()
        self._last = ("{}", _values(RateState()))
        """What was read or written last, as text and as values: most of the time it still holds."""

    def change(self, work: Callable[[RateState, Slots], T]) -> T:
        """Run `work` alone among all processes on what is known, and keep what it changed.

        It may be run more than once.
        """
        if self._memory is None:
            with suppress(ModellixError):
                return self._file.transact(lambda db: self._apply(db, work), brief=True)
        with self._lock:
            self._memory = self._memory or _in_memory()
            with self._memory:
                return self._apply(self._memory, work)

    def _apply(self, db: sqlite3.Connection, work: Callable[[RateState, Slots], T]) -> T:
        text = _load_state(db, self._scope)
        last, values = self._last
        if text != last:
            values = _values(_read(text))
        state = RateState(*values)
        result = work(state, Slots(db, self._scope))
        changed = _values(state)
        if changed != values:
            text = json.dumps(dict(zip(_NAMES, changed, strict=True)))
            db.execute("INSERT OR REPLACE INTO rate_state VALUES (?, ?)", (self._scope, text))
        self._last = (text, changed)
        return result


def read_scope(db: sqlite3.Connection, scope: str, now: float) -> tuple[RateState, int]:
    """Return what is known of a key's limits and how many slots are taken, to be shown."""
    taken = db.execute(
        f"SELECT count(*) FROM running_tasks WHERE scope = :scope AND {_LASTS}",
        {"scope": scope, "now": now},
    ).fetchone()[0]
    return _read(_load_state(db, scope)), int(taken)


def _in_memory() -> sqlite3.Connection:
    """Return a database with the same tables that ends with this process."""
    db = sqlite3.connect(":memory:", check_same_thread=False)
    for statement in statements():
        db.execute(statement)
    return db


def _load_state(db: sqlite3.Connection, scope: str) -> str:
    row = db.execute("SELECT state FROM rate_state WHERE scope = ?", (scope,)).fetchone()
    return str(row[0]) if row else "{}"


def _read(state: str) -> RateState:
    """Read a stored pace; what is unknown here or cannot be, as another version's, is left out."""
    pace = RateState()
    with suppress(ValueError, TypeError, AttributeError):
        known = json.loads(state)
        for name in _NAMES:
            value, default = known.get(name), getattr(pace, name)
            least, kind = (1, int) if default is None else (0, type(default))
            if kind is float and type(value) is int:
                value = float(value)
            if type(value) is kind and least <= value <= _MOST:
                setattr(pace, name, value)
    return pace

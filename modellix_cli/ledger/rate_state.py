"""What this user's processes know together about a key's limits, in the ledger.

Two things are shared: a `RateState`, which says how many requests are left and until when to hold
back, and the tasks believed to run, each in a slot. Where the ledger cannot be used, both live in
memory and each process learns for itself. engine/rate_governor.py decides what follows from them.
"""

import json
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from threading import Lock
from typing import Final, TypeVar

from modellix_cli.domain.errors import ModellixError
from modellix_cli.ledger.database import LedgerFile

T = TypeVar("T")
_MOST: Final = 1e12

_IN_MEMORY: Final = """
CREATE TABLE rate_state (scope TEXT PRIMARY KEY, state TEXT NOT NULL);
CREATE TABLE running_tasks (
  scope TEXT, ref TEXT, task_id TEXT, until REAL, PRIMARY KEY (scope, ref));
"""


@dataclass(slots=True)
class RateState:
    """The limits of a key as far as they are known. Times are Unix times, in seconds.

    Requests: `limit` are allowed in a window of `window` seconds, None while nobody said;
    `remaining` are left until `reset_at`; `sent` left since `window_start`, the last at `last_at`.
    A window is `presumed` until an answer tells of it; the last such gave `refill` requests, 0 if
    there was none. None may leave before `hold_until`. `troubles` refusals in a row said too
    little, and at `tried_at` one request left to see whether that is over; `gap` seconds are kept
    between requests where no limit is told.

    Running tasks: `cap` is how many the team may run, None while none was refused for that;
    beyond it one is tried at `probe_at`, then every `probe_gap` seconds; `spurt` submissions may
    be under way at a time while no cap is known; none may leave before `submit_hold`; `crowds`
    refusals in a row came while none of our own tasks ran.
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
    hold_until: float = 0.0
    troubles: int = 0
    tried_at: float = 0.0
    gap: float = 0.0
    cap: int | None = None
    probe_at: float = 0.0
    probe_gap: float = 0.0
    spurt: int = 1
    submit_hold: float = 0.0
    crowds: int = 0


class Slots:
    """The submissions under way and the tasks that run, inside one transaction."""

    def __init__(self, db: sqlite3.Connection, scope: str) -> None:
        self._db = db
        self._scope = scope

    def count(self, now: float) -> tuple[int, int]:
        """Return how many slots are taken, and how many of them by submissions under way.

        One that nobody renewed until its time is free again.
        """
        self._db.execute(
            "DELETE FROM running_tasks WHERE scope = ? AND until <= ?", (self._scope, now)
        )
        row = self._db.execute(
            "SELECT count(*), count(*) - count(task_id) FROM running_tasks WHERE scope = ?",
            (self._scope,),
        ).fetchone()
        return int(row[0]), int(row[1])

    def take(self, ref: str, until: float) -> None:
        """Take a slot for the submission `ref`, which is about to leave."""
        self._db.execute(
            "INSERT OR REPLACE INTO running_tasks (scope, ref, until) VALUES (?, ?, ?)",
            (self._scope, ref, until),
        )

    def assign(self, ref: str, task_id: str, until: float) -> None:
        """Leave the slot of `ref` to the task that it created."""
        self._db.execute(
            "INSERT OR REPLACE INTO running_tasks (scope, ref, task_id, until) VALUES (?, ?, ?, ?)",
            (self._scope, ref, task_id, until),
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
        self._db.execute("DELETE FROM running_tasks WHERE task_id = ?", (task_id,))

    def renew(self, task_id: str, until: float) -> None:
        """Keep the slot of a task that was seen running, at least until then."""
        self._db.execute(
            "UPDATE running_tasks SET until = max(until, ?) WHERE task_id = ?", (until, task_id)
        )


class RateStateStore:
    """The shared knowledge about one key at one base URL."""

    def __init__(self, file: LedgerFile, scope: str) -> None:
        self._file = file
        self._scope = scope
        self._memory: sqlite3.Connection | None = None
        self._lock = Lock()

    def change(self, work: Callable[[RateState, Slots], T]) -> T:
        """Run `work` alone among all processes on what is known, and keep what it changed."""

        def apply(db: sqlite3.Connection) -> tuple[T]:
            row = db.execute(
                "SELECT state FROM rate_state WHERE scope = ?", (self._scope,)
            ).fetchone()
            known = row[0] if row else "{}"
            pace = _read(known)
            result = work(pace, Slots(db, self._scope))
            state = json.dumps(asdict(pace))
            if state != known:
                db.execute("INSERT OR REPLACE INTO rate_state VALUES (?, ?)", (self._scope, state))
            return (result,)

        done = None if self._memory is not None else self._shared(apply)
        if done is None:
            with self._lock:
                done = apply(self._own())
        return done[0]

    def _shared(self, apply: Callable[[sqlite3.Connection], tuple[T]]) -> tuple[T] | None:
        try:
            return self._file.transact(apply)
        except ModellixError:
            return None

    def close(self) -> None:
        """Forget what was kept in memory."""
        with self._lock:
            if self._memory is not None:
                self._memory.close()
                self._memory = None

    def _own(self) -> sqlite3.Connection:
        if self._memory is None:
            self._memory = sqlite3.connect(
                ":memory:", isolation_level=None, check_same_thread=False
            )
            self._memory.executescript(_IN_MEMORY)
        return self._memory


def pace_scope(base_url: str, key: str) -> str:
    """Return what names a key in the journal without telling it."""
    return sha256(f"modellix pace {base_url} {key}".encode()).hexdigest()[:16]


def _read(state: str) -> RateState:
    """Read a stored pace; what is unknown here or cannot be, as another version's, is left out."""
    pace = RateState()
    with suppress(ValueError, TypeError, AttributeError):
        known = json.loads(state)
        for name, default in asdict(pace).items():
            value = known.get(name)
            least, kind = (1, int) if default is None else (0, type(default))
            if kind is float and type(value) is int:
                value = float(value)
            if type(value) is kind and least <= value <= _MOST:
                setattr(pace, name, value)
    return pace

"""What this user's processes know together about a key's limits, in the ledger.

Two things are shared: a `RateState`, which says how many requests are left and until when to hold
back, and the tasks believed to run, each in a slot. Where the ledger cannot be used, both live in
memory and each process learns for itself. engine/rate_governor.py decides what follows from them.
"""

import json
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from threading import Lock
from typing import Final, TypeVar

from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.processes import Process, is_alive, this_process

T = TypeVar("T")
_MOST: Final = 1e12
_PATIENCE: Final = 5.0
"""Seconds to wait for the ledger, which is worth less here than where payments are recorded."""
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


@frozen
class Slot:
    """A place that a submission under way takes, then the task that it created.

    It is believed to be taken from `since` to `until`, Unix times; `owner` is the process that
    sends the submission.
    """

    ref: str
    task_id: str | None
    since: float
    until: float
    owner: Process


class Slots:
    """The submissions under way and the tasks that run; times are Unix times, spans seconds."""

    def __init__(self, slots: dict[str, Slot]) -> None:
        self.by_ref = slots

    def count(self, now: float) -> tuple[int, int]:
        """Return how many slots are taken, and how many of them by submissions under way.

        One that nobody renewed until its time is free again, and so is at once that of a
        submission whose process is dead.
        """
        self.by_ref = {ref: slot for ref, slot in self.by_ref.items() if _is_taken(slot, now)}
        flying = sum(slot.task_id is None for slot in self.by_ref.values())
        return len(self.by_ref), flying

    def take(self, ref: str, now: float, span: float) -> None:
        """Take a slot for the submission `ref`, which is about to leave."""
        self.by_ref[ref] = Slot(ref, None, now, now + span, this_process())

    def assign(self, ref: str, task_id: str, now: float, span: float) -> None:
        """Leave the slot of `ref` to the task that it created."""
        self.by_ref[ref] = Slot(ref, task_id, now, now + span, this_process())

    def free(self, ref: str) -> None:
        """Free the slot of `ref`."""
        self.by_ref.pop(ref, None)

    def disown(self, owner: str) -> None:
        """Free the slots of the submissions under way whose `ref` begins with `owner`."""
        for ref, slot in list(self.by_ref.items()):
            if slot.task_id is None and ref.startswith(owner):
                del self.by_ref[ref]

    def ended(self, task_id: str) -> None:
        """Free the slot of a task that ended."""
        for ref, slot in list(self.by_ref.items()):
            if slot.task_id == task_id:
                del self.by_ref[ref]

    def renew(self, task_id: str, now: float, span: float) -> None:
        """Keep the slot of a task that was seen running, at least for `span`."""
        for ref, slot in self.by_ref.items():
            if slot.task_id == task_id:
                longer = max(now + lasts(slot.since, slot.until, now), now + span)
                self.by_ref[ref] = replace(slot, since=now, until=longer)


def _is_taken(slot: Slot, now: float) -> bool:
    if not lasts(slot.since, slot.until, now):
        return False
    return slot.task_id is not None or is_alive(slot.owner, slot.until, now)


class RateStateStore:
    """The shared knowledge about the key that is known as `scope`."""

    def __init__(self, file: LedgerFile, scope: str) -> None:
        self._file = file
        self._scope = scope
        self._memory: tuple[RateState, Slots] | None = None
        self._lock = Lock()

    def change(self, work: Callable[[RateState, Slots], T]) -> T:
        """Run `work` alone among all processes on what is known, and keep what it changed.

        It is given values, and may be run more than once.
        """
        if self._memory is None:
            with suppress(ModellixError):
                return self._file.transact(self._shared(work), patience=_PATIENCE)
        with self._lock:
            self._memory = self._memory or (RateState(), Slots({}))
            return work(*self._memory)

    def _shared(self, work: Callable[[RateState, Slots], T]) -> Callable[[sqlite3.Connection], T]:
        def apply(db: sqlite3.Connection) -> T:
            text = _load_state(db, self._scope)
            state, before = _read(text), _load_slots(db, self._scope)
            slots = Slots(dict(before))
            result = work(state, slots)
            now = json.dumps(asdict(state))
            if now != text:
                db.execute("INSERT OR REPLACE INTO rate_state VALUES (?, ?)", (self._scope, now))
            _save_slots(db, self._scope, before, slots.by_ref)
            return result

        return apply


def read_scope(db: sqlite3.Connection, scope: str) -> tuple[RateState, Slots]:
    """Return what is known of a key's limits, within a transaction, to be shown."""
    return _read(_load_state(db, scope)), Slots(_load_slots(db, scope))


def _load_state(db: sqlite3.Connection, scope: str) -> str:
    row = db.execute("SELECT state FROM rate_state WHERE scope = ?", (scope,)).fetchone()
    return str(row[0]) if row else "{}"


def _load_slots(db: sqlite3.Connection, scope: str) -> dict[str, Slot]:
    rows = db.execute(
        "SELECT ref, task_id, since, until, host, boot, pid, process_started FROM running_tasks"
        " WHERE scope = ?",
        (scope,),
    )
    return {
        str(ref): Slot(
            str(ref),
            task_id,
            float(since),
            float(until),
            Process(str(host), str(boot), int(pid or 0), int(started or 0)),
        )
        for ref, task_id, since, until, host, boot, pid, started in rows
    }


def _save_slots(
    db: sqlite3.Connection, scope: str, before: dict[str, Slot], after: dict[str, Slot]
) -> None:
    """Write what changed."""
    db.executemany(
        "DELETE FROM running_tasks WHERE scope = ? AND ref = ?",
        [(scope, ref) for ref in before.keys() - after.keys()],
    )
    changed = [slot for ref, slot in after.items() if before.get(ref) != slot]
    db.executemany(
        "INSERT OR REPLACE INTO running_tasks (scope, ref, task_id, since, until, host, boot, pid,"
        " process_started) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *(scope, slot.ref, slot.task_id, slot.since, slot.until),
                *(slot.owner.host, slot.owner.boot, slot.owner.pid, slot.owner.started),
            )
            for slot in changed
        ],
    )


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

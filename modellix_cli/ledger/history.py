"""The task history: what the journal knows about tasks, the official CLI's history.json included.

That file is read into the journal once, again when it has changed, and never touched.
"""

import os
import sqlite3
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Final

from modellix_cli.clock import Clock, iso
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.values import DAY
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.history_json import Entry, NotAHistory, read_history

_EVERY_PROFILE: Final = "*"  # no profile can have this name

_COUNT: Final = """
SELECT count(*) FROM tasks
WHERE (base_url = :url) = :sandbox AND (:profile IS NULL OR profile = :profile)"""

_NEWEST: Final = """
SELECT task_id, created_at, updated_at, base_url, profile, slug, status, ended_at, saved_at
FROM tasks WHERE (base_url = :url) = :sandbox AND (:profile IS NULL OR profile = :profile)
ORDER BY updated_at DESC, rowid DESC LIMIT :limit"""

_FORGET_TASKS: Final = """
DELETE FROM tasks
WHERE (base_url = :url) = :sandbox AND (:profile IS NULL OR profile = :profile)"""

_FORGET_SUBMISSIONS: Final = """
DELETE FROM submissions
WHERE (base_url = :url) = :sandbox AND (:profile IS NULL OR profile = :profile)
AND NOT (state IN ('intent', 'unknown') AND created_at >= :since)
AND id NOT IN (SELECT submission FROM batch_lines WHERE submission IS NOT NULL)"""

_DONE_BATCHES: Final = """
SELECT id FROM batches WHERE state = 'done'
AND (base_url = :url) = :sandbox AND (:profile IS NULL OR profile = :profile)"""

_FORGET_LINES: Final = f"DELETE FROM batch_lines WHERE batch IN ({_DONE_BATCHES})"  # noqa: S608
_FORGET_BATCHES: Final = f"DELETE FROM batches WHERE id IN ({_DONE_BATCHES})"  # noqa: S608

_COUNT_KEPT: Final = """
SELECT count(*) FROM submissions
WHERE (base_url = :url) = :sandbox AND (:profile IS NULL OR profile = :profile)
AND state IN ('intent', 'unknown') AND created_at >= :since"""

_COUNT_UNSETTLED: Final = """
SELECT count(*) FROM submissions WHERE state IN ('intent', 'unknown') AND created_at >= ?"""

_MERGE: Final = """
INSERT INTO tasks (task_id, created_at, updated_at, base_url, profile, slug, status)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (base_url, profile, task_id) DO UPDATE SET
  status = CASE WHEN excluded.status IS NOT NULL
    AND (status IS NULL OR excluded.updated_at > updated_at)
    THEN excluded.status ELSE status END,
  slug = coalesce(slug, excluded.slug),
  created_at = min(created_at, excluded.created_at),
  updated_at = max(updated_at, excluded.updated_at)"""


@dataclass(frozen=True, slots=True)
class Record(Entry):
    """An entry as the journal has it: also when the task ended and when its files were saved."""

    ended_at: float | None
    saved_at: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return an element of `entries` in the JSON output; what is not known is left out."""
        facts = {
            "createdAt": iso(self.created_at),
            "taskId": self.task_id,
            "updatedAt": iso(self.updated_at),
            "baseUrl": self.base_url,
            "modelSlug": self.slug,
            "profile": self.profile,
            "status": self.status,
            "endedAt": iso(self.ended_at) if self.ended_at and self.ended_at > 0 else None,
            "savedAt": iso(self.saved_at) if self.saved_at else None,
        }
        return {name: value for name, value in facts.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Scope:
    """Which part of the history is meant: one profile or all, the sandbox's tasks or the others."""

    profile: str | None
    sandbox: bool


@dataclass(frozen=True, slots=True)
class Cleared:
    """What `clear` did: whether there was anything, and how many unsettled submissions it kept."""

    anything: bool
    kept: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How much the journal holds: tasks, and submissions of unknown outcome of the last day."""

    tasks: int
    unsettled: int


class History:
    """The history of this machine. `official` is where the official CLI keeps its history.json,
    `sandbox_url` the base URL that marks the sandbox's tasks; `warn` is told what is unusable.
    """

    def __init__(
        self,
        file: LedgerFile,
        official: Path,
        sandbox_url: str,
        clock: Clock,
        warn: Callable[[str], None],
    ) -> None:
        self._file = file
        self._official = official
        self._sandbox_url = sandbox_url
        self._clock = clock
        self._warn = warn

    @property
    def path(self) -> Path:
        """Where the official CLI keeps its history.json, whether or not there is one."""
        return self._official

    @property
    def journal_path(self) -> Path:
        """The journal, which holds everything that is shown."""
        return self._file.path

    def entries(self, scope: Scope, limit: int) -> tuple[list[Record], int]:
        """Return the newest `limit` entries, newest first, and how many there are in all.

        Raises `OUTPUT_UNWRITABLE` if the journal cannot be used.
        """
        self._read_in()
        values = self._values(scope)

        def read(db: sqlite3.Connection) -> tuple[list[Record], int]:
            total = db.execute(_COUNT, values).fetchone()[0]
            rows = db.execute(_NEWEST, values | {"limit": min(limit, 2**31)}).fetchall()
            return [Record(*row) for row in rows], int(total)

        found = self._file.transact(read)
        if found is None:
            raise self._unusable()
        return found

    def clear(self, scope: Scope) -> Cleared:
        """Forget the tasks, submissions and batches in scope, but for what protects money.

        Submissions of the last 24 hours whose outcome is unknown stay: only they can warn before
        the same request is paid for again. So do batches that are not finished: resuming them
        without what is known of their lines would pay twice. What history.json holds so far is not
        read in again. Raises `OUTPUT_UNWRITABLE` if the journal cannot be used.
        """
        self._read_in()
        now = self._clock.now()
        values = self._values(scope) | {"since": now - DAY}

        def forget(db: sqlite3.Connection) -> Cleared:
            gone = db.execute(_FORGET_TASKS, values).rowcount
            db.execute(_FORGET_LINES, values)
            gone += db.execute(_FORGET_BATCHES, values).rowcount
            gone += db.execute(_FORGET_SUBMISSIONS, values).rowcount
            if not scope.sandbox:
                db.execute(
                    "INSERT OR REPLACE INTO cleared (profile, cleared_at) VALUES (?, ?)",
                    (scope.profile or _EVERY_PROFILE, now),
                )
            kept = db.execute(_COUNT_KEPT, values).fetchone()[0]
            return Cleared(gone > 0, int(kept))

        cleared = self._file.transact(forget, durable=True)
        if cleared is None:
            raise self._unusable()
        return cleared

    def tally(self) -> Tally | None:
        """Count what the journal holds; None if it cannot be used."""
        since = self._clock.now() - DAY

        def count(db: sqlite3.Connection) -> Tally:
            tasks = db.execute("SELECT count(*) FROM tasks").fetchone()
            unsettled = db.execute(_COUNT_UNSETTLED, (since,)).fetchone()
            return Tally(int(tasks[0]), int(unsettled[0]))

        return self._file.transact(count)

    def _unusable(self) -> ModellixError:
        where = self._file.path
        return ModellixError(ErrorCode.OUTPUT_UNWRITABLE, f"The journal {where} cannot be used.")

    def _values(self, scope: Scope) -> dict[str, Any]:
        """Return what the statements above ask for."""
        return {"url": self._sandbox_url, "sandbox": scope.sandbox, "profile": scope.profile}

    def _read_in(self) -> None:
        """Take over history.json if it has changed since the last time."""
        try:
            facts = self._official.stat()
        except OSError:
            return
        name = os.fsencode(self._official).decode("utf-8", "backslashreplace")
        mark = f"{facts.st_size} {facts.st_mtime_ns}"
        known = self._file.transact(
            lambda db: bool(
                db.execute(
                    "SELECT 1 FROM imports WHERE path = ? AND fingerprint = ?", (name, mark)
                ).fetchone()
            )
        )
        if known is not False:
            return
        trouble, entries = self._load()

        def merge(db: sqlite3.Connection) -> None:
            _merge(db, entries)
            db.execute(
                "INSERT OR REPLACE INTO imports (path, fingerprint) VALUES (?, ?)", (name, mark)
            )

        self._file.transact(merge)
        if trouble:
            self._warn(f"{name} of the official CLI: {trouble}.")

    def _load(self) -> tuple[str, list[Entry]]:
        """Return what is wrong with history.json, or "", and its usable entries."""
        try:
            entries, unusable = read_history(self._official)
        except NotAHistory as error:
            return f"it is not read, {error}", []
        skipped = "unusable entry" if unusable == 1 else "unusable entries"
        return f"{unusable} {skipped} left out" if unusable else "", entries


def _merge(db: sqlite3.Connection, entries: list[Entry]) -> None:
    """Add entries, given newest first, to the tasks; the later record of two says the status."""
    cleared: dict[str, float] = dict(db.execute("SELECT profile, cleared_at FROM cleared"))
    for entry in reversed(entries):
        limit = max(cleared.get(_EVERY_PROFILE, -1.0), cleared.get(entry.profile, -1.0))
        if entry.updated_at <= limit:
            continue
        db.execute(_MERGE, astuple(entry))

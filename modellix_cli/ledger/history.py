"""The task history: what the ledger knows about tasks, the official CLI's history.json included.

That file is read into the ledger once, again when it has changed, and never touched.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import astuple, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from modellix_cli.clock import Clock
from modellix_cli.domain.addresses import canonical_base_url
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.task import FAILED, SUCCEEDED
from modellix_cli.ledger.attempts import OPEN, find_unknown
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.history_json import Entry, NotAHistory, read_history
from modellix_cli.ledger.request_log import (
    EVERYTHING,
    Wanted,
    count_tasks,
    newest_submissions,
    newest_tasks,
    page_of_other_tasks,
    page_of_submissions,
    with_files,
)
from modellix_cli.ledger.request_records import Record
from modellix_cli.ledger.sql import Values
from modellix_cli.ledger.tasks import EXPIRED, GONE

_EVERY_PROFILE: Final = "*"  # no profile can have this name
_MOST: Final = 2**31

_IN_SCOPE: Final = "(base_url = :url) = :sandbox AND (:profile IS NULL OR profile = :profile)"

_CLEAR: Final = (
    f"""DELETE FROM files WHERE (base_url, task_id) IN
    (SELECT base_url, task_id FROM tasks WHERE {_IN_SCOPE})""",  # noqa: S608
    f"DELETE FROM tasks WHERE {_IN_SCOPE}",  # noqa: S608
    f"""DELETE FROM submissions WHERE state = 'rejected' AND {_IN_SCOPE}
    AND number NOT IN (SELECT submission FROM batch_lines WHERE submission IS NOT NULL)""",  # noqa: S608
    f"UPDATE submissions SET body_sha256 = NULL WHERE body_sha256 IS NOT NULL AND {_IN_SCOPE}",  # noqa: S608
    """DELETE FROM bodies WHERE sha256 NOT IN
    (SELECT body_sha256 FROM submissions WHERE body_sha256 IS NOT NULL)""",
    f"""UPDATE batch_lines SET made = NULL, detail = NULL
    WHERE (made IS NOT NULL OR detail IS NOT NULL) AND batch IN
    (SELECT number FROM batches WHERE state = 'done' AND {_IN_SCOPE})""",  # noqa: S608
    f"UPDATE batches SET hidden = 1 WHERE hidden = 0 AND state = 'done' AND {_IN_SCOPE}",  # noqa: S608
)
"""What clearing does, in this order: what protects money stays, which is every submission that may
have cost some, with the request that it was, and the generation of each line."""

_ENDS: Final = ", ".join(f"'{word}'" for word in sorted({*SUCCEEDED, *FAILED, EXPIRED, GONE}))
_MERGE: Final = f"""
INSERT INTO tasks (task_id, created_at, updated_at, base_url, profile, slug, status)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (base_url, task_id, profile) DO UPDATE SET
  status = CASE WHEN excluded.status IS NULL THEN status
    WHEN status IS NULL THEN excluded.status
    WHEN lower(status) IN ('{EXPIRED}', '{GONE}') THEN status
    WHEN (lower(status) IN ({_ENDS})) <> (lower(excluded.status) IN ({_ENDS}))
      THEN CASE WHEN lower(status) IN ({_ENDS}) THEN status ELSE excluded.status END
    WHEN excluded.updated_at > updated_at THEN excluded.status ELSE status END,
  slug = coalesce(slug, excluded.slug),
  created_at = min(created_at, excluded.created_at),
  updated_at = max(updated_at, excluded.updated_at)"""  # noqa: S608 - what is put in are constants
"""The later record says the status, but an end stays one, whichever was written later."""


@frozen
class Scope:
    """Which part of the history is meant: one profile or all, the sandbox's tasks or the others."""

    profile: str | None
    sandbox: bool


@frozen
class Cleared:
    """What `clear` did: whether there was anything, and how many unknown outcomes it kept."""

    anything: bool
    kept: int


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
    def ledger_path(self) -> Path:
        """The ledger, which holds everything that is shown."""
        return self._file.path

    def entries(
        self, scope: Scope, limit: int, wanted: Wanted = EVERYTHING, *, files: bool = False
    ) -> tuple[list[Record], int]:
        """Return the newest `limit` tasks that are wanted, and how many there are in all.

        With `files` they come with what was saved of them. Raises the ledger's errors.
        """
        self._read_in()
        values, now = self._values(scope), self._clock.now()

        def read(db: sqlite3.Connection) -> tuple[list[Record], int]:
            total = count_tasks(db, values, wanted)
            found = list(newest_tasks(db, values, wanted, min(limit, _MOST), now))
            return [with_files(db, record) for record in found] if files else found, total

        return self._file.read(read)

    def unknown(self, scope: Scope, wanted: Wanted = EVERYTHING) -> list[Record]:
        """Return the wanted submissions of unknown outcome, the newest first.

        Those that are just being sent are not among them. Raises the ledger's errors.
        """
        values, now = self._values(scope), self._clock.now()

        def read(db: sqlite3.Connection) -> list[Record]:
            numbers = {attempt.number for attempt in find_unknown(db, values, now)}
            found = newest_submissions(db, values, wanted, OPEN, now)
            return [record for record in found if record.number in numbers]

        return self._file.read(read)

    def rejected(self, scope: Scope, limit: int, wanted: Wanted = EVERYTHING) -> list[Record]:
        """Return the newest `limit` wanted submissions that were refused."""
        values, now = self._values(scope), self._clock.now()
        return self._file.read(
            lambda db: list(
                islice(newest_submissions(db, values, wanted, "s.state = 'rejected'", now), limit)
            )
        )

    def everything(self, scope: Scope, wanted: Wanted = EVERYTHING) -> Iterator[Record]:
        """Yield every wanted submission, the oldest first, then the tasks of elsewhere.

        They come with what was saved of them, from a ledger of any length in little memory; what
        is added meanwhile may be among them. Raises the ledger's errors.
        """
        self._read_in()
        values, now = self._values(scope), self._clock.now()
        for page in (page_of_submissions, page_of_other_tasks):
            after: int | None = -1
            while after is not None:
                read = partial(page, scope=values, wanted=wanted, after=after, now=now)
                records, after = self._file.read(read)
                yield from records

    def has_status(self, word: str) -> bool:
        """Whether a task of this machine has a status, whatever its case."""
        self._read_in()
        rows = self._file.read(
            lambda db: db.execute(
                "SELECT DISTINCT status FROM tasks WHERE status NOT NULL"
            ).fetchall()
        )
        return word in {str(row[0]).lower() for row in rows}

    def clear(self, scope: Scope) -> Cleared:
        """Forget the tasks, bodies and finished batches in scope, but for what protects money.

        All submissions that may have been charged stay: only they tell what is paid for. So do
        batches that are not finished. What history.json holds so far is not read in again. Raises
        the ledger's errors.
        """
        self._read_in()
        now = self._clock.now()
        values = self._values(scope)

        def forget(db: sqlite3.Connection) -> Cleared:
            gone = sum(db.execute(statement, values).rowcount for statement in _CLEAR)
            if not scope.sandbox:
                db.execute(
                    "INSERT OR REPLACE INTO cleared (profile, cleared_at) VALUES (?, ?)",
                    (scope.profile or _EVERY_PROFILE, now),
                )
            return Cleared(gone > 0, len(find_unknown(db, values, now)))

        return self._file.transact(forget, durable=True)

    def _values(self, scope: Scope) -> Values:
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
        known = self._file.read(
            lambda db: bool(
                db.execute(
                    "SELECT 1 FROM imports WHERE path = ? AND fingerprint = ?", (name, mark)
                ).fetchone()
            )
        )
        if known:
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
        known = replace(entry, base_url=canonical_base_url(entry.base_url))
        db.execute(_MERGE, astuple(known))

"""What versions before 0.2 recorded, in journal.db: read into a new ledger once, and left alone."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from modellix_cli.clock import Clock
from modellix_cli.domain.addresses import canonical_base_url
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.submission_state import SubmissionState, read_state
from modellix_cli.domain.values import parse_slug
from modellix_cli.ledger import marks
from modellix_cli.ledger.damaged_file import readable_rows
from modellix_cli.ledger.database import is_locked
from modellix_cli.ledger.integrity import columns_of
from modellix_cli.ledger.sql import Row

OWNER: Final = 0x4D647831  # "Mdx1"
_PATIENCE: Final = 0.5
_CUT_SHORT: Final = "The run ended while this was being submitted: its outcome is unknown."


def import_journal(db: sqlite3.Connection, journal: Path, clock: Clock) -> None:
    """Copy what `journal` knows into the empty ledger `db`; one that is damaged leaves the mark.

    Raises `sqlite3.Error` for one that is locked.
    """
    work = _Import(db)
    reason = ""
    try:
        with closing(open_unchanged(journal)) as old:
            if old.execute("PRAGMA application_id").fetchone()[0] != OWNER:
                return
            verdict = str(old.execute("PRAGMA quick_check(1)").fetchone()[0])
            reason = "" if verdict == "ok" else verdict
            work.run(old)
    except (sqlite3.Error, OSError, ValueError) as error:
        if isinstance(error, sqlite3.Error) and is_locked(error):
            raise
        reason = str(error)
    if reason:
        marks.set_incomplete(db, f"{journal.name}: {reason}", clock.now(), work.kept)


def open_unchanged(file: Path) -> sqlite3.Connection:
    """Open a database for reading without creating, locking or repairing anything.

    SQLite creates files beside one that it opens in WAL mode. Where no process has it open there is
    no WAL and all is in the file itself, which may be read as it lies there.
    """
    mode = "mode=ro" if Path(f"{file}-wal").exists() else "mode=ro&immutable=1"
    return sqlite3.connect(f"{file.absolute().as_uri()}?{mode}", uri=True, timeout=_PATIENCE)


class _Import:
    """One import; `kept` are the rows that were read."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.kept = 0
        self._db = db
        self._accounts: dict[tuple[str, str], int] = {}

    def run(self, old: sqlite3.Connection) -> None:
        """Copy everything that can be read."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._submissions(old)
            self._batches(old)
            self._lines(old)
            self._tasks(old)
            for base_url, slug, seconds, order in self._rows(
                old, "durations", "base_url, slug, seconds, id"
            ):
                self._add("durations VALUES (?, ?, ?, ?)", _url(base_url), slug, order, seconds)
            for path, fingerprint in self._rows(old, "imports", "path, fingerprint"):
                self._add("imports VALUES (?, ?)", path, fingerprint)
            for profile, cleared_at in self._rows(old, "cleared", "profile, cleared_at"):
                self._add("cleared VALUES (?, ?)", profile, cleared_at)
        finally:
            self._db.execute("COMMIT")

    def _rows(self, old: sqlite3.Connection, table: str, columns: str) -> Iterator[Row]:
        """Yield the readable rows; a column that an older version did not have is None."""
        known = columns_of(old, table)
        wanted = [name if name in known else f"NULL AS {name}" for name in columns.split(", ")]
        return readable_rows(old, table, wanted) if known else iter(())

    def _add(self, what: str, *values: object) -> int | None:
        """Insert a row, unless there is one like it or it is not what it should be."""
        with suppress(sqlite3.IntegrityError):
            added = self._db.execute(f"INSERT OR IGNORE INTO {what}", values)
            self.kept += added.rowcount
            return added.lastrowid
        return None

    def _account(self, base_url: str, profile: str) -> int:
        """Return the account of a profile whose key is not known yet."""
        who = (base_url, profile)
        if who not in self._accounts:
            number = self._accounts[who] = len(self._accounts) + 1
            self._add(
                "accounts (id, base_url, profile, team, created_at) VALUES (?, ?, ?, ?, 0)",
                *(number, *who, number),
            )
        return self._accounts[who]

    def _submissions(self, old: sqlite3.Connection) -> None:
        columns = "id, base_url, profile, slug, body_sha256, state, task_id, detail, created_at"
        for number, base_url, *rest in self._rows(old, "submissions", columns):
            profile, slug, digest, state, task_id, detail, at = rest
            known = read_state(state)
            if known is SubmissionState.INTENT or (
                known is SubmissionState.ACCEPTED and not task_id
            ):
                known, detail = SubmissionState.UNKNOWN, detail or _CUT_SHORT
            url = _url(base_url)
            self._add(
                "submissions (number, id, account, base_url, profile, slug, legacy_sha256, state,"
                " task_id, detail, created_at, updated_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *(number, str(uuid4()), self._account(url, profile), url, profile, _slug(slug)),
                *(digest, str(known), task_id, detail, at, at),
            )

    def _batches(self, old: sqlite3.Connection) -> None:
        columns = "id, base_url, profile, digest, source, total, state, created_at, updated_at"
        for number, base_url, profile, *rest in self._rows(old, "batches", columns):
            url = _url(base_url)
            self._add(
                "batches (number, id, account, base_url, profile, digest, source,"
                " total, state, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *(number, str(uuid4()), self._account(url, profile), url, profile, *rest),
            )

    def _lines(self, old: sqlite3.Connection) -> None:
        columns = "batch, line, slug, name, submission, state, task_id, status, detail, made"
        for batch, line, slug, name, submission, state, task_id, *ends in self._rows(
            old, "batch_lines", columns
        ):
            if submission is not None:
                self._db.execute(
                    "UPDATE submissions SET batch = ?, line = ?, line_id = ? WHERE number = ?",
                    (batch, line, name, submission),
                )
            if read_state(state).may_be_charged and not self._has_submission(submission):
                submission = self._lost_submission(batch, line, slug, name, task_id)
            self._add(
                "batch_lines (batch, line, slug, name, submission, status, detail, made)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                *(batch, line, _slug(slug), name, submission, *ends),
            )

    def _has_submission(self, number: int | None) -> bool:
        found = self._db.execute("SELECT 1 FROM submissions WHERE number = ?", (number,))
        return found.fetchone() is not None

    def _lost_submission(
        self, batch: int, line: int, slug: str, name: str | None, task_id: str | None
    ) -> int | None:
        """Add what a line says of a submission that the journal does not have any more."""
        state = SubmissionState.ACCEPTED if task_id else SubmissionState.UNKNOWN
        added = self._db.execute(
            "INSERT INTO submissions (id, account, base_url, profile, slug, state, task_id, batch,"
            " line, line_id, created_at, updated_at) SELECT ?, account, base_url, profile, ?, ?, ?,"
            " number, ?, ?, created_at, updated_at FROM batches WHERE number = ?",
            (str(uuid4()), _slug(slug), str(state), task_id, line, name, batch),
        )
        return added.lastrowid if added.rowcount else None

    def _tasks(self, old: sqlite3.Connection) -> None:
        columns = (
            "base_url, profile, task_id, slug, status, created_at, updated_at, ended_at, saved_at"
        )
        for base_url, profile, *rest in self._rows(old, "tasks", columns):
            url = _url(base_url)
            self._add(
                "tasks (base_url, account, profile, task_id, slug, status,"
                " created_at, updated_at, ended_at, saved_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *(url, self._account(url, profile), profile, *rest),
            )


def _url(base_url: str) -> str:
    try:
        return canonical_base_url(base_url)
    except ValueError:
        return base_url


def _slug(text: str) -> str:
    try:
        return parse_slug(text).name
    except ModellixError:
        return text

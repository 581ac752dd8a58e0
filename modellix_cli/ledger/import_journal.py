"""What versions before 0.2 recorded, in journal.db: read into a new ledger once, and left alone."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.submission_state import SubmissionState, read_state
from modellix_cli.domain.values import canonical_base_url, parse_slug
from modellix_cli.ledger import marks

_OWNER: Final = 0x4D647831  # "Mdx1"
_CUT_SHORT: Final = "The run ended while this was being submitted: its outcome is unknown."
Row = tuple[Any, ...]


def import_journal(db: sqlite3.Connection, journal: Path, clock: Clock) -> None:
    """Copy what `journal` knows into the empty ledger `db`; one that is damaged leaves the mark."""
    if not journal.exists():
        return
    try:
        with closing(open_unchanged(journal)) as old:
            if old.execute("PRAGMA application_id").fetchone()[0] != _OWNER:
                return
            db.execute("BEGIN IMMEDIATE")
            _Import(db, old).run()
            db.execute("COMMIT")
    except (sqlite3.Error, OSError, ValueError) as error:
        if db.in_transaction:
            db.execute("COMMIT")
        marks.set_incomplete(db, f"{journal.name}: {error}", clock.now(), 0)


def open_unchanged(file: Path) -> sqlite3.Connection:
    """Open a database for reading without creating, locking or repairing anything.

    SQLite creates files beside one that it opens in WAL mode. Where no process has it open there is
    no WAL and all is in the file itself, which may be read as it lies there.
    """
    mode = "mode=ro" if Path(f"{file}-wal").exists() else "mode=ro&immutable=1"
    return sqlite3.connect(f"{file.absolute().as_uri()}?{mode}", uri=True, timeout=0.1)


class _Import:
    def __init__(self, db: sqlite3.Connection, old: sqlite3.Connection) -> None:
        self._db = db
        self._old = old
        self._accounts: dict[tuple[str, str], int] = {}
        self._tables = {str(row[0]) for row in old.execute("SELECT name FROM sqlite_master")}

    def run(self) -> None:
        self._submissions()
        self._batches()
        self._tasks()
        columns = "base_url, slug, seconds, id"
        for base_url, slug, seconds, order in self._rows("durations", columns):
            row = (_url(base_url), slug, order, seconds)
            self._db.execute("INSERT INTO durations VALUES (?, ?, ?, ?)", row)
        for table in ("imports", "cleared"):
            for row in self._rows(table, "*"):
                self._db.execute(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", row)  # noqa: S608

    def _rows(self, table: str, columns: str) -> Iterator[Row]:
        if table not in self._tables:
            return iter(())
        return self._old.execute(f"SELECT {columns} FROM {table}")  # noqa: S608

    def _account(self, base_url: str, profile: str) -> int:
        """Return the account of a profile whose key is not known yet."""
        who = (_url(base_url), profile)
        if who not in self._accounts:
            number = len(self._accounts) + 1
            self._accounts[who] = number
            self._db.execute(
                "INSERT INTO accounts (id, base_url, profile, team, created_at)"
                " VALUES (?, ?, ?, ?, 0)",
                (number, *who, number),
            )
        return self._accounts[who]

    def _submissions(self) -> None:
        columns = "id, base_url, profile, slug, body_sha256, state, task_id, detail, created_at"
        for number, base_url, profile, slug, digest, state, task_id, detail, at in self._rows(
            "submissions", columns
        ):
            known = read_state(state)
            if known is SubmissionState.INTENT or (
                known is SubmissionState.ACCEPTED and not task_id
            ):
                known, detail = SubmissionState.UNKNOWN, detail or _CUT_SHORT
            self._db.execute(
                "INSERT INTO submissions (number, id, account, base_url, profile, slug,"
                " legacy_sha256, state, task_id, detail, created_at, updated_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(number, str(uuid4()), self._account(base_url, profile), _url(base_url)),
                    *(profile, _slug(slug), digest, str(known), task_id, detail, at, at),
                ),
            )

    def _batches(self) -> None:
        columns = "id, base_url, profile, digest, source, total, state, created_at, updated_at"
        for number, base_url, profile, *rest in self._rows("batches", columns):
            self._db.execute(
                "INSERT INTO batches (number, id, account, base_url, profile, digest, source,"
                " total, state, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(number, str(uuid4()), self._account(base_url, profile), _url(base_url)),
                    *(profile, *rest),
                ),
            )
        columns = "batch, line, slug, name, submission, status, detail, made"
        for batch, line, slug, name, submission, *rest in self._rows("batch_lines", columns):
            self._db.execute(
                "INSERT INTO batch_lines (batch, line, slug, name, submission, status, detail,"
                " made) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (batch, line, _slug(slug), name, submission, *rest),
            )
            self._db.execute(
                "UPDATE submissions SET batch = ?, line = ?, line_id = ? WHERE number = ?",
                (batch, line, name, submission),
            )

    def _tasks(self) -> None:
        columns = (
            "base_url, profile, task_id, slug, status, created_at, updated_at, ended_at, saved_at"
        )
        for base_url, profile, *rest in self._rows("tasks", columns):
            self._db.execute(
                "INSERT OR REPLACE INTO tasks (base_url, profile, task_id, slug, status,"
                " created_at, updated_at, ended_at, saved_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (_url(base_url), profile, *rest),
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

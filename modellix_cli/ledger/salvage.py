"""A damaged ledger: what can be read is kept, the rest is remembered as lost."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from secrets import token_hex
from uuid import uuid4

from modellix_cli.clock import Clock
from modellix_cli.domain.submission_state import STATES, SubmissionState
from modellix_cli.ledger import marks, schema
from modellix_cli.ledger.creation import LOGS, new_database, remove
from modellix_cli.ledger.damaged_file import open_damaged, private_copy, readable_rows
from modellix_cli.ledger.database import check_owner, connect, is_damage
from modellix_cli.ledger.file_lock import only_one
from modellix_cli.ledger.integrity import columns_of, fault_of, tables_of
from modellix_cli.ledger.sql import SqlValue

Row = dict[str, SqlValue]


def replace_damaged(path: Path, reason: str, clock: Clock, patience: float) -> None:
    """As `replace`, by one process at a time; `patience` is how long to wait for the others.

    Raises `OSError`, `sqlite3.Error` or `LEDGER_UNUSABLE`.
    """
    with only_one(path, patience):
        replace(path, reason, clock)


def replace(path: Path, reason: str, clock: Clock) -> None:
    """Put a new ledger with all rows that can be read in the place of the damaged one at `path`.

    The damaged one stays beside it under another name. Where another process just did this, there
    is nothing to do. The new one has the mark that payments may be missing. To be called with the
    lock of the name held. Raises `OSError`, `sqlite3.Error` or `LEDGER_UNUSABLE`.
    """
    if is_sound(path):
        return
    stamp = f"{int(clock.now())}-{token_hex(3)}"
    copy = path.with_name(f".{path.name}.{stamp}.copy")
    fresh = path.with_name(f".{path.name}.{stamp}.new")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    try:
        with new_database(fresh) as db:
            kept = _copy_everything(path, copy, db)
            marks.set_incomplete(db, reason, clock.now(), kept)
        _set_aside(path, aside)
        fresh.replace(path)  # so that no process ever finds none, and begins an empty one
        with suppress(sqlite3.Error, OSError):
            _copy_late_submissions(aside, copy, path)
    finally:
        remove(copy)
        remove(fresh)


def is_sound(path: Path) -> bool:
    """Whether a ledger can be read from end to end and has every table and column.

    Raises `sqlite3.Error` or `OSError` where that cannot be told, as the file is locked or may not
    be read, and `LEDGER_UNUSABLE` for one that is another program's or a newer version's.
    """
    try:
        if path.stat().st_size == 0:
            return False
        with closing(connect(path)) as db:
            check_owner(db, path)
            return not fault_of(db)
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            return False
        raise


def _set_aside(path: Path, aside: Path) -> None:
    """Give the damaged file a second name; its log must not be taken for that of the new one."""
    try:
        os.link(path, aside)
    except OSError:  # a file system without hard links
        private_copy(path, aside)
    for end in LOGS:
        with suppress(FileNotFoundError):
            Path(f"{path}{end}").rename(f"{aside}{end}")


def _copy_everything(damaged: Path, copy: Path, db: sqlite3.Connection) -> int:
    """Copy every row that can be read into the empty ledger `db`; return how many that were."""
    kept = 0
    with closing(open_damaged(damaged, copy)) as source:
        db.execute("BEGIN IMMEDIATE")
        for table in tables_of(db):
            for row in _rows(source, db, table):
                kept += _insert(db, table, row)
        # What belongs to nobody would be found by nobody.
        db.execute(
            "INSERT INTO accounts (id, base_url, profile, team, created_at) SELECT account,"
            " min(base_url), min(profile), account, min(created_at) FROM submissions"
            " WHERE account NOT IN (SELECT id FROM accounts) GROUP BY account"
        )
        schema.fill_later_columns(db)
        db.execute("COMMIT")
    return kept


def _rows(source: sqlite3.Connection, db: sqlite3.Connection, table: str) -> Iterator[Row]:
    """Yield the readable rows of a table, each with everything that the table asks for."""
    known = set(columns_of(source, table))
    columns = [name for name in columns_of(db, table) if name in known]
    if not columns:
        return
    needed = {
        str(name): 0 if "TEXT" not in str(kind) else ""
        for _, name, kind, required, default, _ in db.execute(f"PRAGMA table_info({table})")
        if required and default is None and name not in known
    }
    for values in readable_rows(source, table, columns):
        row = needed | dict(zip(columns, values, strict=True))
        if table == "submissions":
            row["id"] = row["id"] or str(uuid4())
            if row["state"] not in STATES:
                row["state"] = str(SubmissionState.UNKNOWN)
        yield row


def _insert(db: sqlite3.Connection, table: str, row: Row) -> int:
    """Add a row if it can be one and there is none like it; return how many that were.

    Raises `sqlite3.OperationalError` where there is no room: no row may be left out for that.
    """
    names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
    try:
        added = db.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({places})", row)  # noqa: S608
    except sqlite3.OperationalError:
        raise
    except sqlite3.Error:
        return 0
    return added.rowcount


def _copy_late_submissions(aside: Path, copy: Path, path: Path) -> None:
    """Copy what other processes recorded between the copying and the replacing.

    What they record later than that, they notice themselves (database.py).
    """
    remove(copy)
    with closing(open_damaged(aside, copy)) as source, closing(connect(path)) as db:
        db.execute("BEGIN IMMEDIATE")
        for row in _rows(source, db, "submissions"):
            if not _insert(db, "submissions", row):
                db.execute(
                    "UPDATE submissions SET state = :state, task_id = :task_id, detail = :detail,"
                    " rejected_by = :rejected_by, accepted_by = :accepted_by,"
                    " updated_at = :updated_at"
                    " WHERE id = :id AND state = 'intent'",
                    dict.fromkeys(("task_id", "detail", *schema.LATER_COLUMNS["submissions"]))
                    | row,
                )
                _insert(db, "submissions", {**row, "number": None})
        schema.fill_later_columns(db)
        db.execute("COMMIT")

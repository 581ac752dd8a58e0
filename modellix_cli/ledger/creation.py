"""Opening the ledger's file: created whole or not at all, checked to be ours."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from secrets import token_hex

from modellix_cli.clock import Clock
from modellix_cli.ledger import schema
from modellix_cli.ledger.database import check_owner, connect, is_damage


def open_ledger(path: Path, clock: Clock, patience: float) -> sqlite3.Connection:
    """Return a connection to the ledger at `path`, which is created if there is none.

    A damaged file is replaced first by one with what could be read, and a lasting mark. Raises
    `LEDGER_UNUSABLE` for a file that is another program's or a newer version's, else
    `sqlite3.Error` or `OSError`.
    """
    from modellix_cli.ledger.salvage import replace_damaged

    if not path.exists():
        _create(path, clock)
    if path.stat().st_size == 0:  # creation never leaves an empty file
        replace_damaged(path, "it is empty", clock)
    try:
        return _checked(path, patience)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        replace_damaged(path, str(error), clock)
    return _checked(path, patience)


def _checked(path: Path, patience: float) -> sqlite3.Connection:
    db = connect(path, timeout=min(patience, 5.0))
    try:
        check_owner(db, path)
        db.execute("SELECT 1 FROM meta LIMIT 1").fetchone()
    except BaseException:
        db.close()
        raise
    return db


def _create(path: Path, clock: Clock) -> None:
    """Make a new ledger with what an older version's journal knows; the first one there wins."""
    from modellix_cli.ledger.import_journal import import_journal

    fresh = path.with_name(f".{path.name}.{os.getpid()}-{token_hex(4)}.new")
    try:
        with closing(new_database(fresh)) as db:
            import_journal(db, path.with_name("journal.db"), clock)
        put_in_place(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def new_database(path: Path) -> sqlite3.Connection:
    """Return a connection to a new file with empty tables, for the user alone."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    db = connect(path)
    try:
        # Where the file system has no shared memory, SQLite keeps its rollback journal.
        with suppress(sqlite3.OperationalError):
            db.execute("PRAGMA journal_mode = WAL")
        db.execute("BEGIN IMMEDIATE")
        for statement in schema.statements():
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {schema.VERSION}")
        db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        db.execute("COMMIT")
    except BaseException:
        db.close()
        raise
    return db


def put_in_place(fresh: Path, path: Path) -> None:
    """Give a new file that is closed its name, unless another process was quicker."""
    try:
        os.link(fresh, path)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        if not path.exists():
            fresh.rename(path)

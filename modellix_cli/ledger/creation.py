"""Opening the ledger's file: created whole or not at all, checked to be ours."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from os import urandom
from pathlib import Path
from typing import Final

from modellix_cli.clock import Clock
from modellix_cli.ledger import schema
from modellix_cli.ledger.database import BUSY_STEP, check_owner, connect, is_damage
from modellix_cli.ledger.file_lock import only_one

LOGS: Final = ("-wal", "-shm", "-journal")
"""Ends of the names of the files that SQLite keeps beside a database."""

FileId = tuple[int, int]
"""Device and number of a file."""


def open_ledger(path: Path, clock: Clock) -> tuple[sqlite3.Connection, FileId]:
    """Return a connection to the ledger at `path`, which is created if there is none, and its id.

    A damaged file is replaced first by one with what could be read, and a lasting mark. Raises
    `LEDGER_UNUSABLE` for a file that is another program's or a newer version's, else
    `sqlite3.Error` or `OSError`.
    """
    with only_one(path, BUSY_STEP):
        if not path.exists():
            _create(path, clock)
        try:
            if path.stat().st_size == 0:  # creation never leaves an empty file
                raise sqlite3.DatabaseError("malformed: the file is empty")
            db = _checked(path)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            from modellix_cli.ledger.salvage import replace

            replace(path, str(error), clock)
            db = _checked(path)
        found = path.stat()
        return db, (found.st_dev, found.st_ino)


def _checked(path: Path) -> sqlite3.Connection:
    db = connect(path)
    try:
        check_owner(db, path)
        add_later_columns(db)
        # From here on SQLite has the log open, and will not look for it by name again.
        db.execute("SELECT 1 FROM meta LIMIT 1").fetchone()
    except BaseException:
        db.close()
        raise
    return db


def add_later_columns(db: sqlite3.Connection) -> None:
    """Add to a file of an older version what it lacks; those versions can use it all the same."""
    for table, columns in schema.LATER_COLUMNS.items():
        known = {str(row[1]) for row in db.execute(f"PRAGMA table_info({table})")}
        for name, kind in columns.items():
            if known and name not in known:
                db.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
                if name == "rejected_by":
                    schema.fill_later_columns(db)
                for statement in schema.LATER_INDEXES:
                    db.execute(statement)


def _create(path: Path, clock: Clock) -> None:
    """Make a new ledger with what an older version's journal.db knows.

    A log without its ledger tells that there was one: its payments may be missing then.
    """
    from modellix_cli.ledger.marks import set_incomplete

    _remove_leftovers(path)
    stamp = f"{int(clock.now())}-{urandom(3).hex()}"
    removed = _is_filled(Path(f"{path}-wal"))
    fresh = path.with_name(f".{path.name}.{stamp}.new")
    try:
        with new_database(fresh) as db:
            _import_journal(db, path.with_name("journal.db"), clock)
            if removed:
                set_incomplete(db, "it was removed", clock.now(), kept=0)
        for end in LOGS:
            with suppress(FileNotFoundError):
                Path(f"{path}{end}").rename(f"{path}.removed-{stamp}{end}")
        put_in_place(fresh, path)
    finally:
        remove(fresh)


def _import_journal(db: sqlite3.Connection, journal: Path, clock: Clock) -> None:
    if _is_filled(journal):
        from modellix_cli.ledger.import_journal import import_journal

        import_journal(db, journal, clock)
        schema.fill_later_columns(db)


def _remove_leftovers(path: Path) -> None:
    """Remove what a process left that was killed while it made a ledger; nobody else does now."""
    for left in path.parent.glob(f".{path.name}.*"):
        left.unlink(missing_ok=True)


def _is_filled(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False


def remove(database: Path) -> None:
    """Remove a database, if there is one, and what SQLite keeps beside it."""
    for end in ("", *LOGS):
        Path(f"{database}{end}").unlink(missing_ok=True)


@contextmanager
def new_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Make a new file with empty tables, for the user alone; it is closed and whole at the end.

    SQLite copies a log into the file as that is closed, and tells nobody if there is no room for
    it. So there is none before everything is in the file.
    """
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with closing(connect(path)) as db:
        db.execute("BEGIN IMMEDIATE")
        for statement in schema.statements():
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {schema.VERSION}")
        db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        db.execute("COMMIT")
        yield db
    _use_log(path)


def _use_log(path: Path) -> None:
    """Give a new file a log, so that readers and a writer do not wait for each other.

    Only its first use tells whether the file system has the shared memory that it needs. Where it
    has none, the log is taken back, by a connection that shares the file with nobody.
    """
    try:
        with closing(connect(path)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("SELECT 1 FROM meta LIMIT 1").fetchone()
    except sqlite3.OperationalError as error:
        if "full" in str(error):
            raise
        with closing(connect(path)) as db:
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            db.execute("PRAGMA journal_mode = DELETE")


def put_in_place(fresh: Path, path: Path) -> None:
    """Give a new file that is closed its name, unless there is one."""
    try:
        os.link(fresh, path)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        if not path.exists():
            fresh.rename(path)

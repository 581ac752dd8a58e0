"""A damaged ledger: what can be read is kept, the rest is remembered as lost."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from secrets import token_hex
from typing import Final

from filelock import FileLock

from modellix_cli.clock import Clock
from modellix_cli.ledger import marks
from modellix_cli.ledger.creation import new_database
from modellix_cli.ledger.database import connect

_SUFFIXES: Final = ("", "-wal", "-shm")
_HEADER: Final = 100
_MOST_GAPS: Final = 10_000


def replace_damaged(path: Path, reason: str, clock: Clock) -> None:
    """Put a new ledger with all rows that can be read in the place of the damaged one at `path`.

    The damaged one stays beside it under another name. One process at a time does this, and
    finds nothing to do where another just did. The new one has the mark that payments may be
    missing. Raises `OSError` or `sqlite3.Error`.
    """
    with FileLock(path.with_name(f"{path.name}.lock"), mode=0o600):
        if is_sound(path):
            return
        stamp = f"{int(clock.now())}-{token_hex(3)}"
        work = path.with_name(f".{path.name}.{stamp}.copy")
        fresh = path.with_name(f".{path.name}.{stamp}.new")
        try:
            for suffix in _SUFFIXES[:2]:
                with suppress(FileNotFoundError):
                    shutil.copyfile(f"{path}{suffix}", f"{work}{suffix}")
            with closing(new_database(fresh)) as db:
                kept = _copy_rows(work, db)
                marks.set_incomplete(db, reason, clock.now(), kept)
            aside = path.with_name(f"{path.name}.damaged-{stamp}")
            _set_aside(path, aside)
            fresh.replace(path)  # so that no process ever finds none, and begins an empty one
        finally:
            for file in (work, fresh):
                for suffix in _SUFFIXES:
                    Path(f"{file}{suffix}").unlink(missing_ok=True)


def _set_aside(path: Path, aside: Path) -> None:
    """Give the damaged file a second name; its log must not be taken for that of the new one."""
    try:
        os.link(path, aside)
    except OSError:  # a file system without hard links
        shutil.copyfile(path, aside)
    for suffix in _SUFFIXES[1:]:
        with suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{aside}{suffix}")


def is_sound(path: Path) -> bool:
    """Whether a ledger can be read from end to end and has every table and column."""
    try:
        if path.stat().st_size == 0:
            return False
        with closing(connect(path)) as db, closing(sqlite3.connect(":memory:")) as wanted:
            if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                return False
            _make_tables(wanted)
            return all(
                set(_columns(wanted, table)) <= set(_columns(db, table))
                for table in _tables(wanted)
            )
    except (sqlite3.DatabaseError, OSError):
        return False


def _make_tables(db: sqlite3.Connection) -> None:
    from modellix_cli.ledger.schema import statements

    for statement in statements():
        db.execute(statement)


def _tables(db: sqlite3.Connection) -> list[str]:
    rows = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return [str(row[0]) for row in rows]


def _columns(db: sqlite3.Connection, table: str) -> list[str]:
    return [str(row[1]) for row in db.execute(f"PRAGMA table_info({table})")]


def _copy_rows(damaged: Path, db: sqlite3.Connection) -> int:
    """Copy every row that can be read into the empty ledger `db`; return how many that were."""
    _restore_header(damaged)
    kept = 0
    try:
        source = connect(damaged)
    except sqlite3.Error:
        return 0
    with closing(source):
        source.text_factory = lambda data: data.decode("utf-8", "replace")
        db.execute("BEGIN IMMEDIATE")
        for table in _tables(db):
            with suppress(sqlite3.Error):
                known = set(_columns(source, table))
                columns = [name for name in _columns(db, table) if name in known]
                names, marks_ = ", ".join(columns), ", ".join("?" * len(columns))
                for row in _readable(source, table, names):
                    with suppress(sqlite3.Error):
                        db.execute(
                            f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks_})",  # noqa: S608
                            row,
                        )
                        kept += 1
        db.execute("COMMIT")
    return kept


def _readable(source: sqlite3.Connection, table: str, names: str) -> Iterator[tuple[object, ...]]:
    """Yield the rows before, between and behind damaged pages, some perhaps twice."""
    has_rowid = _has_rowid(source, table)
    statement = f"SELECT {'rowid, ' if has_rowid else ''}{names} FROM {table}"  # noqa: S608
    if not has_rowid:
        for order in ("", f" ORDER BY {names.split(',')[0]} DESC"):
            with suppress(sqlite3.DatabaseError):
                yield from source.execute(statement + order)
        return
    last, step = -(2**63), 1
    for _ in range(_MOST_GAPS):
        try:
            for row in source.execute(f"{statement} WHERE rowid > ? ORDER BY rowid", (last,)):
                last, step = int(row[0]), 1
                yield row[1:]
            return
        except sqlite3.DatabaseError:
            last, step = max(last, 0) + step, step * 2  # behind the damage
            if last > 2**40:
                break
    with suppress(sqlite3.DatabaseError):
        for row in source.execute(f"{statement} ORDER BY rowid DESC"):
            yield row[1:]


def _has_rowid(source: sqlite3.Connection, table: str) -> bool:
    try:
        source.execute(f"SELECT rowid FROM {table} LIMIT 0")  # noqa: S608
    except sqlite3.OperationalError:
        return False
    return True


def _restore_header(file: Path) -> None:
    """Write the header that every ledger has where the first bytes are not SQLite's."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        intact = stream.read(16) == b"SQLite format 3\0"
    if intact or size < _HEADER:
        return
    template = file.with_name(f"{file.name}.template")
    try:
        new_database(template).close()
        header = bytearray(template.read_bytes()[:_HEADER])
    finally:
        for suffix in _SUFFIXES:
            Path(f"{template}{suffix}").unlink(missing_ok=True)
    page = int.from_bytes(header[16:18], "big") or 4096
    header[28:32] = (size // page).to_bytes(4, "big")
    header[32:40] = bytes(8)  # no list of free pages
    with file.open("r+b") as stream:
        stream.write(header)
        stream.flush()
        os.fsync(stream.fileno())

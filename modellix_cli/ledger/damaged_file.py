"""Reading a damaged database: its header rewritten where that helps, its rows around gaps."""

import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from modellix_cli.ledger.creation import new_database, remove
from modellix_cli.ledger.database import connect, is_locked
from modellix_cli.ledger.sql import Row

_HEADER: Final = 100
_TREE_PAGES: Final = (b"\x05", b"\x0d")
_MOST_FRUITLESS: Final = 5_000
_MOST_ON_PAGE: Final = 500


def open_damaged(path: Path, copy: Path) -> sqlite3.Connection:
    """Open the database at `path` to be read; one without a usable beginning as a repaired `copy`.

    Raises `OSError`, and `sqlite3.Error` where it is locked.
    """
    if path.stat().st_size > _HEADER:
        db = _connect(path)
        try:
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return db
        except sqlite3.Error as error:
            db.close()
            if is_locked(error):
                raise
    _mended_copy(path, copy)
    return _connect(copy)


def _connect(path: Path) -> sqlite3.Connection:
    db = connect(path)
    db.text_factory = lambda data: data.decode("utf-8", "replace")
    return db


def _mended_copy(path: Path, copy: Path) -> None:
    """Copy a database with the first page that every ledger has, which says where tables begin."""
    template = copy.with_name(f"{copy.name}.template")
    try:
        with new_database(template):
            pass
        begin = template.read_bytes()
    finally:
        remove(template)
    page = int.from_bytes(begin[16:18], "big") or 4096
    private_copy(path, copy)
    with copy.open("r+b") as out:
        pages = copy.stat().st_size // page
        out.seek(_HEADER)
        intact = out.read(1) in _TREE_PAGES
        header = bytearray(begin[:_HEADER])
        header[28:32] = pages.to_bytes(4, "big")
        header[32:40] = bytes(8)  # no list of free pages
        out.seek(0)
        out.write(header if intact else header + begin[_HEADER:page])
    with suppress(FileNotFoundError):
        private_copy(Path(f"{path}-wal"), Path(f"{copy}-wal"))


def private_copy(source: Path, target: Path) -> None:
    """Copy a file, for the user alone."""
    with source.open("rb") as stream:
        descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            shutil.copyfileobj(stream, out)


def readable_rows(db: sqlite3.Connection, table: str, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the rows before, between and behind damaged pages, some perhaps twice."""
    names = ", ".join(columns)
    if not _has_rowid(db, table):
        for order in ("", f" ORDER BY {columns[0]} DESC"):
            with suppress(sqlite3.DatabaseError):
                yield from db.execute(f"SELECT {names} FROM {table}{order}")  # noqa: S608
        return
    select = f"SELECT rowid, {names} FROM {table}"  # noqa: S608
    lowest, highest = -(2**63), db.execute("PRAGMA page_count").fetchone()[0] * _MOST_ON_PAGE
    with suppress(sqlite3.DatabaseError):
        for row in db.execute(f"{select} ORDER BY rowid"):
            lowest = int(row[0]) + 1
            yield row[1:]
        return
    with suppress(sqlite3.DatabaseError):
        for row in db.execute(f"{select} ORDER BY rowid DESC"):
            highest = int(row[0]) - 1
            yield row[1:]
    yield from _between(db, select, max(lowest, 0), highest)


def _between(db: sqlite3.Connection, select: str, lowest: int, highest: int) -> Iterator[Row]:
    """Yield the rows with such numbers; ranges that cannot be read are halved."""
    ranges = [(lowest, highest)]
    rows = f"{select} WHERE rowid BETWEEN ? AND ? ORDER BY rowid"
    fruitless = 0
    while ranges and fruitless < _MOST_FRUITLESS:
        low, high = ranges.pop()
        start = low
        try:
            for row in db.execute(rows, (low, high)):
                low = int(row[0]) + 1
                fruitless = 0
                yield row[1:]
        except sqlite3.DatabaseError:
            fruitless += 1
            if low > start:
                ranges.append((low, high))
            elif low < high:
                middle = (low + high) // 2
                ranges += [(middle + 1, high), (low, middle)]


def _has_rowid(db: sqlite3.Connection, table: str) -> bool:
    try:
        db.execute(f"SELECT rowid FROM {table} LIMIT 0")  # noqa: S608
    except sqlite3.OperationalError:
        return False
    return True

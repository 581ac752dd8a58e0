"""Ways to look into the ledger, to damage it and to lock it, for the tests about its loss."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.e2e.conftest import Shell


def state_folder(shell: Shell) -> Path:
    return Path(shell.env["XDG_STATE_HOME"]) / "modellix"


def ledger(shell: Shell) -> Path:
    """Return the ledger's file; everything that was written is in it."""
    path = state_folder(shell) / "ledger.db"
    assert path.exists(), "there is no ledger.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def damage_header(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(b"\x99" * 100 + content[100:])


def damage_page(path: Path) -> None:
    """Overwrite the first page, but the header's, on which a task stands."""
    content = bytearray(path.read_bytes())
    size = int.from_bytes(content[16:18], "big")
    found = (at for at in range(size, len(content), size) if b"task-" in content[at : at + size])
    at = next(found)
    content[at : at + size] = b"\x99" * size
    path.write_bytes(content)


def drop_column(path: Path) -> None:
    """Drop the first column that can be, of a table whose rows tell of tasks."""
    with closing(sqlite3.connect(path)) as db:
        for table in names(db, "SELECT name FROM sqlite_master WHERE type = 'table'"):
            if not any("task-" in str(row) for row in db.execute(f'SELECT * FROM "{table}"')):
                continue
            for column in reversed(names(db, f"SELECT name FROM pragma_table_info('{table}')")):
                try:
                    db.execute(f'ALTER TABLE "{table}" DROP COLUMN "{column}"')
                except sqlite3.OperationalError:
                    continue
                db.commit()
                return
    raise AssertionError("no column could be dropped")


def cut_short(path: Path) -> None:
    """Leave one page and a half of it."""
    content = path.read_bytes()
    size = int.from_bytes(content[16:18], "big")
    path.write_bytes(content[: size + size // 2])


def names(db: sqlite3.Connection, query: str) -> list[str]:
    return [str(row[0]) for row in db.execute(query)]


def make_newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 9999")


@contextmanager
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    """Hold the ledger as another program would; `rollback` frees it."""
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        yield db


def codes(told: object) -> set[str]:
    """Every `code` anywhere in a JSON document."""
    if isinstance(told, dict):
        own = {str(told["code"])} if "code" in told else set()
        return own.union(*map(codes, told.values()))
    return set().union(*map(codes, told)) if isinstance(told, list) else set()

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


def damage_pages(path: Path) -> None:
    """Overwrite every page, but the header's, on which a task stands."""
    overwrite(path, pages_with_tasks(path))


def damage_some_pages(path: Path) -> None:
    """Overwrite every second page of the tables in which tasks stand."""
    content = path.read_bytes()
    found = pages_with_tasks(path)
    leaves = [at for at in found if content[at] == 0x0D]
    overwrite(path, (leaves or found)[::2])


def pages_with_tasks(path: Path) -> list[int]:
    content = path.read_bytes()
    size = int.from_bytes(content[16:18], "big")
    starts = range(size, len(content), size)
    return [at for at in starts if b"task-" in content[at : at + size]]


def overwrite(path: Path, places: list[int]) -> None:
    content = bytearray(path.read_bytes())
    size = int.from_bytes(content[16:18], "big")
    assert places
    for at in places:
        content[at : at + size] = b"\x99" * size
    path.write_bytes(content)


def drop_column(path: Path) -> None:
    """Drop a column that matters from every table whose rows tell of tasks."""
    dropped = 0
    with closing(sqlite3.connect(path)) as db:
        for table in names(db, "SELECT name FROM sqlite_master WHERE type = 'table'"):
            if any("task-" in str(row) for row in db.execute(f'SELECT * FROM "{table}"')):
                dropped += drop_one(db, table)
        db.commit()
    assert dropped, "no column could be dropped"


def drop_one(db: sqlite3.Connection, table: str) -> bool:
    for index in names(db, f"SELECT name FROM pragma_index_list('{table}') WHERE origin = 'c'"):
        db.execute(f'DROP INDEX "{index}"')
    columns = names(db, f"SELECT name FROM pragma_table_info('{table}')")
    for column in sorted(columns, key=lambda name: name not in ("state", "identity", "task_id")):
        try:
            db.execute(f'ALTER TABLE "{table}" DROP COLUMN "{column}"')
        except sqlite3.OperationalError:
            continue
        return True
    return False


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
def locked(path: Path, mode: str = "NORMAL") -> Iterator[sqlite3.Connection]:
    """Hold the ledger as another program would; `rollback` frees it.

    In the mode EXCLUSIVE it cannot even be read, as where the file system has no locks.
    """
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as db:
        db.execute(f"PRAGMA locking_mode = {mode}")
        db.execute("BEGIN EXCLUSIVE")
        db.execute("UPDATE meta SET value = value")
        yield db


def codes(told: object) -> set[str]:
    """Every `code` anywhere in a JSON document."""
    if isinstance(told, dict):
        own = {str(told["code"])} if "code" in told else set()
        return own.union(*map(codes, told.values()))
    return set().union(*map(codes, told)) if isinstance(told, list) else set()

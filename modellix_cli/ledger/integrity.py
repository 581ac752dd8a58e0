"""Whether a ledger is whole: its pages readable, its tables with all their columns."""

import sqlite3
from contextlib import closing, suppress

from modellix_cli.ledger import schema


def fault_of(db: sqlite3.Connection) -> str:
    """Read a ledger from end to end; return what is wrong with it, "" for nothing.

    Raises `sqlite3.Error`.
    """
    verdict = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
    if verdict != "ok":
        return verdict
    with closing(sqlite3.connect(":memory:")) as wanted:
        for statement in schema.statements():
            wanted.execute(statement)
        for table in tables_of(wanted):
            lost = set(columns_of(wanted, table)) - set(columns_of(db, table))
            if lost:
                return f"table {table} lacks {', '.join(sorted(lost))}"
    return ""


def tables_of(db: sqlite3.Connection) -> list[str]:
    """Return the names of the tables."""
    rows = db.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )
    return [str(row[0]) for row in rows]


def columns_of(db: sqlite3.Connection, table: str) -> list[str]:
    """Return the names of a table's columns; none for one that is not there or not readable."""
    with suppress(sqlite3.DatabaseError):
        return [str(row[1]) for row in db.execute(f"PRAGMA table_info({table})")]
    return []

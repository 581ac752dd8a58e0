"""Facts about the ledger's file itself: whether payments may be missing from it."""

import json
import sqlite3
from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.ledger.database import LedgerFile

_INCOMPLETE: Final = "incomplete"


@frozen
class Incomplete:
    """The ledger was damaged at the Unix time `since`; `kept` rows could still be read."""

    since: float
    reason: str
    kept: int


class LedgerMarks:
    """The lasting mark of a ledger from which payments may be missing."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    def incomplete(self) -> Incomplete | None:
        """Return the mark, None where nothing is missing. Raises the ledger's errors."""
        return self._file.read(read_incomplete)

    def acknowledge(self) -> Incomplete | None:
        """Remove the mark by the user's word, and return what it was."""

        def remove(db: sqlite3.Connection) -> Incomplete | None:
            found = read_incomplete(db)
            db.execute("DELETE FROM meta WHERE key = ?", (_INCOMPLETE,))
            db.execute("UPDATE batches SET answers_loss = 0 WHERE answers_loss <> 0")
            return found

        return self._file.transact(remove, durable=True)


def read_incomplete(db: sqlite3.Connection) -> Incomplete | None:
    """Read the mark; one that cannot be understood is a mark all the same."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", (_INCOMPLETE,)).fetchone()
    if row is None:
        return None
    try:
        facts = json.loads(row[0])
        return Incomplete(float(facts["since"]), str(facts["reason"]), int(facts["kept"]))
    except (ValueError, TypeError, KeyError, OverflowError):
        return Incomplete(0.0, "unknown", 0)


def refuse_incomplete(db: sqlite3.Connection) -> None:
    """Raise `LEDGER_INCOMPLETE` where the ledger has the mark."""
    mark = read_incomplete(db)
    if mark is not None:
        raise ModellixError(
            ErrorCode.LEDGER_INCOMPLETE,
            f"The ledger was damaged or lost ({mark.reason}): what earlier runs paid for may be "
            "missing from it.",
        )


def set_incomplete(db: sqlite3.Connection, reason: str, now: float, kept: int) -> None:
    """Set the mark, of which the first reason stays; what answered an earlier one does not count.

    Within a transaction, or as one of its own.
    """
    value = json.dumps({"since": now, "reason": reason, "kept": kept})
    db.execute("INSERT OR IGNORE INTO meta (key, value) VALUES (?, ?)", (_INCOMPLETE, value))
    db.execute("UPDATE batches SET answers_loss = 0 WHERE answers_loss <> 0")

"""Looking at the ledger's file without changing it: no repair, no mark set or removed."""

import sqlite3
from contextlib import closing
from pathlib import Path

from modellix_cli.domain.frozen import frozen
from modellix_cli.ledger.database import FILE_NAME
from modellix_cli.ledger.marks import Incomplete, read_incomplete


@frozen
class Inspection:
    """What is in the ledger at `path`, None where there is no file yet.

    `fault` says why it cannot be used. `incomplete` is its mark that payments may be missing.
    `open` counts the submissions whose outcome is not known.
    """

    path: Path | None = None
    fault: str | None = None
    incomplete: Incomplete | None = None
    tasks: int = 0
    open: int = 0

    @property
    def sound(self) -> bool:
        """Whether it can be used, and nothing is missing from it; also where there is no file."""
        return self.fault is None and self.incomplete is None


def inspect(folder: Path) -> Inspection:
    """Look at the ledger in `folder`, or at the journal.db of earlier versions. Raises nothing."""
    names = (FILE_NAME, "journal.db")
    path = next((folder / name for name in names if (folder / name).exists()), None)
    if path is None:
        return Inspection()
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=1.0)) as db:
            return _count(db, path)
    except (sqlite3.Error, OSError) as error:
        return Inspection(path, str(error))


def _count(db: sqlite3.Connection, path: Path) -> Inspection:
    tasks = int(db.execute("SELECT count(*) FROM tasks").fetchone()[0])
    unknown = db.execute("SELECT count(*) FROM submissions WHERE state IN ('intent', 'unknown')")
    mark = read_incomplete(db) if path.name == FILE_NAME else None
    return Inspection(path, None, mark, tasks, int(unknown.fetchone()[0]))

"""The journal as completion reads it: without creating, locking or repairing anything."""

import sqlite3
from contextlib import closing
from pathlib import Path

from modellix_cli.ledger.journal import Account
from modellix_cli.ledger.journal_file import APPLICATION_ID


def recent_task_ids(journal: Path, account: Account, limit: int) -> list[str]:
    """Return up to `limit` task ids of `account`, the one submitted last first.

    `journal` is the journal's file; without a usable one there are none.
    """
    try:
        # SQLite creates files beside a journal that it opens in WAL mode. Where no process has it
        # open there is no WAL and all is in the file itself, which may be read as it lies there.
        mode = "mode=ro" if Path(f"{journal}-wal").exists() else "mode=ro&immutable=1"
        address = f"{journal.absolute().as_uri()}?{mode}"
        with closing(sqlite3.connect(address, uri=True, timeout=0.1)) as db:
            if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                return []
            rows = db.execute(
                "SELECT task_id FROM tasks WHERE base_url = ? AND profile = ?"
                " ORDER BY created_at DESC, rowid DESC LIMIT ?",
                (account.base_url, account.profile, limit),
            ).fetchall()
    except (sqlite3.Error, OSError, ValueError):
        return []
    return [str(row[0]) for row in rows]

"""The ledger as completion reads it: without creating, locking or repairing anything."""

import sqlite3
from contextlib import closing
from pathlib import Path

from modellix_cli.domain.account import Account
from modellix_cli.ledger.database import FILE_NAME
from modellix_cli.ledger.import_journal import open_unchanged
from modellix_cli.ledger.schema import APPLICATION_ID
from modellix_cli.ledger.sql import Row
from modellix_cli.ledger.tasks import GONE


def recent_task_ids(folder: Path, account: Account, limit: int) -> list[str]:
    """Return up to `limit` task ids of `account`, the one submitted last first.

    `folder` is the ledger's; without a usable one there are none.
    """
    rows = _read(
        folder,
        "SELECT task_id FROM tasks WHERE base_url = ? AND profile = ? AND status IS NOT ?"
        " ORDER BY created_at DESC, rowid DESC LIMIT ?",
        (account.base_url, account.profile, GONE, limit),
    )
    return [str(row[0]) for row in rows]


def recent_batches(folder: Path, account: Account, limit: int) -> list[int]:
    """Return the numbers of up to `limit` batches of `account`, the one begun last first.

    `folder` is the ledger's; without a usable one there are none.
    """
    rows = _read(
        folder,
        "SELECT number FROM batches WHERE base_url = ? AND profile = ?"
        " ORDER BY number DESC LIMIT ?",
        (account.base_url, account.profile, limit),
    )
    return [int(str(row[0])) for row in rows]


def recent_tags(folder: Path, base_url: str, limit: int) -> list[str]:
    """Return up to `limit` tags that requests to an address have, the one used last first.

    `folder` is the ledger's; without a usable one there are none.
    """
    rows = _read(
        folder,
        "SELECT tag FROM submissions WHERE base_url = ? AND tag IS NOT NULL"
        " GROUP BY tag ORDER BY max(number) DESC LIMIT ?",
        (base_url, limit),
    )
    return [str(row[0]) for row in rows]


def recent_unknown(folder: Path, base_url: str, limit: int) -> list[int]:
    """Return the numbers of up to `limit` submissions without a known outcome, the newest first.

    Those that are just being sent are among them. `folder` is the ledger's; without a usable one
    there are none.
    """
    rows = _read(
        folder,
        "SELECT number FROM submissions WHERE base_url = ? AND state IN ('intent', 'unknown')"
        " ORDER BY number DESC LIMIT ?",
        (base_url, limit),
    )
    return [int(str(row[0])) for row in rows]


def _read(folder: Path, query: str, values: tuple[str | int, ...]) -> list[Row]:
    try:
        with closing(open_unchanged(folder / FILE_NAME)) as db:
            if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                return []
            return db.execute(query, values).fetchall()
    except (sqlite3.Error, OSError, ValueError):
        return []

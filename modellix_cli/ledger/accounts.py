"""Which keys belong together: the writer of `accounts`.

A key is known by its mark. The same key under another profile's name is the same account; keys of
one team are linked once the server, or the user, has said so.
"""

import sqlite3
from dataclasses import dataclass

from modellix_cli.domain.account import Account


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """An account in the ledger; accounts of the same `team` pay together."""

    id: int
    team: int


def find_or_add(db: sqlite3.Connection, account: Account, now: float) -> KnownAccount:
    """Return the account of a key, which is added when it is new.

    What an older version recorded for the profile, without a mark, is taken over by the first key
    that the profile has.
    """
    mark = account.key_mark or None
    row = db.execute(
        "SELECT id, team FROM accounts WHERE base_url = ? AND key_mark IS ?"
        " AND (key_mark IS NOT NULL OR profile = ?)",
        (account.base_url, mark, account.profile),
    ).fetchone()
    if row is None and mark is not None:
        row = db.execute(
            "UPDATE accounts SET key_mark = ? WHERE id = (SELECT id FROM accounts"
            " WHERE base_url = ? AND profile = ? AND key_mark IS NULL LIMIT 1)"
            " RETURNING id, team",
            (mark, account.base_url, account.profile),
        ).fetchone()
    if row is None:
        number = db.execute("SELECT coalesce(max(id), 0) + 1 FROM accounts").fetchone()[0]
        db.execute(
            "INSERT INTO accounts (id, base_url, profile, key_mark, team, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (number, account.base_url, account.profile, mark, number, now),
        )
        row = (number, number)
    return KnownAccount(int(row[0]), int(row[1]))


def link(db: sqlite3.Connection, one: int, other: int) -> None:
    """Make two teams one: their keys belong to the same account of the service."""
    db.execute("UPDATE accounts SET team = ? WHERE team = ?", (min(one, other), max(one, other)))

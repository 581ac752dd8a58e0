"""Which keys belong together: the writer of `accounts`.

A key is known by its mark. The same key under another profile's name is the same account; keys of
one team are linked once the server, or the user, has said so.
"""

import sqlite3

from modellix_cli.domain.account import Account
from modellix_cli.domain.frozen import frozen


@frozen
class KnownAccount:
    """An account in the ledger; accounts of the same `team` pay together."""

    id: int
    team: int


def find(db: sqlite3.Connection, account: Account) -> KnownAccount | None:
    """Return the account of a key, None if the ledger has none.

    Without a key that is the one that the profile used last; for a key that was not used yet, what
    the profile recorded without one.
    """
    row = db.execute(
        "SELECT id, team FROM accounts WHERE base_url = :url AND (key_mark = :mark"
        " OR profile = :profile AND (:mark = '' OR key_mark IS NULL))"
        " ORDER BY key_mark IS NOT :mark, id DESC LIMIT 1",
        {"url": account.base_url, "mark": account.key_mark, "profile": account.profile},
    ).fetchone()
    return KnownAccount(int(row[0]), int(row[1])) if row else None


def find_or_add(db: sqlite3.Connection, account: Account, now: float) -> KnownAccount:
    """Return the account of a key, which is added when it is new.

    What was recorded for the profile without a key, as by an older version, is taken over by the
    first key that the profile has.
    """
    found = find(db, account)
    mark = account.key_mark or None
    if found is not None:
        if mark is not None:
            statement = "UPDATE accounts SET key_mark = ? WHERE id = ? AND key_mark IS NULL"
            db.execute(statement, (mark, found.id))
        return found
    number = db.execute("SELECT coalesce(max(max(id), max(team)), 0) + 1 FROM accounts")
    new = int(number.fetchone()[0])
    db.execute(
        "INSERT INTO accounts (id, base_url, profile, key_mark, team, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (new, account.base_url, account.profile, mark, new, now),
    )
    return KnownAccount(new, new)


def link(db: sqlite3.Connection, one: int, other: int) -> None:
    """Make two teams one: their keys belong to the same account of the service."""
    db.execute("UPDATE accounts SET team = ? WHERE team = ?", (min(one, other), max(one, other)))

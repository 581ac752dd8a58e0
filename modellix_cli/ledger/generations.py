"""How often the user started over with a request: `model batch --new` begins a generation.

What was sent in an earlier generation does not count as paid for. A generation of which nothing was
sent was never begun: the next batch goes by what was paid for before.
"""

import sqlite3
from typing import Final

_OF_BATCHES: Final = """
coalesce((SELECT max(o.generation) FROM batch_lines AS o JOIN batches AS b ON b.number = o.batch
  JOIN accounts AS a ON a.id = b.account
  WHERE o.identity = {identity} AND o.batch <> {batch} AND a.team = :team), 0)"""
_OF_SUBMISSIONS: Final = """
coalesce((SELECT max(o.generation) FROM submissions AS o JOIN accounts AS a ON a.id = o.account
  WHERE o.identity = {identity} AND o.state <> 'rejected' AND a.team = :team), 0)"""
_CURRENT: Final = f"max({_OF_BATCHES}, {_OF_SUBMISSIONS})"
_OF_LINE: Final = _CURRENT.format(identity="batch_lines.identity", batch=":batch") + " + :over"
_SET: Final = (
    f"UPDATE batch_lines SET generation = {_OF_LINE} WHERE batch = :batch"  # noqa: S608 - constants
    f" AND identity IS NOT NULL AND generation <> {_OF_LINE}"
)
_SENT: Final = (
    "SELECT 1 FROM batch_lines AS l JOIN submissions AS s ON s.number = l.submission"
    " WHERE l.batch = ?1 AND s.batch = ?1 AND s.state <> 'rejected' LIMIT 1"
)


def current_generation(db: sqlite3.Connection, identity: str, team: int) -> int:
    """Return the generation that a single run of a request belongs to."""
    current = _CURRENT.format(identity=":identity", batch="-1")
    return int(db.execute(f"SELECT {current}", {"identity": identity, "team": team}).fetchone()[0])


def set_generations(db: sqlite3.Connection, batch: int, team: int, *, over: bool) -> None:
    """Give the lines of a batch the current generation of their requests, `over` the next one."""
    db.execute(_SET, {"batch": batch, "team": team, "over": over})


def take_back_unsent(db: sqlite3.Connection, batch: int, team: int) -> None:
    """Let a batch that started over, and of which nothing was sent, not have started over."""
    over = db.execute(
        "SELECT 1 FROM batch_lines WHERE batch = ? AND generation > 0 LIMIT 1", (batch,)
    ).fetchone()
    if over and db.execute(_SENT, (batch,)).fetchone() is None:
        set_generations(db, batch, team, over=False)

"""What was asked and what came of it, as one record each, from all tables together.

Nothing is written here. A record is a task, with the submission that created it if that was made
here; or a submission without a task: refused, of unknown outcome, or just being sent.
"""

# ruff: noqa: S608 - what is put together are constants
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonError, loads
from modellix_cli.ledger.bodies import unpacked
from modellix_cli.ledger.request_records import (
    SELECT_SUBMISSIONS,
    SELECT_TASKS,
    SUBMISSION_OF_TASK,
    Record,
    RecordRow,
    read_record,
)
from modellix_cli.ledger.sql import Values, search_text
from modellix_cli.ledger.task_records import KeptFile

PAGE: Final = 50
"""Records that are read at a time, so that a long ledger takes little memory."""

_FILES: Final = """
SELECT position, path, size, sha256, type, url FROM files
WHERE base_url = ? AND task_id = ? ORDER BY position, saved_at"""
_OF_NO_SUBMISSION: Final = """NOT EXISTS (SELECT 1 FROM submissions AS a
  WHERE a.task_id = t.task_id AND a.base_url = t.base_url)"""


@frozen
class Wanted:
    """Which records are meant; None does not limit them.

    `since` is the Unix time of the request, `model` a slug, `search` a text in the body, the model,
    the id, the tag or the name of the batch line, whatever its case; `statuses` are in lower case.
    """

    since: float | None = None
    model: str | None = None
    tag: str | None = None
    search: str | None = None
    statuses: frozenset[str] | None = None

    @property
    def values(self) -> Values:
        """What the statements ask for."""
        search = None if self.search is None else search_text(self.search.casefold())
        return {"since": self.since, "model": self.model, "tag": self.tag, "search": search}


EVERYTHING: Final = Wanted()


def count_tasks(db: sqlite3.Connection, scope: Values, wanted: Wanted) -> int:
    """Return how many tasks are wanted."""
    joins = "" if wanted.tag is None and wanted.search is None else SUBMISSION_OF_TASK
    statement = f"SELECT count(*) FROM tasks AS t {joins} WHERE {_of_tasks(db, wanted)}"
    return int(db.execute(statement, {**scope, **wanted.values}).fetchone()[0])


def newest_tasks(
    db: sqlite3.Connection, scope: Values, wanted: Wanted, limit: int, now: float
) -> Iterator[Record]:
    """Yield the wanted tasks, the one heard of last first.

    `scope` is the sandbox's address as `url`, whether its records or all others are meant as
    `sandbox`, and the `profile`, None for all.
    """
    order = "ORDER BY t.updated_at DESC, t.rowid DESC LIMIT :limit"
    values = {**scope, **wanted.values, "limit": limit}
    for row in db.execute(f"{SELECT_TASKS} WHERE {_of_tasks(db, wanted)} {order}", values):
        yield read_record(RecordRow(*row), now)


def newest_submissions(
    db: sqlite3.Connection, scope: Values, wanted: Wanted, where: str, now: float
) -> Iterator[Record]:
    """Yield the wanted submissions for which `where` holds, the newest first."""
    statement = f"{SELECT_SUBMISSIONS} WHERE {_of_submissions(db, wanted)} AND {where}"
    for row in db.execute(f"{statement} ORDER BY s.number DESC", {**scope, **wanted.values}):
        record = read_record(RecordRow(*row), now)
        if wanted.statuses is None or record.word in wanted.statuses:
            yield record


def page_of_submissions(
    db: sqlite3.Connection, scope: Values, wanted: Wanted, after: int, now: float
) -> tuple[list[Record], int | None]:
    """Return wanted submissions with numbers above `after`, with their files and the last number.

    That is None at the end; what is returned may be few, or none, before it.
    """
    where = f"{_of_submissions(db, wanted)} AND s.number > :after ORDER BY s.number LIMIT {PAGE}"
    return _page(db, f"{SELECT_SUBMISSIONS} WHERE {where}", scope, wanted, after, now)


def page_of_other_tasks(
    db: sqlite3.Connection, scope: Values, wanted: Wanted, after: int, now: float
) -> tuple[list[Record], int | None]:
    """As `page_of_submissions`, of the tasks that were submitted elsewhere."""
    where = f"{_of_tasks(db, wanted)} AND {_OF_NO_SUBMISSION} AND t.rowid > :after"
    statement = f"{SELECT_TASKS} WHERE {where} ORDER BY t.rowid LIMIT {PAGE}"
    return _page(db, statement, scope, wanted, after, now)


def select_tasks(
    db: sqlite3.Connection, where: str, values: Values, now: float
) -> Iterator[Record]:
    """Yield the tasks, called `t`, for which `where` holds."""
    rows = db.execute(f"{SELECT_TASKS} WHERE {where}", values)
    return (read_record(RecordRow(*row), now) for row in rows)


def select_submissions(
    db: sqlite3.Connection, where: str, values: Values, now: float
) -> Iterator[Record]:
    """Yield the submissions, called `s`, for which `where` holds."""
    rows = db.execute(f"{SELECT_SUBMISSIONS} WHERE {where}", values)
    return (read_record(RecordRow(*row), now) for row in rows)


def with_files(db: sqlite3.Connection, record: Record) -> Record:
    """Return a record with the files that were saved of its task."""
    if record.task_id is None:
        return record
    rows = db.execute(_FILES, (record.base_url, record.task_id))
    return replace(record, files=tuple(KeptFile.of_row(*row) for row in rows))


def _page(
    db: sqlite3.Connection,
    statement: str,
    scope: Values,
    wanted: Wanted,
    after: int,
    now: float,
) -> tuple[list[Record], int | None]:
    rows = db.execute(statement, {**scope, **wanted.values, "after": after}).fetchall()
    records = (read_record(RecordRow(*row), now) for row in rows)
    kept = [r for r in records if wanted.statuses is None or (r.word or "") in wanted.statuses]
    return [with_files(db, record) for record in kept], rows[-1][0] if rows else None


def _of_tasks(db: sqlite3.Connection, wanted: Wanted) -> str:
    """Return the condition on tasks, called `t`; the statuses are part of it."""
    where = _where(db, wanted, "t")
    if wanted.statuses is None:
        return where
    # What SQL compares here are words of the server: none is made part of the statement.
    statuses = wanted.statuses
    db.create_function("is_wanted", 1, lambda word: (word or "").lower() in statuses)
    return f"{where} AND is_wanted(t.status)"


def _of_submissions(db: sqlite3.Connection, wanted: Wanted) -> str:
    """Return the condition on submissions, called `s`; statuses depend on which processes live."""
    return _where(db, wanted, "s")


def _where(db: sqlite3.Connection, wanted: Wanted, of: str) -> str:
    parts = [
        f"({of}.base_url = :url) = :sandbox AND (:profile IS NULL OR {of}.profile = :profile)",
        f"{of}.created_at >= :since" if wanted.since is not None else "",
        f"{of}.slug = :model" if wanted.model is not None else "",
        "s.tag = :tag" if wanted.tag is not None else "",
    ]
    if wanted.search is not None:
        db.create_function("mentions", -1, _mentions)
        where = f"mentions(:search, {of}.task_id, {of}.slug, s.tag, s.line_id, b.compressed)"
        parts.append(where)
    return " AND ".join(filter(None, parts))


def _mentions(text: str, *places: str | bytes | None) -> bool:
    """Whether `text` is in one of the places, whatever its case; bytes are a compressed body."""
    return any(
        text in value.casefold()
        for place in places
        if place is not None
        for value in (_texts(place) if isinstance(place, bytes) else (place,))
    )


def _texts(compressed: bytes) -> Iterator[str]:
    """Yield the texts among the values of a body."""
    try:
        waiting = [loads(unpacked(compressed) or b"")]
    except JsonError:
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list):
            waiting += value.values() if isinstance(value, dict) else value
        elif isinstance(value, str):
            yield value

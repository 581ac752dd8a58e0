"""What was asked and what came of it, as one record each, from all tables together.

Nothing is written here. A record is a task, with the submission that created it if that was made
here; or a submission without a task: refused, of unknown outcome, or just being sent.
"""

# ruff: noqa: S608 - what is put together are constants
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from modellix_cli.clock import iso
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonError, Number, loads
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.ledger.attempts import state_now
from modellix_cli.ledger.bodies import unpacked
from modellix_cli.ledger.task_records import KeptFile
from modellix_cli.ledger.tasks import GONE

PAGE: Final = 50
"""Records that are read at a time, so that a long ledger takes little memory."""
SENDING: Final = "sending"
SUBMITTED: Final = "submitted"

_SENT: Final = """
s.number, s.state, s.detail, s.estimated_cost, s.batch, s.line, s.line_id, s.tag, s.request_key,
s.webhook, s.replaces, s.host, s.boot, s.pid, s.process_started, s.lease_until, b.compressed"""
_SUBMISSION_OF_TASK: Final = f"""
LEFT JOIN submissions AS s ON s.number = (SELECT max(a.number) FROM submissions AS a
  WHERE a.task_id = t.task_id AND a.base_url = t.base_url
    AND (a.state = 'accepted' OR t.status = '{GONE}'))
LEFT JOIN bodies AS b ON b.sha256 = s.body_sha256"""
_TASKS: Final = f"""
SELECT t.rowid, t.base_url, t.profile, t.slug, t.created_at, t.updated_at, t.task_id, t.status,
  t.ended_at, t.saved_at, t.expires_at, t.billed_cost, {_SENT}
FROM tasks AS t {_SUBMISSION_OF_TASK}"""
_SUBMISSIONS: Final = f"""
SELECT s.number, s.base_url, s.profile, s.slug, s.created_at, s.updated_at, s.task_id, t.status,
  t.ended_at, t.saved_at, t.expires_at, coalesce(s.billed_cost, t.billed_cost), {_SENT}
FROM submissions AS s
LEFT JOIN bodies AS b ON b.sha256 = s.body_sha256
LEFT JOIN tasks AS t ON t.rowid = (SELECT o.rowid FROM tasks AS o
  WHERE o.base_url = s.base_url AND o.task_id = s.task_id
  ORDER BY o.updated_at DESC LIMIT 1)"""
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
    def values(self) -> dict[str, Any]:
        """What the statements ask for."""
        search = None if self.search is None else self.search.casefold()
        return {"since": self.since, "model": self.model, "tag": self.tag, "search": search}


EVERYTHING: Final = Wanted()


@frozen
class Record:
    """A task, a submission, or both. Times are Unix times, costs US dollars as text.

    `number` and `state` are those of the submission, None where the task was not submitted here.
    `detail` says why it was refused or is unknown. `body` is None where it was not kept.
    """

    base_url: str
    profile: str
    slug: str | None
    created_at: float
    updated_at: float
    task_id: str | None
    status: str | None
    ended_at: float | None = None
    saved_at: float | None = None
    expires_at: float | None = None
    billed_cost: str | None = None
    number: int | None = None
    state: SubmissionState | None = None
    in_flight: bool = False
    detail: str | None = None
    estimated_cost: str | None = None
    batch: int | None = None
    line: int | None = None
    line_id: str | None = None
    tag: str | None = None
    request_key: str | None = None
    webhook: str | None = None
    replaces: int | None = None
    body: bytes | None = None
    files: tuple[KeptFile, ...] = ()

    @property
    def word(self) -> str | None:
        """How it stands, in one word: the status of the task, or what became of the submission."""
        if self.in_flight:
            return SENDING
        if self.state in (None, SubmissionState.ACCEPTED) or self.status == GONE:
            return self.status or (SUBMITTED if self.state else None)
        return str(self.state)

    def as_dict(self) -> dict[str, Any]:
        """Return an element of `entries` in the JSON output; what is not known is left out."""
        facts = {
            "createdAt": iso(self.created_at),
            "taskId": self.task_id,
            "updatedAt": iso(self.updated_at),
            "baseUrl": self.base_url,
            "modelSlug": self.slug,
            "profile": self.profile,
            "status": self.word,
            "endedAt": iso(self.ended_at) if self.ended_at and self.ended_at > 0 else None,
            "savedAt": iso(self.saved_at) if self.saved_at else None,
            "expiresAt": iso(self.expires_at) if self.expires_at else None,
            "billedUsd": Number(self.billed_cost) if self.billed_cost else None,
            "estimatedUsd": Number(self.estimated_cost) if self.estimated_cost else None,
            "request": self.number,
            "batch": self.batch,
            "line": self.line,
            "lineId": self.line_id,
            "tag": self.tag,
        }
        return {name: value for name, value in facts.items() if value is not None}


def count_tasks(db: sqlite3.Connection, scope: dict[str, Any], wanted: Wanted) -> int:
    """Return how many tasks are wanted."""
    joins = "" if wanted.tag is None and wanted.search is None else _SUBMISSION_OF_TASK
    statement = f"SELECT count(*) FROM tasks AS t {joins} WHERE {_of_tasks(db, wanted)}"
    return int(db.execute(statement, scope | wanted.values).fetchone()[0])


def newest_tasks(
    db: sqlite3.Connection, scope: dict[str, Any], wanted: Wanted, limit: int, now: float
) -> Iterator[Record]:
    """Yield the wanted tasks, the one heard of last first.

    `scope` is the sandbox's address as `url`, whether its records or all others are meant as
    `sandbox`, and the `profile`, None for all.
    """
    order = "ORDER BY t.updated_at DESC, t.rowid DESC LIMIT :limit"
    values = scope | wanted.values | {"limit": limit}
    for row in db.execute(f"{_TASKS} WHERE {_of_tasks(db, wanted)} {order}", values):
        yield read_record(row, now)


def newest_submissions(
    db: sqlite3.Connection, scope: dict[str, Any], wanted: Wanted, where: str, now: float
) -> Iterator[Record]:
    """Yield the wanted submissions for which `where` holds, the newest first."""
    statement = f"{_SUBMISSIONS} WHERE {_of_submissions(db, wanted)} AND {where}"
    for row in db.execute(f"{statement} ORDER BY s.number DESC", scope | wanted.values):
        record = read_record(row, now)
        if wanted.statuses is None or record.word in wanted.statuses:
            yield record


def page_of_submissions(
    db: sqlite3.Connection, scope: dict[str, Any], wanted: Wanted, after: int, now: float
) -> tuple[list[Record], int | None]:
    """Return wanted submissions with numbers above `after`, with their files and the last number.

    That is None at the end; what is returned may be few, or none, before it.
    """
    where = f"{_of_submissions(db, wanted)} AND s.number > :after ORDER BY s.number LIMIT {PAGE}"
    return _page(db, f"{_SUBMISSIONS} WHERE {where}", scope, wanted, after, now)


def page_of_other_tasks(
    db: sqlite3.Connection, scope: dict[str, Any], wanted: Wanted, after: int, now: float
) -> tuple[list[Record], int | None]:
    """As `page_of_submissions`, of the tasks that were submitted elsewhere."""
    where = f"{_of_tasks(db, wanted)} AND {_OF_NO_SUBMISSION} AND t.rowid > :after"
    statement = f"{_TASKS} WHERE {where} ORDER BY t.rowid LIMIT {PAGE}"
    return _page(db, statement, scope, wanted, after, now)


def select_tasks(
    db: sqlite3.Connection, where: str, values: dict[str, Any], now: float
) -> Iterator[Record]:
    """Yield the tasks, called `t`, for which `where` holds."""
    return (read_record(row, now) for row in db.execute(f"{_TASKS} WHERE {where}", values))


def select_submissions(
    db: sqlite3.Connection, where: str, values: dict[str, Any], now: float
) -> Iterator[Record]:
    """Yield the submissions, called `s`, for which `where` holds."""
    return (read_record(row, now) for row in db.execute(f"{_SUBMISSIONS} WHERE {where}", values))


def with_files(db: sqlite3.Connection, record: Record) -> Record:
    """Return a record with the files that were saved of its task."""
    if record.task_id is None:
        return record
    rows = db.execute(_FILES, (record.base_url, record.task_id))
    return replace(record, files=tuple(KeptFile(*row) for row in rows))


def read_record(row: Any, now: float) -> Record:
    """Read a row of `_TASKS` or `_SUBMISSIONS`."""
    facts, number, word, detail, more = row[1:12], row[12], row[13], row[14], row[15:23]
    owner, compressed = row[23:28], row[28]
    state, in_flight = None, False
    if number is not None:
        state, in_flight, detail = state_now(word, facts[5], detail, owner, now)
    body = None if compressed is None else unpacked(compressed)
    values = (*facts, number, state, in_flight, detail, *more, body)
    return Record(*values)


def _page(
    db: sqlite3.Connection,
    statement: str,
    scope: dict[str, Any],
    wanted: Wanted,
    after: int,
    now: float,
) -> tuple[list[Record], int | None]:
    rows = db.execute(statement, scope | wanted.values | {"after": after}).fetchall()
    records = (read_record(row, now) for row in rows)
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

"""From a file back to its task: reading `files`, `tasks` and `submissions`, whatever the address.

Nothing is written here.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonError, loads
from modellix_cli.domain.money import Money
from modellix_cli.ledger.bodies import unpacked
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.sql import path_from, path_value

_MOST: Final = 20
_MOST_URLS: Final = 50
_FILES: Final = "SELECT base_url, task_id, position, path, sha256 FROM files WHERE"
_NEWEST: Final = f"ORDER BY saved_at DESC LIMIT {_MOST}"
_TASK: Final = """
SELECT slug, status, created_at, billed_cost, profile FROM tasks
WHERE base_url = :url AND task_id = :task ORDER BY slug IS NULL, updated_at DESC LIMIT 1"""
_SUBMISSION: Final = """
SELECT s.number, s.slug, s.created_at, s.billed_cost, s.estimated_cost, s.profile, s.batch, s.line,
  s.line_id, s.tag, b.compressed
FROM submissions AS s LEFT JOIN bodies AS b ON b.sha256 = s.body_sha256
WHERE s.base_url = :url AND s.task_id = :task ORDER BY s.number DESC LIMIT 1"""
_MADE: Final = """
SELECT DISTINCT task_id FROM files
WHERE base_url = :url AND (url = :at OR url >= :at || '?' AND url < :at || '@')"""
_ADDRESSES: Final = """
SELECT base_url FROM tasks WHERE task_id = :task
UNION SELECT base_url FROM submissions WHERE task_id = :task"""


@frozen
class FileOfTask:
    """A file that was saved of a task; `sha256` is that of its content then."""

    base_url: str
    task_id: str
    position: int
    path: str
    sha256: str | None


@frozen
class Origin:
    """A task and the request that made it, as far as the ledger knows them.

    `body` is what was sent, `request` the number of the submission. `created_at` is a Unix time.
    `sources` are the tasks whose saved results the body names by their URLs.
    """

    base_url: str
    task_id: str
    slug: str | None
    status: str | None
    profile: str
    created_at: float
    billed: Money | None
    estimated: Money | None = None
    request: int | None = None
    batch: int | None = None
    line: int | None = None
    line_id: str | None = None
    tag: str | None = None
    body: bytes | None = None
    sources: tuple[str, ...] = ()


class Origins:
    """The saved files of all accounts and addresses, and where they came from."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    def with_content(self, sha256: str) -> list[FileOfTask]:
        """Return the files of this content, the one saved last first. Raises the ledger's errors.

        `sha256` is in hex.
        """
        return self._files("sha256 = ?", sha256)

    def at_path(self, *paths: str) -> list[FileOfTask]:
        """Return what was saved at one of these paths, the last one first."""
        return self._files(f"path IN ({', '.join('?' * len(paths))})", *map(path_value, paths))

    def of_task(self, task_id: str) -> list[Origin]:
        """Return what is known of a task, once for each address that has one of this id."""
        rows = self._file.read(lambda db: db.execute(_ADDRESSES, {"task": task_id}).fetchall())
        found = [self.of(str(row[0]), task_id) for row in rows]
        return sorted((o for o in found if o is not None), key=lambda o: -o.created_at)

    def of(self, base_url: str, task_id: str) -> Origin | None:
        """Return what is known of a task at an address, None if nothing is."""
        values = {"url": base_url, "task": task_id}

        def find(db: sqlite3.Connection) -> Origin | None:
            task = db.execute(_TASK, values).fetchone()
            sent = db.execute(_SUBMISSION, values).fetchone()
            if task is None and sent is None:
                return None
            origin = _origin(
                base_url, task_id, task and _TaskRow(*task), sent and _SubmissionRow(*sent)
            )
            return replace(origin, sources=find_sources(db, base_url, origin.body, task_id))

        return self._file.read(find, brief=True)

    def _files(self, where: str, *values: str | bytes) -> list[FileOfTask]:
        statement = f"{_FILES} {where} {_NEWEST}"
        rows = self._file.read(lambda db: db.execute(statement, values).fetchall())
        return [
            FileOfTask(base_url, task_id, position, path_from(path), sha256)
            for base_url, task_id, position, path, sha256 in rows
        ]


def find_sources(
    db: sqlite3.Connection, base_url: str, body: bytes | None, task_id: str | None
) -> tuple[str, ...]:
    """Return the tasks, but for `task_id`, that made what a body names by its URLs.

    Only files that were saved here are known; the query of a URL does not count, as it is a
    signature.
    """
    found: dict[str, None] = {}
    for url in _urls(body):
        rows = db.execute(_MADE, {"url": base_url, "at": url.partition("?")[0]})
        found |= {str(row[0]): None for row in rows if row[0] != task_id}
    return tuple(found)


def _urls(body: bytes | None) -> Iterator[str]:
    """Yield the URLs among the values of a body, in their order."""
    try:
        waiting = [loads(body or b"")]
    except JsonError:
        return
    left = _MOST_URLS
    while waiting and left:
        value = waiting.pop()
        if isinstance(value, dict | list):
            waiting += reversed([*value.values()] if isinstance(value, dict) else value)
        elif isinstance(value, str) and value.startswith(("https://", "http://")):
            left -= 1
            yield value


@frozen
class _TaskRow:
    slug: str | None
    status: str | None
    created_at: float
    billed_cost: str | None
    profile: str


@frozen
class _SubmissionRow:
    number: int
    slug: str
    created_at: float
    billed_cost: str | None
    estimated_cost: str | None
    profile: str
    batch: int | None
    line: int | None
    line_id: str | None
    tag: str | None
    compressed: bytes | None


def _origin(
    base_url: str, task_id: str, task: _TaskRow | None, sent: _SubmissionRow | None
) -> Origin:
    """Put together what is known of a task and its submission, at least one of which is there."""
    seen = task or _TaskRow(None, None, 0.0, None, "")
    known = Origin(
        base_url,
        task_id,
        seen.slug,
        seen.status,
        seen.profile,
        float(seen.created_at),
        _money(seen.billed_cost),
    )
    if sent is None:
        return known
    return replace(
        known,
        slug=sent.slug or seen.slug,
        profile=sent.profile,
        created_at=float(sent.created_at),
        billed=_money(sent.billed_cost or seen.billed_cost),
        estimated=_money(sent.estimated_cost),
        request=sent.number,
        batch=sent.batch,
        line=sent.line,
        line_id=sent.line_id,
        tag=sent.tag,
        body=None if sent.compressed is None else unpacked(sent.compressed),
    )


def _money(text: str | None) -> Money | None:
    return None if text is None else Money.parse(text)

"""What is known about tasks whose results were saved: the request, the cost and the files."""

import sqlite3
from collections.abc import Callable
from typing import Final, TypeVar

from modellix_cli.domain.frozen import frozen
from modellix_cli.ledger.bodies import unpacked
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.history import Scope
from modellix_cli.ledger.sql import Values
from modellix_cli.ledger.task_records import KeptFile

T = TypeVar("T")

_WITH_FILES: Final = """
SELECT t.base_url, t.task_id, t.profile, t.slug, t.status, t.created_at, t.ended_at,
  t.billed_cost, s.estimated_cost, s.batch, s.line, s.line_id, s.tag, b.compressed
FROM tasks AS t
LEFT JOIN submissions AS s ON s.number = (
  SELECT max(number) FROM submissions
  WHERE task_id = t.task_id AND base_url = t.base_url AND state = 'accepted')
LEFT JOIN bodies AS b ON b.sha256 = s.body_sha256
WHERE (t.base_url = :url) = :sandbox AND (:profile IS NULL OR t.profile = :profile)
  AND t.created_at >= :since
  AND (:model IS NULL OR instr(lower(t.slug), lower(:model)) > 0)
  AND EXISTS (SELECT 1 FROM files AS f WHERE f.base_url = t.base_url AND f.task_id = t.task_id)
ORDER BY t.created_at DESC, t.rowid DESC"""

_FILES: Final = """
SELECT base_url, task_id, position, path, size, sha256, type, url FROM files
WHERE (base_url = :url) = :sandbox ORDER BY position, saved_at"""

_VERSION: Final = """
SELECT (SELECT count(*) FROM files), (SELECT max(saved_at) FROM files),
  (SELECT count(*) FROM tasks), (SELECT max(updated_at) FROM tasks)"""


@frozen
class TaskQuery:
    """Which tasks are meant: those created since a Unix time, of models whose slug contains a text.

    At most `limit`, the newest ones.
    """

    scope: Scope
    limit: int
    since: float = 0.0
    model: str | None = None


@frozen
class TaskDetails:
    """A task whose results were saved. Times are Unix times, costs US dollars as text.

    `body` is what was sent, None where it was not kept; `files` in the order of the resources, of
    one that was saved more than once the newest last.
    """

    base_url: str
    task_id: str
    profile: str
    slug: str | None
    status: str | None
    created_at: float
    ended_at: float | None
    billed_cost: str | None
    estimated_cost: str | None
    batch: int | None
    line: int | None
    line_id: str | None
    tag: str | None
    body: bytes | None
    files: tuple[KeptFile, ...]


class TaskDetailsReader:
    """Reads what the ledger's tables know together about saved tasks; it writes nothing.

    `sandbox_url` is the base URL that marks the sandbox's tasks.
    """

    def __init__(self, file: LedgerFile, sandbox_url: str) -> None:
        self._file = file
        self._sandbox_url = sandbox_url

    def find(self, query: TaskQuery, use: Callable[[TaskDetails], T]) -> tuple[list[T], int]:
        """Return what `use` makes of the newest saved tasks, and how many there are in all.

        It is asked while they are read, so that not all bodies are in memory at once, perhaps more
        than once. A task that was seen under two profiles counts once. Raises the ledger's errors.
        """
        values = {
            "url": self._sandbox_url,
            "sandbox": query.scope.sandbox,
            "profile": query.scope.profile,
            "since": query.since,
            "model": query.model,
        }

        def read(db: sqlite3.Connection) -> tuple[list[T], int]:
            files = _files_by_task(db, values)
            found: list[T] = []
            seen = set[tuple[str, str]]()
            for row in db.execute(_WITH_FILES, values):
                key = (row[0], row[1])
                if key not in seen and len(found) < query.limit:
                    *facts, compressed = row
                    facts.append(None if compressed is None else unpacked(compressed))
                    facts.append(tuple(files.get(key, ())))
                    found.append(use(TaskDetails(*facts)))
                seen.add(key)
            return found, len(seen)

        return self._file.read(read)

    def version(self) -> str:
        """Return a text that changes when tasks end or files are saved."""
        row = self._file.read(lambda db: db.execute(_VERSION).fetchone())
        return "-".join(str(value) for value in row)


def _files_by_task(db: sqlite3.Connection, values: Values) -> dict[tuple[str, str], list[KeptFile]]:
    files: dict[tuple[str, str], list[KeptFile]] = {}
    scope = {name: values[name] for name in ("url", "sandbox")}
    for base_url, task_id, *facts in db.execute(_FILES, scope):
        files.setdefault((base_url, task_id), []).append(KeptFile.of_row(*facts))
    return files

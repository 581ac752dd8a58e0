"""What the sandbox remembers, in SQLite: tasks, balance, uploads, counts.

One store serves many threads, and one file many processes: every change is one transaction.
"""

import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from modellix_cli.clock import Clock
from modellix_cli.sandbox.database import create_tables, open_database
from modellix_cli.sandbox.limits import Limits, Window


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task: when it was created and ends (Unix times), and what it makes (see `Order`)."""

    task_id: str
    slug: str
    created: float
    ended: float
    seed: str
    width: int
    height: int
    count: int
    clip_seconds: int


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """An uploaded input; `type` is its media type, `created` a Unix time."""

    file_id: str
    filename: str
    type: str
    created: float
    content: bytes


class Store:
    """The memory of one sandbox, at `path` or (None) for as long as this object lives.

    Raises `OSError` if the file cannot be opened.
    """

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._connection = open_database(path)
        # Closes also a store that nobody closed, at the latest when Python ends.
        self._close = weakref.finalize(self, self._connection.close)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _row(self, query: str, *values: Any) -> tuple[Any, ...] | None:
        with self._lock:
            row: tuple[Any, ...] | None = self._connection.execute(query, values).fetchone()
        return row

    def arrive(self, limits: Limits, *, counts: bool) -> Window:
        """Note an API request and, if it `counts`, admit it to the team's window if there is room.

        A window begins with its first request. Refused requests take no room.
        """
        now = self._clock.now()
        with self._transaction() as connection:
            _increment(connection, "requests")
            start, used = connection.execute(
                "SELECT window_start, window_count FROM team"
            ).fetchone()
            if used == 0 or not start <= now < start + limits.window_seconds:
                start, used = now, 0
            allowed = limits.requests_per_window
            admitted = not counts or allowed == 0 or used < allowed
            if counts and admitted:
                used += 1
                connection.execute(
                    "UPDATE team SET window_start = ?, window_count = ?", (start, used)
                )
        return Window(admitted, max(0, allowed - used), start + limits.window_seconds)

    def create(
        self, task: TaskRecord, micro_dollars: int, running_tasks: int
    ) -> Literal["created", "broke", "busy"]:
        """Add a task and take its price, if the balance and the number of running tasks allow."""
        with self._transaction() as connection:
            (balance,) = connection.execute("SELECT balance FROM team").fetchone()
            if balance < micro_dollars:
                return "broke"
            (running,) = connection.execute(
                "SELECT count(*) FROM tasks WHERE ended > ?", (task.created,)
            ).fetchone()
            if running_tasks and running >= running_tasks:
                return "busy"
            connection.execute("UPDATE team SET balance = balance - ?", (micro_dollars,))
            connection.execute("INSERT INTO tasks VALUES (?,?,?,?,?,?,?,?,?)", astuple(task))
        return "created"

    def task(self, task_id: str) -> TaskRecord | None:
        """Return a task, or None if there is none of that id."""
        row = self._row("SELECT * FROM tasks WHERE task_id = ?", task_id)
        return TaskRecord(*row) if row else None

    def balance(self) -> int:
        """Return what the team has, in millionths of a dollar."""
        row = self._row("SELECT balance FROM team")
        assert row is not None
        return int(row[0])

    def add_upload(self, upload: UploadRecord) -> None:
        """Keep an uploaded file."""
        with self._transaction() as connection:
            connection.execute("INSERT INTO uploads VALUES (?,?,?,?,?)", astuple(upload))

    def upload(self, file_id: str) -> UploadRecord | None:
        """Return an uploaded file, or None if there is none of that id."""
        row = self._row("SELECT * FROM uploads WHERE file_id = ?", file_id)
        return UploadRecord(*row) if row else None

    def delete_upload(self, file_id: str) -> bool:
        """Forget an uploaded file; return whether there was one."""
        with self._transaction() as connection:
            deleted = connection.execute("DELETE FROM uploads WHERE file_id = ?", (file_id,))
        return deleted.rowcount > 0

    def count(self, name: str) -> int:
        """Add one to the count `name` and return it; the first time it is 1."""
        with self._transaction() as connection:
            return _increment(connection, name)

    def start_over(self, name: str) -> None:
        """Let the count `name` begin again."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM counts WHERE name = ?", (name,))

    def stats(self) -> dict[str, Any]:
        """Return the counts for test code; see `service`."""
        with self._transaction() as connection:
            counts = dict(connection.execute("SELECT name, times FROM counts").fetchall())
            (tasks,) = connection.execute("SELECT count(*) FROM tasks").fetchone()
        posts = {name[6:]: n for name, n in sorted(counts.items()) if name.startswith("posts ")}
        return {
            "posts": posts,
            "tasks_created": tasks,
            "requests": counts.get("requests", 0),
            "refused": counts.get("refused", 0),
        }

    def reset(self) -> None:
        """Forget everything; the balance is the first one again."""
        with self._transaction() as connection:
            create_tables(connection, anew=True)

    def close(self) -> None:
        """Close the database; nothing else may be called afterwards."""
        with self._lock:
            self._close()


def _increment(connection: sqlite3.Connection, name: str) -> int:
    (times,) = connection.execute(
        "INSERT INTO counts VALUES (?, 1) "
        "ON CONFLICT (name) DO UPDATE SET times = times + 1 RETURNING times",
        (name,),
    ).fetchone()
    return int(times)

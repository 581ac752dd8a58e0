"""What the sandbox remembers, in SQLite: tasks, balances, uploads, counts, webhook deliveries.

One store serves many threads, and one file many processes: every change is one transaction.
"""

import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from secrets import token_hex
from threading import Lock
from typing import Any, Final, Literal

from modellix_cli.clock import Clock
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.sandbox.database import FIRST_BALANCE, empty_tables, open_database
from modellix_cli.sandbox.limits import Limits, Window
from modellix_cli.sandbox.prices import MICRO
from modellix_cli.sandbox.records import Delivery, TaskRecord, UploadRecord

_ADD_TASK: Final = "INSERT INTO tasks VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"


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

    def _rows(self, query: str, *values: str | float) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    # Teams

    def arrive(self, team: str, limits: Limits, *, counts: bool) -> Window:
        """Note an API request and, if it `counts`, admit it to the team's window if there is room.

        A window begins with its first request. Refused requests take no room.
        """
        now = self._clock.now()
        with self._transaction() as connection:
            _increment(connection, "requests")
            _, start, used = _team(connection, team)
            if used == 0 or not start <= now < start + limits.window_seconds:
                start, used = now, 0
            allowed = limits.requests_per_window
            admitted = not counts or allowed == 0 or used < allowed
            if counts and admitted:
                used += 1
                connection.execute(
                    "UPDATE teams SET window_start = ?, window_count = ? WHERE team = ?",
                    (start, used, team),
                )
        return Window(admitted, max(0, allowed - used), start + limits.window_seconds)

    def balance(self, team: str) -> int:
        """Return what the team has, in millionths of a dollar."""
        with self._transaction() as connection:
            balance, _, _ = _team(connection, team)
        return int(balance)

    # Tasks

    def create(
        self, task: TaskRecord, running_tasks: int, repeat_webhooks: int = 0
    ) -> Literal["created", "broke", "busy"]:
        """Add a task and take its price, if the balance and the number of running tasks allow.

        If it has a webhook, its end is to be delivered; with `repeat_webhooks` N every Nth
        delivery is repeated once although it is acknowledged.
        """
        with self._transaction() as connection:
            balance, _, _ = _team(connection, task.team)
            if balance < task.cost:
                return "broke"
            (running,) = connection.execute(
                "SELECT count(*) FROM tasks WHERE ended > ? AND team = ?", (task.created, task.team)
            ).fetchone()
            if running_tasks and running >= running_tasks:
                return "busy"
            connection.execute(
                "UPDATE teams SET balance = balance - ? WHERE team = ?", (task.cost, task.team)
            )
            connection.execute(_ADD_TASK, astuple(task))
            if task.webhook:
                number = _increment(connection, "webhooks")
                repeats = 1 if repeat_webhooks and number % repeat_webhooks == 0 else 0
                connection.execute(
                    "INSERT INTO deliveries VALUES (?,?,?,0,?)",
                    (f"delivery-{token_hex(8)}", task.task_id, task.ended, repeats),
                )
        return "created"

    def task(self, task_id: str) -> TaskRecord | None:
        """Return a task, or None if there is none of that id."""
        rows = self._rows("SELECT * FROM tasks WHERE task_id = ?", task_id)
        return TaskRecord(*rows[0]) if rows else None

    # Webhooks

    def claim_delivery(self, now: float, hold: float, task_id: str = "") -> Delivery | None:
        """Return a delivery that is due, of one task if given, and put it off by `hold` seconds.

        No other process takes it in this time.
        """
        with self._transaction() as connection:
            row = connection.execute(
                "SELECT * FROM deliveries WHERE due <= ? AND ? IN ('', task_id) ORDER BY due",
                (now, task_id),
            ).fetchone()
            if row is None:
                return None
            delivery = Delivery(*row)
            connection.execute(
                "UPDATE deliveries SET due = ?, sent = sent + 1 WHERE delivery_id = ?",
                (now + hold, delivery.delivery_id),
            )
        return delivery

    def put_off_delivery(self, delivery: Delivery, due: float, repeats: int) -> None:
        """Have a delivery sent again at the Unix time `due`."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE deliveries SET due = ?, repeats = ? WHERE delivery_id = ?",
                (due, repeats, delivery.delivery_id),
            )

    def end_delivery(self, delivery: Delivery) -> None:
        """Forget a delivery."""
        with self._transaction() as connection:
            connection.execute(
                "DELETE FROM deliveries WHERE delivery_id = ?", (delivery.delivery_id,)
            )

    # Uploads

    def add_upload(self, upload: UploadRecord, quota: int, oldest: float) -> bool:
        """Keep an uploaded file, unless the team has `quota` of them; return whether it is kept.

        Files up to the Unix time `oldest` are removed first.
        """
        with self._transaction() as connection:
            connection.execute("DELETE FROM uploads WHERE created <= ?", (oldest,))
            (kept,) = connection.execute(
                "SELECT count(*) FROM uploads WHERE team = ?", (upload.team,)
            ).fetchone()
            if kept >= quota:
                return False
            connection.execute("INSERT INTO uploads VALUES (?,?,?,?,?,?,?)", astuple(upload))
        return True

    def uploads(self, team: str, oldest: float) -> list[UploadRecord]:
        """Return a team's files after the Unix time `oldest`, the last first, without content."""
        rows = self._rows(
            "SELECT file_id, team, filename, type, created, size, x'' FROM uploads "
            "WHERE team = ? AND created > ? ORDER BY rowid DESC",
            *(team, oldest),
        )
        return [UploadRecord(*row) for row in rows]

    def upload(self, file_id: str) -> UploadRecord | None:
        """Return an uploaded file, or None if there is none of that id."""
        rows = self._rows("SELECT * FROM uploads WHERE file_id = ?", file_id)
        return UploadRecord(*rows[0]) if rows else None

    def delete_upload(self, team: str, file_id: str) -> bool:
        """Forget an uploaded file; return whether the team had it."""
        with self._transaction() as connection:
            deleted = connection.execute(
                "DELETE FROM uploads WHERE file_id = ? AND team = ?", (file_id, team)
            )
        return deleted.rowcount > 0

    # Counts

    def count(self, name: str) -> int:
        """Add one to the count `name` and return it; the first time it is 1."""
        with self._transaction() as connection:
            return _increment(connection, name)

    def start_over(self, name: str) -> None:
        """Let the count `name` begin again."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM counts WHERE name = ?", (name,))

    def stats(self) -> JsonObject:
        """Return the counts for test code; see `service`."""
        with self._transaction() as connection:
            counts = dict(connection.execute("SELECT name, times FROM counts").fetchall())
            slugs = dict(
                connection.execute(
                    "SELECT slug, count(*) FROM tasks GROUP BY slug ORDER BY slug"
                ).fetchall()
            )
            (billed,) = connection.execute("SELECT total(cost) FROM tasks").fetchone()
            (different,) = connection.execute(
                "SELECT count(*) FROM (SELECT DISTINCT team, slug, digest FROM tasks)"
            ).fetchone()
        tasks = sum(slugs.values())
        posts = {name[6:]: n for name, n in sorted(counts.items()) if name.startswith("posts ")}
        return {
            "posts": posts,
            "tasks_created": tasks,
            "requests": counts.get("requests", 0),
            "refused": counts.get("refused", 0),
            "tasks": slugs,
            "duplicates": tasks - different,
            "billed": billed / MICRO,
        }

    def bodies(self) -> list[JsonObject]:
        """Return for each body that made tasks: its slug, text and digest, and the tasks' ids."""
        rows = self._rows("SELECT slug, digest, body, task_id FROM tasks ORDER BY rowid")
        found: dict[tuple[str, str], JsonObject] = {}
        for slug, digest, body, task_id in rows:
            new = {"slug": slug, "sha256": digest, "body": body, "tasks": []}
            found.setdefault((slug, digest), new)["tasks"].append(task_id)
        return list(found.values())

    def reset(self) -> None:
        """Forget everything; the balance is the first one again."""
        with self._transaction() as connection:
            empty_tables(connection)

    def close(self) -> None:
        """Close the database; nothing else may be called afterwards."""
        with self._lock:
            self._close()


def _team(connection: sqlite3.Connection, team: str) -> tuple[int, float, int]:
    """Return balance and window of a team, which begins to exist when it is first asked for."""
    connection.execute("INSERT OR IGNORE INTO teams VALUES (?, ?, 0, 0)", (team, FIRST_BALANCE))
    row: tuple[int, float, int] = connection.execute(
        "SELECT balance, window_start, window_count FROM teams WHERE team = ?", (team,)
    ).fetchone()
    return row


def _increment(connection: sqlite3.Connection, name: str) -> int:
    (times,) = connection.execute(
        "INSERT INTO counts VALUES (?, 1) "
        "ON CONFLICT (name) DO UPDATE SET times = times + 1 RETURNING times",
        (name,),
    ).fetchone()
    return int(times)

"""Which files were saved of which task: the writer of `files`."""

import sqlite3
from collections.abc import Sequence

from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.sql import path_value
from modellix_cli.ledger.task_records import KeptFile


class FileStore:
    """The saved files of tasks at one API address."""

    def __init__(self, file: LedgerFile, base_url: str) -> None:
        self._file = file
        self._base_url = base_url

    def record(self, task_id: str, files: Sequence[KeptFile]) -> None:
        """Record what was saved of a task. Raises the ledger's errors."""
        now = self._file.clock.now()
        rows = [
            (
                *(self._base_url, task_id, file.position, path_value(file.path)),
                *(file.size, file.sha256, file.type, file.url, now),
            )
            for file in files
        ]

        def insert(db: sqlite3.Connection) -> None:
            db.executemany(
                "INSERT OR REPLACE INTO files (base_url, task_id, position, path, size, sha256,"
                " type, url, saved_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

        self._file.note(insert)

    def of_task(self, task_id: str) -> list[KeptFile]:
        """Return what was saved of a task, in the order of its resources, the newest last."""
        rows = self._file.read(
            lambda db: db.execute(
                "SELECT position, path, size, sha256, type, url FROM files"
                " WHERE base_url = ? AND task_id = ? ORDER BY position, saved_at",
                (self._base_url, task_id),
            ).fetchall(),
            brief=True,
        )
        return [KeptFile.of_row(*row) for row in rows]

"""What the journal knows of batches: each line's fate, on disk before and after its paid POST.

A batch is known by the digest of its tasks, so that the same input is recognised whatever its
file is called. No bodies are kept: to go on, the user gives the same input again.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, Final

from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ErrorCode, ModellixError, usage
from modellix_cli.domain.text import one_line
from modellix_cli.domain.values import DAY
from modellix_cli.inputs.batch_file import BatchInput, Line
from modellix_cli.ledger.batch_facts import Batch, Fate, read_fate
from modellix_cli.ledger.batch_lock import release_lock, take_lock
from modellix_cli.ledger.journal import Account
from modellix_cli.ledger.journal_file import JournalFile

_KEPT: Final = 30 * DAY
_CHUNK: Final = 500
_MOST: Final = 2**31
_FIELDS: Final = "line, slug, name, state, task_id, status, detail, made"


class BatchBook:
    """The batches of one account. `clean` takes secrets out of texts."""

    def __init__(
        self, file: JournalFile, account: Account, clock: Clock, clean: Callable[[str], str]
    ) -> None:
        self._file = file
        self._who = (account.base_url, account.profile)
        self._clock = clock
        self._clean = clean

    def begin(
        self, digest: str, source: str, total: int, *, anew: bool, resume: bool, since: float
    ) -> tuple[Batch, Batch | None]:
        """Return the batch to work on and the last one of the same input, if there was one.

        An unfinished one is returned itself, unless `anew`; with `resume` a done one too. Raises
        `OUTPUT_UNWRITABLE` without a journal: what could not be resumed must not begin. Raises a
        usage error for tasks that another process finished after `since`, a Unix time: the same
        command was given twice.
        """
        now = self._clock.now()
        source = one_line(source)

        def find_or_make(db: sqlite3.Connection) -> tuple[Batch, Batch | None]:
            _forget_old(db, now - _KEPT)
            last = self._last(db, digest)
            if last is not None and not anew and (resume or last.state != "done"):
                return last, last
            if last is not None and not anew and last.updated_at > since:
                raise usage(
                    f"Another process submitted these tasks just now, as batch {last.id}.",
                    hint="Nothing was sent. To pay for every line again, pass --new. "
                    f"See them: modellix-cli batch show {last.id}",
                )
            made = db.execute(
                "INSERT INTO batches (created_at, updated_at, base_url, profile, digest, source,"
                " total, state) VALUES (?, ?, ?, ?, ?, ?, ?, 'running')",
                (now, now, *self._who, digest, source, total),
            ).lastrowid
            return Batch(made or 0, now, now, source, total, "running"), last

        found: tuple[Batch, Batch | None] = self._sure(find_or_make)
        return found

    def last(self, digest: str) -> Batch | None:
        """Return the last batch of the same input, finished or not, None if there is none."""
        found: Batch | None = self._sure(lambda db: self._last(db, digest))
        return found

    def _last(self, db: sqlite3.Connection, digest: str) -> Batch | None:
        row = db.execute(
            "SELECT id, created_at, updated_at, source, total, state FROM batches"
            " WHERE digest = ? AND base_url = ? AND profile = ? ORDER BY id DESC LIMIT 1",
            (digest, *self._who),
        ).fetchone()
        return Batch(*row) if row else None

    def check_journal(self) -> None:
        """Refuse to go on where the journal has just been lost. Raises a usage error."""
        self.latest(1)  # which opens it
        if self._file.renewed:
            raise usage(
                "The journal was unusable, so it is not known what earlier runs paid for.",
                hint="Nothing was sent. To submit every line, perhaps again, pass --new.",
            )

    def check_resume(self, tasks: BatchInput, source: str) -> None:
        """Refuse a resume that would pay anew for what an earlier run may have paid for.

        That is where the tasks in a file have changed since a batch of it that is not finished.
        Raises a usage error.
        """
        if self.last(tasks.digest) is not None:
            return
        batch, paid = self.paid_before(tasks, source)
        if paid:
            raise usage(
                f"{source} has changed since batch {batch}, which needs the same tasks to be "
                f"resumed: {paid} of the {tasks.total} in it were submitted then.",
                hint="Nothing was sent. Put the lines that are new or mended in a file of their "
                "own. Without --resume this is another batch, and pays for every line.",
            )

    def paid_before(self, tasks: BatchInput, source: str) -> tuple[int, int]:
        """Return the last unfinished batch of a file that has changed since, 0 if there is none.

        And how many of `tasks` were submitted in it, or may have been.
        """
        unfinished = self._list(
            "WHERE source = ? AND source <> '-' AND state <> 'done' AND digest <> ?"
            " AND base_url = ? AND profile = ? ORDER BY id DESC LIMIT ?",
            one_line(source),
            tasks.digest,
            *self._who,
            1,
        )
        if not unfinished:
            return 0, 0
        return unfinished[0].id, self._paid(unfinished[0].id, tasks.lines())

    def _paid(self, batch: int, lines: Iterable[Line]) -> int:
        """Return how many of `lines` were submitted in a batch, or may have been."""

        def count(db: sqlite3.Connection) -> int:
            sent = set(
                db.execute(
                    "SELECT s.body_sha256, s.slug FROM batch_lines AS l JOIN submissions AS s"
                    " ON s.id = l.submission WHERE l.batch = ? AND l.state <> 'rejected'",
                    (batch,),
                )
            )
            return sum((sha256(line.body).hexdigest(), str(line.slug)) in sent for line in lines)

        return int(self._sure(count))

    @contextmanager
    def hold(self, batch: int) -> Iterator[None]:
        """Keep other processes from working on a batch; a kill gives it free at once.

        Raises a usage error if another one does. The lock is SQLite's own on an empty file, which
        is made and removed inside transactions of the journal: so nobody locks one that is gone.
        """
        path = self._file.path.with_name(f"batch-{batch}.lock")
        lock: sqlite3.Connection = self._sure(lambda db: take_lock(path, batch))
        try:
            yield
        finally:
            removed = self._file.run(lambda db: release_lock(lock, path))
            if not removed:
                lock.close()

    def doubt(self, batch: int) -> None:
        """Take every submission that a run left without an outcome for what it is: unknown."""
        self._sure(
            lambda db: db.execute(
                "UPDATE batch_lines SET state = 'unknown', detail = ?"
                " WHERE batch = ? AND state = 'intent'",
                ("The run ended while this line was being submitted: its outcome is unknown.",
                 batch),
            ).rowcount
        )  # fmt: skip

    def intend(self, batch: int, lines: Sequence[Line]) -> None:
        """Record that the paid submissions of `lines` are about to leave.

        Raises `OUTPUT_UNWRITABLE` if that cannot be recorded: then they must not.
        """
        now = self._clock.now()

        def insert(db: sqlite3.Connection) -> bool:
            if not db.execute("SELECT 1 FROM batches WHERE id = ?", (batch,)).fetchone():
                raise ModellixError(
                    ErrorCode.OUTPUT_UNWRITABLE,
                    f"Batch {batch} is not in the journal any more, so it cannot go on safely.",
                )
            for line in lines:
                number = db.execute(
                    "INSERT INTO submissions (created_at, updated_at, base_url, profile, slug,"
                    " body_sha256, state) VALUES (?, ?, ?, ?, ?, ?, 'intent')",
                    (now, now, *self._who, str(line.slug), sha256(line.body).hexdigest()),
                ).lastrowid
                db.execute(
                    "INSERT OR REPLACE INTO batch_lines (batch, line, submission, slug, name,"
                    " state) VALUES (?, ?, ?, ?, ?, 'intent')",
                    (batch, line.index, number, str(line.slug), line.name),
                )
            return True

        self._sure(insert, durable=True)

    def settle(
        self, batch: int, line: Line, state: str, task_id: str | None, detail: str | None
    ) -> bool:
        """Record how the submission of a line ended; return whether it is on disk."""
        now = self._clock.now()
        said = detail and self._clean(detail)

        def update(db: sqlite3.Connection) -> bool:
            db.execute(
                "UPDATE submissions SET state = ?, task_id = ?, detail = ?, updated_at = ? WHERE"
                " id = (SELECT submission FROM batch_lines WHERE batch = ? AND line = ?)",
                (state, task_id, said, now, batch, line.index),
            )
            known = db.execute(
                "UPDATE batch_lines SET state = ?, task_id = ?, detail = ?"
                " WHERE batch = ? AND line = ?",
                (state, task_id, said, batch, line.index),
            ).rowcount
            if task_id is not None:
                db.execute(
                    "INSERT OR REPLACE INTO tasks (base_url, profile, task_id, slug, status,"
                    " created_at, updated_at) VALUES (?, ?, ?, ?, 'submitted', ?, ?)",
                    (*self._who, task_id, str(line.slug), now, now),
                )
            return known > 0

        return bool(self._file.run(update, durable=True))

    def ended(self, batch: int, fate: Fate) -> None:
        """Record how a line's task ended, what it made and what was saved of it."""
        made = self._clean(json.dumps({"urls": fate.urls, "files": fate.files}))
        said = fate.detail and self._clean(fate.detail)
        self._file.run(
            lambda db: db.execute(
                "UPDATE batch_lines SET status = ?, detail = ?, made = ?"
                " WHERE batch = ? AND line = ?",
                (fate.status, said, made, batch, fate.index),
            )
        )

    def finish(self, batch: int, state: str) -> None:
        """Record that a run of a batch is over: `done`, or `stopped` with something left to do."""
        now = self._clock.now()
        self._file.run(
            lambda db: db.execute(
                "UPDATE batches SET state = ?, updated_at = ? WHERE id = ?", (state, now, batch)
            )
        )

    def fates(self, batch: int) -> Iterator[Fate]:
        """Return the lines that were started, in order; read in portions, as there may be many."""
        after = 0
        while True:
            rows = self._sure(
                lambda db, after=after: db.execute(  # type: ignore[misc]
                    f"SELECT {_FIELDS} FROM batch_lines WHERE batch = ? AND line > ?"  # noqa: S608
                    " ORDER BY line LIMIT ?",
                    (batch, after, _CHUNK),
                ).fetchall()
            )
            for row in rows:
                yield read_fate(row)
            if len(rows) < _CHUNK:
                return
            after = rows[-1][0]

    def find(self, batch: int) -> Batch | None:
        """Return a batch of any account, None if there is none of that number."""
        found = self._list("WHERE id = ? LIMIT ?", min(batch, _MOST), 1)
        return found[0] if found else None

    def latest(self, limit: int) -> list[Batch]:
        """Return the batches of this account, the newest first."""
        return self._list(
            "WHERE base_url = ? AND profile = ? ORDER BY id DESC LIMIT ?",
            *self._who,
            min(limit, _MOST),
        )

    def tally(self, batch: int) -> dict[str, int]:
        """Return how many lines of a batch are in each state; those not started are in none."""
        return dict(
            self._sure(
                lambda db: db.execute(
                    "SELECT state, count(*) FROM batch_lines WHERE batch = ? GROUP BY state",
                    (batch,),
                ).fetchall()
            )
        )

    def _list(self, which: str, *values: Any) -> list[Batch]:
        rows = self._sure(
            lambda db: db.execute(
                f"SELECT id, created_at, updated_at, source, total, state FROM batches {which}",  # noqa: S608
                values,
            ).fetchall()
        )
        return [Batch(*row) for row in rows]

    def _sure(self, work: Callable[[sqlite3.Connection], Any], *, durable: bool = False) -> Any:
        """Run `work` on the journal. Raises `OUTPUT_UNWRITABLE` where it cannot be used."""
        result = self._file.run(lambda db: (work(db),), durable=durable)
        if result is None:
            raise ModellixError(
                ErrorCode.OUTPUT_UNWRITABLE,
                f"The journal {self._file.path} cannot be used, so no batch can be run safely.",
            )
        return result[0]


def _forget_old(db: sqlite3.Connection, before: float) -> None:
    """Forget batches that were done long ago."""
    old = "SELECT id FROM batches WHERE state = 'done' AND updated_at < ?"
    db.execute(f"DELETE FROM batch_lines WHERE batch IN ({old})", (before,))  # noqa: S608
    db.execute("DELETE FROM batches WHERE state = 'done' AND updated_at < ?", (before,))

"""Recording what becomes of tasks that exist already."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ErrorCode
from modellix_cli.domain.task import Task
from modellix_cli.ledger.files import FileStore
from modellix_cli.ledger.task_records import KeptFile, TaskReport
from modellix_cli.ledger.tasks import EXPIRED, TaskStore

if TYPE_CHECKING:
    from modellix_cli.engine.core import effects
    from modellix_cli.engine.core.lines import Answer, Known, LineOutcome
    from modellix_cli.engine.notices import Notice


class TaskBook:
    """Records what becomes of tasks that exist already; nothing is sent with it."""

    def __init__(self, tasks: TaskStore, files: FileStore, clock: Clock) -> None:
        self._tasks = tasks
        self._files = files
        self._clock = clock

    def claim(self, intents: "Sequence[effects.Intent]") -> "dict[int, Answer]":
        """Nothing is sent."""
        raise AssertionError("nothing is sent here")

    def record(self, outcome: "effects.RecordOutcome") -> "Notice | None":
        """Nothing was sent."""
        return None

    def attempt(self, number: int) -> "Known | None":
        """Nothing was sent."""
        return None

    def record_status(self, task: Task) -> None:
        """Record what the server said about a task."""
        self._tasks.record_status(
            TaskReport(
                task.task_id,
                task.status.lower(),
                task.ended_at,
                task.expires_at,
                task.billed,
            )
        )

    def record_duration(self, slug: str, age: float, seconds: float) -> None:
        """Record how long a task ran that was submitted `age` seconds ago."""
        self._tasks.record_duration(slug, self._clock.now() - age, seconds)

    def record_end(self, outcome: "LineOutcome") -> None:
        """Record what was saved of a task."""
        if outcome.task_id is None or outcome.saved is None:
            return
        kept = [
            KeptFile(
                file.position,
                str(file.path),
                file.bytes,
                file.sha256 or None,
                file.type,
                file.url,
            )
            for file in outcome.saved.files
        ]
        if kept:
            self._files.record(outcome.task_id, kept)
        errors = outcome.saved.errors
        if not errors:
            self._tasks.mark_saved(outcome.task_id)
        elif all(error.code is ErrorCode.RESULT_EXPIRED for error in errors):
            self._tasks.record_status(TaskReport(outcome.task_id, EXPIRED))

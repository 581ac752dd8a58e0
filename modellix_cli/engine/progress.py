"""What jobs tell while they work; the displays are in `output.progress`."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self


class Progress:
    """What jobs tell while they work. This one stays silent."""

    def __enter__(self) -> Self:
        """Start showing."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop showing, whatever happened."""

    def expect(self, task_ids: Sequence[str]) -> None:
        """Tell which tasks will be waited for, in their order."""

    def failed(self, task_id: str, message: str) -> None:
        """Tell that a task will not be waited for any more, and why."""

    def task(self, task_id: str, status: str, *, finished: bool = False) -> None:
        """Tell the status of a task, also when it has not changed."""

    def trouble(self, task_id: str, message: str) -> None:
        """Tell that asking for a task failed and will be tried again."""

    def bytes(self, name: str, done: int, total: int | None) -> None:
        """Tell how many bytes of a file have arrived, of how many if known."""

    def lines(
        self, ended: int, total: int, *, running: int, failed: int, waits_for: str = ""
    ) -> None:
        """Tell how far a batch is: lines that have their end, tasks that run, lines in error.

        `waits_for` says, in words, why the next line does not leave; "" if it does.
        """

"""Signs of life on stderr: animated on a terminal, a line per change elsewhere, or none."""

from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from modellix_cli.clock import Clock
from modellix_cli.jobs.progress import Progress
from modellix_cli.output.sink import Sink
from modellix_cli.text import clip, duration, one_line, size

if TYPE_CHECKING:
    from rich.progress import TaskID

_MAX_ROWS: Final = 8


class Lines(Progress):
    """One line for each change of state, for logs and CI."""

    def __init__(self, sink: Sink, clock: Clock) -> None:
        self._sink = sink
        self._clock = clock
        self._started = clock.monotonic()
        self._last: dict[str, str] = {}

    def task(self, task_id: str, status: str, *, finished: bool = False) -> None:
        """Write a line when the status is a new one."""
        if self._last.get(task_id) != status:
            self._last[task_id] = status
            waited = duration(self._clock.monotonic() - self._started)
            self._sink.note(f"Task {task_id}: {status} after {waited}")

    def trouble(self, task_id: str, message: str) -> None:
        """Write a line when the trouble is a new one."""
        if self._last.get(task_id) != message:
            self._last[task_id] = message
            self._sink.note(f"Task {task_id}: {message} Trying again.")


class Live(Progress):
    """A spinner with the time for each task, a bar for each file; for terminals."""

    def __init__(self, sink: Sink) -> None:
        from rich.console import Console
        from rich.progress import Progress as RichProgress
        from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

        self._bars: RichProgress = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=Console(file=sink.talk_stream, highlight=False, markup=False),
            transient=True,
        )
        self._rows: dict[str, TaskID] = {}
        self._finished: set[str] = set()
        self._seen: set[str] = set()

    def __enter__(self) -> Self:
        """Start the animation."""
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the animation and give the cursor back."""
        self._bars.stop()

    def task(self, task_id: str, status: str, *, finished: bool = False) -> None:
        """Show the status; a finished task leaves the screen."""
        self._seen.add(task_id)
        if finished:
            self._finished.add(task_id)
            self._drop(task_id)
        elif task_id in self._rows or len(self._rows) < _MAX_ROWS:
            self._show(task_id, f"{task_id}  {status}")
        self._show_count()

    def trouble(self, task_id: str, message: str) -> None:
        """Show the trouble beside the task."""
        self._show(task_id, f"{task_id}  {message} Trying again.")

    def bytes(self, name: str, done: int, total: int | None) -> None:
        """Show how far a download is."""
        amount = size(done) if total is None else f"{size(done)} of {size(total)}"
        self._show(name, f"{name}  {amount}")
        if total is not None and done >= total:
            self._drop(name)

    def _show_count(self) -> None:
        if len(self._seen) > 1:
            self._show("", f"{len(self._finished)} of {len(self._seen)} tasks ended")

    def _show(self, key: str, text: str) -> None:
        description = clip(one_line(text), 200)
        if key in self._rows:
            self._bars.update(self._rows[key], description=description)
        else:
            self._rows[key] = self._bars.add_task(description, total=None)

    def _drop(self, key: str) -> None:
        row = self._rows.pop(key, None)
        if row is not None:
            self._bars.remove_task(row)


def choose(sink: Sink, clock: Clock, *, wanted: bool) -> Progress:
    """Return the display that fits: silent unless `wanted`, animated where somebody watches."""
    if not wanted:
        return Progress()
    return Live(sink) if sink.talk_is_terminal else Lines(sink, clock)

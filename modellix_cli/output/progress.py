"""Signs of life on stderr: animated on a terminal, a line per change elsewhere, or none."""

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from modellix_cli.clock import Clock
from modellix_cli.domain.text import clip, count, duration, one_line, size
from modellix_cli.engine.progress import Progress
from modellix_cli.output.sink import Output, Sink

if TYPE_CHECKING:
    from rich.progress import TaskID

_MAX_ROWS: Final = 8
_SECONDS_BETWEEN_LINES: Final = 10.0


class Lines(Progress):
    """One line for each change of state, for logs and CI."""

    def __init__(self, sink: Sink, clock: Clock) -> None:
        self._sink = sink
        self._clock = clock
        self._started = clock.monotonic()
        self._told = self._started
        self._last: dict[str, str] = {}

    def task(self, task_id: str, status: str, *, finished: bool = False) -> None:
        """Write a line when the status is a new one."""
        if self._last.get(task_id) != status:
            self._last[task_id] = status
            waited = duration(self._clock.monotonic() - self._started)
            self._sink.note(f"Task {task_id}: {status} after {waited}")

    def failed(self, task_id: str, message: str) -> None:
        """Write a line with the reason."""
        self._sink.note(f"Task {task_id}: {message}")

    def trouble(self, task_id: str, message: str) -> None:
        """Write a line when the trouble is a new one."""
        if self._last.get(task_id) != message:
            self._last[task_id] = message
            self._sink.note(f"Task {task_id}: {message} Trying again.")

    def lines(
        self, ended: int, total: int, *, running: int, failed: int, waits_for: str = ""
    ) -> None:
        """Write a line now and then; the last one is left to the summary."""
        now = self._clock.monotonic()
        if now - self._told >= _SECONDS_BETWEEN_LINES and ended < total:
            self._told = now
            self._sink.note(_far(ended, total, running, failed, waits_for))


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
        self._sink = sink
        self._rows: dict[str, TaskID] = {}
        self._waiting: list[str] = []
        self._expected = 0
        self._ended = 0

    def __enter__(self) -> Self:
        """Start the animation; what is told meanwhile appears above it."""
        self._sink.divert = self._above
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
        self._sink.divert = None

    def expect(self, task_ids: Sequence[str]) -> None:
        """Give the first tasks their rows, in order, and count the rest below."""
        self._waiting = list(task_ids)
        self._expected = len(self._waiting)
        self._fill()

    def task(self, task_id: str, status: str, *, finished: bool = False) -> None:
        """Show the status; a finished task leaves the screen."""
        if not finished:
            self._show(task_id, f"{task_id}  {status}", new=False)
            return
        self._ended += 1
        self._drop(task_id)
        self._fill()

    def failed(self, task_id: str, message: str) -> None:
        """Tell the reason above the rows and take the task from the screen."""
        self._sink.note(f"Task {task_id}: {message}")
        self.task(task_id, "", finished=True)

    def trouble(self, task_id: str, message: str) -> None:
        """Show the trouble beside the task."""
        self._show(task_id, f"{task_id}  {message} Trying again.", new=False)

    def bytes(self, name: str, done: int, total: int | None) -> None:
        """Show how far a download is."""
        amount = size(done) if total is None else f"{size(done)} of {size(total)}"
        self._show(name, f"{name}  {amount}")
        if total is not None and done >= total:
            self._drop(name)

    def lines(
        self, ended: int, total: int, *, running: int, failed: int, waits_for: str = ""
    ) -> None:
        """Show how far a batch is."""
        self._show("", _far(ended, total, running, failed, waits_for))

    def _fill(self) -> None:
        while self._waiting and len(self._rows) < _MAX_ROWS:
            task_id = self._waiting.pop(0)
            self._show(task_id, f"{task_id}  waiting")
        if self._expected > 1:
            self._drop("")
            self._show("", f"{self._ended} of {self._expected} tasks ended")

    def _show(self, key: str, text: str, *, new: bool = True) -> None:
        description = clip(one_line(text), 200)
        if key in self._rows:
            self._bars.update(self._rows[key], description=description)
        elif new:
            self._rows[key] = self._bars.add_task(description, total=None)

    def _above(self, line: str) -> None:
        from rich.text import Text

        self._bars.console.print(Text.from_ansi(line), soft_wrap=True)

    def _drop(self, key: str) -> None:
        if key in self._waiting:
            self._waiting.remove(key)
        row = self._rows.pop(key, None)
        if row is not None:
            self._bars.remove_task(row)


def _far(ended: int, total: int, running: int, failed: int, waits_for: str) -> str:
    """Say how far a batch is: `12 of 40 lines, 3 running, 1 failed, waiting 4s`."""
    words = [f"{ended} of {count(total, 'line')}"]
    words += [f"{running} running"] if running else []
    words += [f"{failed} failed"] if failed else []
    words += [waits_for] if waits_for else []
    return ", ".join(words)


def choose(sink: Sink, clock: Clock, *, wanted: bool) -> Progress:
    """Return the display that fits: silent unless `wanted`, animated where somebody watches."""
    if not wanted:
        return Progress()
    results_come_between = sink.mode is Output.JSONL and sink.stdout_is_terminal
    if sink.talk_is_terminal and not results_come_between:
        return Live(sink)
    return Lines(sink, clock)

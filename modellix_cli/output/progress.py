"""Progress on stderr: animated on a terminal, a line per change elsewhere, or none."""

from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from modellix_cli.clock import Clock
from modellix_cli.domain.text import clip, count, duration, one_line, size
from modellix_cli.engine import notices
from modellix_cli.engine.progress import Progress
from modellix_cli.output.sink import Output, Sink

if TYPE_CHECKING:
    from rich.progress import TaskID

_MAX_ROWS: Final = 8
_SECONDS_BETWEEN_LINES: Final = 10.0
_WORTH_TELLING: Final = 1.5


class Lines(Progress):
    """One line for each change of state, for logs and CI; of a batch of `total` lines a sum."""

    def __init__(self, sink: Sink, clock: Clock, total: int | None = None) -> None:
        self._sink = sink
        self._clock = clock
        self._total = total
        self._started = clock.monotonic()
        self._told = self._started
        self._waits_since: float | None = None
        self._last: dict[str, str] = {}

    def tell(self, notice: notices.Notice) -> None:
        """Write a line where a notice is news."""
        match notice:
            case notices.TaskPolled() if self._total is None:
                self._polled(notice)
            case notices.TaskLeft() if self._total is None:
                self._sink.note(f"Task {notice.task_id}: {notice.message}")
            case notices.PollTrouble() if self._total is None:
                self._trouble(notice)
            case notices.SubmitRetried() if self._total is None:
                self._sink.note(f"{notice.message} Trying again in {duration(notice.seconds)}.")
            case notices.Stopped():
                self._sink.note(stopped_words(notice))
            case notices.Counts():
                self._counts(notice)

    def _polled(self, notice: notices.TaskPolled) -> None:
        if self._last.get(notice.task_id) != notice.status:
            self._last[notice.task_id] = notice.status
            waited = duration(self._clock.monotonic() - self._started)
            self._sink.note(f"Task {notice.task_id}: {notice.status} after {waited}")

    def _trouble(self, notice: notices.PollTrouble) -> None:
        if self._last.get(notice.task_id) != notice.message:
            self._last[notice.task_id] = notice.message
            self._sink.note(f"Task {notice.task_id}: {notice.message} Trying again.")

    def _counts(self, notice: notices.Counts) -> None:
        now = self._clock.monotonic()
        if self._total is None:
            self._waiting(notice.waiting, now)
        elif now - self._told >= _SECONDS_BETWEEN_LINES and notice.ended < self._total:
            self._told = now
            self._sink.note(batch_words(notice, self._total))

    def _waiting(self, waiting: notices.Waiting | None, now: float) -> None:
        """Tell, once for each wait that one would notice, what a request waits for."""
        if waiting is None:
            self._waits_since = None
            return
        begins = self._waits_since is None
        self._waits_since = now if self._waits_since is None else self._waits_since
        if begins and (waiting.seconds >= _WORTH_TELLING or waiting.slots_full):
            self._sink.note(waiting_words(waiting))


class Live(Progress):
    """A spinner with the time for each task, a bar for each file; for terminals."""

    def __init__(self, sink: Sink, total: int | None = None) -> None:
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
        self._total = total
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

    def tell(self, notice: notices.Notice) -> None:
        """Show a notice."""
        match notice:
            case notices.BytesSaved():
                self._bytes(notice)
            case notices.Stopped():
                self._sink.note(stopped_words(notice))
            case notices.Counts():
                self._counts(notice)
            case _ if self._total is None:
                self._of_task(notice)

    def _of_task(self, notice: notices.Notice) -> None:
        match notice:
            case notices.TaskAwaited():
                self._await(notice.task_id)
            case notices.TaskPolled(finished=True):
                self._end(notice.task_id)
            case notices.TaskPolled():
                self._show(notice.task_id, f"{notice.task_id}  {notice.status}", new=False)
            case notices.TaskLeft():
                self._sink.note(f"Task {notice.task_id}: {notice.message}")
                self._end(notice.task_id)
            case notices.PollTrouble():
                text = f"{notice.task_id}  {notice.message} Trying again."
                self._show(notice.task_id, text, new=False)
            case notices.SubmitRetried():
                wait = duration(notice.seconds)
                self._show("", f"{notice.message} Trying again in {wait}.")

    def _await(self, task_id: str) -> None:
        """Give a task its row, or count it below while there are too many."""
        self._drop("")
        self._waiting.append(task_id)
        self._expected += 1
        self._fill()

    def _end(self, task_id: str) -> None:
        self._ended += 1
        self._drop(task_id)
        self._fill()

    def _counts(self, notice: notices.Counts) -> None:
        if self._total is not None:
            self._show("", batch_words(notice, self._total))
        elif notice.waiting is not None and not self._expected:
            self._show("", waiting_words(notice.waiting))

    def _bytes(self, notice: notices.BytesSaved) -> None:
        """Show how far a download is."""
        name, total = notice.name, notice.total
        amount = size(notice.done) if total is None else f"{size(notice.done)} of {size(total)}"
        self._show(name, f"{name}  {amount}")
        if total is not None and notice.done >= total:
            self._drop(name)

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


def batch_words(notice: notices.Counts, total: int) -> str:
    """Say how far a batch is: `12 of 40 lines, 3 running, 1 failed, waiting 4s`."""
    words = [f"{notice.ended} of {count(total, 'line')}"]
    words += [f"{notice.running} running"] if notice.running else []
    words += [f"{notice.failed} failed"] if notice.failed else []
    if notice.waiting is not None:
        if notice.waiting.slots_full:
            words.append("waiting for a running task to end")
        elif notice.waiting.seconds >= _WORTH_TELLING:
            words.append(f"waiting {duration(notice.waiting.seconds)}")
    return ", ".join(words)


def waiting_words(waiting: notices.Waiting) -> str:
    """Say why a request does not leave yet."""
    if waiting.slots_full:
        return "Concurrency limit reached. Waiting for a running task to end."
    return f"Rate limit reached. Continuing in {duration(waiting.seconds)}."


def stopped_words(notice: notices.Stopped) -> str:
    """Say that no more lines are sent, while others are still followed."""
    tasks = count(notice.running, "running task")
    return f"No more lines are submitted: {notice.message} Waiting for {tasks}."


def choose(sink: Sink, clock: Clock, *, wanted: bool, total: int | None = None) -> Progress:
    """Return the display that fits: silent unless `wanted`, animated where somebody watches.

    `total` is how many lines a batch has, None where tasks are shown one by one.
    """
    if not wanted:
        return Progress()
    results_come_between = sink.mode is Output.JSONL and sink.stdout_is_terminal
    if sink.talk_is_terminal and not results_come_between:
        return Live(sink, total)
    return Lines(sink, clock, total)

"""Progress on stderr: drawn on a terminal, a line per change elsewhere, or none."""

import threading
from types import TracebackType
from typing import Final, Self

from modellix_cli.clock import Clock
from modellix_cli.domain.text import count, duration
from modellix_cli.engine import notices
from modellix_cli.engine.progress import Progress
from modellix_cli.output import progress_words as words
from modellix_cli.output.sink import Output, Sink
from modellix_cli.output.terminal import can_animate

HEARTBEAT: Final = 30.0
"""Seconds of silence after which a log says that work goes on."""
_PAUSE: Final = 1.0


class Lines(Progress):
    """One line for each change of state, for logs and CI; of a batch of `total` lines each end.

    A line every `HEARTBEAT` seconds tells that work goes on.
    """

    wants_details = True

    def __init__(
        self, sink: Sink, clock: Clock, total: int | None = None, *, beats: bool = True
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._total = total
        self._told = self._started = clock.monotonic()
        self._waits_since: float | None = None
        self._told_full = float("-inf")
        self._last: dict[str, str] = {}
        self._troubles: dict[str, str] = {}
        self._since: dict[str, float] = {}
        self._counts = notices.Counts(0, 0, 0)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True) if beats else None

    def __enter__(self) -> Self:
        """Start the heartbeat."""
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the heartbeat."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def tell(self, notice: notices.Notice) -> None:
        """Write a line where a notice is news."""
        match notice:
            case notices.TaskAwaited():
                now = self._clock.monotonic()
                self._since[notice.task_id] = now - max(0.0, notice.age or 0.0)
            case notices.LineEnded():
                self._end(notice)
            case notices.SentElsewhere() if self._total is None:
                self._say(f"Another process is sending it as request {notice.number}. Waiting.")
            case notices.TaskPolled() if self._total is None:
                self._polled(notice)
            case notices.TaskLeft() if self._total is None:
                self._say(f"Task {notice.task_id}: {notice.message}")
            case notices.PollTrouble() if self._total is None:
                self._trouble(notice)
            case notices.SubmitRetried() if self._total is None and notice.seconds:
                self._say(f"{notice.message} Trying again in {duration(notice.seconds)}.")
            case notices.Stopped():
                self._say(words.stopped_words(notice))
            case notices.Counts():
                self._counts = notice
                if self._total is None:
                    self._waiting(notice.waiting, self._clock.monotonic())

    def heartbeat(self) -> None:
        """Say that work goes on, if nothing was said for a while."""
        now = self._clock.monotonic()
        if now - self._told < HEARTBEAT:
            return
        if self._total is not None:
            self._say(words.batch_words(self._counts, self._total))
            return
        since_of = dict(self._since)  # the engine's thread goes on meanwhile
        if len(since_of) == 1:
            ((task_id, since),) = since_of.items()
            status = self._last.get(task_id, "waiting")
            self._say(f"Task {task_id}: still {status} after {duration(round(now - since))}")
        elif since_of:
            running = count(len(since_of), "task")
            self._say(f"{running} still running after {duration(round(now - self._started))}")

    def _beat(self) -> None:
        while not self._over.wait(_PAUSE):
            self.heartbeat()

    def _say(self, text: str) -> None:
        self._told = self._clock.monotonic()
        self._sink.note(text)

    def _end(self, notice: notices.LineEnded) -> None:
        self._since.pop(notice.task_id or "", None)
        if self._total is not None and (notice.trouble is not None or not notice.reused):
            self._say(words.end_words(notice))

    def _polled(self, notice: notices.TaskPolled) -> None:
        if self._last.get(notice.task_id) != notice.status:
            self._last[notice.task_id] = notice.status
            since = self._since.get(notice.task_id, self._started)
            waited = duration(self._clock.monotonic() - since)
            self._say(f"Task {notice.task_id}: {notice.status} after {waited}")

    def _trouble(self, notice: notices.PollTrouble) -> None:
        if self._troubles.get(notice.task_id) != notice.message:
            self._troubles[notice.task_id] = notice.message
            self._say(f"Task {notice.task_id}: {notice.message} Trying again.")

    def _waiting(self, waiting: notices.Waiting | None, now: float) -> None:
        """Tell, once for each wait that one would notice, what a request waits for."""
        if waiting is None:
            self._waits_since = None
            return
        begins = self._waits_since is None
        self._waits_since = now if self._waits_since is None else self._waits_since
        if not begins or not (waiting.seconds >= words.WORTH_TELLING or waiting.slots_full):
            return
        if waiting.slots_full:  # each try to send ends such a wait, and a refusal begins the next
            if now - self._told_full < HEARTBEAT:
                return
            self._told_full = now
        self._say(words.waiting_words(waiting))


def choose(
    sink: Sink, clock: Clock, *, wanted: bool, total: int | None = None, saves: bool = False
) -> Progress:
    """Return the display that fits: silent unless `wanted`, drawn where somebody watches.

    `total` is how many lines a batch has, None where tasks are shown one by one; `saves` says that
    results are saved.
    """
    if not wanted or sink.silent:
        return Progress()
    results_come_between = sink.mode is Output.JSONL and sink.stdout_is_terminal
    if can_animate(sink.talk_stream, sink.env) and not results_come_between:
        from modellix_cli.output.live import Live

        return Live(sink, clock, total, saves=saves)
    return Lines(sink, clock, total)

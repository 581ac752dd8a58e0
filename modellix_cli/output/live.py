"""Progress at a terminal: lines at the bottom that follow what goes on, ten times a second."""

import threading
from types import TracebackType
from typing import Final, Self

from modellix_cli.clock import Clock
from modellix_cli.engine import notices
from modellix_cli.engine.progress import Progress
from modellix_cli.output.board import Board
from modellix_cli.output.cells import Line, cut
from modellix_cli.output.painter import Painter
from modellix_cli.output.progress_words import end_parts, stopped_words
from modellix_cli.output.sink import Sink

_PAUSE: Final = 0.1


class Live(Progress):
    """Shows tasks, or a batch of `total` lines; the lines of results stay above it.

    Without `animate` it is drawn at each notice only. `saves` is that of `Board`.
    """

    wants_details = True

    def __init__(
        self,
        sink: Sink,
        clock: Clock,
        total: int | None = None,
        *,
        saves: bool = False,
        animate: bool = True,
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._total = total
        self._board = Board(clock.monotonic(), total, saves=saves, clean=sink.clean)
        self._painter = Painter(sink.talk_stream, sink.env, colored=sink.talk_is_colored)
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._animate, daemon=True) if animate else None
        self._held: list[Line] = []

    def __enter__(self) -> Self:
        """Start drawing; what is told meanwhile appears above."""
        self._sink.divert = self._above
        self._painter.catch_stops()
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take everything away but the lines of results."""
        self._over.set()
        try:
            if self._thread is not None:
                self._thread.join()
        finally:
            self.draw()
            self.showed_every_line = self._total is not None and not self._held
            self._painter.erase()
            self._painter.let_stops_go()
            self._sink.divert = None

    def tell(self, notice: notices.Notice) -> None:
        """Show a notice."""
        with self._lock:
            self._board.take(notice, self._clock.monotonic())
            match notice:
                case notices.Stopped():
                    self._sink.note(stopped_words(notice))
                case notices.TaskLeft() if self._total is None:
                    self._sink.note(f"Task {notice.task_id}: {notice.message}")
                case notices.LineEnded() if self._total is not None:
                    if notice.trouble is not None or not notice.reused:
                        self._held.append(self._end_line(notice))
            if not isinstance(notice, notices.BytesSaved):
                self.draw()

    def draw(self) -> None:
        """Draw how things stand now; results that came while in the background come first."""
        with self._lock:
            painter = self._painter
            if not painter.may_draw:
                painter.paint([])
                return
            for line in self._held:
                painter.above(painter.rendered(line))
            self._held.clear()
            now = self._clock.monotonic()
            painter.paint(self._board.lines(painter.columns, painter.rows, now))

    def _animate(self) -> None:
        while not self._over.wait(_PAUSE):
            self.draw()

    def _end_line(self, notice: notices.LineEnded) -> Line:
        """Return the line of a result, cut to the width; the summary has failures in full."""
        columns = self._painter.columns
        line = [(self._sink.clean(text), style) for text, style in end_parts(notice, columns)]
        return cut(line, columns)

    def _above(self, text: str) -> None:
        with self._lock:
            self._painter.above(text)

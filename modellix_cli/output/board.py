"""What progress shows at a terminal, as lines of text: pure, so that every state can be tested.

Moments are monotonic seconds. Texts that come from elsewhere are made safe when they come in.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from modellix_cli.domain.text import duration, one_line, size
from modellix_cli.engine import notices
from modellix_cli.output.cells import Line, bar, clock, cut, fit, line_width, pad, width
from modellix_cli.output.progress_words import about_words, waiting_words

_SPINNER: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_TURNS: Final = 10
"""Steps of the spinner in a second."""
_MAX_ROWS: Final = 8
_GAP: Final = 2
_BAR: Final = 12
_LEAST_MODEL: Final = 8
_MOST_ABOUT: Final = 42
_LEAST_ABOUT: Final = 8
_SPEED_OVER: Final = 5.0
_SUBMITTING, _SAVING = "submitting", "saving"
_ELSEWHERE: Final = "another process is sending it"
_NOT_RUNNING: Final = (_SUBMITTING, _SAVING, _ELSEWHERE)
_SETTLED: Final = 1.0
"""Seconds after which a speed, or a rate, says something."""
FAINT, SPIN, BAD, BUSY = "2", "36", "31", "33"


@dataclass(slots=True)
class TaskRow:
    """A line that is sent or followed; `since` is when its task was submitted."""

    slug: str
    about: str
    since: float
    state: str
    usual: float | None = None
    place: str = ""
    """The number of its line in a batch."""


@dataclass(slots=True)
class Transfer:
    """A file that arrives; `seen` are moments with the bytes that were there then."""

    done: int
    total: int | None
    seen: deque[tuple[float, int]] = field(default_factory=deque)

    def add(self, done: int, total: int | None, now: float) -> None:
        """Take how much has arrived."""
        self.done, self.total = done, total
        self.seen.append((now, done))
        while len(self.seen) > 2 and now - self.seen[0][0] > _SPEED_OVER:
            self.seen.popleft()

    @property
    def speed(self) -> float | None:
        """Bytes a second over the last seconds, None while that says nothing."""
        (start, first), (end, last) = self.seen[0], self.seen[-1]
        return (last - first) / (end - start) if end - start >= _SETTLED else None


class Board:
    """What is going on, by its notices. `total` is how many lines a batch has, None for tasks.

    `saves` says that results are saved when a task has ended, `clean` takes secrets out of texts.
    """

    def __init__(
        self,
        now: float,
        total: int | None = None,
        *,
        saves: bool = False,
        clean: Callable[[str], str] = str,
    ) -> None:
        self._started = now
        self._total = total
        self._saves = saves
        self._clean = clean
        self._rows: dict[int, TaskRow] = {}
        self._refs: dict[str, int] = {}
        self._transfers: dict[str, Transfer] = {}
        self._note: tuple[str, float] | None = None
        self._counts = notices.Counts(0, 0, 0)
        self._expected = 0
        self._ended = 0
        self._earned = 0

    def take(self, notice: notices.Notice, now: float) -> None:
        """Take a notice."""
        match notice:
            case notices.Sending():
                self._note = None
                about = self._safe(about_words(notice.about))
                self._add(notice.ref, notice.slug, about, now, _SUBMITTING)
            case notices.SentElsewhere():
                about = f"request {notice.number}"
                self._add(notice.ref, notice.slug, about, now, _ELSEWHERE)
            case notices.TaskAwaited():
                self._await(notice, now)
            case notices.TaskPolled():
                self._polled(notice)
            case notices.PollTrouble():
                self._state(notice.task_id, f"{self._safe(notice.message)} Trying again.")
            case notices.TaskLeft():
                self._rows.pop(self._refs.pop(notice.task_id, -1), None)
            case notices.LineEnded():
                self._end(notice)
            case notices.SubmitRetried():
                self._rows.pop(notice.ref, None)
                if notice.seconds:
                    self._note = (self._safe(notice.message), now + notice.seconds)
            case notices.Counts():
                self._counts = notice
            case notices.BytesSaved():
                self._bytes(notice, now)

    def _add(
        self,
        ref: int,
        slug: str,
        about: str,
        since: float,
        state: str,
        usual: float | None = None,
    ) -> None:
        place = "" if self._total is None else str(ref)
        self._rows[ref] = TaskRow(self._safe(slug), about, since, state, usual, place)

    def _safe(self, text: str) -> str:
        return self._clean(one_line(text))

    def _await(self, notice: notices.TaskAwaited, now: float) -> None:
        self._note = None
        since = now - max(0.0, notice.age or 0.0)
        about = self._safe(about_words(notice.about)) or notice.task_id
        self._add(notice.ref, notice.slug, about, since, "waiting", notice.usual)
        self._refs[notice.task_id] = notice.ref
        self._expected += 1

    def _polled(self, notice: notices.TaskPolled) -> None:
        saving = notice.finished and self._saves
        self._state(notice.task_id, _SAVING if saving else self._safe(notice.status))

    def _state(self, task_id: str, state: str) -> None:
        row = self._rows.get(self._refs.get(task_id, -1))
        if row is not None:
            row.state = state

    def _end(self, notice: notices.LineEnded) -> None:
        self._rows.pop(notice.ref, None)
        self._refs.pop(notice.task_id or "", None)
        self._ended += 1
        self._earned += not notice.reused

    def _bytes(self, notice: notices.BytesSaved, now: float) -> None:
        name = self._safe(notice.name)
        if notice.total is not None and notice.done >= notice.total:
            self._transfers.pop(name, None)
            return
        self._transfers.setdefault(name, Transfer(0, None)).add(notice.done, notice.total, now)

    def lines(self, columns: int, rows: int, now: float) -> list[Line]:
        """Return what to show in so many columns and rows."""
        foot = self._foot(columns, now)
        room = max(0, rows - len(foot))
        transfers = list(self._transfers.items())[: max(1, room // 2)][:room]
        room = min(_MAX_ROWS, room - len(transfers))
        shown = list(self._rows.values())
        shown = shown[: room - 1 if len(shown) > room else room] if room > 0 else []
        lines = self._task_lines(shown, columns, now)
        lines += [_transfer_line(name, transfer, columns) for name, transfer in transfers]
        more = len(self._rows) - len(shown)
        if more and room > 0:
            lines.append([(fit(f"  and {more} more", columns), FAINT)])
        return [cut(line, columns) for line in (*lines, *foot)]

    def _foot(self, columns: int, now: float) -> list[Line]:
        """Return the lines below the tasks: why a request waits, how far everything is."""
        foot: list[Line] = []
        waiting = self._counts.waiting
        if self._note is not None and self._note[1] > now:
            left = duration(round(self._note[1] - now))
            foot.append([(fit(f"{self._note[0]} Trying again in {left}.", columns), BUSY)])
        elif self._total is None and waiting is not None and not self._rows:
            foot.append([(fit(waiting_words(waiting), columns), BUSY)])
        if self._total is not None:
            foot.append(self._batch_line(self._total, columns, now))
        elif self._expected > 1:
            words = f"{self._ended} of {self._expected} tasks ended"
            foot.append([(fit(words, columns), "")])
        return foot

    def _task_lines(self, rows: list[TaskRow], columns: int, now: float) -> list[Line]:
        """Return `⠋ model  "prompt"  ━━━━───  0:07 of about 0:08  processing` for each task.

        In a batch the number of its line comes before that. Of the rest time and state come first,
        then the model, the bar, the start of the prompt, as far as there is room; all of them
        stand under each other.
        """
        places = max((width(row.place) for row in rows), default=0)
        room = columns - 2 - (places + _GAP if places else 0)
        slugs = [row.slug for row in rows]
        least = min((_LEAST_MODEL, *map(width, slugs)))
        rights = [self._right(row, room - least - _GAP, now) for row in rows]
        room -= max(map(width, rights), default=0) + _GAP
        if max(map(width, slugs), default=0) > room:
            slugs = [slug.rpartition("/")[2] for slug in slugs]  # the provider is left out first
        model = min(max(0, room), max(map(width, slugs), default=0))
        room -= model
        bars = any(row.usual for row in rows) and room >= _BAR + _GAP
        room -= _BAR + _GAP if bars else 0
        longest = max((width(fit(row.about, _MOST_ABOUT)) for row in rows), default=0)
        about = min(longest, room - _GAP) if room >= min(longest, _LEAST_ABOUT) + _GAP else 0
        spinner = _SPINNER[int(now * _TURNS) % len(_SPINNER)]
        lines: list[Line] = []
        for row, slug, right in zip(rows, slugs, rights, strict=True):
            line: Line = [(f"{spinner} ", SPIN)]
            line += [(f"{row.place:>{places}}  ", "")] if places else []
            line += [(pad(fit(slug, model), model) + "  ", "")] if model else []
            line += [(pad(fit(row.about, about), about) + "  ", FAINT)] if about else []
            if bars:
                share = (now - row.since) / row.usual if row.usual else 0.0
                line += [*bar(share, _BAR), ("  ", "")]
            lines.append([*line, (right, "")])
        return lines

    def _right(self, row: TaskRow, room: int, now: float) -> str:
        """Return time and state of a task, as many words as there is room for."""
        elapsed = clock(now - row.since)
        usual = clock(row.usual) if row.usual else None
        over = row.usual is not None and now - row.since > row.usual + 1
        long = elapsed
        if usual:
            long = f"{elapsed}, usually {usual}" if over else f"{elapsed} of about {usual}"
        after = " → saving" if self._saves and row.state not in _NOT_RUNNING else ""
        choices = (
            f"{long}  {row.state}{after}",
            f"{long}  {row.state}",
            f"{elapsed}  {row.state}",
        )
        fitting = (words for words in choices if width(words) <= room)
        return next(fitting, fit(f"{elapsed}  {row.state}", max(len(elapsed), room)))

    def _batch_line(self, total: int, columns: int, now: float) -> Line:
        """Return the bar of a batch; what has no room is left out, the last first."""
        counts, elapsed = self._counts, now - self._started
        words: Line = [(f"{counts.ended} of {total}", "")]
        words += [(f"{counts.failed} failed", BAD)] if counts.failed else []
        words += [(f"{counts.running} running", "")] if counts.running else []
        if self._earned >= 2 and elapsed >= _SETTLED:
            left = (total - counts.ended) * elapsed / self._earned
            words += [(f"about {clock(left)} left", "")] if counts.ended < total else []
            words += [(rate_words(self._earned / elapsed), FAINT)]
        words += [(f"in {clock(elapsed)}", FAINT)]
        if counts.waiting is not None:
            full = counts.waiting.slots_full
            limit = "concurrency" if full else "rate"
            words.insert(1, (f"{limit} limit", BUSY))
        room, line = columns - _BAR, list[tuple[str, str]]()
        for text, style in words:
            if line_width(line) + _GAP + width(text) > room:
                break
            line += [("  ", ""), (text, style)]
        done = counts.ended / total if total else 1.0
        cells = min(2 * _BAR, columns - line_width(line))
        return [*bar(done, max(0, cells)), *line]


def rate_words(each_second: float) -> str:
    """Write how many lines end in a time: `2.5/s`, `12/min`.

    >>> rate_words(2.5), rate_words(0.2)
    ('2.5/s', '12/min')
    """
    return f"{each_second:.1f}/s" if each_second >= 1 else f"{each_second * 60:.0f}/min"


def _transfer_line(name: str, transfer: Transfer, columns: int) -> Line:
    """Return `↓ a.png  ━━━━───  45%  1.2 of 2.7 MiB  3.1 MiB/s  0:01 left`, as far as it fits."""
    done, total, speed = transfer.done, transfer.total, transfer.speed
    words = [f"{100 * done // total}%", f"{size(done)} of {size(total)}"] if total else [size(done)]
    words += [f"{size(int(speed))}/s"] if speed else []
    words += [f"{clock((total - done) / speed)} left"] if speed and total else []
    room = columns - 2 - _GAP - _LEAST_MODEL
    while len(words) > 1 and width("  ".join(words)) > room:
        words.pop(1 if len(words) > 2 and total else -1)
    right = "  ".join(words)
    room = columns - 2 - _GAP - width(right)
    bar_cells = _BAR if total and room >= _BAR + _GAP + _LEAST_MODEL else 0
    shown = fit(name, max(0, room - bar_cells - (_GAP if bar_cells else 0)))
    line: Line = [("↓ ", SPIN), (shown, "")]
    if bar_cells and total:
        line += [("  ", ""), *bar(done / total, bar_cells)]
    return [*line, (f"  {right}", "")]

"""Lines whose request another process is sending just now: its attempt answers for them."""

from typing import Final

from modellix_cli.engine.core import effects, events
from modellix_cli.engine.core.lines import Active
from modellix_cli.engine.core.outbox import Outbox
from modellix_cli.engine.notices import SentElsewhere

_WATCH_EVERY: Final = 0.5


class Watching:
    """The lines by ref, each with the moment at which its attempt is looked up next."""

    def __init__(self, out: Outbox) -> None:
        self._out = out
        self._lines: dict[int, tuple[Active, float]] = {}
        self._until: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, ref: int) -> bool:
        return ref in self._lines

    def add(self, line: Active, now: float, until: float) -> None:
        """Watch the attempt of a line, whose number it has, until that moment."""
        self._lines[line.ref] = (line, now)
        self._until[line.ref] = until
        self._out.tell(SentElsewhere(line.ref, line.line.slug, line.number))

    def pump(self, now: float) -> float | None:
        """Ask how the attempts stand, every now and then; return when to ask next."""
        for ref, (line, due) in self._lines.items():
            if due <= now:
                self._lines[ref] = (line, now + _WATCH_EVERY)
                self._out.add(effects.WatchAttempt(ref, line.number))
        return min((due for _, due in self._lines.values()), default=None)

    def overdue(self, now: float) -> list[Active]:
        """Return the lines whose time is over; they are not watched any more."""
        refs = [ref for ref, until in self._until.items() if until <= now and ref in self._lines]
        return [self._lines.pop(ref)[0] for ref in refs]

    def seen(self, event: events.AttemptSeen) -> Active | None:
        """Return the line if its attempt is not in flight any more; it is not watched then."""
        if event.known is not None and event.known.in_flight:
            return None
        return self._lines.pop(event.ref, (None, 0.0))[0]

    def drop(self) -> list[Active]:
        """Watch nothing any more; return the lines."""
        lines = [line for line, _ in self._lines.values()]
        self._lines.clear()
        return lines

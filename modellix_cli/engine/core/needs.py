"""Lines that use the results of earlier lines."""

from modellix_cli.engine.core.lines import Active
from modellix_cli.engine.core.outbox import Outbox


class Needs:
    """Holds lines back until those that they need have their end."""

    def __init__(self, out: Outbox) -> None:
        self._out = out
        self._blocked: dict[int, Active] = {}
        self._last = 0

    def __len__(self) -> int:
        return len(self._blocked)

    def taken(self, ref: int) -> None:
        """Remember that a line is there, so that later ones may need it."""
        self._last = max(self._last, ref)

    def never_met(self, line: Active) -> str | None:
        """Return which line that it needs ended without a result, or does not come before it.

        None where there is no such line.
        """
        for at, need in enumerate(line.line.needs):
            if need >= line.ref or need > self._last or self._failed(need):
                names = line.line.need_names
                return f'"{names[at]}"' if at < len(names) else str(need)
        return None

    def _failed(self, ref: int) -> bool:
        return self._out.ended(ref) and not self._out.usable(ref)

    def block(self, line: Active) -> bool:
        """Hold a line back while one that it needs has no end; return whether that is so."""
        waits = any(not self._out.ended(need) for need in line.line.needs)
        if waits:
            self._blocked[line.ref] = line
        return waits

    def freed(self) -> list[Active]:
        """Return the lines that wait no more, whatever came of those that they need."""
        free = [
            line
            for line in self._blocked.values()
            if all(self._out.ended(need) for need in line.line.needs)
        ]
        for line in free:
            del self._blocked[line.ref]
        return free

    def drop(self) -> list[Active]:
        """Hold nothing back any more; return the lines."""
        lines = list(self._blocked.values())
        self._blocked.clear()
        return lines

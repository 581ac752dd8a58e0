"""Lines that ask whether they may leave; those that may are recorded together."""

from modellix_cli.engine.core import effects
from modellix_cli.engine.core.lines import Active
from modellix_cli.engine.core.outbox import Outbox


class Leaving:
    """The lines that ask, and those that have their answer while others still wait for theirs."""

    def __init__(self, out: Outbox) -> None:
        self._out = out
        self._asking: dict[int, Active] = {}
        self._allowed: list[Active] = []
        self._held: list[Active] = []

    def __len__(self) -> int:
        return len(self._asking) + len(self._allowed) + len(self._held)

    def ask(self, line: Active) -> None:
        """Ask whether a line may leave."""
        self._asking[line.ref] = line
        self._out.add(effects.AskSubmit(line.ref))

    def allowed(self, ref: int) -> None:
        """Take leave for a line."""
        self._allowed.append(self._asking.pop(ref))

    def held(self, ref: int) -> None:
        """Take that a line may not leave yet."""
        self._held.append(self._asking.pop(ref))

    def answered(self) -> tuple[list[Active], list[Active]] | None:
        """Return the lines that may leave and those that may not, None while one waits."""
        if self._asking:
            return None
        allowed, held, self._allowed, self._held = self._allowed, self._held, [], []
        return allowed, held

"""Lines that wait for their turn to be sent, and whether any is sent at all."""

from collections import deque
from collections.abc import Sequence
from typing import Final

from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.submission_state import NOT_SENT
from modellix_cli.engine.core.ends import Ends
from modellix_cli.engine.core.lines import Active
from modellix_cli.engine.core.needs import Needs
from modellix_cli.engine.core.outbox import Outbox

_AFTER_UNKNOWN: Final = "Skipped after an earlier paid submission returned an unknown outcome."
_NEEDS_MISSING: Final = "Skipped: it uses the result of line {}, which has none."


class SubmitQueue:
    """The lines in their turn; once it is stopped, what enters it is skipped.

    `stopped_by` is the failure that let no more be sent. Nothing leaves before `held_until`.
    """

    def __init__(self, out: Outbox, ends: Ends) -> None:
        self._ends = ends
        self._lines: deque[Active] = deque()
        self._needs = Needs(out)
        self.held_until = 0.0
        self.why_stopped: str | None = None
        self.stopped_by: ModellixError | None = None

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def blocked(self) -> int:
        """How many lines wait for the results of others."""
        return len(self._needs)

    @property
    def lines_wait(self) -> bool:
        """Whether a line waits for its turn."""
        return bool(self._lines) or len(self._needs) > 0

    def announce(self, ref: int) -> None:
        """Remember that a line is there, so that later ones may need it."""
        self._needs.taken(ref)

    def add(self, line: Active) -> None:
        """Let a line wait behind the others."""
        if self.why_stopped is not None:
            self.skip(line)
        else:
            self._lines.append(line)

    def add_first(self, line: Active) -> None:
        """Let a line that had its turn go on before the others."""
        if self.why_stopped is not None:
            self.skip(line)
        else:
            self._lines.appendleft(line)

    def put_back(self, lines: Sequence[Active]) -> None:
        """Return lines that may not leave yet to their places."""
        self._lines.extendleft(reversed(lines))
        if self.why_stopped is not None:
            self._skip_all()

    def hold(self, until: float) -> None:
        """Let nothing leave before a moment."""
        self.held_until = max(self.held_until, until)

    def free(self) -> None:
        """Let lines wait for their turn again whose needs are met by now."""
        self._lines += self._needs.freed()

    def next_ready(self) -> Active | None:
        """Return the next line that needs no other; those whose needs fail are skipped."""
        while self._lines:
            line = self._lines.popleft()
            missing = self._needs.never_met(line)
            if missing is not None:
                self.skip(line, _NEEDS_MISSING.format(missing))
            elif not self._needs.block(line):
                return line
        return None

    def skip(self, line: Active, why: str | None = None) -> None:
        """Emit a line that is not sent, for a reason of its own or because the queue stopped."""
        error = self.stopped_by if why is None else None
        self._ends.skipped(line, why or self.why_stopped or NOT_SENT, error)

    def stop(self, why: str, error: ModellixError | None) -> None:
        """Send no more lines; `why` is what those that are left out say."""
        if self.why_stopped is not None:
            return
        self.why_stopped, self.stopped_by = why, error
        self._skip_all()

    def stop_after_unknown(self) -> None:
        """Send no more lines, as nobody knows what became of one."""
        self.stop(_AFTER_UNKNOWN, None)

    def _skip_all(self) -> None:
        for line in (*self._lines, *self._needs.drop()):
            self.skip(line)
        self._lines.clear()

"""What a step of the core comes to: its effects in their order, and how far the work is."""

from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.task import has_failed, is_final
from modellix_cli.engine.core.effects import Effect, Emit, Tell
from modellix_cli.engine.core.lines import LineOutcome
from modellix_cli.engine.notices import Notice

_ENDED, _USABLE = 1, 2


class Outbox:
    """Collects effects; remembers of each line whether it ended, and with a usable result."""

    def __init__(self) -> None:
        self._effects: list[Effect] = []
        self._ends = bytearray()
        self.emitted = 0
        self.failed = 0

    def add(self, effect: Effect) -> None:
        """Ask for an effect, after those that were asked for before."""
        self._effects.append(effect)

    def tell(self, notice: Notice) -> None:
        """Ask for a notice to be told."""
        self._effects.append(Tell(notice))

    def emit(self, outcome: LineOutcome) -> None:
        """Ask for a line's end to be told; each line has one."""
        good = (
            outcome.state is SubmissionState.ACCEPTED
            and outcome.error is None
            and outcome.detail is None
            and outcome.waiting is None
            and not has_failed(outcome.status)
        )
        usable = good and is_final(outcome.status) and not outcome.needs_resume
        missing = outcome.ref + 1 - len(self._ends)
        if missing > 0:
            self._ends.extend(bytes(missing))
        assert not self._ends[outcome.ref], f"line {outcome.ref} ended twice"
        self._ends[outcome.ref] = _ENDED | (_USABLE if usable else 0)
        self.emitted += 1
        self.failed += not good
        self._effects.append(Emit(outcome))

    def ended(self, ref: int) -> bool:
        """Whether a line has its end."""
        return ref < len(self._ends) and bool(self._ends[ref])

    def usable(self, ref: int) -> bool:
        """Whether a line ended with a result that others can use."""
        return ref < len(self._ends) and bool(self._ends[ref] & _USABLE)

    def take(self) -> list[Effect]:
        """Return what was asked for since the last time."""
        effects, self._effects = self._effects, []
        return effects

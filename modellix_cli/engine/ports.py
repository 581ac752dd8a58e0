"""What the driver works with: small objects that the rooms around the engine provide."""

from collections.abc import Sequence
from typing import Protocol

from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.task import Task
from modellix_cli.domain.values import Slug
from modellix_cli.engine.core import effects, events
from modellix_cli.engine.core.lines import Answer, Known, Line, LineOutcome
from modellix_cli.engine.notices import Notice


@frozen
class PaidRequest:
    """What a line sends: the exact bytes of the body, and where the service is to call back."""

    slug: Slug
    body: bytes
    webhook: str | None = None


class Source(Protocol):
    """Where lines come from; their bodies stay here."""

    def fetch(self, at_most: int) -> events.Work:
        """Return the next lines, in their order."""

    def request(self, ref: int) -> PaidRequest:
        """Return what a line sends; asked from any thread."""

    def prepare(self, ref: int) -> ModellixError | None:
        """Make a line's body ready; return why that is not possible."""


class Book(Protocol):
    """What is recorded of the lines. Raises the ledger's errors."""

    def claim(self, intents: Sequence[effects.Intent]) -> dict[int, Answer]:
        """Record that lines are about to be sent; return the number of each attempt, or an
        earlier attempt that answers for the line, or which limit of cost does not allow it.
        """

    def record(self, outcome: effects.RecordOutcome) -> Notice | None:
        """Record how an attempt ended; called from any thread. Returns what the user must know."""

    def attempt(self, number: int) -> Known | None:
        """Return how an attempt stands."""

    def record_status(self, task: Task) -> None:
        """Record what the server said about a task; called from any thread."""

    def record_end(self, outcome: LineOutcome) -> None:
        """Record how a line's task ended and what was saved of it."""

    def record_duration(self, slug: str, age: float, seconds: float) -> None:
        """Record how long a task ran that was submitted `age` seconds ago."""


class Saver(Protocol):
    """Saves what tasks made."""

    def save(self, effect: effects.Save) -> events.Saved:
        """Save everything; called from any thread."""

    def stop(self) -> None:
        """End all saving at once and leave nothing incomplete."""


class Observer(Protocol):
    """Who is told. Called in the driver's own thread."""

    def emit(self, outcome: LineOutcome) -> events.Stop | None:
        """Take a line's end; return a stop where no more lines make sense."""

    def tell(self, notice: Notice) -> None:
        """Take a notice."""


class ListSource:
    """A few lines that are there from the beginning."""

    def __init__(
        self,
        lines: Sequence[Line],
        requests: dict[int, PaidRequest] | None = None,
        durations: dict[str, tuple[float, ...]] | None = None,
    ) -> None:
        self._lines = tuple(lines)
        self._requests = requests or {}
        self._durations = durations or {}

    def fetch(self, at_most: int) -> events.Work:
        """Return some of the lines."""
        some, self._lines = self._lines[:at_most], self._lines[at_most:]
        durations, self._durations = self._durations, {}
        return events.Work(some, bool(self._lines), durations)

    def request(self, ref: int) -> PaidRequest:
        """Return what a line sends."""
        return self._requests[ref]

    def prepare(self, ref: int) -> ModellixError | None:
        """Nothing has to be made ready."""
        return None

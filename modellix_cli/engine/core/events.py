"""What happened: the events that the driver feeds to the core."""

from dataclasses import field

from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.domain.saved import Saved as SavedResults
from modellix_cli.domain.task import Submission, Task
from modellix_cli.engine.core.lines import Answer, Known, Line


@frozen
class Work:
    """Lines to work on, in their order; `more` says that others follow.

    `durations` are how long the last tasks of each model took that is new among them, in seconds.
    """

    lines: tuple[Line, ...]
    more: bool
    durations: dict[str, tuple[float, ...]] = field(default_factory=dict)


@frozen
class Woke:
    """A moment that was asked for has come."""


@frozen
class Prepared:
    """A line's body is ready, or why it cannot be made ready."""

    ref: int
    error: ModellixError | None = None


@frozen
class SubmitAllowed:
    """A line's request may leave now, as far as limits are concerned."""

    ref: int


@frozen
class SubmitHeld:
    """A line's request may not leave for so many seconds.

    `slots_full` says that it waits because as many tasks run as may.
    """

    ref: int
    seconds: float
    slots_full: bool = False


@frozen
class PollAllowed:
    """A task may be asked for now."""

    task_id: str


@frozen
class PollHeld:
    """No task may be asked for during so many seconds."""

    task_id: str
    seconds: float


@frozen
class Recorded:
    """Intents are on disk: by line the number of its attempt, or an earlier one that answers.

    An error is why a limit of cost does not allow the line: of that nothing is on disk.
    """

    claims: dict[int, Answer]


@frozen
class NotRecorded:
    """Intents could not be recorded, so nothing may leave."""

    refs: tuple[int, ...]
    error: ModellixError


@frozen
class Replied:
    """A POST is over: it created a task, or failed; that is on disk if it is `recorded`."""

    ref: int
    task_id: str | None = None
    error: ModellixError | None = None
    submission: Submission | None = field(default=None, compare=False)
    recorded: bool = True


@frozen
class AttemptSeen:
    """How an attempt of another process stands now, None where the ledger lost it."""

    ref: int
    known: Known | None


@frozen
class Polled:
    """The server told a task's status."""

    task: Task


@frozen
class PollFailed:
    """A task could not be asked for."""

    task_id: str
    error: ModellixError


@frozen
class Delivered:
    """A webhook told that a task ended: it is worth a poll at once."""

    task_id: str


@frozen
class Saved:
    """Saving a line's results is over."""

    ref: int
    files: tuple[JsonObject, ...]
    errors: tuple[ModellixError, ...] = ()
    final: bool = True
    """Whether no further run could save more."""
    saved: SavedResults | None = field(default=None, compare=False)


@frozen
class LedgerLost:
    """The ledger cannot be relied on any more: nothing may be paid for."""

    error: ModellixError


@frozen
class Stop:
    """The run is to end: nothing more is sent, what is under way is still recorded."""

    why: str
    error: ModellixError | None = None
    follow: bool = False
    """Whether tasks that run are still followed to their end."""


@frozen
class GraceOver:
    """What was under way when the run was stopped has had its time."""


Event = (
    Work
    | Woke
    | Prepared
    | SubmitAllowed
    | SubmitHeld
    | PollAllowed
    | PollHeld
    | Recorded
    | NotRecorded
    | Replied
    | AttemptSeen
    | Polled
    | PollFailed
    | Delivered
    | Saved
    | LedgerLost
    | Stop
    | GraceOver
)

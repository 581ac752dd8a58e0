"""What to do: the effects that the core asks of the driver, which answers most with an event."""

from dataclasses import field

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.submission_state import RejectedBy, SubmissionState
from modellix_cli.domain.task import Task
from modellix_cli.engine.core.lines import LineOutcome
from modellix_cli.engine.notices import Notice


@frozen
class FetchWork:
    """Bring more lines; answered by `Work`."""

    at_most: int


@frozen
class Prepare:
    """Make a line's body ready; answered by `Prepared`."""

    ref: int


@frozen
class AskSubmit:
    """Ask whether a request may leave; answered by `SubmitAllowed` or `SubmitHeld`."""

    ref: int


@frozen
class AskPoll:
    """Ask whether a task may be asked for; answered by `PollAllowed` or `PollHeld`."""

    task_id: str


@frozen
class ReturnLeave:
    """A request that was allowed to leave does not: what it took is free again."""

    ref: int


@frozen
class Intent:
    """A line that is about to be sent.

    `repeats` is its attempt that the server refused. By the user's word, `resends` is one of
    unknown outcome that is sent once more, `retries` one whose task failed.
    """

    ref: int
    repeats: int | None = None
    resends: int | None = None
    retries: int | None = None


@frozen
class RecordIntents:
    """Claim requests on disk before they leave; answered by `Recorded` or `NotRecorded`."""

    intents: tuple[Intent, ...]


@frozen
class Post:
    """Send a paid request and record its outcome; answered by `Replied`."""

    ref: int
    number: int


@frozen
class RecordOutcome:
    """Record how an attempt ended; not answered. `others` are further tasks its reply named."""

    number: int
    state: SubmissionState
    task_id: str | None = None
    detail: str | None = None
    others: tuple[str, ...] = ()
    rejected_by: RejectedBy | None = None


@frozen
class WatchAttempt:
    """See how another process's attempt stands; answered by `AttemptSeen`."""

    ref: int
    number: int


@frozen
class Poll:
    """Ask for a task's status and record it; answered by `Polled` or `PollFailed`."""

    task_id: str


@frozen
class Save:
    """Save what a line's task made; answered by `Saved`."""

    ref: int
    name: str | None
    slug: str
    task: Task = field(compare=False)


@frozen
class StopSaving:
    """End all saving at once, leaving nothing incomplete; not answered."""


@frozen
class RecordEnd:
    """Record how a line's task ended and what was saved of it; not answered."""

    outcome: LineOutcome


@frozen
class RecordDuration:
    """Record how long a task ran that was submitted `age` seconds ago; not answered."""

    slug: str
    age: float
    seconds: float


@frozen
class Emit:
    """A line has its end; not answered."""

    outcome: LineOutcome


@frozen
class Tell:
    """Tell whoever watches; not answered."""

    notice: Notice


@frozen
class WakeAt:
    """Feed `Woke` at this monotonic time; only the last one of a step counts."""

    moment: float


@frozen
class Finish:
    """Nothing is left to do."""


Effect = (
    FetchWork
    | Prepare
    | AskSubmit
    | AskPoll
    | ReturnLeave
    | RecordIntents
    | Post
    | RecordOutcome
    | WatchAttempt
    | Poll
    | Save
    | StopSaving
    | RecordEnd
    | RecordDuration
    | Emit
    | Tell
    | WakeAt
    | Finish
)

"""What is told while work goes on: typed events, read by progress displays and programs alike.

`VERSION` changes when a field is removed or changes its meaning; fields may be added.
"""

from typing import TYPE_CHECKING, Final

from modellix_cli.domain.frozen import frozen

if TYPE_CHECKING:
    from modellix_cli.domain.money import Money


VERSION: Final = 1


@frozen
class Sending:
    """The paid request of line `ref` leaves now.

    `about` is the start of its prompt, which whoever watches adds where it is known.
    """

    ref: int
    slug: str
    about: str | None = None


@frozen
class SentElsewhere:
    """Another process sends the request of line `ref` just now; `number` is that of its attempt."""

    ref: int
    slug: str
    number: int


@frozen
class TaskAwaited:
    """A task is waited for; `age` is how long ago it was submitted, in seconds, if known.

    `usual` is how long tasks of its model usually take, in seconds, if known. `ref` is the line
    that waits, `about` as in `Sending`.
    """

    task_id: str
    slug: str
    age: float | None = None
    usual: float | None = None
    reused: bool = False
    """Whether an earlier attempt answers for the request, so that nothing was paid now."""
    ref: int = 0
    about: str | None = None


@frozen
class TaskPolled:
    """The server told the status of a task."""

    task_id: str
    status: str
    finished: bool


@frozen
class TaskLeft:
    """A task is not waited for any more, and why."""

    task_id: str
    message: str


@frozen
class PollTrouble:
    """Asking for a task failed and will be tried again."""

    task_id: str
    message: str


@frozen
class OtherTasks:
    """The reply that named a task which answers for a request named `others` too."""

    task_id: str
    others: tuple[str, ...]


@frozen
class SameTask:
    """The server gave a task for a request that is the task of an earlier request already.

    `number` and `earlier` are those of the requests in the ledger, with the lines they stand for,
    None for single requests, and the batch of the earlier one.
    """

    task_id: str
    number: int
    line: int | None
    earlier: int
    earlier_batch: int | None = None
    earlier_line: int | None = None


@frozen
class SubmitRetried:
    """The paid request of line `ref` was refused for now, and will be sent again in `seconds`.

    They are 0 where it goes to the end of the line and waits for nothing else.
    """

    message: str
    seconds: float
    ref: int = 0


@frozen
class Waiting:
    """The next request waits: for a limit, or for a running task to end (`slots_full`)."""

    seconds: float
    slots_full: bool


@frozen
class Stopped:
    """No more requests are sent, while `running` tasks are still followed."""

    message: str
    running: int


@frozen
class Counts:
    """How far a batch is: lines that have their end, tasks that run, lines in error."""

    ended: int
    running: int
    failed: int
    waiting: Waiting | None = None


@frozen
class BytesSaved:
    """How many bytes of a file have arrived, of how many if known."""

    name: str
    done: int
    total: int | None


@frozen
class LineEnded:
    """A line has its end; told by who takes its outcome, not by the engine.

    `trouble` is why it did not go well, `advice` a sentence with the command for it, `made` what
    came of it: names of files, else the task.
    `seconds` is how long its task ran, `billed` what it cost, each None where it is not known.
    """

    ref: int
    slug: str
    task_id: str | None = None
    name: str | None = None
    about: str | None = None
    trouble: str | None = None
    made: str | None = None
    seconds: float | None = None
    billed: "Money | None" = None
    reused: bool = False
    advice: str | None = None


Notice = (
    Sending
    | SentElsewhere
    | LineEnded
    | TaskAwaited
    | TaskPolled
    | TaskLeft
    | PollTrouble
    | OtherTasks
    | SameTask
    | SubmitRetried
    | Waiting
    | Stopped
    | Counts
    | BytesSaved
)

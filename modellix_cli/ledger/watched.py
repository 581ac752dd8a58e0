"""What goes on at one moment, as values: tasks, batches, limits, spending."""

from dataclasses import field

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.task import has_failed, is_final
from modellix_cli.ledger.spending import Spent
from modellix_cli.ledger.tasks import EXPIRED, GONE


@frozen
class WatchedTask:
    """A task that goes on, or ended lately. Times are Unix times.

    `followed` says that a process waits for it, as far as can be told; `expected` how many seconds
    such tasks take, None where that is not known; `files` how many of its results are saved.
    """

    base_url: str
    task_id: str
    profile: str
    slug: str | None
    status: str | None
    created_at: float
    ended_at: float | None
    batch: int | None
    line: int | None
    followed: bool
    files: int
    expected: float | None = None

    @property
    def finished(self) -> bool:
        """Whether it ended, or its results are gone."""
        return is_final(self.status) or self.status in (EXPIRED, GONE)

    @property
    def failed(self) -> bool:
        """Whether it ended without a result."""
        return has_failed(self.status)


@frozen
class WatchedBatch:
    """A batch that runs or ended lately, and how many of its lines are where.

    `running` says that a process works on it; `waiting` lines are not sent yet.
    """

    number: int
    source: str
    total: int
    state: str
    created_at: float
    running: bool
    waiting: int
    submitted: int
    ended: int
    failed: int


@frozen
class Limits:
    """What is left of a key's limits, None for what is not known.

    `requests` may leave until `reset_at`, of `limit` in all; of `slots` tasks that may run at a
    time `taken` are believed to.
    """

    requests: int | None = None
    limit: int | None = None
    reset_at: float | None = None
    taken: int = 0
    slots: int | None = None


@frozen
class Activity:
    """What goes on at one moment. `sending` requests are on their way, `unknown` ones were lost."""

    tasks: tuple[WatchedTask, ...] = ()
    batches: tuple[WatchedBatch, ...] = ()
    sending: int = 0
    unknown: int = 0
    limits: Limits = field(default_factory=Limits)
    spending: Spent = field(default_factory=Spent)

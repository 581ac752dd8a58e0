"""Values that go into the ledger and come out of it."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from modellix_cli.domain.budget import NO_LIMITS, CostLimits
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.identity import RequestIdentity
from modellix_cli.domain.jsontext import JsonError, JsonObject, loads
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.domain.submission_state import RejectedBy, SubmissionState
from modellix_cli.ledger.attempt import Attempt
from modellix_cli.ledger.sql import Row

if TYPE_CHECKING:
    from modellix_cli.domain.money import Money


_LONGEST_COMMAND: Final = 128 * 1024


@frozen
class Request:
    """A paid request that is about to be sent, as the ledger keeps it.

    `slug` is `provider/model`, without a task type. `line` counts the lines of a batch from 1, 0
    for a single run; `line_id` is the id that the user gave it. `resends` is the number of an
    attempt of unknown outcome that the user wants to be sent once more, `retries` of one whose
    task failed, `repeats` of one that the server refused: that attempt itself is under way again.
    `estimated_cost` is what it may cost at most; `unpriced` says why that is not known.
    """

    identity: RequestIdentity
    slug: str
    body: bytes
    line: int = 0
    line_id: str | None = None
    request_key: str | None = None
    tag: str | None = None
    webhook: str | None = None
    estimated_cost: "Money | None" = None
    unpriced: str = ""
    limits: CostLimits = NO_LIMITS
    resends: int | None = None
    retries: int | None = None
    repeats: int | None = None


@frozen
class Claimed:
    """The request may be sent now, by this process only; its attempt has this number."""

    number: int


@frozen
class TooDear:
    """The request may not be paid for now, and nothing was recorded of it."""

    error: ModellixError


Claim = Claimed | Attempt | TooDear
"""What a claim comes to: leave to send, an earlier attempt that answers for the request, or a
limit of cost that does not allow it."""


@frozen
class Outcome:
    """How an attempt ended; `others` are the tasks that its reply named besides its own.

    `accepted_by_user` says that the user, not the service, named its task.
    """

    state: SubmissionState
    task_id: str | None = None
    detail: str | None = None
    others: tuple[str, ...] = ()
    rejected_by: RejectedBy | None = None
    accepted_by_user: bool = False


@frozen
class LineKey:
    """What makes a line of a batch known: its place, its id, its model and what it asks.

    `body` is what an older version may know it by.
    """

    line: int
    name: str | None
    slug: str
    identity: RequestIdentity
    body: bytes
    request_key: str | None = None


class KeyedLines(Protocol):
    """The lines of a batch; they are gone through as often as it takes."""

    def keys(self) -> Iterable[LineKey]:
        """Yield what makes each line known, in their order."""


@frozen
class BatchPlan:
    """A batch that is to begin. `digest` is that of its lines, `source` the file as named.

    `resume_argv` is the command line that goes on with it.
    """

    lines: KeyedLines
    digest: str
    source: str
    total: int
    on_paid: OnPaid
    tag: str | None = None
    resume_argv: tuple[str, ...] = ()


@frozen
class PaidBefore:
    """What earlier runs paid for of a batch's lines, or may have."""

    accepted: int = 0
    unknown: int = 0
    in_flight: int = 0
    batches: tuple[tuple[int, float], ...] = ()
    """Number and Unix time of the batches in which they were sent; 0 for single runs."""

    @property
    def total(self) -> int:
        """How many lines that are."""
        return self.accepted + self.unknown + self.in_flight

    @property
    def any(self) -> bool:
        """Whether there is anything."""
        return self.total > 0


@frozen
class OtherAccount:
    """Lines were paid for with another key; `tasks` are some of theirs, the newest first."""

    team: int
    profile: str
    lines: int
    tasks: tuple[str, ...]


@frozen
class Batch:
    """A batch; `state` is `running` (or interrupted without a word), `stopped` or `done`.

    `source` is the file as the user named it, `base_url` the service's address, `resume_argv` the
    command line that goes on with the batch, empty where an older version began it.
    """

    number: int
    id: str
    created_at: float
    updated_at: float
    source: str
    total: int
    state: str
    base_url: str = ""
    resume_argv: tuple[str, ...] = ()


def read_batch(row: Row) -> Batch:
    """Return a batch as the columns of the ledger have it, the command line as JSON at the end."""
    written, words = row[-1], None
    if isinstance(written, str) and len(written) <= _LONGEST_COMMAND:
        with suppress(JsonError):  # a damaged file
            words = loads(written)
    usable = isinstance(words, list) and all(isinstance(word, str) for word in words)
    return replace(Batch(*row[:-1]), resume_argv=tuple(words) if words and usable else ())


@frozen
class BatchLine:
    """A line of a batch, with the attempt that answers for it, None while it was not sent.

    `status` is the final one of its task, None while it is not known to have ended; `detail` says
    what went wrong; `urls` and `files` are what the task made and what was saved of it, `files`
    None if it was not.
    """

    line: int
    slug: str
    name: str | None
    attempt: Attempt | None
    status: str | None = None
    detail: str | None = None
    urls: tuple[str, ...] = ()
    files: tuple[JsonObject, ...] | None = None


@frozen
class StartedBatch:
    """A batch that may be run now. `earlier` is what it reuses, `resumed` that it ran before."""

    batch: Batch
    earlier: PaidBefore
    resumed: bool

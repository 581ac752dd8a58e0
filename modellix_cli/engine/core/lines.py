"""A line of work and what became of it, as the engine's core and its observers know them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.domain.saved import Saved
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.task import Submission, Task

if TYPE_CHECKING:
    from modellix_cli.domain.money import Money


@frozen
class Known:
    """What earlier runs, or other processes, did about a line.

    `number` is that of the attempt in the ledger, 0 for a task that was named by its id only.
    `status` is the final one of its task, None while it is not known to have ended. `urls` and
    `files` are what it made and what was saved of it, `files` None where something is left to
    save. `age` is how long ago it was submitted, in seconds, None where that is not known.
    """

    number: int
    state: SubmissionState
    task_id: str | None
    detail: str | None = None
    in_flight: bool = False
    status: str | None = None
    urls: tuple[str, ...] = ()
    files: tuple[JsonObject, ...] | None = None
    age: float | None = None
    ours: bool = True
    """Whether the task was submitted from this machine."""
    failed: bool = False
    """Whether its task ended without a result."""
    last_status: str | None = None
    """The last status that was heard of its task, whoever heard it."""
    others: tuple[str, ...] = ()
    """Tasks that the reply named besides its own."""
    billed: "Money | None" = None
    """What the service is known to have charged for its task."""

    def is_over(self, *, saves: bool) -> bool:
        """Whether it ends as it is recorded, with nothing left to ask; `saves`: or to save."""
        if self.status is None:
            return False
        return not saves or bool(self.detail) or self.files is not None


Answer = int | Known | ModellixError
"""What a claim comes to: the number of an attempt that may be sent, an earlier one that answers for
the request, or a limit of cost that does not allow it."""


@frozen
class Line:
    """One piece of work: a request to send, or a task that is known already.

    `ref` names it, from 1; the body stays with the driver. `needs` are the lines whose results it
    uses, `need_names` their ids in the same order; `prepare` says that its body has to be made
    ready first (uploads, references). `resend` is the user's word that an attempt of unknown
    outcome may be sent once more, `retry_failed` that one whose task failed may be sent again.
    """

    ref: int
    slug: str
    name: str | None = None
    known: Known | None = None
    needs: tuple[int, ...] = ()
    prepare: bool = False
    resend: bool = False
    retry_failed: bool = False
    need_names: tuple[str, ...] = ()


@frozen
class LineOutcome:
    """What became of a line; told once, when it has its end.

    `status` is the last one of the task, None where none was heard; `waiting` is why it has no
    final one: `timeout`, `interrupted` or `lost`, None where it has or nobody waited. `error` is
    the failure that ended it. `needs_resume` says that a further run has something left to do,
    `reused` that an earlier attempt answered for it, so that it cost nothing now.
    """

    ref: int
    slug: str
    name: str | None
    state: SubmissionState | None
    """None for a line that was not sent."""
    number: int = 0
    task_id: str | None = None
    status: str | None = None
    waiting: str | None = None
    detail: str | None = None
    error: ModellixError | None = None
    urls: tuple[str, ...] = ()
    files: tuple[JsonObject, ...] | None = None
    needs_resume: bool = False
    reused: bool = False
    others: tuple[str, ...] = ()
    """Tasks that the reply to the submission named besides its own."""
    billed: "Money | None" = None
    """What the service charged for the task, whoever heard it; None where nobody did."""
    task: Task | None = field(default=None, compare=False)
    """The task's document, where it was polled."""
    submission: Submission | None = field(default=None, compare=False)
    """The reply to the submission, where this run sent it."""
    saved: Saved | None = field(default=None, compare=False)
    """What saving came to, where this run saved it."""


@dataclass(slots=True)
class Active:
    """A line that the core works on."""

    line: Line
    number: int = 0
    task_id: str | None = None
    resends: int | None = None
    """The attempt of unknown outcome that is sent once more by the user's word."""
    retries: int | None = None
    """The attempt whose task failed, and whose request is sent again by the user's word."""
    tries: int = 0
    since: float | None = None
    """When its task was submitted, in the driver's monotonic time; None where not known."""
    reused: bool = False
    ours: bool = True
    others: tuple[str, ...] = ()
    confirming: ModellixError | None = None
    """The failure whose reply named the task that is being looked for."""
    prepared: bool = False
    submission: Submission | None = None
    refusal: ModellixError | None = None
    """Why the server refused it last, while it waits for another try."""
    doubt: str | None = None
    """Why an earlier attempt of it is of unknown outcome, while that is not ended."""

    @property
    def ref(self) -> int:
        """The line's name."""
        return self.line.ref

    def outcome(
        self,
        state: SubmissionState | None,
        *,
        detail: str | None = None,
        error: ModellixError | None = None,
        needs_resume: bool = False,
    ) -> LineOutcome:
        """Return the line's end with these facts."""
        return LineOutcome(
            self.line.ref,
            self.line.slug,
            self.line.name,
            state,
            number=self.number,
            task_id=self.task_id,
            detail=detail,
            error=error,
            needs_resume=needs_resume,
            reused=self.reused,
            others=self.others,
            submission=self.submission,
        )

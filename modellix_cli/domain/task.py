"""A submitted task and what it made, as the rest of the program knows them.

Server values stay open: an unknown status counts as unfinished, an unknown type is kept. The
statuses are those of docs/spec/service.md 4.
"""

from typing import TYPE_CHECKING, Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json

if TYPE_CHECKING:
    from modellix_cli.domain.money import Money

SUCCEEDED: Final = frozenset({"success", "succeeded", "completed", "done"})
CANCELED: Final = frozenset({"canceled", "cancelled"})
FAILED: Final = frozenset({"failed", "error"}) | CANCELED
"""Statuses of tasks that ended without a result, the canceled ones included."""
UNFINISHED: Final = frozenset({"pending", "processing", "queued", "running", "in_progress"})
"""Statuses of tasks that go on, as far as they are known; any other counts as one too."""
RESULT_LIFETIME: Final = 7 * 24 * 3600.0
"""Seconds for which Modellix keeps results, where it does not say until when."""


@frozen
class Submission:
    """The reply to a paid submission: the task that was created.

    `others` are the ids of further tasks that the same reply names; there should be none.
    """

    task_id: str
    status: str
    document: Json
    others: tuple[str, ...] = ()


@frozen
class Resource:
    """One thing a task made. `position` counts from 1; `url` or `text` may be missing.

    `width` and `height` in pixels, `duration` in seconds, `size` in bytes; `expires_at` is the
    Unix time at which it is deleted. `role` is such as `primary`. What is not known is None.
    """

    position: int
    type: str | None
    url: str | None
    text: str | None
    format: str | None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    size: int | None = None
    role: str | None = None
    expires_at: float | None = None


@frozen
class Task:
    """The reply to `GET /tasks/{task_id}`, or a webhook's body.

    `reason` is the server's explanation of a failure; `ended_at` and `expires_at` the Unix times
    at which the task ended and its results are deleted, `seconds` how long it ran, `billed` what
    it cost, `model` the server's name of the model, each None where it is not known.
    """

    task_id: str
    status: str
    resources: tuple[Resource, ...]
    reason: str | None
    ended_at: float | None
    seconds: float | None
    document: Json
    expires_at: float | None = None
    billed: "Money | None" = None
    model: str | None = None

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses of what it made, of those results that have one."""
        return tuple(resource.url for resource in self.resources if resource.url is not None)

    @property
    def kept_until(self) -> float | None:
        """The Unix time until which its results are kept, None where nobody knows."""
        if self.expires_at is not None:
            return self.expires_at
        return None if self.ended_at is None else self.ended_at + RESULT_LIFETIME

    @property
    def succeeded(self) -> bool:
        """Whether the task ended with a result."""
        return self.status.lower() in SUCCEEDED

    @property
    def failed(self) -> bool:
        """Whether the task ended without a result; see `canceled` for why."""
        return self.status.lower() in FAILED

    @property
    def canceled(self) -> bool:
        """Whether the task ended because somebody canceled it."""
        return self.status.lower() in CANCELED

    @property
    def finished(self) -> bool:
        """Whether the task ended; a status we do not know counts as unfinished."""
        return self.succeeded or self.failed


def also_named(others: tuple[str, ...]) -> str | None:
    """Return in words which tasks a reply names besides the one that is used, None if none."""
    if not others:
        return None
    return (
        f"The same reply also names {'task' if len(others) == 1 else 'tasks'} {', '.join(others)}."
    )


def is_final(status: str | None) -> bool:
    """Whether a status is an end, with a result or without."""
    return status is not None and status.lower() in SUCCEEDED | FAILED


def has_failed(status: str | None) -> bool:
    """Whether a status is an end without a result."""
    return status is not None and status.lower() in FAILED


def is_end(status: str) -> bool:
    """Whether a status is an end; one we do not know counts as unfinished."""
    return status.lower() in SUCCEEDED | FAILED

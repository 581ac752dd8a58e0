"""The one exception that a user can act on, and how a command that a signal stopped ends.

Errors do not change: who knows more returns a copy. What every code means is in the registry.
"""

from collections.abc import Mapping
from typing import Final, Self, TypedDict, Unpack

from modellix_cli.domain.error_registry import REGISTRY, Charged, ErrorCode, Kind
from modellix_cli.domain.exit_status import ExitStatus
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonObject

__all__ = [
    "REGISTRY",
    "Charged",
    "ErrorCode",
    "ExitStatus",
    "Kind",
    "ModellixError",
    "Place",
    "Stopped",
    "interrupted",
    "usage",
]


@frozen
class Place:
    """Where in the input of a batch a fault stands, in the words of its message: `line 3`.

    `unit` is what is counted there, `lines` how many are known to have the same fault.
    """

    words: str
    unit: str
    lines: int = 1


class ErrorFacts(TypedDict, total=False):
    """What can be known about a failure; see `ModellixError`."""

    code: ErrorCode
    message: str
    hint: str
    exit_status: int
    status: int | None
    task_id: str | None
    request: int | None
    charged: Charged | None
    retryable: bool
    resume: str | None
    retry_after: float | None
    concurrency_limited: bool
    category: str | None
    rate_limit: Mapping[str, int] | None
    other_tasks: tuple[str, ...]
    faults: "tuple[ModellixError, ...]"
    wanted: str | None
    place: Place | None


_FIELDS: Final = tuple(ErrorFacts.__annotations__)


class ModellixError(Exception):
    """A failure a user can act on; immutable, see `copy_with`.

    `message` says what happened, the server's own detail included; it is untrusted text and is
    escaped by the sink. `status` is the HTTP status, `category` the API's own name of the kind of
    error. `retryable`: running the same command again is safe and may succeed. `charged` is what
    is known about money, None where the command that pays has to say. `request` is the number by
    which `task resolve` takes a request of unknown outcome. `resume` is the command
    that continues the work, `retry_after` what the server asked to wait, in seconds;
    `concurrency_limited` says that it refused because too many tasks run. `rate_limit` is what its
    headers told: limit, remaining and resetAt (Unix time). `other_tasks` are ids of tasks that a
    reply names besides `task_id`. `faults` are the failures that this one sums up.
    `wanted` is what was written as a model and is no slug, `place` where in a batch it stands.
    """

    code: ErrorCode
    message: str
    hint: str
    exit_status: int
    status: int | None
    task_id: str | None
    request: int | None
    charged: Charged | None
    retryable: bool
    resume: str | None
    retry_after: float | None
    concurrency_limited: bool
    category: str | None
    rate_limit: Mapping[str, int] | None
    other_tasks: tuple[str, ...]
    faults: "tuple[ModellixError, ...]"
    wanted: str | None
    place: Place | None

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        hint: str | None = None,
        exit_status: int | None = None,
        status: int | None = None,
        task_id: str | None = None,
        request: int | None = None,
        charged: Charged | None = None,
        retryable: bool | None = None,
        resume: str | None = None,
        retry_after: float | None = None,
        concurrency_limited: bool = False,
        category: str | None = None,
        rate_limit: Mapping[str, int] | None = None,
        other_tasks: tuple[str, ...] = (),
        faults: "tuple[ModellixError, ...]" = (),
        wanted: str | None = None,
        place: Place | None = None,
    ) -> None:
        super().__init__(message)
        kind = REGISTRY[code]
        self._set(
            code=code,
            message=message,
            hint=kind.hint if hint is None else hint,
            exit_status=int(kind.exit_status if exit_status is None else exit_status),
            status=status,
            task_id=task_id,
            request=request,
            charged=charged or kind.charged,
            retryable=kind.retryable if retryable is None else retryable,
            resume=resume,
            retry_after=retry_after,
            concurrency_limited=concurrency_limited,
            category=category,
            rate_limit=rate_limit,
            other_tasks=other_tasks,
            faults=faults,
            wanted=wanted,
            place=place,
        )

    def _set(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        if name in _FIELDS:
            raise AttributeError(f"{name} of an error does not change; use copy_with")
        super().__setattr__(name, value)

    def copy_with(self, **changes: Unpack[ErrorFacts]) -> Self:
        """Return the same failure with some of its facts changed or added.

        It was caused by the same exception; raise it `from` the original's `__cause__` or `None`.
        """
        unknown = changes.keys() - set(_FIELDS)
        if unknown:
            raise TypeError(f"an error has no {', '.join(sorted(unknown))}")
        copy = type(self)(self.code, changes.get("message", self.message))
        facts = {name: getattr(self, name) for name in _FIELDS} | dict(changes)
        copy._set(**facts | {"exit_status": int(facts["exit_status"])})
        copy.__cause__ = self.__cause__
        return copy

    def as_dict(self) -> JsonObject:
        """Return the `error` object of the JSON envelope; what is not known is left out."""
        facts: JsonObject = {
            "code": str(self.code),
            "message": self.message,
            "hint": self.hint,
            "exitCode": self.exit_status,
            "status": self.status,
            "category": self.category,
            "taskId": self.task_id,
            "request": self.request,
            "otherTaskIds": list(self.other_tasks) or None,
            "resume": self.resume,
            "retryable": self.retryable,
            "charged": self.charged,
            "retryAfterSeconds": self.retry_after,
            "rateLimit": self.rate_limit and dict(self.rate_limit),
        }
        return {name: value for name, value in facts.items() if value is not None}


def usage(message: str, hint: str | None = None, *, wanted: str | None = None) -> ModellixError:
    """Return the error for a wrong option or argument; the message names it."""
    return ModellixError(ErrorCode.USAGE, message, hint=hint, wanted=wanted)


class Stopped(KeyboardInterrupt):
    """A signal other than Ctrl-C asked the program to end; handled like Ctrl-C."""

    def __init__(self, signal_number: int) -> None:
        super().__init__()
        self.signal_number = signal_number


def status_of(stop: KeyboardInterrupt) -> int:
    """Return the exit status of a program that Ctrl-C (130) or a signal (128 + number) ended."""
    return 128 + (stop.signal_number if isinstance(stop, Stopped) else 2)


def interrupted(
    stop: KeyboardInterrupt,
    message: str,
    *,
    charged: Charged | None = None,
    task_id: str | None = None,
    hint: str | None = None,
    resume: str | None = None,
) -> ModellixError:
    """Return the error that ends a command after Ctrl-C or a signal."""
    return ModellixError(
        ErrorCode.INTERRUPTED,
        message,
        exit_status=status_of(stop),
        charged=charged,
        task_id=task_id,
        hint=hint,
        resume=resume,
    )

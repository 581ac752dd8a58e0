"""Every way a command can fail: one exception, one registry, one table of exit statuses.

A failure is a `ModellixError` with a `ErrorCode`. The registry says what the code means, what to do,
which exit status it ends with, whether running the command again is safe, and what is known about
money. `__main__` is the only place that turns one into output.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, Final, Literal

Charged = Literal["no", "yes", "unknown"]


class ExitStatus(IntEnum):
    """Exit statuses of the process; `help` and README list them from here."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    AUTH = 3
    BALANCE = 4
    NOT_FOUND = 5
    RATE_LIMITED = 6
    UNAVAILABLE = 7
    OUTCOME_UNKNOWN = 8
    TIMEOUT = 124
    UNKNOWN_COMMAND = 127
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """One line for help and docs."""
        return _EXIT_MEANINGS[self]


_EXIT_MEANINGS: Final = {
    ExitStatus.DONE: "done",
    ExitStatus.FAILED: "the task failed, or any failure not listed here",
    ExitStatus.USAGE: "the request is wrong: usage, body, parameters (API 400, 422), a local guard",
    ExitStatus.AUTH: "no API key, or a refused one (401, 403)",
    ExitStatus.BALANCE: "balance too low (402)",
    ExitStatus.NOT_FOUND: "task, model or result not found (404)",
    ExitStatus.RATE_LIMITED: "rate limited, retries spent (429)",
    ExitStatus.UNAVAILABLE: "service or network unavailable; nothing was charged",
    ExitStatus.OUTCOME_UNKNOWN: "a paid submission was sent and its outcome is unknown",
    ExitStatus.TIMEOUT: "waiting timed out; the task may still run",
    ExitStatus.UNKNOWN_COMMAND: "unknown command",
    ExitStatus.INTERRUPTED: "interrupted (Ctrl-C)",
}


class ErrorCode(StrEnum):
    """Machine-readable names of failures, as `error.code` in the JSON envelope."""

    USAGE = "USAGE"
    UNKNOWN_COMMAND = "UNKNOWN_COMMAND"
    INVALID_BODY = "INVALID_BODY"
    INPUT_UNREADABLE = "INPUT_UNREADABLE"
    INVALID_MEDIA = "INVALID_MEDIA"
    MISSING_API_KEY = "MISSING_API_KEY"
    CONFIG_UNREADABLE = "CONFIG_UNREADABLE"
    CONFIG_BUSY = "CONFIG_BUSY"
    CONFIG_CHANGED = "CONFIG_CHANGED"
    KEYCHAIN_UNAVAILABLE = "KEYCHAIN_UNAVAILABLE"
    DECLINED = "DECLINED"
    INVALID_REQUEST = "INVALID_REQUEST"
    UNAUTHORIZED = "UNAUTHORIZED"
    PAYMENT_REQUIRED = "PAYMENT_REQUIRED"
    NOT_FOUND = "NOT_FOUND"
    RATE_LIMITED = "RATE_LIMITED"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    NETWORK = "NETWORK"
    TLS = "TLS"
    BAD_REPLY = "BAD_REPLY"
    API_ERROR = "API_ERROR"
    SUBMISSION_UNKNOWN = "SUBMISSION_UNKNOWN"
    UPLOAD_UNKNOWN = "UPLOAD_UNKNOWN"
    TASK_FAILED = "TASK_FAILED"
    TASK_NOT_FINISHED = "TASK_NOT_FINISHED"
    TASK_WAIT_TIMEOUT = "TASK_WAIT_TIMEOUT"
    NO_RESOURCES = "NO_RESOURCES"
    RESOURCE_REFUSED = "RESOURCE_REFUSED"
    RESOURCE_LIMIT = "RESOURCE_LIMIT"
    RESULT_EXPIRED = "RESULT_EXPIRED"
    DOWNLOAD_FAILED = "DOWNLOAD_FAILED"
    OUTPUT_UNWRITABLE = "OUTPUT_UNWRITABLE"
    INTERRUPTED = "INTERRUPTED"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class Kind:
    """What the registry knows about a code.

    `retryable`: running the same command again is safe and may succeed.
    `charged`: what is known about money when nothing more precise is said.
    """

    meaning: str
    hint: str
    exit: ExitStatus
    retryable: bool = False
    charged: Charged = "no"


_HELP_HINT: Final = "See the command's --help."

REGISTRY: Final[dict[ErrorCode, Kind]] = {
    ErrorCode.USAGE: Kind("an option or argument is wrong", _HELP_HINT, ExitStatus.USAGE),
    ErrorCode.UNKNOWN_COMMAND: Kind(
        "no such command", "Run modellix-cli --help for the list.", ExitStatus.UNKNOWN_COMMAND
    ),
    ErrorCode.INVALID_BODY: Kind(
        "the request body is not one JSON object in UTF-8",
        "Put the JSON in a file and pass --body-file FILE, or pipe it to --body-file -.",
        ExitStatus.USAGE,
    ),
    ErrorCode.INPUT_UNREADABLE: Kind(
        "a file named on the command line cannot be read",
        "Check the path and its permissions.",
        ExitStatus.USAGE,
    ),
    ErrorCode.INVALID_MEDIA: Kind(
        "a file is not one that can be uploaded",
        "Modellix takes PNG, JPEG and WebP pictures of up to 16 MiB; nothing was uploaded.",
        ExitStatus.USAGE,
    ),
    ErrorCode.MISSING_API_KEY: Kind(
        "no API key was found",
        "Log in with modellix-cli auth login, set MODELLIX_API_KEY or pass --api-key (keys: "
        "https://modellix.ai/console/api-key), or try --sandbox, which needs none.",
        ExitStatus.AUTH,
    ),
    ErrorCode.CONFIG_UNREADABLE: Kind(
        "the saved configuration cannot be used",
        "Repair or remove the file, or pass a key with MODELLIX_API_KEY or --api-key.",
        ExitStatus.AUTH,
    ),
    ErrorCode.CONFIG_BUSY: Kind(
        "another process is changing the saved login",
        "Try again in a moment.",
        ExitStatus.FAILED,
        retryable=True,
    ),
    ErrorCode.CONFIG_CHANGED: Kind(
        "the saved login changed while the key was being validated",
        "Look at it with modellix-cli config show, then run the same command again.",
        ExitStatus.FAILED,
        retryable=True,
    ),
    ErrorCode.KEYCHAIN_UNAVAILABLE: Kind(
        "the system's keychain cannot be used",
        "Install its package with pip install 'modellix-cli[keychain]', or keep keys in a file: "
        "modellix-cli auth login --store file. MODELLIX_API_KEY and --api-key need neither.",
        ExitStatus.AUTH,
    ),
    ErrorCode.DECLINED: Kind(
        "a question was answered with no; nothing was changed",
        "Answer y, or pass --yes.",
        ExitStatus.FAILED,
    ),
    ErrorCode.INVALID_REQUEST: Kind(
        "the API refused the parameters or their format (400, 405, 413, 415, 422)",
        "Fix what the server names and send again; nothing was charged.",
        ExitStatus.USAGE,
    ),
    ErrorCode.UNAUTHORIZED: Kind(
        "the API refused the key (401, 403)",
        "Check MODELLIX_API_KEY or pass --api-key; keys are made at "
        "https://modellix.ai/console/api-key.",
        ExitStatus.AUTH,
    ),
    ErrorCode.PAYMENT_REQUIRED: Kind(
        "the balance is too low or the account in arrears (402)",
        "Recharge the account at https://modellix.ai/console, then send again.",
        ExitStatus.BALANCE,
    ),
    ErrorCode.NOT_FOUND: Kind(
        "task, model or provider not found (404)", "Check the id or slug.", ExitStatus.NOT_FOUND
    ),
    ErrorCode.RATE_LIMITED: Kind(
        "rate or concurrency limit; the retries are spent (429)",
        "Nothing was charged. Try again later.",
        ExitStatus.RATE_LIMITED,
        retryable=True,
    ),
    ErrorCode.SERVICE_UNAVAILABLE: Kind(
        "the service had an internal error or is unavailable (408, 5xx)",
        "This is temporary on Modellix's side; nothing was charged. Try again in a minute.",
        ExitStatus.UNAVAILABLE,
        retryable=True,
    ),
    ErrorCode.NETWORK: Kind(
        "the network failed before an answer came; no paid request was sent",
        "Nothing was charged. Check the connection, the base URL and the proxy, then try again.",
        ExitStatus.UNAVAILABLE,
        retryable=True,
    ),
    ErrorCode.TLS: Kind(
        "the secure connection could not be set up",
        "Nothing was charged. Behind a company proxy, point SSL_CERT_FILE at its CA bundle.",
        ExitStatus.UNAVAILABLE,
    ),
    ErrorCode.BAD_REPLY: Kind(
        "the reply is not what the API documents",
        "Something between here and Modellix may have answered instead; try again.",
        ExitStatus.UNAVAILABLE,
        retryable=True,
    ),
    ErrorCode.API_ERROR: Kind(
        "the API answered with an error of no other kind",
        "Inspect the request and the account state.",
        ExitStatus.FAILED,
    ),
    ErrorCode.SUBMISSION_UNKNOWN: Kind(
        "a paid submission left and no usable answer came back",
        "Do not submit the same request again until you have checked whether a task was created: "
        "look at the usage page of https://modellix.ai/console.",
        ExitStatus.OUTCOME_UNKNOWN,
        charged="unknown",
    ),
    ErrorCode.UPLOAD_UNKNOWN: Kind(
        "an upload left and no usable answer came back",
        "Check the Modellix file console before uploading the same file again; "
        "uploads are not charged.",
        ExitStatus.UNAVAILABLE,
    ),
    ErrorCode.TASK_FAILED: Kind(
        "the task ended without a result",
        "Read the reason; change the request before submitting again.",
        ExitStatus.FAILED,
        charged="unknown",
    ),
    ErrorCode.TASK_NOT_FINISHED: Kind(
        "the task has no result yet", "Wait for it first.", ExitStatus.FAILED, retryable=True
    ),
    ErrorCode.TASK_WAIT_TIMEOUT: Kind(
        "waiting timed out; the task may still run",
        "Nothing is lost.",
        ExitStatus.TIMEOUT,
        retryable=True,
    ),
    ErrorCode.NO_RESOURCES: Kind(
        "the task succeeded without anything to download",
        "See its reply with modellix-cli task get.",
        ExitStatus.FAILED,
    ),
    ErrorCode.RESOURCE_REFUSED: Kind(
        "a resource URL is not safe to fetch",
        "Nothing was fetched from it.",
        ExitStatus.USAGE,
    ),
    ErrorCode.RESOURCE_LIMIT: Kind(
        "a download is over a limit of bytes, count or time",
        "Raise the limit with --max-bytes, --max-total-bytes, --max-resources or --timeout.",
        ExitStatus.USAGE,
    ),
    ErrorCode.RESULT_EXPIRED: Kind(
        "the result is gone: results are kept for 24 hours",
        "It cannot be fetched any more; submitting again makes, and charges, a new one.",
        ExitStatus.NOT_FOUND,
    ),
    ErrorCode.DOWNLOAD_FAILED: Kind(
        "a download did not arrive whole",
        "Nothing incomplete was left behind. Try again before the result expires.",
        ExitStatus.UNAVAILABLE,
        retryable=True,
    ),
    ErrorCode.OUTPUT_UNWRITABLE: Kind(
        "a file, folder or stdout cannot be written",
        "Check free space and permissions.",
        ExitStatus.FAILED,
    ),
    ErrorCode.INTERRUPTED: Kind("stopped by Ctrl-C or a signal", "", ExitStatus.INTERRUPTED),
    ErrorCode.INTERNAL: Kind(
        "a defect in modellix-cli",
        "Run again with --debug and report the traceback.",
        ExitStatus.FAILED,
        charged="unknown",
    ),
}


class ModellixError(Exception):
    """A failure a user can act on.

    `message` says what happened, the server's own detail included; it is untrusted text and is
    escaped by the sink. `resume` is the command that continues the work. `wait_seconds` is what
    the server asked to wait before another try; `crowded` says that it refused because too many
    tasks run.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        hint: str | None = None,
        status: int | None = None,
        task_id: str | None = None,
        charged: Charged | None = None,
        retryable: bool | None = None,
        resume: str | None = None,
        wait_seconds: float | None = None,
        crowded: bool = False,
    ) -> None:
        super().__init__(message)
        kind = REGISTRY[code]
        self.code = code
        self.message = message
        self.hint = kind.hint if hint is None else hint
        self.exit: int = kind.exit
        self.status = status
        self.task_id = task_id
        self.charged: Charged = charged or kind.charged
        self.retryable = kind.retryable if retryable is None else retryable
        self.resume = resume
        self.wait_seconds = wait_seconds
        self.crowded = crowded

    def as_dict(self) -> dict[str, Any]:
        """Return the `error` object of the JSON envelope."""
        facts: dict[str, Any] = {
            "code": str(self.code),
            "message": self.message,
            "hint": self.hint,
            "exitCode": int(self.exit),
        }
        if self.status is not None:
            facts["status"] = self.status
        if self.task_id is not None:
            facts["taskId"] = self.task_id
        if self.resume is not None:
            facts["resume"] = self.resume
        return facts | {"retryable": self.retryable, "charged": self.charged}


def usage(message: str, hint: str | None = None) -> ModellixError:
    """Return the error for a wrong option or argument; the message names it."""
    return ModellixError(ErrorCode.USAGE, message, hint=hint)


class Stopped(KeyboardInterrupt):
    """A signal other than Ctrl-C asked the program to end; handled like Ctrl-C."""

    def __init__(self, signal_number: int) -> None:
        super().__init__()
        self.signal_number = signal_number


def interrupted(
    stop: KeyboardInterrupt,
    message: str,
    *,
    charged: Charged = "no",
    task_id: str | None = None,
    hint: str | None = None,
    resume: str | None = None,
) -> ModellixError:
    """Return the error that ends a command after Ctrl-C (exit 130) or a signal (128 + number)."""
    error = ModellixError(
        ErrorCode.INTERRUPTED, message, charged=charged, task_id=task_id, hint=hint, resume=resume
    )
    if isinstance(stop, Stopped):
        error.exit = 128 + stop.signal_number
    return error

"""Every way a command can fail, in one table: meaning, hint, exit status, money."""

from enum import StrEnum
from typing import Final, Literal

from modellix_cli.domain.exit_status import ExitStatus
from modellix_cli.domain.frozen import frozen

Charged = Literal["no", "yes", "unknown"]
"""What is known about money: whether this command's own requests were, or may be, charged."""


class ErrorCode(StrEnum):
    """Machine-readable names of failures, as `error.code` in the JSON envelope."""

    USAGE = "USAGE"
    UNKNOWN_COMMAND = "UNKNOWN_COMMAND"
    INVALID_BODY = "INVALID_BODY"
    INPUT_UNREADABLE = "INPUT_UNREADABLE"
    INVALID_MEDIA = "INVALID_MEDIA"
    ALREADY_PAID = "ALREADY_PAID"
    ACCOUNT_CHANGED = "ACCOUNT_CHANGED"
    REQUEST_KEY_REUSED = "REQUEST_KEY_REUSED"
    COST_LIMIT = "COST_LIMIT"
    BUDGET_EXCEEDED = "BUDGET_EXCEEDED"
    LEDGER_INCOMPLETE = "LEDGER_INCOMPLETE"
    LEDGER_LOST = "LEDGER_LOST"
    LEDGER_BUSY = "LEDGER_BUSY"
    LEDGER_UNUSABLE = "LEDGER_UNUSABLE"
    MISSING_API_KEY = "MISSING_API_KEY"
    CONFIG_UNREADABLE = "CONFIG_UNREADABLE"
    CONFIG_BUSY = "CONFIG_BUSY"
    CONFIG_CHANGED = "CONFIG_CHANGED"
    PROJECT_UNUSABLE = "PROJECT_UNUSABLE"
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
    FILE_QUOTA_FULL = "FILE_QUOTA_FULL"
    TASK_REPEATED = "TASK_REPEATED"
    TASK_FAILED = "TASK_FAILED"
    TASK_NOT_FINISHED = "TASK_NOT_FINISHED"
    TASK_WAIT_TIMEOUT = "TASK_WAIT_TIMEOUT"
    NO_RESOURCES = "NO_RESOURCES"
    RESOURCE_REFUSED = "RESOURCE_REFUSED"
    RESOURCE_LIMIT = "RESOURCE_LIMIT"
    RESULT_EXPIRED = "RESULT_EXPIRED"
    DOWNLOAD_FAILED = "DOWNLOAD_FAILED"
    OUTPUT_UNWRITABLE = "OUTPUT_UNWRITABLE"
    NO_VIEWER = "NO_VIEWER"
    NO_PREVIEW = "NO_PREVIEW"
    LINE_SKIPPED = "LINE_SKIPPED"
    INTERRUPTED = "INTERRUPTED"
    INTERNAL = "INTERNAL"


@frozen
class Kind:
    """What the registry knows about a code.

    `retryable`: running the same command again is safe and may succeed. `charged`: what is known
    about money whenever this happens, None where the command has to say.
    """

    meaning: str
    hint: str
    exit_status: ExitStatus
    retryable: bool = False
    charged: Charged | None = None


_CONSOLE: Final = "https://modellix.ai/console"

REGISTRY: Final[dict[ErrorCode, Kind]] = {
    ErrorCode.USAGE: Kind(
        "an option or argument is wrong", "See the command's --help.", ExitStatus.USAGE
    ),
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
        "Modellix takes images, video and audio of up to 16 MiB; nothing was uploaded.",
        ExitStatus.USAGE,
    ),
    ErrorCode.ALREADY_PAID: Kind(
        "lines of this batch were paid for before, or their outcome is unknown",
        "To pay only for what is not paid for, pass --resume. To pay for every line again, "
        "pass --new.",
        ExitStatus.USAGE,
        charged="no",
    ),
    ErrorCode.ACCOUNT_CHANGED: Kind(
        "the requests were paid for with another API key",
        "Use the profile that paid for them. If both keys belong to the same account, "
        "pass --same-account.",
        ExitStatus.USAGE,
        charged="no",
    ),
    ErrorCode.REQUEST_KEY_REUSED: Kind(
        "the request key was used before, for another request",
        "Give each request a key of its own: --request-key, in a batch requestKey beside the body.",
        ExitStatus.USAGE,
        charged="no",
    ),
    ErrorCode.COST_LIMIT: Kind(
        "the request may cost more than a limit allows",
        "Raise the limit, or leave it out where prices are not listed.",
        ExitStatus.OVER_BUDGET,
        charged="no",
    ),
    ErrorCode.BUDGET_EXCEEDED: Kind(
        "the budget does not allow the request; what it allows comes back with time",
        "See what counts with modellix-cli usage, or raise the budget.",
        ExitStatus.OVER_BUDGET,
        charged="no",
    ),
    ErrorCode.LEDGER_INCOMPLETE: Kind(
        "the ledger was damaged: payments of earlier runs may be missing from it",
        "Check the usage page of https://modellix.ai/console, then confirm with: "
        "modellix-cli ledger acknowledge",
        ExitStatus.USAGE,
        charged="no",
    ),
    ErrorCode.LEDGER_LOST: Kind(
        "the ledger was removed, replaced or became unwritable while the command ran",
        "Do not send the same requests again before you have checked the usage page of "
        "https://modellix.ai/console.",
        ExitStatus.FAILED,
    ),
    ErrorCode.LEDGER_BUSY: Kind(
        "another program keeps the ledger locked",
        "Try again in a moment, or wait longer with --max-retry-wait. Where the file system has no "
        "locks, choose a folder on another one with XDG_STATE_HOME.",
        ExitStatus.FAILED,
        retryable=True,
    ),
    ErrorCode.LEDGER_UNUSABLE: Kind(
        "the ledger cannot be opened, read or written",
        "Check the folder's permissions and free space, or choose another with XDG_STATE_HOME.",
        ExitStatus.FAILED,
    ),
    ErrorCode.MISSING_API_KEY: Kind(
        "no API key was found",
        "Log in with modellix-cli auth login, set MODELLIX_API_KEY, or pass --api-key (keys: "
        "https://modellix.ai/console/api-key). Or try --sandbox, which needs no key.",
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
        "Check it with modellix-cli config show, then run the same command again.",
        ExitStatus.FAILED,
        retryable=True,
    ),
    ErrorCode.PROJECT_UNUSABLE: Kind(
        "modellix.toml, or the file of a profile's settings, cannot be used",
        "Correct the file at that place. What may be in it: modellix-cli project --help",
        ExitStatus.USAGE,
        charged="no",
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
        "Fix what the server names and send again.",
        ExitStatus.USAGE,
    ),
    ErrorCode.UNAUTHORIZED: Kind(
        "the API refused the key (401, 403)",
        "Use a valid key: https://modellix.ai/console/api-key",
        ExitStatus.AUTH,
    ),
    ErrorCode.PAYMENT_REQUIRED: Kind(
        "the balance is too low or the account in arrears (402)",
        f"Insufficient balance: recharge the account at {_CONSOLE}, then send again.",
        ExitStatus.BALANCE,
    ),
    ErrorCode.NOT_FOUND: Kind(
        "task, model or provider not found (404)", "Check the id or slug.", ExitStatus.NOT_FOUND
    ),
    ErrorCode.RATE_LIMITED: Kind(
        "rate or concurrency limit; retries used up (429)",
        "Try again later.",
        ExitStatus.RATE_LIMITED,
        retryable=True,
    ),
    ErrorCode.SERVICE_UNAVAILABLE: Kind(
        "the service had an internal error or is unavailable (408, 5xx)",
        "This is temporary on Modellix's side. Try again in a minute.",
        ExitStatus.UNAVAILABLE,
        retryable=True,
    ),
    ErrorCode.NETWORK: Kind(
        "the network failed before an answer came; no paid request was sent",
        "Check the connection, the base URL and the proxy, then try again.",
        ExitStatus.UNAVAILABLE,
        retryable=True,
    ),
    ErrorCode.TLS: Kind(
        "the secure connection could not be set up",
        "Behind a company proxy, point SSL_CERT_FILE at its CA bundle.",
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
        "Check the request and the account.",
        ExitStatus.FAILED,
    ),
    ErrorCode.SUBMISSION_UNKNOWN: Kind(
        "a paid request was sent and no usable answer came back",
        "Do not submit the same request again until you have checked whether a task was created: "
        f"see the usage page of {_CONSOLE}.",
        ExitStatus.OUTCOME_UNKNOWN,
        charged="unknown",
    ),
    ErrorCode.UPLOAD_UNKNOWN: Kind(
        "an upload was sent and no usable answer came back",
        "Check with modellix-cli file list before uploading the same file again; "
        "uploads are not charged.",
        ExitStatus.UNAVAILABLE,
    ),
    ErrorCode.FILE_QUOTA_FULL: Kind(
        "no more files can be uploaded before others are deleted (429)",
        "See your files with modellix-cli file list, and delete those you no longer need with "
        "modellix-cli file delete ID.",
        ExitStatus.FAILED,
    ),
    ErrorCode.TASK_REPEATED: Kind(
        "the server gave the same task for several requests",
        f"Compare the task with both requests, and look at the usage page of {_CONSOLE} before you "
        "send either again.",
        ExitStatus.FAILED,
        charged="unknown",
    ),
    ErrorCode.TASK_FAILED: Kind(
        "the task ended without a result",
        "Read the reason; change the request before submitting again.",
        ExitStatus.FAILED,
    ),
    ErrorCode.TASK_NOT_FINISHED: Kind(
        "the task has no result yet", "Wait for it first.", ExitStatus.FAILED, retryable=True
    ),
    ErrorCode.TASK_WAIT_TIMEOUT: Kind(
        "waiting timed out; the task may still be running",
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
        "the result is gone: results are kept for 7 days",
        "It cannot be fetched any more; submitting again makes, and charges, a new one.",
        ExitStatus.NOT_FOUND,
    ),
    ErrorCode.DOWNLOAD_FAILED: Kind(
        "a download did not arrive whole",
        "No incomplete file was left behind. Try again before the result expires.",
        ExitStatus.UNAVAILABLE,
        retryable=True,
    ),
    ErrorCode.OUTPUT_UNWRITABLE: Kind(
        "a file, folder or stdout cannot be written",
        "Check free space and permissions.",
        ExitStatus.FAILED,
    ),
    ErrorCode.NO_VIEWER: Kind(
        "nothing on this machine can show a result, or may",
        "See where it is with modellix-cli task open ID --print.",
        ExitStatus.FAILED,
    ),
    ErrorCode.NO_PREVIEW: Kind(
        "a file cannot be drawn in the terminal",
        "Open the file with another program.",
        ExitStatus.FAILED,
    ),
    ErrorCode.LINE_SKIPPED: Kind(
        "a line of a batch was not sent, because of another line or of what ended the run",
        "Run the batch again with --resume: it sends what was not sent.",
        ExitStatus.FAILED,
        retryable=True,
        charged="no",
    ),
    ErrorCode.INTERRUPTED: Kind("stopped by Ctrl-C or a signal", "", ExitStatus.INTERRUPTED),
    ErrorCode.INTERNAL: Kind(
        "a defect in modellix-cli",
        "Run again with --debug and report the traceback.",
        ExitStatus.FAILED,
    ),
}

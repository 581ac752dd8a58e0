"""Finding a task, or a submission, in the ledger by what the user calls it."""

from modellix_cli.context.session import Session
from modellix_cli.context.settings import DEFAULT_BASE_URL, SANDBOX_BASE_URL
from modellix_cli.domain.account import DEFAULT_PROFILE
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.shell import join
from modellix_cli.ledger.traces import Trace


def find_trace(session: Session, text: str) -> Trace:
    """Return what the ledger knows of a task id, or of the number or id of a submission.

    A task of the service in use comes first, else one of another address. Raises `NOT_FOUND` and
    the ledger's errors.
    """
    task_id = session.task_id(text)
    traces, here = session.stores.traces, session.stores.account.base_url
    addresses = traces.addresses(task_id)
    for base_url in sorted(addresses, key=lambda address: address != here):
        found = traces.of_task(base_url, task_id)
        if found is not None:
            return found
    try:
        attempt = session.stores.submissions.find(task_id)
    except ModellixError as error:
        if error.code is not ErrorCode.NOT_FOUND:
            raise
    else:
        submission = traces.of_submission(attempt.number)
        if submission is not None:
            return submission
    raise ModellixError(
        ErrorCode.NOT_FOUND,
        f"This machine's ledger does not know {task_id}.",
        hint=f"Ask the service with: {session.commands.line('task get', task_id)}",
    )


def rerun_words(name: str, base_url: str, profile: str) -> tuple[str, ...]:
    """Return the words of a command that sends a request again, and saves what comes of it.

    `name` is a task id or the number of a submission.
    """
    options = ("--wait", "--output-dir", ".", *place_options(base_url, profile))
    if name.startswith("-"):
        return ("modellix-cli", "task", "rerun", *options, "--", name)
    return ("modellix-cli", "task", "rerun", name, *options)


def settle_words(number: int, base_url: str, profile: str) -> str:
    """Return how to say what became of a submission of unknown outcome."""
    words = ("modellix-cli", "task", "resolve", str(number), *place_options(base_url, profile))
    return f"{join(words)} --task-id ID, or --not-created"


def place_options(base_url: str, profile: str) -> tuple[str, ...]:
    """Return the options that lead to the address and the profile of a task."""
    options: tuple[str, ...] = ()
    if base_url == SANDBOX_BASE_URL:
        options = ("--sandbox",)
    elif base_url != DEFAULT_BASE_URL:
        options = ("--base-url", base_url)
    return options if profile == DEFAULT_PROFILE else (*options, "--profile", profile)

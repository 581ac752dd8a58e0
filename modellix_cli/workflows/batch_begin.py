"""How a batch begins in the ledger: what speaks against it is said before anything is sent."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from modellix_cli.clock import clock_time
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.task import is_final
from modellix_cli.domain.text import count
from modellix_cli.engine.books import known_of
from modellix_cli.inputs.batch_file import BatchInput
from modellix_cli.ledger.records import BatchLine, OtherAccount, PaidBefore, StartedBatch
from modellix_cli.workflows.batch_plan import BatchOptions
from modellix_cli.workflows.batch_source import BatchKeys
from modellix_cli.workflows.same_account import link_account

if TYPE_CHECKING:
    from modellix_cli.api.client import Client

NO_FILE: Final = "(options)"
"""What the ledger calls the input of a batch that has no file."""

_WAIT_FOR_IT: Final = (
    "Wait until the other process has ended. Then pass --resume to pay only for what is not paid "
    "for."
)


def begin_batch(
    session: Session,
    client: "Client",
    tasks: BatchInput,
    keys: BatchKeys,
    options: BatchOptions,
    resume: Sequence[str],
) -> StartedBatch:
    """Begin the batch in the ledger. Raises `ALREADY_PAID`, `ACCOUNT_CHANGED` and others.

    `resume` is the command line that pays only for what is left.
    """
    start = _begin(session, tasks, keys, options, resume)
    if isinstance(start, OtherAccount):
        link_account(session, client, start, options.paying)
        start = _begin(session, tasks, keys, options, resume)
    if isinstance(start, StartedBatch):
        return start
    if isinstance(start, OtherAccount):  # of a third key: once more settles that one
        return begin_batch(session, client, tasks, keys, options, resume)
    raise already_paid(start, tasks.total, session.commands.join(resume))


def is_left(session: Session, line: BatchLine, options: BatchOptions) -> bool:
    """Whether a recorded line would be sent by this run, also by the user's word."""
    if line.attempt is None:
        return True
    known = known_of(line.attempt, session.runtime.clock, line)
    return not known.in_flight and known.state.may_send(
        resend_unknown=options.paying.resend_unknown,
        retry_failed=options.paying.retry_failed,
        task_failed=known.failed,
    )


def tell_first_run(session: Session, batch: int, source: str | None) -> None:
    """Tell that no line of a batch to be resumed was sent before, and if others of its file were.

    Whoever adds a column to a file that is paid for may not know that those are other requests.
    """
    known = source not in (None, "-")
    last = session.stores.batches.last_before(batch, source or "") if known else None
    if last is None:
        session.out.note("No line of this batch was submitted before: this is the first run.")
        return
    when = clock_time(last.created_at)
    session.out.note(
        f"No line of this batch was submitted before. Those of batch {last.number}, {when}, of the "
        "same file asked for something else: with another parameter, value or model a line is "
        "another request, and is paid for."
    )


def tell_open_ends(session: Session, batch: int, *, wait: bool) -> None:
    """Tell of tasks that may have failed, which --retry-failed leaves alone: nobody looked yet.

    Whether they are waited for in this run says what to do.
    """
    attempts = (line.attempt for line in session.stores.batches.lines(batch))
    taken = (one for one in attempts if one and one.state is SubmissionState.ACCEPTED)
    left = sum(not is_final(one.status) for one in taken)
    if left:
        then = "Run it again once this has waited." if wait else "Add --wait, then run it again."
        session.out.note(
            f"How {count(left, 'task')} ended is not known yet: --retry-failed pays again only for "
            f"tasks that are known to have failed. {then}"
        )


def _begin(
    session: Session,
    tasks: BatchInput,
    keys: BatchKeys,
    options: BatchOptions,
    resume: Sequence[str],
) -> StartedBatch | PaidBefore | OtherAccount:
    return session.stores.batches.begin(
        keys,
        digest=tasks.digest,
        source=options.source or NO_FILE,
        total=tasks.total,
        on_paid=options.on_paid,
        tag=options.tag,
        resume_argv=_lasting(session, resume, options.on_paid),
    )


def _lasting(session: Session, resume: Sequence[str], on_paid: OnPaid) -> list[str]:
    """Return the command line that goes on, as the ledger keeps it: without keys, and with `--new`.

    Until a `--new` has sent something it has to be said again; see `output.batch.resume_argv`.
    """
    words = session.commands.lasting(resume)
    if on_paid is OnPaid.NEW:
        words = ["--new" if word == "--resume" else word for word in words]
    return list(map(session.out.clean, words))


def already_paid(earlier: PaidBefore, total: int, resume: str) -> ModellixError:
    """Return the refusal of a batch with lines that were paid for: how many, where, when."""
    counted = [
        f"{number} {'is' if number == 1 else 'are'} {what}"
        for number, what in (
            (earlier.accepted, "paid for"),
            (earlier.unknown, "of unknown outcome"),
            (earlier.in_flight, "being submitted by another process"),
        )
        if number
    ]
    where = ", ".join(
        f"{f'batch {number}' if number else 'a single run'} ({clock_time(moment)})"
        for number, moment in earlier.batches[:5]
    )
    more = ", …" if len(earlier.batches) > 5 else ""
    return ModellixError(
        ErrorCode.ALREADY_PAID,
        f"Of {count(total, 'line')}, {', '.join(counted)}: {where}{more}. Nothing was sent.",
        hint=_WAIT_FOR_IT if earlier.in_flight else None,
        resume=resume,
    )

"""How a batch begins in the ledger: what speaks against it is said before anything is sent."""

from typing import TYPE_CHECKING, Final

from modellix_cli.clock import clock_time
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.text import count
from modellix_cli.inputs.batch_file import BatchInput
from modellix_cli.ledger.records import OtherAccount, PaidBefore, StartedBatch
from modellix_cli.workflows.batch_plan import BatchOptions
from modellix_cli.workflows.batch_source import BatchKeys
from modellix_cli.workflows.same_account import link_account

if TYPE_CHECKING:
    from modellix_cli.api.client import Client

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
    resume: str,
) -> StartedBatch:
    """Begin the batch in the ledger. Raises `ALREADY_PAID`, `ACCOUNT_CHANGED` and others.

    `resume` is the command that pays only for what is left.
    """
    start = _begin(session, tasks, keys, options)
    if isinstance(start, OtherAccount):
        link_account(session, client, start, same_account=options.same_account)
        start = _begin(session, tasks, keys, options)
    if isinstance(start, StartedBatch):
        return start
    if isinstance(start, OtherAccount):  # of a third key: once more settles that one
        return begin_batch(session, client, tasks, keys, options, resume)
    raise _already_paid(start, tasks.total, resume)


def _begin(
    session: Session, tasks: BatchInput, keys: BatchKeys, options: BatchOptions
) -> StartedBatch | PaidBefore | OtherAccount:
    return session.batches.begin(
        keys,
        digest=tasks.digest,
        source=options.source,
        total=tasks.total,
        on_paid=options.on_paid,
    )


def _already_paid(earlier: PaidBefore, total: int, resume: str) -> ModellixError:
    """Return the refusal of a batch with lines that were paid for: how many, where, when."""
    counted = [
        f"{number} {what}"
        for number, what in (
            (earlier.accepted, "are paid for"),
            (earlier.unknown, "are of unknown outcome"),
            (earlier.in_flight, "are being submitted by another process"),
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

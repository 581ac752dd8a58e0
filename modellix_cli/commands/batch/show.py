"""`modellix-cli batch show`: what became of each line of a batch."""

from typing import TYPE_CHECKING, Annotated

import typer

from modellix_cli.commands._framework.command import PROGRAM, command
from modellix_cli.commands._framework.offers import offer
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ExitStatus, ModellixError
from modellix_cli.output.sink import Output

if TYPE_CHECKING:
    from modellix_cli.ledger.records import Batch


def refuse_elsewhere(session: Session, batch: "Batch") -> None:
    """Refuse to show a batch of the sandbox as one of the service, or the other way round."""
    from modellix_cli.context.settings import SANDBOX_BASE_URL

    if (batch.base_url == SANDBOX_BASE_URL) is session.settings.sandbox:
        return
    if session.settings.sandbox:
        what = "was not run in the sandbox"
        way = "without --sandbox" if session.globals.sandbox else "with MODELLIX_SANDBOX=0"
        hint = f"See it {way}."
    else:
        what = "was run in the sandbox"
        hint = f"See it with: {PROGRAM} batch show {batch.number} --sandbox"
    raise ModellixError(ErrorCode.NOT_FOUND, f"Batch {batch.number} {what}.", hint=hint)


@command(
    default=Output.HUMAN,
    outputs=(Output.JSONL,),
    examples=("batch show 3", "batch show 3 --output jsonl"),
    exits=(ExitStatus.NOT_FOUND,),
)
def show(
    ctx: typer.Context,
    number: Annotated[
        int,
        typer.Argument(
            metavar="ID", min=1, help="The batch's number.", autocompletion=offer("batches")
        ),
    ],
) -> None:
    """Show what became of each line of a batch that was started. The server is not asked."""
    from modellix_cli.output import batch as output
    from modellix_cli.workflows.batch_report import recorded_line

    session = Session.of(ctx)
    store = session.stores.batches
    found = store.find(number)
    if found is None:
        raise ModellixError(
            ErrorCode.NOT_FOUND,
            f"There is no batch {number} in this machine's ledger.",
            hint="See them all: modellix-cli batch list",
        )
    refuse_elsewhere(session, found)
    lines = (
        recorded_line(session, line, line.attempt)
        for line in store.lines(number)
        if line.attempt is not None
    )
    output.batch(session.out, found, store.counts(number), lines, session.commands.line)

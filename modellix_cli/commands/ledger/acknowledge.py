"""`modellix-cli ledger acknowledge`: continue after the ledger was damaged or lost."""

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.context.session import Session
from modellix_cli.output.sink import Output


@command(default=Output.HUMAN, examples=("ledger acknowledge", "ledger acknowledge --json"))
def acknowledge(ctx: typer.Context) -> None:
    """Confirm that payments may be missing from the ledger, so that batches can resume.

    After the ledger was damaged or lost, requests that were paid for may be missing from it. Check
    the usage page of https://modellix.ai/console first: you will be charged again for what is
    missing from the ledger, if you send it again.
    """
    from modellix_cli.output import ledger as show

    session = Session.of(ctx)
    mark = session.stores.ledger_marks.acknowledge()
    show.acknowledged(session.out, mark, session.stores.ledger_file.path)

"""`modellix-cli ledger path`: where the ledger is."""

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.context.session import Session
from modellix_cli.output.sink import Output


@command(default=Output.HUMAN, examples=("ledger path", "ledger path --json"))
def path(ctx: typer.Context) -> None:
    """Show where the record of what was paid is kept. Never remove it while batches run."""
    from modellix_cli.output import ledger as show

    session = Session.of(ctx)
    show.path(session.out, session.stores.ledger_file.path)

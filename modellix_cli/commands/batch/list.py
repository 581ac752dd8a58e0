"""`modellix-cli batch list`: the batches this machine knows."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.context.session import Session
from modellix_cli.output.sink import Output


@command(default=Output.HUMAN, examples=("batch list", "batch list --limit 5 --json"))
def list_(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Most batches to list.")] = 20,
) -> None:
    """List the batches run here with this account, newest first. Nothing is asked of the server."""
    from modellix_cli.output import batch as show

    session = Session.of(ctx)
    store = session.stores.batches
    found = store.latest(limit)
    show.batches(session.out, [(batch, store.counts(batch.number)) for batch in found])
    hint = None if found else session.sandbox_hint("batch list")
    if hint is not None:
        session.out.note(hint)

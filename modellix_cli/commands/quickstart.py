"""`modellix-cli` alone: how to begin, or how to go on."""

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.context.session import Session
from modellix_cli.output.sink import Output


@command(default=Output.HUMAN, examples=("quickstart", "quickstart --json"), hidden=True)
def quickstart(ctx: typer.Context) -> None:
    """Say how to begin; also what modellix-cli prints without a command. Asks no server."""
    from modellix_cli.output.first_steps import FIRST, THEN
    from modellix_cli.output.setup import welcome
    from modellix_cli.workflows.setup import find_setup

    session = Session.of(ctx)
    found = find_setup(session)
    welcome(session.out, found, THEN if found.configured else FIRST)

"""`modellix-cli config show`: what is saved, and which key would be used."""

import typer

from modellix_cli.commands.command import command
from modellix_cli.commands.session import Session
from modellix_cli.errors import Exit
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=("config show", "config show --profile work --json"),
    exits=(Exit.AUTH,),
)
def show(ctx: typer.Context) -> None:
    """Show the saved profiles and the source of the key in use, never the key. Sends nothing."""
    from modellix_cli.commands.results import report_errors
    from modellix_cli.commands.standing import find_configured
    from modellix_cli.output import accounts

    session = Session.of(ctx)
    standing = find_configured(session)
    accounts.configuration(session.out, standing)
    if standing.error is not None:
        raise typer.Exit(report_errors(session, [standing.error]))

"""`modellix-cli config show`: what is saved, and which key would be used."""

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=("config show", "config show --profile work --json"),
    exits=(ExitStatus.AUTH,),
)
def show(ctx: typer.Context) -> None:
    """Show the saved profiles and where the API key comes from, never the key. Nothing is sent."""
    from modellix_cli.output import accounts
    from modellix_cli.workflows.login_status import find_configured, tell_fault

    session = Session.of(ctx)
    login = find_configured(session)
    accounts.configuration(session.out, login)
    if login.error is not None:
        raise typer.Exit(tell_fault(session, login.error))

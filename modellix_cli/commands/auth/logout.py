"""`modellix-cli auth logout`: forget a saved key."""

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import Yes
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=("auth logout", "auth logout --profile work --yes --json"),
    exits=(ExitStatus.AUTH,),
)
def logout(ctx: typer.Context, yes: Yes = False) -> None:
    """Remove the selected profile and its API keys from this machine. The keys stay valid."""
    from modellix_cli.output import accounts
    from modellix_cli.workflows.logout import sign_out

    session = Session.of(ctx)
    unasked = "Pass --yes to log out in a non-interactive session."
    accounts.signed_out(session.out, sign_out(session, yes=yes, unasked=unasked))

"""`modellix-cli config clear`: remove a saved profile, or a file that cannot be used."""

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import Yes
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=("config clear", "config clear --profile work --yes"),
    exits=(ExitStatus.AUTH,),
)
def clear(ctx: typer.Context, yes: Yes = False) -> None:
    """Remove the selected profile; a config.json that cannot be used is deleted.

    To keep such a file under another name, use auth login --force instead.
    """
    from modellix_cli.output import accounts
    from modellix_cli.workflows.logout import sign_out

    session = Session.of(ctx)
    unasked = "Pass --yes to remove the saved configuration in a non-interactive session."
    result = sign_out(session, yes=yes, unasked=unasked, discard=True)
    accounts.signed_out(session.out, result)

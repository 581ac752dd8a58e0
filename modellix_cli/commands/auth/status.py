"""`modellix-cli auth status`, also `auth whoami`: which key is in use, and whether it works."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import ApiKey
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=("auth status", "auth status --profile work --json", "auth whoami --quiet"),
    exits=(ExitStatus.AUTH, ExitStatus.BALANCE, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
)
def status(
    ctx: typer.Context,
    ignore_env: Annotated[
        bool,
        typer.Option("--ignore-env", help="Ignore MODELLIX_API_KEY; use the saved key."),
    ] = False,
    api_key: ApiKey = None,
) -> None:
    """Show the profile, where the API key comes from, whether it is valid, and the balance.

    A key that could not be checked is shown as unknown. The key itself is never shown. Nothing is
    charged.
    """
    from modellix_cli.output import accounts
    from modellix_cli.workflows.login_status import find_login, tell_fault

    session = Session.of(ctx)
    login = find_login(session, api_key, ignore_env=ignore_env)
    accounts.login_status(session.out, login)
    if login.error is not None:
        raise typer.Exit(tell_fault(session, login.error))

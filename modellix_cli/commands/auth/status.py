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
        typer.Option("--ignore-env", help="Look past MODELLIX_API_KEY, at the saved key."),
    ] = False,
    api_key: ApiKey = None,
) -> None:
    """Show profile, API and source of the key, whether it is valid, and the team's balance.

    Never shows the key. Nothing is charged.
    """
    from modellix_cli.output import accounts
    from modellix_cli.workflows.login_status import find_standing
    from modellix_cli.workflows.results import report_errors

    session = Session.of(ctx)
    standing = find_standing(session, api_key, ignore_env=ignore_env)
    accounts.standing(session.out, standing)
    if standing.error is not None:
        raise typer.Exit(report_errors(session, [standing.error]))

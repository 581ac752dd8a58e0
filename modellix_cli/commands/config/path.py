"""`modellix-cli config path`: where the login is kept."""

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.context.session import Session
from modellix_cli.output.sink import Output


@command(default=Output.HUMAN, examples=("config path", "config path --json"))
def path(ctx: typer.Context) -> None:
    """Print the path of config.json, whether or not it exists. Nothing is sent."""
    from modellix_cli.output import accounts
    from modellix_cli.workflows.login_status import find_saved

    session = Session.of(ctx)
    accounts.config_path(session.out, find_saved(session))

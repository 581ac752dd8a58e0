"""`modellix-cli project show`: which settings are in force, and where they come from."""

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.context.session import Session
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    uses_project=True,
    examples=("project show", "project show --json"),
)
def show(ctx: typer.Context) -> None:
    """Show each setting, its value, and what it comes from: a variable, a file's line, or nothing.

    The files are modellix.toml, in this folder or the nearest above it, and the settings of the
    profile. Nothing is sent.
    """
    from modellix_cli.output import project
    from modellix_cli.workflows.project import settings_in_force

    session = Session.of(ctx)
    project.in_force(session.out, settings_in_force(session))

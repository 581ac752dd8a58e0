"""`modellix-cli project init`: write a modellix.toml to start from."""

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.context.session import Session
from modellix_cli.output.sink import Output


@command(default=Output.HUMAN, examples=("project init",))
def init(ctx: typer.Context) -> None:
    """Write a modellix.toml into the current folder: every setting, explained, none in force.

    A file that is there stays as it is. Nothing is sent.
    """
    from modellix_cli.output import project
    from modellix_cli.workflows.project import write_starter

    session = Session.of(ctx)
    project.written(session.out, write_starter(session))

"""`modellix-cli which`: from a file to the task that made it."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=("which fox.png", "which fox.png --json", "which downloads/clip.mp4 --quiet"),
    exits=(ExitStatus.NOT_FOUND,),
)
def which(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A picture, video or other result.")],
) -> None:
    """Show which task made a file: model, prompt, parameters, cost, and how to make it again.

    A file is known by its content, also under another name; by the record inside it or in
    FILE.json beside it; and last by its path. The server is not asked.
    """
    from modellix_cli.output.which import made
    from modellix_cli.workflows.which import find_origin

    session = Session.of(ctx)
    made(session.out, find_origin(session, session.settings.path(file)))

"""`modellix-cli file upload`: give Modellix a file that models can work on."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import ApiKey
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=("file upload cat.png", "file upload cat.png --quiet", "file upload cat.png --json"),
    exits=(ExitStatus.AUTH, ExitStatus.BALANCE, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
)
def upload(
    ctx: typer.Context,
    path: Annotated[str, typer.Argument(metavar="PATH", help="An image, a video or audio.")],
    api_key: ApiKey = None,
) -> None:
    """Upload a file of up to 16 MiB; its URL can stand in a request body. Nothing is charged.

    The file is checked before anything is sent. An upload of unknown outcome is not sent again.
    """
    from modellix_cli.inputs.media_file import read_media
    from modellix_cli.output import files

    session = Session.of(ctx)
    client = session.connections.client(api_key)
    media = read_media(session.settings.path(path))
    files.uploaded(session.out, client.upload(media.name, media.type, media.content))

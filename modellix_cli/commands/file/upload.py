"""`modellix-cli file upload`: give Modellix a picture that models can work on."""

from typing import Annotated

import typer

from modellix_cli.commands.command import command
from modellix_cli.commands.options import ApiKey
from modellix_cli.commands.session import Session
from modellix_cli.errors import Exit
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=("file upload cat.png", "file upload cat.png --quiet", "file upload cat.png --json"),
    exits=(Exit.AUTH, Exit.BALANCE, Exit.RATE_LIMITED, Exit.UNAVAILABLE),
)
def upload(
    ctx: typer.Context,
    path: Annotated[str, typer.Argument(metavar="PATH", help="A PNG, JPEG or WebP file.")],
    api_key: ApiKey = None,
) -> None:
    """Upload a picture of up to 16 MiB; its URL can stand in a request body. Nothing is charged.

    The file is checked before anything is sent. An upload of unknown outcome is not sent again.
    """
    from modellix_cli.local.media_input import read_media
    from modellix_cli.output import files

    session = Session.of(ctx)
    client = session.client(api_key)
    media = read_media(session.path(path))
    files.uploaded(session.out, client.upload(media.name, media.type, media.content))

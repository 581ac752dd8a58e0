"""`modellix-cli file delete`: take an uploaded picture back."""

from typing import Annotated

import typer

from modellix_cli.commands.command import command
from modellix_cli.commands.options import ApiKey
from modellix_cli.commands.session import Session
from modellix_cli.errors import Exit
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=("file delete file-abc123", "file delete file-abc123 --json"),
    exits=(Exit.AUTH, Exit.NOT_FOUND, Exit.RATE_LIMITED, Exit.UNAVAILABLE),
)
def delete(
    ctx: typer.Context,
    file_id: Annotated[
        str, typer.Argument(metavar="FILEID", help="The id that file upload printed.")
    ],
    api_key: ApiKey = None,
) -> None:
    """Delete an uploaded file, at once and without asking. Nothing is charged."""
    from modellix_cli.output import files
    from modellix_cli.values import parse_file_id

    session = Session.of(ctx)
    name = parse_file_id(file_id)
    session.client(api_key).delete_file(name)
    files.deleted(session.out, name)

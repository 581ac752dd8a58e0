"""`modellix-cli file delete`: take an uploaded picture back."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.offers import offer
from modellix_cli.commands._framework.options import ApiKey
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=("file delete file-abc123", "file delete file-abc123 --json"),
    exits=(ExitStatus.AUTH, ExitStatus.NOT_FOUND, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
)
def delete(
    ctx: typer.Context,
    file_id: Annotated[
        str,
        typer.Argument(
            metavar="FILEID",
            help="The id that file upload printed.",
            autocompletion=offer("uploads"),
        ),
    ],
    api_key: ApiKey = None,
) -> None:
    """Delete an uploaded file, at once and without asking. Nothing is charged."""
    from modellix_cli.domain.values import parse_file_id
    from modellix_cli.output import files

    session = Session.of(ctx)
    name = parse_file_id(file_id)
    session.connections.client(api_key).delete_file(name)
    session.stores.upload_cache.forget(name)
    files.deleted(session.out, name)

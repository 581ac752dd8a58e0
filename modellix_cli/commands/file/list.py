"""`modellix-cli file list`: the uploaded inputs."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import ApiKey
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=("file list", "file list --limit 20 --offset 20 --json", "file list --quiet"),
    exits=(ExitStatus.AUTH, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
)
def list_(
    ctx: typer.Context,
    limit: Annotated[
        int, typer.Option(min=1, max=100, metavar="N", help="Files to list at a time.")
    ] = 20,
    offset: Annotated[int, typer.Option(min=0, metavar="N", help="Files to pass over.")] = 0,
    api_key: ApiKey = None,
) -> None:
    """List uploaded files. Modellix keeps them for about 7 days; nothing is charged."""
    from modellix_cli.output import files

    session = Session.of(ctx)
    listed = session.connections.client(api_key).list_files(limit, offset)
    files.listed(session.out, listed.files, listed.total, offset)

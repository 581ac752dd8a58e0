"""`modellix-cli docs list`: the pages of the documentation."""

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=("docs list", "docs list --json"),
    exits=(ExitStatus.NOT_FOUND, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
)
def list_(ctx: typer.Context) -> None:
    """List the pages of the documentation. Needs no key."""
    from modellix_cli.api.pages import DOCS_ORIGIN
    from modellix_cli.output import docs as show

    session = Session.of(ctx)
    show.entries(session.out, session.connections.public_client(DOCS_ORIGIN).docs_index())

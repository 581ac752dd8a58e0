"""`modellix-cli docs page`: one page of the documentation."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=("docs page /ways-to-use/cli", "docs page /quickstart > quickstart.md"),
    exits=(ExitStatus.NOT_FOUND, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
)
def page(
    ctx: typer.Context,
    path: Annotated[str, typer.Argument(metavar="PAGE", help="A path that docs list shows.")],
) -> None:
    """Show a page of the documentation: Markdown, laid out at a terminal. Needs no key."""
    from modellix_cli.api.pages import DOCS_ORIGIN
    from modellix_cli.output import models

    session = Session.of(ctx)
    models.page(session.out, path, session.connections.public_client(DOCS_ORIGIN).docs_page(path))

"""`modellix-cli docs search`: pages of the documentation by their titles and descriptions."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=("docs search webhooks", "docs search rate limits --json"),
    exits=(ExitStatus.NOT_FOUND, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
)
def search(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="WORDS...", help="Words to find.")],
) -> None:
    """Find pages whose titles, paths or descriptions have all the words. Needs no key."""
    from modellix_cli.api.pages import DOCS_ORIGIN
    from modellix_cli.output import docs as show
    from modellix_cli.workflows.docs import find_pages

    session = Session.of(ctx)
    entries = session.connections.public_client(DOCS_ORIGIN).docs_index()
    show.entries(session.out, find_pages(entries, words))

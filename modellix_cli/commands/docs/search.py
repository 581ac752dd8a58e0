"""`modellix-cli docs search`: the documentation, by its server or its index."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=("docs search webhooks", "docs search rate limits --api-only --json"),
    exits=(ExitStatus.NOT_FOUND, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
)
def search(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="WORDS...", help="Words to find.")],
    version: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Only pages of this version.")
    ] = None,
    language: Annotated[
        str | None, typer.Option(metavar="CODE", help="Only pages in this language: en, zh …")
    ] = None,
    api_only: Annotated[
        bool, typer.Option("--api-only", help="Only the reference of the API.")
    ] = False,
    code_only: Annotated[bool, typer.Option("--code-only", help="Only examples of code.")] = False,
) -> None:
    """Search the documentation. Needs no key.

    With the extra mcp the documentation's own server searches the text of the pages, and filters.
    Without it, pages are found whose titles, paths or descriptions have all the words.
    """
    from modellix_cli.api.docs_server import DocsFilters
    from modellix_cli.api.pages import DOCS_ORIGIN
    from modellix_cli.output import docs as show
    from modellix_cli.workflows.docs import find_pages, search_by_server

    session = Session.of(ctx)
    found = search_by_server(session, words, DocsFilters(version, language, api_only, code_only))
    if found is not None:
        show.results(session.out, found.results)
        return
    entries = session.connections.public_client(DOCS_ORIGIN).docs_index()
    show.entries(session.out, find_pages(entries, words))

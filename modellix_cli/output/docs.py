"""How the list of the documentation's pages looks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modellix_cli.output.sink import Output, Sink

if TYPE_CHECKING:
    from modellix_cli.api.docs_server import DocsResult
    from modellix_cli.api.pages import DocsEntry


def entries(sink: Sink, pages: "Sequence[DocsEntry]") -> None:
    """Show pages: a table at a terminal, else path and title; the paths alone when quiet."""
    if sink.mode is Output.JSON:
        facts = [
            {"title": p.title, "path": p.path, "url": p.url, "description": p.description}
            for p in pages
        ]
        sink.json({"pages": facts})
    elif sink.mode is Output.QUIET:
        for page in pages:
            sink.line(page.path)
    elif not pages:
        sink.note("No page was found. See them all with: modellix-cli docs list")
    elif sink.stdout_is_terminal:
        sink.table(("Path", "Title"), [(page.path, page.title) for page in pages])
    else:
        for page in pages:
            sink.row(page.path, page.title)


def results(sink: Sink, found: "Sequence[DocsResult]") -> None:
    """Show what a search of the text found: each part as it is; the addresses when quiet."""
    if sink.mode is Output.JSON:
        sink.json({"results": [{"title": r.title, "url": r.url, "text": r.text} for r in found]})
    elif sink.mode is Output.QUIET:
        for url in dict.fromkeys(result.url for result in found if result.url):
            sink.line(url)
    elif not found:
        sink.note("Nothing was found. See all pages with: modellix-cli docs list")
    else:
        for place, result in enumerate(found):
            sink.block(("\n" if place else "") + result.text)

"""Pages of the documentation: found by a model's `docs_url` or in the index, never guessed."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from modellix_cli.api.routes import PUBLIC_ORIGIN
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.values import Slug

if TYPE_CHECKING:
    from modellix_cli.api.docs_server import DocsAnswer, DocsFilters
    from modellix_cli.api.pages import DocsEntry, Page

_INSTALL: Final = (
    "searching the text of the pages needs the extra mcp (pip install 'modellix-cli[mcp]')"
)

_WORD: Final = re.compile(r"[a-z0-9]+")


def model_page(session: Session, slug: Slug) -> "Page":
    """Return the page of a model. Raises `NOT_FOUND` where neither list nor index names one."""
    from modellix_cli.api.pages import DOCS_ORIGIN

    client = session.connections.public_client(DOCS_ORIGIN)
    where = _listed_page(session, slug) or _indexed_page(client.docs_index(), slug)
    if where is None:
        raise ModellixError(
            ErrorCode.NOT_FOUND,
            f"No page of {slug.name} was found in the documentation.",
            hint=f"Search it with: modellix-cli docs search {slug.model}",
        )
    return client.docs_page(where)


def _listed_page(session: Session, slug: Slug) -> str | None:
    """Return the `docs_url` of the public model list; None where it cannot be had."""
    try:
        listed = session.connections.public_client(PUBLIC_ORIGIN).public_models()
    except ModellixError:
        return None
    urls = (model.docs_url for model in listed.models if model.slug == slug.name)
    return next((url for url in urls if url), None)


def _indexed_page(entries: "Sequence[DocsEntry]", slug: Slug) -> str | None:
    """Return the page whose name has the words of the model's, with its provider's if possible."""
    name, provider = _words(slug.model), _words(slug.provider)
    named = [entry for entry in entries if _words(entry.path.rpartition("/")[2]) == name]
    named.sort(
        key=lambda entry: provider != _words(entry.path.rpartition("/")[0])[-len(provider) :]
    )
    return named[0].path if named else None


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.lower()))


def search_by_server(
    session: Session, words: Sequence[str], filters: "DocsFilters"
) -> "DocsAnswer | None":
    """Search by the documentation's MCP server; None, and a note why, where it cannot be asked.

    The sandbox has none, and sends nothing elsewhere.
    """
    from modellix_cli.api.docs_server import PATH, NoDocsServer, search_docs
    from modellix_cli.api.pages import DOCS_ORIGIN

    if session.settings.sandbox:
        _tell_index_only(session, filters, "the sandbox has no search server")
        return None
    origin = session.connections.public_origin(DOCS_ORIGIN)
    try:
        answer = search_docs(origin + PATH, " ".join(words), filters)
    except NoDocsServer as error:
        reason = f"the search server failed: {error.reason}" if error.installed else _INSTALL
        _tell_index_only(session, filters, reason)
        return None
    for name in answer.ignored:
        session.out.warn(f"The documentation has no filter for {_option(name)}: it was left out.")
    return answer


def _tell_index_only(session: Session, filters: "DocsFilters", reason: str) -> None:
    """Say that titles and descriptions are searched; without filters nobody has to know."""
    if filters.chosen:
        options = ", ".join(_option(name) for name in filters.chosen)
        session.out.warn(f"Searching the index only, without {options}: {reason}.")
    else:
        session.out.note(f"Searching titles and descriptions only: {reason}.")


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def find_pages(entries: "Sequence[DocsEntry]", words: Sequence[str]) -> "list[DocsEntry]":
    """Return the pages that have all of `words` in title, path or description, best first."""
    wanted = [word for text in words for word in _words(text)]
    scored = []
    for place, entry in enumerate(entries):
        title, rest = entry.title.lower(), f"{entry.path} {entry.description}".lower()
        if wanted and all(word in title or word in rest for word in wanted):
            scored.append((-sum(word in title for word in wanted), place, entry))
    return [entry for _, _, entry in sorted(scored, key=lambda found: found[:2])]

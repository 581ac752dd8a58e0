"""What anybody may read without a key: the public model list and the documentation's pages."""

from typing import Final
from urllib.parse import urlencode

from modellix_cli.api import failures
from modellix_cli.api.catalog import Model, ModelList, ModelPage, read_model_page
from modellix_cli.api.exchange import Exchange
from modellix_cli.api.pages import DocsEntry, Page, docs_path, read_index
from modellix_cli.api.retry import RetryPolicy

CATEGORIES: Final = ("image", "video", "audio")
PAGE_SIZE: Final = 100
MAX_PAGES: Final = 50
"""Of each category: a server that always has more is asked no further."""
_TEXT: Final = "text/markdown, text/plain;q=0.9"


def read_public_models(exchange: Exchange, policy: RetryPolicy) -> ModelList:
    """Ask for every page of every category; a model of two categories is listed once.

    The document is made of the entries, in the form of the list with a key.
    """
    found: dict[str, Model] = {}
    for category in CATEGORIES:
        for model in _category(exchange, category, policy):
            found.setdefault(model.slug, model)
    records = [{"slug": model.slug} | model.record for model in found.values()]
    return ModelList({"models": records}, tuple(found.values()), public=True)


def _category(exchange: Exchange, category: str, policy: RetryPolicy) -> list[Model]:
    found: dict[str, Model] = {}
    for number in range(1, MAX_PAGES + 1):
        query = urlencode({"category": category, "page": number, "page_size": PAGE_SIZE})
        page = exchange.get(f"/portal/v1/models?{query}", read_model_page, policy)
        before = len(found)
        found |= {model.slug: model for model in page.models if model.slug not in found}
        if len(found) == before or not _has_more(page, len(found)):
            break
    return list(found.values())


def _has_more(page: ModelPage, found: int) -> bool:
    if page.more is not None:
        return page.more
    if page.total is not None:
        return found < page.total
    return len(page.models) >= PAGE_SIZE


def read_docs_index(exchange: Exchange) -> tuple[DocsEntry, ...]:
    """Ask for the index of the documentation: `GET /llms.txt`."""
    return read_index(_text(exchange, "/llms.txt"), exchange.base_url)


def read_docs_page(exchange: Exchange, where: str) -> Page:
    """Ask for a page as Markdown; see `docs_path` for `where`."""
    path = docs_path(where, exchange.base_url)
    return Page(exchange.base_url + path, _text(exchange, path))


def _text(exchange: Exchange, path: str) -> str:
    return exchange.ask(
        "GET", path, lambda reply: failures.read_text(reply, exchange.clock), accept=_TEXT
    )

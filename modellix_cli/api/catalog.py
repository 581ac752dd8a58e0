"""Typed reading of the model list and of a model's schema (docs/spec/service.md 6).

Only a model's slug is certain; everything else is kept as sent. The list with a key is not under
`data`; the public one comes in pages, in any of several forms, and all of them are read of both.
"""

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from modellix_cli.api.fields import as_object, unexpected, whole
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json, Number, dumps

if TYPE_CHECKING:
    from decimal import Decimal

_MAX_DOLLARS: Final = 1_000_000
_MAX_DIGITS: Final = 20
_UNSAFE: Final = frozenset(map(chr, [*range(32), *range(127, 160)]))


@frozen
class Price:
    """What one `unit` costs in US dollars, from `low` to `high`, exactly as it was written.

    `unit` is such as `$/img`, `$/sec` or `$/M chars`; others may come.
    """

    low: "Decimal"
    high: "Decimal"
    unit: str


@frozen
class Model:
    """One entry of the list. `price` is words such as `0.05-0.1 $/sec`, None where none is told.

    `docs_url` is the address of its page, if that is told.
    """

    slug: str
    type: str | None
    provider: str
    description: str
    price: str | None
    record: dict[str, Json]
    docs_url: str | None = None

    @property
    def rate(self) -> Price | None:
        """The price to reckon with, None also where it is not a sensible amount."""
        return _rate(self.record.get("price"))


@frozen
class ModelList:
    """The model list as one document, and its entries; `public` if it is the one without a key."""

    document: dict[str, Json]
    models: tuple[Model, ...]
    public: bool = False


def read_models(document: Json) -> ModelList:
    """Read the model list. Raises `BAD_REPLY` unless every entry has a usable slug."""
    entries = _entries(document)
    if entries is None:
        raise unexpected("models to be an array")
    return ModelList(document, tuple(_read_model(entry) for entry in entries))


@frozen
class ModelPage:
    """One page of the public list. `more`: whether others follow, None where it does not say.

    `total` counts the entries of all pages.
    """

    models: tuple[Model, ...]
    more: bool | None
    total: int | None


def read_model_page(document: Json) -> ModelPage:
    """Read a page of the public list. Raises `BAD_REPLY` as `read_models` does."""
    models = read_models(document).models
    data = as_object(as_object(document).get("data"))
    holders = [as_object(document), data]
    holders += [as_object(holder.get("pagination")) for holder in tuple(holders)]
    more = next((h["has_more"] for h in holders if isinstance(h.get("has_more"), bool)), None)
    totals = (whole(holder.get("total")) for holder in holders)
    return ModelPage(models, more, next((n for n in totals if n is not None), None))


def _entries(document: Json) -> list[Json] | None:
    """Return the list itself, wherever it is: under `data` or not, with any of its names."""
    data = as_object(document).get("data")
    for holder in (document, data):
        for name in ("models", "items", "list"):
            found = as_object(holder).get(name)
            if isinstance(found, list):
                return found
    return data if isinstance(data, list) else None


def _read_model(entry: Json) -> Model:
    slug = _slug(entry) if isinstance(entry, dict) else None
    if not isinstance(slug, str) or not slug.strip():
        raise unexpected("every model to include a string slug")
    if _UNSAFE & set(slug):
        raise unexpected("slugs without control characters")
    return Model(
        slug=slug,
        type=_text(entry.get("type")),
        provider=_provider(entry) or slug.split("/")[0],
        description=_text(entry.get("description")) or "",
        price=_price(entry.get("price")),
        record=entry,
        docs_url=_text(entry.get("docs_url")),
    )


def _slug(entry: dict[str, Json]) -> Json:
    """Return `slug`, else what `provider` and `model_id` make of it."""
    slug, model_id = entry.get("slug"), _text(entry.get("model_id"))
    if slug is not None or model_id is None:
        return slug
    provider = _provider(entry)
    return f"{provider}/{model_id}" if provider and "/" not in model_id else model_id


def _provider(entry: dict[str, Json]) -> str | None:
    for name in ("provider", "providerSlug", "provider_slug"):
        value = entry.get(name)
        if isinstance(value, dict):
            value = value.get("slug") or value.get("name") or value.get("id")
        if isinstance(value, str) and value.strip():
            return value.strip()
    return None


def _price(price: Json) -> str | None:
    if not isinstance(price, dict):
        return None
    unit = _text(price.get("unit")) or ""
    if "fixed" in price:
        return f"{_number(price['fixed'])} {unit}".strip()
    if "min" in price and "max" in price:
        return f"{_number(price['min'])}-{_number(price['max'])} {unit}".strip()
    return None


def _rate(price: Json) -> Price | None:
    unit = _text(price.get("unit")) if isinstance(price, dict) else None
    if unit is None:
        return None
    if "fixed" in price:
        low = high = _dollars(price["fixed"])
    else:
        low, high = _dollars(price.get("min")), _dollars(price.get("max"))
    if low is None or high is None:
        return None
    return Price(min(low, high), max(low, high), unit.strip())


def _dollars(value: Json) -> "Decimal | None":
    """Read an amount up to a million, of no more digits than sums stay exact with."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not 0 <= value <= _MAX_DOLLARS:
        return None
    from decimal import Decimal  # 2 ms that every other call does without

    text = value.text if isinstance(value, Number) else repr(value)
    return Decimal(text) if len(text) <= _MAX_DIGITS else None


def _number(value: Json) -> str:
    return value.text if isinstance(value, Number) else dumps(value, indent=None)


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def read_schema(document: Json) -> Json:
    """Check the schema document of a model and return it as sent (official-cli.md 4.12)."""
    post = document.get("post") if isinstance(document, dict) else None
    servers = document.get("servers") if isinstance(document, dict) else None
    whole = isinstance(post, dict) and "requestBody" in post and "responses" in post
    if not isinstance(servers, list) or not whole:
        raise unexpected("servers, post.requestBody, and post.responses fields")
    first = servers[0].get("url") if servers and isinstance(servers[0], dict) else None
    if not isinstance(first, str):
        raise unexpected("servers[0].url")
    try:
        parts = urlsplit(first)
        host = parts.hostname
    except ValueError:
        host = None
    if not host:
        raise unexpected("servers[0].url to be a valid URL")
    if parts.scheme != "https":
        raise unexpected("servers[0].url to use HTTPS")
    if parts.username is not None or "?" in first or "#" in first:
        raise unexpected("servers[0].url without credentials, query parameters, or a fragment")
    return document

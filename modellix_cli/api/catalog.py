"""Typed reading of the model list and of a model's schema.

Only a model's slug is certain; everything else is kept as sent. The list is not under `data`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from modellix_cli.api.documents import unexpected
from modellix_cli.domain.jsontext import Json, Number, dumps

if TYPE_CHECKING:
    from decimal import Decimal

_MAX_DOLLARS: Final = 1_000_000
_MAX_DIGITS: Final = 20
_UNSAFE: Final = frozenset(map(chr, [*range(32), *range(127, 160)]))


@dataclass(frozen=True, slots=True)
class Price:
    """What one `unit` costs in US dollars, from `low` to `high`, exactly as it was written.

    `unit` is such as `$/img`, `$/sec` or `$/M chars`; others may come.
    """

    low: "Decimal"
    high: "Decimal"
    unit: str


@dataclass(frozen=True, slots=True)
class Model:
    """One entry of the list. `price` is words such as `0.05-0.1 $/sec`, None where none is told."""

    slug: str
    type: str | None
    provider: str
    description: str
    price: str | None
    record: dict[str, Json]

    @property
    def rate(self) -> Price | None:
        """The price to reckon with, None also where it is not a sensible amount."""
        return _rate(self.record.get("price"))


@dataclass(frozen=True, slots=True)
class ModelList:
    """The reply to `GET /models`, and its entries."""

    document: dict[str, Json]
    models: tuple[Model, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A model's page as Markdown, and the address it was read from."""

    url: str
    markdown: str


def read_models(document: Json) -> ModelList:
    """Read the model list. Raises `BAD_REPLY` unless every entry has a usable slug."""
    entries = document.get("models") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise unexpected("models to be an array")
    return ModelList(document, tuple(_read_model(entry) for entry in entries))


def _read_model(entry: Json) -> Model:
    slug = entry.get("slug") if isinstance(entry, dict) else None
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
    )


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

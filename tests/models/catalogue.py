"""Models for tests of what is made of a model list."""

from typing import Any

from modellix_cli.api.catalog import Model, read_models
from modellix_cli.domain.jsontext import dumps, loads


def model(slug: str, type_: str | None = None, description: str = "", price: Any = None) -> Model:
    """One entry; `price` is dollars a picture, or a document as the service sends it."""
    record: dict[str, Any] = {"slug": slug}
    if type_ is not None:
        record["type"] = type_
    if description:
        record["description"] = description
    if price is not None:
        record["price"] = price if isinstance(price, dict) else {"fixed": price, "unit": "$/img"}
    return read_models(loads(dumps({"models": [record]}))).models[0]


def per(unit: str, low: float, high: float | None = None) -> dict[str, Any]:
    """A price document."""
    if high is None:
        return {"fixed": low, "unit": unit}
    return {"min": low, "max": high, "unit": unit}

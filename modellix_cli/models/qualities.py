"""How cheap, fast or new models are among those of the same list, as far as the list tells."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Literal

from modellix_cli.api.catalog import Model
from modellix_cli.domain.frozen import frozen
from modellix_cli.models.wishes import QualityKind
from modellix_cli.models.words import stem, words_of

_FAST_NAMES: Final = frozenset(
    ("fast", "turbo", "lite", "flash", "lightning", "schnell", "instant", "rapid", "quick", "mini")
)
_FAST_STEMS: Final = frozenset(map(stem, ("fast", "quick", "rapid", "instant", "speed")))
_VERSION: Final = re.compile(r"(?P<name>[^\W\d_]*?)-?v?(?P<number>\d{1,2}(?:\.\d{1,2})*)", re.ASCII)
_ALONE: Final = 0.5
"""How cheap the only price of its unit is, and how new the only version: nobody can tell."""


@frozen
class Measured:
    """How much of a quality a model has, from 0 to 1, and the words that tell it."""

    value: float = 0.0
    field: Literal["slug", "description", "price"] = "slug"
    found: str = ""


def measure(models: Sequence[Model], kind: QualityKind) -> list[Measured]:
    """Return how cheap, fast or new each model is."""
    match kind:
        case "cheap":
            return _cheapness(models)
        case "fast":
            return [_speed(model) for model in models]
        case "new":
            return _newness(models)


def _cheapness(models: Sequence[Model]) -> list[Measured]:
    """Compare the prices of each unit: 1 for the lowest, 0 for the highest and for none."""
    prices: dict[str, set[Decimal]] = {}
    for model in models:
        if model.rate is not None:
            prices.setdefault(model.rate.unit.casefold(), set()).add(model.rate.high)
    places = {
        unit: {price: place for place, price in enumerate(sorted(found))}
        for unit, found in prices.items()
    }
    measured = []
    for model in models:
        if model.rate is None:
            measured.append(Measured(field="price"))
            continue
        unit = places[model.rate.unit.casefold()]
        place = unit[model.rate.high]
        value = 1 - place / (len(unit) - 1) if len(unit) > 1 else _ALONE
        measured.append(Measured(value, "price", model.price or ""))
    return measured


def _speed(model: Model) -> Measured:
    for word in words_of(model.slug):
        if word in _FAST_NAMES:
            return Measured(1.0, "slug", word)
    for word in words_of(model.description):
        if stem(word) in _FAST_STEMS:
            return Measured(0.6, "description", word)
    return Measured()


def _newness(models: Sequence[Model]) -> list[Measured]:
    """Compare version numbers of the same name: 1 for the highest of several, 0 for older ones."""
    told = [_version(model.slug) for model in models]
    families: dict[str, set[tuple[int, ...]]] = {}
    for version in told:
        if version is not None:
            families.setdefault(version[0], set()).add(version[1])
    measured = []
    for version in told:
        if version is None:
            measured.append(Measured())
            continue
        family, number, text = version
        others = families[family]
        value = 0.0 if number < max(others) else 1.0 if len(others) > 1 else _ALONE
        measured.append(Measured(value, "slug", text))
    return measured


def _version(slug: str) -> tuple[str, tuple[int, ...], str] | None:
    """Read `kling/kling-v3-t2v` as version 3 of `kling/kling`; None where no version is told."""
    provider, _, name = slug.casefold().partition("/")
    before: list[str] = []
    for part in name.split("-"):
        found = _VERSION.fullmatch(part)
        if found is None:
            before.append(part)
            continue
        if found["name"]:
            before.append(found["name"])
        number = tuple(map(int, found["number"].split(".")))
        return f"{provider}/{'-'.join(before)}", number, found["number"]
    return None

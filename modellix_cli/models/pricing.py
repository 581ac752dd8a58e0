"""What tasks may cost, from the prices that the model list tells and what the bodies ask for.

It is an estimate: a service may count otherwise, and its defaults are not known here.
"""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

from modellix_cli.api.catalog import ModelList, Price
from modellix_cli.domain.jsontext import Json, JsonError, Number, loads
from modellix_cli.domain.text import count
from modellix_cli.domain.values import Slug

_COUNTS: Final = (
    *("n", "num_images", "image_count", "num_outputs", "count", "batch_size", "max_images"),
)
_SECONDS: Final = ("duration", "seconds", "duration_seconds", "video_length")
_TEXTS: Final = ("text", "prompt", "input")
_MAX_AMOUNT: Final = 1_000_000
_MAX_DIGITS: Final = 20
_SPAN: Final = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*s?\s*", re.ASCII)
# A price and an amount of 20 digits each, in sums of as many lines as there can be.
_EXACT: Final = Context(prec=200)
_CENT: Final = Decimal("0.01")
_SMALLEST: Final = Decimal("0.0001")
_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A sum in US dollars, exact: from `low` to `high` for all of `lines` but `unpriced` ones."""

    low: Decimal = _NOTHING
    high: Decimal = _NOTHING
    unpriced: int = 0
    lines: int = 0

    def __add__(self, other: "Estimate") -> "Estimate":
        return Estimate(
            _EXACT.add(self.low, other.low),
            _EXACT.add(self.high, other.high),
            self.unpriced + other.unpriced,
            self.lines + other.lines,
        )

    @property
    def words(self) -> str | None:
        """`about $1.20`, `$0.80 to $2.40` or `at least $1.20; 3 lines cannot be estimated`.

        None where there is a price for nothing.
        """
        if self.unpriced == self.lines:
            return None
        low, high = _dollars(self.low), _dollars(self.high)
        if self.unpriced:
            return f"at least {low}; {count(self.unpriced, 'line')} cannot be estimated"
        return f"about {low}" if low == high else f"{low} to {high}"


_UNPRICED: Final = Estimate(unpriced=1, lines=1)


class Estimator:
    """Estimates tasks by the prices of a model list, one by one and in `total`."""

    def __init__(self, models: ModelList) -> None:
        self._rates = {model.slug: model.rate for model in models.models}
        self.total = Estimate()

    def add(self, slug: Slug, body: bytes) -> None:
        """Add a task to `total`."""
        self.total += self.of(slug, body)

    def of(self, slug: Slug, body: bytes) -> Estimate:
        """Return what one task may cost; unpriced where the price or the amount is not known."""
        rate = self._rates.get(slug.name)
        amount = _amount(rate, body) if rate else None
        if rate is None or amount is None:
            return _UNPRICED
        low, high = _EXACT.multiply(rate.low, amount), _EXACT.multiply(rate.high, amount)
        return Estimate(low, high, lines=1)


def _amount(rate: Price, body: bytes) -> Decimal | None:
    """Return how many units a body asks for."""
    try:
        asked = loads(body)
    except JsonError:
        return None
    if not isinstance(asked, dict):
        return None
    match rate.unit.lower():
        case "$/img":
            return _images(asked)
        case "$/sec":
            return _first(asked, _SECONDS)
        case "$/m chars":
            texts = (asked[name] for name in _TEXTS if isinstance(asked.get(name), str))
            text = next(texts, None)
            return None if text is None else Decimal(len(text)).scaleb(-6)
    return None


def _images(asked: dict[str, Json]) -> Decimal | None:
    for name in _COUNTS:
        value: Json = asked.get(name)
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if whole and not isinstance(value, bool) and value > 0:
            return _positive(value)
    return Decimal(1)


def _first(asked: dict[str, Json], names: tuple[str, ...]) -> Decimal | None:
    for name in names:
        value = asked.get(name)
        if isinstance(value, str) and (match := _SPAN.fullmatch(value)):
            value = Number(match[1])
        found = _positive(value)
        if found is not None:
            return found
    return None


def _positive(value: Json) -> Decimal | None:
    """Read a number over zero, as exactly as it was written, None for one beyond all sense."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not 0 < value <= _MAX_AMOUNT:
        return None
    text = value.text if isinstance(value, Number) else str(value)
    return Decimal(text) if len(text) <= _MAX_DIGITS else None


def _dollars(amount: Decimal) -> str:
    """Write an amount to the cent, below a dollar to the hundredth of one where that says more."""
    if 0 < amount < _SMALLEST:
        return f"${_SMALLEST}"
    if amount >= 1:
        return f"${amount.quantize(_CENT, ROUND_HALF_UP, _EXACT):,}"
    fine = amount.quantize(_SMALLEST, ROUND_HALF_UP, _EXACT)
    cents = fine.quantize(_CENT, ROUND_HALF_UP, _EXACT)
    return f"${cents if cents == fine else str(fine).rstrip('0')}"

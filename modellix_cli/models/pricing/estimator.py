"""From a listed price and a body to an estimate."""

import json
from collections.abc import Callable, Hashable
from decimal import ROUND_CEILING, Decimal
from typing import Final

from modellix_cli.api.catalog import ModelList, Price
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json, JsonError, decode, loads
from modellix_cli.domain.money import Money
from modellix_cli.domain.text import clip, one_line
from modellix_cli.domain.values import Slug
from modellix_cli.models.pricing.amounts import EXACT, MOST, whole_up
from modellix_cli.models.pricing.declared import Declared
from modellix_cli.models.pricing.reading import Reading
from modellix_cli.models.pricing.shape import shape_of
from modellix_cli.models.pricing.values import Estimate

_PER_IMAGE: Final = "$/img"
_PER_SECOND: Final = "$/sec"
_PER_MILLION: Final = "$/m chars"
_MICRO: Final = Decimal("0.000001")
_MAX_TEXT: Final = 60
_MAX_REASONS: Final = 20
_MOST_KNOWN: Final = 5000
_FROM_INPUT: Final = ("speech-to", "video-to", "audio-to")


@frozen
class _Quantity:
    """How many units a body asks for, at most and at least, and how to say it."""

    most: Decimal
    least: Decimal
    words: str
    unpriced: tuple[str, ...] = ()
    per: str = ""


def estimate(
    slug: str,
    price: Price | None,
    body: Json,
    schema: Json = None,
    task_type: str | None = None,
) -> Estimate:
    """Return what one request may cost, whatever the body, schema and price hold.

    `schema` is the document that the service publishes for the model, or a JSON schema of its body,
    None where it is not known; `task_type` is such as `text-to-image`. Characters are code points.
    """
    if price is None:
        return Estimate(slug, unpriced=("no price is listed",))
    low, high = Money.parse(str(price.low)), Money.parse(str(price.high))
    if low is None or high is None:
        return Estimate(slug, unpriced=("the listed price is not a sensible amount",))
    low, high = min(low, high), max(low, high)
    if not isinstance(body, dict):
        return Estimate(slug, unpriced=("the body is not a JSON object",))
    return _priced(slug, low, high, price.unit, body, Declared.of(schema), task_type or "")


def _priced(
    slug: str,
    low: Money,
    high: Money,
    unit: str,
    body: dict[str, Json],
    declared: Declared,
    task_type: str,
) -> Estimate:
    measure = _measure(unit)
    if measure is None:
        named = clip(one_line(unit), _MAX_TEXT)
        return Estimate(slug, unpriced=(f'prices in "{named}" cannot be estimated',))
    reading = Reading(body, declared, by_text=measure is _characters)
    asked = reading.asked
    if max(asked.count, asked.seconds, asked.frames) > MOST:
        return Estimate(slug, unpriced=("more is asked for than can be priced",))
    quantity = measure(reading, task_type)
    unclear = tuple(f"{path} may change the price" for path in dict.fromkeys(reading.unclear))
    unpriced = (*reading.unpriced, *quantity.unpriced, *unclear)[:_MAX_REASONS]
    lowest = low.times(quantity.least)
    if unpriced:
        return Estimate(slug, None, lowest if quantity.least else None, unpriced)
    rate = f"{high} USD{quantity.per}"
    basis = [f"{rate} × {quantity.words}", *reading.notes[:_MAX_REASONS]]
    if low != high:
        basis.append(f"the listed price is {low} to {high} USD: the highest is taken")
    if not reading.has_count and asked.count == 1 and measure is not _characters:
        why = "no count is given" if declared.known else "the model's own default is not known"
        basis.append(f"one result is assumed: {why}")
    amount = high.times(quantity.most)
    in_short = f"{quantity.words} at {high.exact}{quantity.per}"
    return Estimate(slug, amount, lowest, (), tuple(basis), in_short)


def _images(reading: Reading, _type: str) -> _Quantity:
    asked = reading.asked
    unpriced = tuple(
        f"{path} is not priced by the image" for path in dict.fromkeys(reading.lengths)
    )
    return _Quantity(asked.count, asked.fewest, _counted(asked.count, "image"), unpriced)


def _seconds(reading: Reading, task_type: str) -> _Quantity:
    asked = reading.asked
    seconds, shortest = asked.seconds, asked.shortest
    if asked.frames:
        if reading.fps is None:
            return _Quantity(Decimal(0), Decimal(0), "", ("frames are given without fps",))
        clip_seconds = EXACT.divide(asked.frames, reading.fps).quantize(
            _MICRO, ROUND_CEILING, EXACT
        )
        shortest = shortest or clip_seconds
        seconds = max(seconds, clip_seconds)
        shortest = min(shortest, seconds)
    if not reading.lengths:
        of_input = task_type.lower().startswith(_FROM_INPUT)
        why = "the length of the input is not known" if of_input else "duration is not given"
        return _Quantity(Decimal(0), Decimal(0), "", (why,))
    whole = whole_up(seconds)
    words = _counted(whole, "second")
    if asked.count != 1:
        words = f"{_plain(asked.count)} × {words}"
    most = EXACT.multiply(whole, asked.count)
    return _Quantity(most, EXACT.multiply(shortest, asked.fewest), words)


def _characters(reading: Reading, _type: str) -> _Quantity:
    unpriced = [f"{path} is elsewhere: its length is not known" for path in reading.texts_elsewhere]
    if not reading.has_text and not unpriced:
        unpriced = ["no text is given"]
    count = reading.asked.count
    texts = EXACT.multiply(Decimal(reading.characters), count)
    millions = EXACT.multiply(texts, _MICRO)
    least = millions if reading.asked.count == reading.asked.fewest else Decimal(0)
    words = _counted(texts, "character")
    return _Quantity(millions, least, words, tuple(unpriced), " per million characters")


_UNITS: Final[dict[str, Callable[[Reading, str], _Quantity]]] = {
    _PER_IMAGE: _images,
    _PER_SECOND: _seconds,
    _PER_MILLION: _characters,
}


def _measure(unit: str) -> Callable[[Reading, str], _Quantity] | None:
    """Return what counts the units of a price, None for one that is not known."""
    return _UNITS.get(" ".join(unit.lower().split()))


def _counted(number: Decimal, noun: str) -> str:
    return f"{_plain(number)} {noun}{'' if number == 1 else 's'}"


def _plain(number: Decimal) -> str:
    return format(number.normalize(EXACT), ",f")


class Estimator:
    """Estimates requests by the prices of a model list; a schema is asked for once for each model.

    `schema_of` returns a model's schema document, None where it is not known.
    """

    def __init__(
        self, models: ModelList, schema_of: Callable[[Slug], Json] = lambda _slug: None
    ) -> None:
        self._models = {model.slug: model for model in models.models}
        self._schema_of = schema_of
        self._schemas: dict[str, Json] = {}
        self._known: dict[tuple[str, Hashable], Estimate] = {}
        """Estimates by slug and shape: those of a batch have few."""

    def of(self, slug: Slug, body: bytes) -> Estimate:
        """Return what one request may cost. Raises nothing but what `schema_of` raises."""
        model = self._models.get(slug.name)
        price = model.rate if model else None
        try:
            value = loads(body)
        except JsonError:
            value = None
        if isinstance(value, dict) and _repeats_a_name(body):
            return Estimate(slug.name, unpriced=("the body has one name twice",))
        if price is not None and slug.name not in self._schemas:
            self._schemas[slug.name] = self._schema_of(slug)
        shape = None if price is None or not isinstance(value, dict) else _shape(value, price)
        found = None if shape is None else self._known.get((slug.name, shape))
        if found is None:
            schema, task_type = self._schemas.get(slug.name), model.type if model else None
            found = estimate(slug.name, price, value, schema, task_type)
            if shape is not None and len(self._known) < _MOST_KNOWN:
                self._known[slug.name, shape] = found
        return found


def _shape(body: dict[str, Json], price: Price) -> Hashable | None:
    return shape_of(body, by_text=_measure(price.unit) is _characters)


def _repeats_a_name(body: bytes) -> bool:
    """Whether an object has a name twice: nobody knows which one the service reads."""
    repeated = False

    def seen(pairs: list[tuple[str, Json]]) -> None:
        nonlocal repeated
        repeated = repeated or len(dict(pairs)) < len(pairs)

    json.loads(decode(body), object_pairs_hook=seen, parse_int=str, parse_float=str)
    return repeated

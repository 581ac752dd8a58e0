"""Which models of a list are meant, and in which order."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from modellix_cli.domain.errors import usage
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.text import quoted
from modellix_cli.domain.values import TASK_TYPES, SortKey

if TYPE_CHECKING:
    from modellix_cli.api.catalog import Model
    from modellix_cli.domain.money import Money

_UNITS: Final = ("$/img", "$/sec", "$/m chars")


@frozen
class Filters:
    """What a model must be. A blank text lets everything pass; case does not matter.

    `max_price` is what one unit may cost, whichever the model lists: an image, a second, a million
    characters. A price with a range counts by its upper end.
    """

    type: str = ""
    provider: str = ""
    search: str = ""
    max_price: "Money | None" = None

    def accept(self, model: "Model") -> bool:
        """Whether a model passes all of them but `max_price`."""
        wanted_type, wanted_provider, text = (
            wanted.strip().casefold() for wanted in (self.type, self.provider, self.search)
        )
        return (
            wanted_type in ("", (model.type or "").casefold())
            and wanted_provider in ("", model.provider.casefold())
            and text in f"{model.slug} {model.description}".casefold()
        )


@frozen
class Selection:
    """The models that are meant, in order, and how many were left out for want of a price."""

    models: "tuple[Model, ...]"
    unpriced: int = 0


def select(
    models: "Sequence[Model]",
    filters: Filters,
    sort: SortKey | None = None,
    limit: int | None = None,
) -> Selection:
    """Return at most `limit` models that pass; without `sort` they stay in the order of the API."""
    passed = [model for model in models if filters.accept(model)]
    unpriced = 0
    if filters.max_price is not None:
        priced = [model for model in passed if model.rate is not None]
        unpriced = len(passed) - len(priced)
        passed = [model for model in priced if _within(model, filters.max_price)]
    if sort is not None:
        passed.sort(key=sort_key(sort))
    return Selection(tuple(passed[:limit]), unpriced)


def read_max_price(text: str | None) -> "Money | None":
    """Read the value of `--max-price`. Raises the usage error."""
    if text is None:
        return None
    from modellix_cli.domain.money import Money

    amount = Money.parse(text)
    if amount is None:
        raise usage(f"Invalid --max-price {quoted(text)}. Use an amount in USD, such as 0.05.")
    return amount


def price_order(model: "Model") -> tuple[object, ...]:
    """Return what sorts by unit, then by price; models without a price come last."""
    rate = model.rate
    if rate is None:
        return (len(_UNITS) + 1, "", 0, 0)
    unit = rate.unit.casefold()
    place = _UNITS.index(unit) if unit in _UNITS else len(_UNITS)
    return (place, unit, rate.high, rate.low)


def known_types(models: "Sequence[Model]") -> list[str]:
    """Return the types that the service documents and those that the list has, sorted."""
    told = {model.type.casefold() for model in models if model.type}
    return sorted({*TASK_TYPES, *told})


def units(models: "Sequence[Model]") -> set[str]:
    """Return the units in which the models are priced."""
    return {model.rate.unit.casefold() for model in models if model.rate is not None}


def _within(model: "Model", most: "Money") -> bool:
    return model.rate is not None and model.rate.high <= most.usd


def sort_key(sort: SortKey) -> "Callable[[Model], tuple[object, ...]]":
    """Return what sorts models; equal ones are sorted by name."""
    return lambda model: (*_SORTS[sort](model), model.slug.casefold(), model.slug)


_SORTS: "Final[dict[SortKey, Callable[[Model], tuple[object, ...]]]]" = {
    "name": lambda model: (),
    "price": price_order,
    "type": lambda model: (model.type is None, (model.type or "").casefold()),
    "provider": lambda model: (model.provider.casefold(),),
}

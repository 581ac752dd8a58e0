"""What the sandbox's models cost."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from modellix_cli.domain.jsontext import JsonObject

if TYPE_CHECKING:
    from modellix_cli.sandbox.parameters import Order

MICRO: Final = 1_000_000
"""Millionths of a dollar in a dollar; money is counted in them."""

Unit = Literal["$/img", "$/sec", "$/M chars"]


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per unit. Where `high` differs, it is a range: the finest result costs that."""

    low: float
    unit: Unit
    high: float | None = None

    def document(self) -> JsonObject:
        """Return the price as the model list shows it."""
        if self.high is None:
            return {"fixed": self.low, "unit": self.unit}
        return {"min": self.low, "max": self.high, "unit": self.unit}

    def micro_dollars(self, order: "Order") -> int:
        """Return what a task costs, in millionths of a dollar, at least one."""
        units = {"$/img": order.count, "$/sec": order.clip_seconds, "$/M chars": order.characters}
        each = 1_000_000 if self.unit == "$/M chars" else 1
        low = round(self.low * MICRO)
        high = low if self.high is None else round(self.high * MICRO)
        step, steps = order.fineness
        rate = low * steps + (high - low) * step
        return max(1, rate * units[self.unit] // (steps * each))


def per_image(low: float, high: float | None = None) -> Price:
    """Return a price for each image."""
    return Price(low, "$/img", high)


def per_second(low: float, high: float | None = None) -> Price:
    """Return a price for each second of video or sound."""
    return Price(low, "$/sec", high)


def per_million_characters(low: float, high: float | None = None) -> Price:
    """Return a price for a million letters of text."""
    return Price(low, "$/M chars", high)

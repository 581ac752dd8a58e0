"""What a value of a body asks for, and how that adds up."""

from decimal import Decimal
from typing import Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.models.pricing.amounts import EXACT

_ONE: Final = Decimal(1)
_NOTHING: Final = Decimal(0)


@frozen
class Asked:
    """What a value asks for: `count` results (at least `fewest`), seconds, frames."""

    count: Decimal = _ONE
    fewest: Decimal = _ONE
    seconds: Decimal = _NOTHING
    shortest: Decimal = _NOTHING
    frames: Decimal = _NOTHING

    def within(self, inner: "Asked") -> "Asked":
        """Return what an object asks for that has `inner` in it: counts multiply."""
        return Asked(
            EXACT.multiply(self.count, inner.count),
            EXACT.multiply(self.fewest, inner.fewest),
            EXACT.add(self.seconds, inner.seconds),
            EXACT.add(self.shortest, inner.shortest),
            EXACT.add(self.frames, inner.frames),
        )

    def beside(self, other: "Asked") -> "Asked":
        """Return what two entries of a list ask for together: counts add up."""
        lengths = self.within(other)
        count, fewest = EXACT.add(self.count, other.count), EXACT.add(self.fewest, other.fewest)
        return Asked(count, fewest, lengths.seconds, lengths.shortest, lengths.frames)


def widest(forms: list[Asked]) -> Asked:
    """Return the most and the least of what several forms of one parameter ask for."""
    return Asked(
        max(one.count for one in forms),
        min(one.fewest for one in forms),
        max(one.seconds for one in forms),
        min(one.shortest for one in forms),
        max(one.frames for one in forms),
    )

"""Amounts of money in US dollars, exact."""

import re
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import total_ordering
from typing import Final, Self

from modellix_cli.domain.errors import usage
from modellix_cli.domain.frozen import frozen

_EXACT: Final = Context(prec=200)
_CENT: Final = Decimal("0.01")
_SMALLEST: Final = Decimal("0.0001")
_TEXT: Final = r"(?a)\d{1,30}(?:\.\d{1,60})?(?:[eE][+-]?\d{1,2})?"
_MOST: Final = Decimal(10) ** 30
_FINEST: Final = -60


@total_ordering
@frozen
class Money:
    """An amount in US dollars, zero or more."""

    usd: Decimal

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read an amount such as `0.03`, as the API or a user writes it; None for anything else."""
        written = text.strip()
        if not re.fullmatch(_TEXT, written):
            return None
        usd = Decimal(written).normalize(_EXACT)
        exponent = usd.as_tuple().exponent
        if usd >= _MOST or not isinstance(exponent, int) or exponent < _FINEST:
            return None
        return cls(usd)

    def __lt__(self, other: "Money") -> bool:
        return self.usd < other.usd

    def __add__(self, other: "Money") -> "Money":
        return Money(_EXACT.add(self.usd, other.usd))

    def __sub__(self, other: "Money") -> "Money":
        """Return the difference, at least zero."""
        return Money(max(Decimal(0), _EXACT.subtract(self.usd, other.usd)))

    def times(self, factor: Decimal) -> "Money":
        """Return the amount multiplied by a number of zero or more, exactly."""
        return Money(_EXACT.multiply(self.usd, factor))

    def __str__(self) -> str:
        """Write the amount so that `parse` reads the same one: `0.03`."""
        return format(self.usd.normalize(_EXACT), "f")

    @property
    def exact(self) -> str:
        """The amount for people to the last digit: `$0.30`, `$1.000001`.

        >>> Money(Decimal("0.3")).exact, Money(Decimal("1.000001")).exact
        ('$0.30', '$1.000001')
        """
        whole, _, rest = str(self).partition(".")
        return f"${int(whole):,}.{rest:0<2}"

    @property
    def words(self) -> str:
        """The amount for people: `$1.20`, and `$0.035` where the hundredth of a cent says more.

        >>> Money(Decimal("0.035")).words, Money(Decimal("12")).words
        ('$0.035', '$12.00')
        """
        if 0 < self.usd < _SMALLEST:
            return f"${_SMALLEST}"
        if self.usd >= 1:
            return f"${self.usd.quantize(_CENT, ROUND_HALF_UP, _EXACT):,}"
        fine = self.usd.quantize(_SMALLEST, ROUND_HALF_UP, _EXACT)
        cents = fine.quantize(_CENT, ROUND_HALF_UP, _EXACT)
        return f"${cents if cents == fine else str(fine).rstrip('0')}"


def parse_money(text: str, name: str) -> Money:
    """Read an amount of US dollars that the user gave as `name`, an option or a variable.

    Raises the usage error.
    """
    amount = Money.parse(text)
    if amount is None:
        raise usage(f"{name} must be a number of dollars, such as 2.50.")
    return amount


NOTHING: Final = Money(Decimal(0))

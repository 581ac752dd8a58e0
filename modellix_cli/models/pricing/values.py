"""An estimate of what one request may cost, and how it is told."""

from decimal import ROUND_CEILING, Context, Decimal
from typing import Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonObject, Number
from modellix_cli.domain.money import Money

_EXACT: Final = Context(prec=200)
_CENT: Final = Decimal("0.01")
_SMALLEST: Final = Decimal("0.0001")
_MAX_TOLD: Final = 3


@frozen
class Estimate:
    """What one request may cost, in US dollars.

    `amount` is the most it may cost, None where `unpriced` says what cannot be priced; `lowest` is
    what it likely costs at least, None without a price. `basis` says in words how both came about,
    what was assumed included. `quantity` is the first of it in short: `4 images at $0.03`.
    """

    slug: str
    amount: Money | None = None
    lowest: Money | None = None
    unpriced: tuple[str, ...] = ()
    basis: tuple[str, ...] = ()
    quantity: str = ""


def describe(estimate: Estimate) -> str:
    """Return an estimate as one short line: `about $0.12: 4 images at $0.03`."""
    if estimate.amount is None:
        return f"price unknown: {in_short(estimate.unpriced)}"
    exact = estimate.amount == estimate.lowest
    words = f"{'about' if exact else 'at most'} {dollars(estimate.amount)}"
    return f"{words}: {estimate.quantity}" if estimate.quantity else words


def as_dict(estimate: Estimate) -> JsonObject:
    """Return an estimate as JSON shows it, with the names of a `Total`.

    Amounts are numbers, written exactly; `reasons` are why it cannot be priced.
    """
    return {
        "estimatedUsd": json_amount(estimate.amount),
        "lowestUsd": json_amount(estimate.lowest),
        "unpriced": int(estimate.amount is None),
        "reasons": list(estimate.unpriced),
        "basis": list(estimate.basis),
    }


def json_amount(amount: Money | None) -> Number | None:
    """Return an amount as a JSON number, as the service writes `billing.amount`."""
    return None if amount is None else Number(str(amount))


def dollars(amount: Money) -> str:
    """Write an amount to the cent, below a dollar finer, rounded up: `$1.60`."""
    step = _CENT if amount.usd >= 1 else _SMALLEST
    fine = amount.usd.quantize(step, ROUND_CEILING, _EXACT)
    cents = fine.quantize(_CENT, ROUND_CEILING, _EXACT)
    return f"${f'{cents:,}' if cents == fine else str(fine).rstrip('0')}"


def in_short(reasons: tuple[str, ...]) -> str:
    """Return the first few reasons in one line: `a; b; c; 2 more`."""
    more = len(reasons) - _MAX_TOLD
    return "; ".join((*reasons[:_MAX_TOLD], *([f"{more} more"] if more > 0 else ())))

"""Listed prices that the tests of estimates share."""

from decimal import Decimal
from typing import Any, Final

from modellix_cli.api.catalog import Price
from modellix_cli.models.pricing.estimator import estimate
from modellix_cli.models.pricing.values import Estimate


def price(unit: str, low: str, high: str | None = None) -> Price:
    return Price(Decimal(low), Decimal(high or low), unit)


IMAGE: Final = price("$/img", "0.03")
RANGE: Final = price("$/img", "0.05", "0.15")
SECOND: Final = price("$/sec", "0.1")
TEXT: Final = price("$/M chars", "13")


def of(listed: Price | None, body: Any, schema: Any = None, task_type: str = "") -> Estimate:
    return estimate("a/b", listed, body, schema, task_type)


def most(listed: Price | None, body: Any, schema: Any = None) -> str | None:
    """The upper bound as text, None where the request is unpriced."""
    amount = of(listed, body, schema).amount
    return None if amount is None else str(amount)

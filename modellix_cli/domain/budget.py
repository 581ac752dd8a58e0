"""What requests may cost: a limit for one of them, and a budget for all within a period."""

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.values import DAY

if TYPE_CHECKING:
    from modellix_cli.domain.money import Money


DEFAULT_PERIOD: Final = DAY
LONGEST_PERIOD: Final = 366 * DAY


@frozen
class Budget:
    """At most `limit` may be spent within any `period` seconds. `source` is where it was set."""

    limit: "Money"
    period: float
    source: str = ""


@frozen
class CostLimits:
    """What the user said about cost.

    `max_cost` is for a single request. Under either limit what cannot be priced is refused, unless
    `allow_unpriced`: then it counts as nothing.
    """

    max_cost: "Money | None" = None
    budget: Budget | None = None
    allow_unpriced: bool = False

    @property
    def any(self) -> bool:
        """Whether a limit is set, so that prices have to be known."""
        return self.max_cost is not None or self.budget is not None


NO_LIMITS: Final = CostLimits()


class Verdict(Enum):
    """Whether a request may be paid for, or what speaks against it."""

    ALLOWED = "allowed"
    UNPRICED = "unpriced"
    OVER_MAX_COST = "over max cost"
    OVER_BUDGET = "over budget"


def judge(limits: CostLimits, cost: "Money | None", spent: "Callable[[Budget], Money]") -> Verdict:
    """Return whether a request that may cost up to `cost` may be paid for now.

    `cost` is None where it is not known. `spent` tells what counts against the budget already:
    what was billed within the period, and the estimate of all that may still be billed.
    """
    if not limits.any:
        return Verdict.ALLOWED
    if cost is None and not limits.allow_unpriced:
        return Verdict.UNPRICED
    from modellix_cli.domain.money import NOTHING

    cost = cost or NOTHING
    if limits.max_cost is not None and cost > limits.max_cost:
        return Verdict.OVER_MAX_COST
    budget = limits.budget
    if budget is not None and spent(budget) + cost > budget.limit:
        return Verdict.OVER_BUDGET
    return Verdict.ALLOWED

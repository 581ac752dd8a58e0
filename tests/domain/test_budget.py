"""Whether a request may be paid for."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.budget import NO_LIMITS, Budget, CostLimits, Verdict, judge
from modellix_cli.domain.money import Money

AMOUNTS = st.decimals(0, 100, places=4, allow_nan=False).map(Money)


def usd(amount: str) -> Money:
    return Money(Decimal(amount))


def verdict(limits: CostLimits, cost: str | None, spent: str = "0") -> Verdict:
    return judge(limits, None if cost is None else usd(cost), lambda budget: usd(spent))


BUDGET = CostLimits(budget=Budget(usd("1"), 60.0))


@pytest.mark.parametrize(
    ("limits", "cost", "spent", "expected"),
    [
        (NO_LIMITS, "1000", "0", Verdict.ALLOWED),
        (NO_LIMITS, None, "0", Verdict.ALLOWED),
        (BUDGET, "1", "0", Verdict.ALLOWED),
        (BUDGET, "0.1", "0.9", Verdict.ALLOWED),
        (BUDGET, "0.1001", "0.9", Verdict.OVER_BUDGET),
        (BUDGET, "0", "1.2", Verdict.OVER_BUDGET),
        (BUDGET, None, "0", Verdict.UNPRICED),
        (CostLimits(usd("0.5")), "0.5", "9", Verdict.ALLOWED),
        (CostLimits(usd("0.5")), "0.51", "0", Verdict.OVER_MAX_COST),
        (CostLimits(usd("0.5")), None, "0", Verdict.UNPRICED),
        (CostLimits(usd("0.5"), allow_unpriced=True), None, "0", Verdict.ALLOWED),
        (CostLimits(None, BUDGET.budget, allow_unpriced=True), None, "1", Verdict.ALLOWED),
        (CostLimits(None, BUDGET.budget, allow_unpriced=True), None, "1.1", Verdict.OVER_BUDGET),
        (CostLimits(usd("2"), BUDGET.budget), "1.5", "0", Verdict.OVER_BUDGET),
    ],
)
def test_what_the_limits_allow(
    limits: CostLimits, cost: str | None, spent: str, expected: Verdict
) -> None:
    assert verdict(limits, cost, spent) is expected


@given(AMOUNTS, st.lists(st.one_of(AMOUNTS, st.none())))
def test_what_is_allowed_in_turn_never_sums_up_to_more_than_the_budget(
    limit: Money, costs: list[Money | None]
) -> None:
    limits = CostLimits(budget=Budget(limit, 60.0))
    spent = Money(Decimal(0))
    for cost in costs:
        before = spent
        if judge(limits, cost, lambda _, before=before: before) is Verdict.ALLOWED:  # type: ignore[misc]
            assert cost is not None
            spent += cost
        assert spent <= limit

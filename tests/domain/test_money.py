"""Amounts in US dollars."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.money import NOTHING, Money, parse_money

amounts = st.from_regex(r"[0-9]{1,30}(\.[0-9]{1,60})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)


@given(amounts)
def test_an_amount_is_read_again_as_it_was(text: str) -> None:
    amount = Money.parse(text)
    if amount is not None:
        assert amount.usd == Decimal(text)
        assert Money.parse(str(amount)) == amount


@given(amounts, amounts)
def test_adding_and_taking_away_are_exact(one: str, other: str) -> None:
    a, b = Money.parse(one), Money.parse(other)
    if a is not None and b is not None:
        assert (a + b) - b == a
        assert a - (a + b) == NOTHING
        assert Money.parse(str(a + b)) in (a + b, None)


def test_nothing_is_zero() -> None:
    assert NOTHING.usd == 0


def test_cents_do_not_drift() -> None:
    total = NOTHING
    for _ in range(10):
        total += Money(Decimal("0.1"))
    assert str(total) == "1"


@pytest.mark.parametrize("text", ["", "-1", "+1", "1,5", "$1", "NaN", "inf", "1e999", "٣", "1_0"])
def test_anything_else_is_no_amount(text: str) -> None:
    assert Money.parse(text) is None


def test_an_amount_that_the_user_gives_is_one_or_an_error_that_names_the_option() -> None:
    assert parse_money("2.50", "--max-cost") == Money(Decimal("2.5"))
    with pytest.raises(ModellixError, match="--max-cost must be a number of dollars"):
        parse_money("nan", "--max-cost")


@pytest.mark.parametrize("text", ["1e30", "1" + "0" * 29 + "e1", "1e-61", "0.1e-60"])
def test_what_is_too_large_or_too_fine_is_no_amount(text: str) -> None:
    assert Money.parse(text) is None


@pytest.mark.parametrize("text", ["9" * 30, "9e29", "1e-60", "0." + "0" * 59 + "1"])
def test_the_largest_and_the_finest_amounts_are_read(text: str) -> None:
    assert Money.parse(text) == Money(Decimal(text))


def test_an_amount_is_multiplied_exactly() -> None:
    fine = Money(Decimal("0." + "0" * 59 + "1"))
    assert fine.times(Decimal("9" * 40)).usd == Decimal("0." + "0" * 20 + "9" * 40)
    assert fine.times(Decimal(0)) == NOTHING


def test_equal_amounts_are_equal_however_they_are_written() -> None:
    assert Money.parse("0.030") == Money.parse("3e-2")
    assert hash(Money.parse("0.030")) == hash(Money.parse("3e-2"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0", "$0.00"),
        ("0.03", "$0.03"),
        ("0.5", "$0.50"),
        ("0.035", "$0.035"),
        ("0.00001", "$0.0001"),
        ("0.0001", "$0.0001"),
        ("1", "$1.00"),
        ("0.99996", "$1.00"),
        ("1.005", "$1.01"),
        ("1234.5", "$1,234.50"),
    ],
)
def test_people_read_cents(text: str, words: str) -> None:
    amount = Money.parse(text)
    assert amount is not None
    assert amount.words == words


@pytest.mark.parametrize(
    ("text", "exact"), [("0.3", "$0.30"), ("1.000001", "$1.000001"), ("1234", "$1,234.00")]
)
def test_an_exact_amount_is_told_to_its_last_digit(text: str, exact: str) -> None:
    assert Money(Decimal(text)).exact == exact

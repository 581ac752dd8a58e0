"""What tasks may cost: the amounts that bodies ask for, exact sums, and words for people."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.api.catalog import read_models
from modellix_cli.domain.jsontext import dumps, loads
from modellix_cli.domain.values import Slug, parse_slug
from modellix_cli.models.pricing import Estimate, Estimator
from modellix_cli.sandbox.catalog import MODELS
from modellix_cli.sandbox.prices import MICRO

PRICES = {
    "x/img": '{"fixed": 0.1, "unit": "$/img"}',
    "x/range": '{"min": 0.05, "max": 0.15, "unit": "$/img"}',
    "x/sec": '{"fixed": 0.06, "unit": "$/sec"}',
    "x/chars": '{"fixed": 20, "unit": "$/M chars"}',
    "x/other": '{"fixed": 1, "unit": "$/min"}',
    "x/none": "null",
}
LISTED = read_models(
    {"models": [{"slug": slug, "price": loads(price)} for slug, price in PRICES.items()]}
)


def cost(slug: str, body: Any) -> str | None:
    """The words for one task; `body` is JSON text or a value."""
    text = body if isinstance(body, str) else json.dumps(body)
    return Estimator(LISTED).of(parse_slug(slug), text.encode()).words


# Amounts


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{}", "about $0.10"),
        ('{"n": 3}', "about $0.30"),
        ('{"num_images": 2}', "about $0.20"),
        ('{"image_count": 2}', "about $0.20"),
        ('{"num_outputs": 2}', "about $0.20"),
        ('{"count": 2}', "about $0.20"),
        ('{"batch_size": 2}', "about $0.20"),
        ('{"max_images": 2}', "about $0.20"),
        ('{"max_images": 9, "n": 2}', "about $0.20"),
        ('{"n": 2.0}', "about $0.20"),
        ('{"n": "4", "count": 2}', "about $0.20"),
        ('{"n": true}', "about $0.10"),
        ('{"n": 0}', "about $0.10"),
        ('{"n": -2}', "about $0.10"),
        ('{"n": 1.5}', "about $0.10"),
        ('{"n": null}', "about $0.10"),
        ('{"n": 10000000}', None),
    ],
)
def test_images_are_counted(body: str, words: str | None) -> None:
    assert cost("x/img", body) == words


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"duration": 5}', "about $0.30"),
        ('{"duration": 2.5}', "about $0.15"),
        ('{"duration": "5"}', "about $0.30"),
        ('{"duration": " 5 s"}', "about $0.30"),
        ('{"seconds": "2.5s"}', "about $0.15"),
        ('{"duration_seconds": 5}', "about $0.30"),
        ('{"video_length": 5}', "about $0.30"),
        ('{"duration": "auto", "seconds": 5}', "about $0.30"),
        ('{"duration": "auto"}', None),
        ('{"duration": -5}', None),
        ('{"duration": true}', None),
        ('{"duration": 1e999}', None),
        ("{}", None),
    ],
)
def test_seconds_are_told_or_unknown(body: str, words: str | None) -> None:
    assert cost("x/sec", body) == words


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"text": "x" * 1000}, "about $0.02"),
        ({"prompt": "猫" * 1000}, "about $0.02"),
        ({"input": "x" * 1000}, "about $0.02"),
        ({"text": "x" * 1000, "prompt": "y"}, "about $0.02"),
        ({"text": 7, "input": "x" * 1000}, "about $0.02"),
        ({"text": ""}, "about $0.00"),
        ({"input": {"text": "x"}}, None),
        ({}, None),
    ],
)
def test_characters_are_counted(body: Any, words: str | None) -> None:
    assert cost("x/chars", body) == words


@pytest.mark.parametrize("slug", ["x/other", "x/none", "x/unlisted"])
def test_without_a_price_of_a_known_unit_nothing_is_said(slug: str) -> None:
    assert cost(slug, "{}") is None


@pytest.mark.parametrize("body", ["", "[]", "{"])
def test_a_body_that_is_no_object_has_no_price(body: str) -> None:
    assert cost("x/img", body) is None


def test_the_older_routes_cost_the_same() -> None:
    assert cost("text-to-image/x/img", "{}") == "about $0.10"


@pytest.mark.parametrize("slug", MODELS)
def test_the_sandbox_charges_the_lowest_estimate(slug: str) -> None:
    model = MODELS[slug]
    body = {
        name: value for name, value in {"n": 3, "duration": 4}.items() if name in model.properties
    }
    body |= model.example
    models = read_models({"models": [loads(json.dumps(model.entry()))]})
    estimate = Estimator(models).of(parse_slug(slug), json.dumps(body).encode())
    if model.price is None:
        assert estimate.unpriced == 1
    else:
        assert estimate.low * MICRO == model.cost(model.order(body))


# Sums


def test_tasks_are_summed_exactly() -> None:
    estimator = Estimator(LISTED)
    for _ in range(30):
        estimator.add(Slug("x", "img"), b"{}")
        estimator.add(Slug("x", "range"), b"{}")
    assert estimator.total == Estimate(Decimal("4.5"), Decimal("7.5"), 0, 60)


def test_what_cannot_be_estimated_is_counted() -> None:
    estimator = Estimator(LISTED)
    for slug in ("img", "none", "sec"):
        estimator.add(Slug("x", slug), b"{}")
    assert estimator.total == Estimate(Decimal("0.1"), Decimal("0.1"), 2, 3)


@given(st.lists(st.sampled_from(["0.0001", "0.1", "33.333", "1e-15", "999999.99"]), max_size=30))
def test_the_order_of_the_tasks_does_not_matter(prices: list[str]) -> None:
    def total(written: list[str]) -> Decimal:
        entries = [
            f'{{"slug": "a/{p}", "price": {{"fixed": {p}, "unit": "$/img"}}}}' for p in prices
        ]
        estimator = Estimator(read_models(loads(f'{{"models": [{",".join(entries)}]}}')))
        for price in written:
            estimator.add(Slug("a", price), b"{}")
        return estimator.total.low

    assert total(prices) == total(prices[::-1]) == sum(map(Decimal, prices))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=5,
)


@given(
    st.dictionaries(st.sampled_from(["n", "count", "duration", "text", "input"]), json_values),
    st.sampled_from(list(PRICES)),
)
def test_any_body_gives_a_price_or_none(body: dict[str, Any], slug: str) -> None:
    estimate = Estimator(LISTED).of(parse_slug(slug), dumps(body).encode())
    assert estimate.lines == 1
    assert (estimate.words is None) == (estimate.unpriced == 1)
    assert 0 <= estimate.low <= estimate.high


# Words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        ("1.2", "1.2", "about $1.20"),
        ("0.8", "2.4", "$0.80 to $2.40"),
        ("0.039", "0.039", "about $0.039"),
        ("0.0001", "0.0001", "about $0.0001"),
        ("0.000001", "0.000001", "about $0.0001"),
        ("0.12345", "0.12345", "about $0.1235"),
        ("0.99999", "0.99999", "about $1.00"),
        ("1.005", "1.006", "about $1.01"),
        ("1234567.5", "1234567.5", "about $1,234,567.50"),
        ("0", "0", "about $0.00"),
    ],
)
def test_a_sum_is_told_in_dollars_and_cents(low: str, high: str, words: str) -> None:
    assert Estimate(Decimal(low), Decimal(high), 0, 2).words == words


@pytest.mark.parametrize(
    ("unpriced", "words"),
    [
        (1, "at least $1.20; 1 line cannot be estimated"),
        (3, "at least $1.20; 3 lines cannot be estimated"),
        (4, None),
    ],
)
def test_what_cannot_be_estimated_is_told(unpriced: int, words: str | None) -> None:
    assert Estimate(Decimal("1.2"), Decimal("2"), unpriced, 4).words == words


def test_no_tasks_have_no_price() -> None:
    assert Estimate().words is None

"""What holds for estimates of any body, schema and price; and that the sandbox charges no more."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modellix_cli.api.catalog import Price, read_models
from modellix_cli.domain.jsontext import Number, dumps, loads
from modellix_cli.domain.money import NOTHING, Money
from modellix_cli.domain.text import one_line
from modellix_cli.domain.values import parse_slug
from modellix_cli.models.pricing.estimator import Estimator, estimate
from modellix_cli.models.pricing.totals import total
from modellix_cli.models.pricing.values import Estimate, as_dict, describe
from modellix_cli.sandbox.catalog import MODELS
from modellix_cli.sandbox.prices import MICRO
from tests.models.pricing.prices import IMAGE, SECOND, TEXT

pytestmark = pytest.mark.slow

NAMES = st.sampled_from(
    [
        *("n", "num_images", "numImages", "parameters", "options", "prompt", "prompts", "images"),
        *("duration", "durationMs", "num_frames", "fps", "max_foo", "sequential_image_generation"),
        *("text", "seed", "properties", "default", "maximum", "enum", "allOf", "items", "$ref", ""),
    ]
) | st.text(max_size=8)
NUMBERS = st.integers() | st.floats() | st.from_regex(
    r"-?[0-9]{1,3}(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,8})?", fullmatch=True
).map(Number)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | NUMBERS.map(str)
    | st.sampled_from(["8s", "auto", "1:00", "#", '{"n": 3}', "x --n 2", "https://a.b"])
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=15,
)  # fmt: skip
BODIES = st.dictionaries(NAMES, VALUES, max_size=6)
SCHEMAS = VALUES | st.builds(lambda inner: {"properties": inner}, BODIES)
DECIMALS = st.decimals() | st.decimals(0, 1000, places=4)
PRICES = st.none() | st.builds(
    lambda low, high, unit: Price(low, high, unit),
    DECIMALS,
    DECIMALS,
    st.sampled_from(["$/img", "$/sec", "$/M chars"]) | st.text(max_size=5),
)


def is_sound(found: Estimate) -> bool:
    if found.amount is None:
        return bool(found.unpriced)
    lowest = found.lowest
    return not found.unpriced and lowest is not None and NOTHING <= lowest <= found.amount


@given(PRICES, VALUES | BODIES, SCHEMAS, st.none() | st.text(max_size=9))
def test_any_body_schema_and_price_gives_a_sound_estimate(
    listed: Price | None, body: Any, schema: Any, task_type: str | None
) -> None:
    found = estimate("a/b", listed, body, schema, task_type)
    assert is_sound(found)
    assert describe(found) == one_line(describe(found))
    assert len(found.unpriced) <= 20
    assert loads(dumps(as_dict(found)))["unpriced"] == (found.amount is None)


@given(
    st.sampled_from([IMAGE, SECOND, TEXT]),
    BODIES,
    SCHEMAS,
    st.sampled_from(["n", "num_images", "max_images", "duration", "seconds"]),
    st.integers(1, 1000),
    st.integers(1, 1000),
)
def test_more_of_anything_never_costs_less(
    listed: Price, body: dict[str, Any], schema: Any, name: str, few: int, more: int
) -> None:
    less = estimate("a/b", listed, body | {name: few}, schema).amount
    much = estimate("a/b", listed, body | {name: few + more}, schema).amount
    if less is not None and much is not None:
        assert less <= much


@given(BODIES, SCHEMAS, st.integers(2, 9))
def test_a_further_count_never_makes_it_cheaper(body: dict[str, Any], schema: Any, n: int) -> None:
    body.pop("batch_size", None)
    plain = estimate("a/b", IMAGE, body).amount
    counted = estimate("a/b", IMAGE, body | {"batch_size": n}).amount
    if plain is not None and counted is not None:
        assert counted == plain.times(Decimal(n))


@given(st.lists(st.tuples(PRICES, BODIES), max_size=8))
def test_a_total_does_not_depend_on_the_order(tasks: list[tuple[Price | None, Any]]) -> None:
    found = [estimate("a/b", listed, body) for listed, body in tasks]
    one, other = total(found), total(found[::-1])
    assert (one.amount, one.lowest) == (other.amount, other.lowest)
    assert one.unpriced_lines + sum(part.amount is not None for part in found) == one.lines


def document(slug: str) -> Any:
    content = {"application/json": {"schema": MODELS[slug].schema()}}
    return loads(json.dumps({"post": {"requestBody": {"content": content}}}))


CHOICES = {
    "n": st.integers(1, 4) | st.just(2.0),
    "duration": st.integers(3, 10) | st.just(5.0),
    "size": st.sampled_from(["1024x768", "1K", "4K"]),
    "resolution": st.sampled_from(["1K", "2K", "4K"]),
    "mode": st.sampled_from(["std", "pro"]),
    "scale": st.integers(2, 4),
    "sound": st.booleans(),
    "seed": st.integers(0, 2**63),
    "image_urls": st.lists(st.just("https://example.com/a.png"), min_size=1, max_size=14),
    "prompt": st.text(min_size=1, max_size=300).filter(str.strip),
}


@st.composite
def sandbox_bodies(draw: st.DrawFn, slug: str) -> dict[str, Any]:
    """Bodies that a sandbox model accepts, with some of its parameters."""
    takes = MODELS[slug].properties
    given_ones = {
        name: draw(values)
        for name, values in CHOICES.items()
        if name in takes and draw(st.booleans())
    }
    return dict(MODELS[slug].example) | given_ones


def billed(slug: str, body: dict[str, Any]) -> Money:
    model = MODELS[slug]
    return Money(Decimal(model.cost(model.order(body))) / MICRO)


@pytest.mark.parametrize("slug", MODELS)
@settings(max_examples=20)
@given(data=st.data())
def test_the_sandbox_charges_within_the_estimate(slug: str, data: st.DataObject) -> None:
    body = loads(json.dumps(data.draw(sandbox_bodies(slug))))
    listed = read_models({"models": [loads(json.dumps(MODELS[slug].entry()))]})
    found = Estimator(listed, lambda _: document(slug)).of(parse_slug(slug), dumps(body).encode())
    if MODELS[slug].price is None:
        assert found.unpriced == ("no price is listed",)
    else:
        assert found.lowest is not None
        assert found.amount is not None
        assert found.lowest <= billed(slug, body) <= found.amount


@pytest.mark.parametrize("slug", MODELS)
@settings(max_examples=20)
@given(data=st.data())
def test_without_the_schema_the_sandbox_charges_no_more_where_all_is_told(
    slug: str, data: st.DataObject
) -> None:
    told = {name: CHOICES[name] for name in ("n", "duration") if name in MODELS[slug].properties}
    body = loads(
        json.dumps(data.draw(sandbox_bodies(slug)) | data.draw(st.fixed_dictionaries(told)))
    )
    listed = read_models({"models": [loads(json.dumps(MODELS[slug].entry()))]})
    found = Estimator(listed).of(parse_slug(slug), dumps(body).encode())
    assert found.amount is None or found.amount >= billed(slug, body)

"""How estimates and totals are told, to people and in JSON."""

from typing import Any

import pytest

from modellix_cli.api.catalog import Price, read_models
from modellix_cli.domain.jsontext import dumps, loads
from modellix_cli.domain.values import Slug, parse_slug
from modellix_cli.models.pricing.estimator import Estimator
from modellix_cli.models.pricing.totals import Total, total
from modellix_cli.models.pricing.values import Estimate, as_dict, describe
from tests.models.pricing.prices import IMAGE, RANGE, SECOND, TEXT, of, price

LISTED = read_models(
    loads(
        '{"models": [{"slug": "x/img", "price": {"fixed": 0.1, "unit": "$/img"}},'
        ' {"slug": "x/none"}, {"slug": "x/sec", "price": {"fixed": 0.1, "unit": "$/sec"}}]}'
    )
)


@pytest.mark.parametrize(
    ("listed", "body", "words"),
    [
        (IMAGE, {"n": 4}, "about $0.12: 4 images at $0.03"),
        (IMAGE, {}, "about $0.03: 1 image at $0.03"),
        (RANGE, {"n": 2}, "at most $0.30: 2 images at $0.15"),
        (SECOND, {"duration": 16}, "about $1.60: 16 seconds at $0.10"),
        (SECOND, {"duration": 7.5}, "at most $0.80: 8 seconds at $0.10"),
        (SECOND, {"duration": 8, "n": 2}, "about $1.60: 2 × 8 seconds at $0.10"),
        (
            TEXT,
            {"text": "x" * 1500},
            "about $0.0195: 1,500 characters at $13.00 per million characters",
        ),
        (price("$/img", "0.123456"), {}, "about $0.1235: 1 image at $0.123456"),
        (price("$/img", "1.001"), {}, "about $1.01: 1 image at $1.001"),
        (SECOND, {"num_frames": 9}, "price unknown: frames are given without fps"),
        (
            IMAGE,
            {"a_max": 1, "b_max": 1, "c_max": 1, "d_max": 1, "e_max": 1},
            "price unknown: a_max may change the price; b_max may change the price; "
            "c_max may change the price; 2 more",
        ),
    ],
)
def test_an_estimate_is_one_line(listed: Price, body: Any, words: str) -> None:
    assert describe(of(listed, body)) == words


def test_what_was_taken_for_granted_is_in_the_basis() -> None:
    assert of(RANGE, {}).basis == (
        "0.15 USD × 1 image",
        "the listed price is 0.05 to 0.15 USD: the highest is taken",
        "one result is assumed: the model's own default is not known",
    )
    known = {"properties": {"duration": {"default": 5}, "prompt": {}}}
    assert of(SECOND, {}, known).basis == (
        "0.1 USD × 5 seconds",
        "duration is 5 by default",
        "one result is assumed: no count is given",
    )


def test_json_has_exact_numbers() -> None:
    assert dumps(as_dict(of(RANGE, {"n": 3})), indent=None).startswith(
        '{"estimatedUsd":0.45,"lowestUsd":0.15,"unpriced":0,"reasons":[],"basis":["0.15 USD × 3 '
    )


def test_json_of_what_cannot_be_priced_has_no_amount() -> None:
    facts = as_dict(of(None, {}))
    assert (facts["estimatedUsd"], facts["lowestUsd"]) == (None, None)
    assert (facts["unpriced"], facts["reasons"]) == (1, ["no price is listed"])


def test_one_request_and_many_have_the_same_names() -> None:
    one, many = as_dict(of(RANGE, {"n": 3})), total([of(RANGE, {"n": 3})]).as_dict()
    shared = {"estimatedUsd", "lowestUsd", "unpriced"}
    assert shared == one.keys() & many.keys()
    assert {name: one[name] for name in shared} == {name: many[name] for name in shared}


def totalled(*tasks: tuple[str, str]) -> Total:
    estimator = Estimator(LISTED)
    return total(estimator.of(parse_slug(slug), body.encode()) for slug, body in tasks)


@pytest.mark.parametrize(
    ("tasks", "words"),
    [
        ([("x/img", "{}"), ("x/img", '{"n": 2}')], "about $0.30"),
        ([("x/img", '{"max_images": 2}')], "$0.10 to $0.20"),
        ([("x/img", "{}"), ("x/none", "{}")], "at least $0.10; 1 line cannot be estimated"),
        ([("x/none", "{}")], None),
        ([], None),
    ],
)
def test_a_total_in_words(tasks: list[tuple[str, str]], words: str | None) -> None:
    assert totalled(*tasks).words == words


def test_a_total_names_the_models_that_cannot_be_priced() -> None:
    found = totalled(("x/img", "{}"), ("x/sec", "{}"), ("x/sec", '{"duration": -1}'), ("y/z", "{}"))
    assert (found.lines, found.unpriced_lines, str(found.amount)) == (4, 3, "0.1")
    assert found.unpriced_words() == (
        "x/sec (2 lines): duration is not given; duration is not a usable length. "
        "y/z (1 line): no price is listed"
    )
    assert found.as_dict()["unpricedModels"][1] == {
        "model": "y/z",
        "lines": 1,
        "reasons": ["no price is listed"],
    }


def test_of_very_many_models_only_some_are_named() -> None:
    found = totalled(*((f"x/m{number}", "{}") for number in range(30)))
    assert (found.unpriced_lines, found.unpriced_models, len(found.unpriced)) == (30, 30, 20)
    assert found.unpriced_words().endswith("x/m4 (1 line): no price is listed. And 25 more models")


def test_a_million_lines_are_added_exactly() -> None:
    one = of(price("$/img", "0.0000001"), {})
    assert str(total([one] * 1000).amount) == "0.0001"


def test_nothing_costs_nothing() -> None:
    assert total([]) == Total()


def test_a_schema_is_asked_for_once_for_a_model_with_a_price() -> None:
    asked: list[str] = []

    def schema_of(slug: Slug) -> Any:
        asked.append(slug.name)
        return {"properties": {"n": {"default": 3}}}

    estimator = Estimator(LISTED, schema_of)
    estimates = [estimator.of(Slug("x", name), b"{}") for name in ("img", "img", "none")]
    assert [str(one.amount) for one in estimates] == ["0.3", "0.3", "None"]
    assert asked == ["x/img"]


def test_the_older_routes_cost_the_same() -> None:
    assert totalled(("text-to-image/x/img", "{}")).words == "about $0.10"


@pytest.mark.parametrize("body", ["", "{", "[]"])
def test_a_body_that_is_no_json_object_is_unpriced(body: str) -> None:
    assert totalled(("x/img", body)).unpriced[0].reasons == ("the body is not a JSON object",)


@pytest.mark.parametrize("body", ['{"n": 4, "n": 1}', '{"a": [{"n": 4, "n": 1}]}'])
def test_a_name_that_stands_twice_is_unpriced(body: str) -> None:
    assert totalled(("x/img", body)).unpriced[0].reasons == ("the body has one name twice",)


def test_an_estimate_is_frozen() -> None:
    with pytest.raises(AttributeError):
        Estimate("a/b").amount = None  # type: ignore[misc]

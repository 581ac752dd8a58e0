"""Which bodies are taken for equal when prices are estimated."""

from typing import Any

import pytest

from modellix_cli.api.catalog import ModelList, read_models
from modellix_cli.domain.jsontext import Number, dumps
from modellix_cli.domain.values import parse_slug
from modellix_cli.models.pricing.estimator import Estimator
from modellix_cli.models.pricing.shape import shape_of

NAMES = (
    *("prompt", "input", "image", "images", "seed", "size", "n", "duration", "num_frames", "fps"),
    *("max_images", "shots", "sequential_image_generation", "scene_count", "tags"),
)
VALUES = (
    *("a cat", "a dog at 8 s", "x --n 2", "https://a.b/c", "of 13 letters", "https://a.b --n 3"),
    *('{"n": 3}', ' [{"n": 5}]', "8s", "4", "", "on", "disabled", " data:a", "x" * 120, "y" * 130),
    *(1, 2, 0, -1, Number("2.0"), Number("1e9"), True, False, None),
    *(["a"], ["b", "c"], ["https://a.b", "x --n 3"], [{"n": 2}], [3], {"n": 2}, {"seed": 3}),
)


def listed(unit: str, *slugs: str) -> ModelList:
    rate = {"fixed": Number("0.04"), "unit": unit}
    return read_models({"models": [{"slug": slug, "price": rate} for slug in slugs]})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("unit", "description"),
    [
        *(("$/img", ""), ("$/img", "The number of images.")),
        *(("$/sec", "How long, in seconds."), ("$/m chars", "")),
    ],
)
def test_an_estimate_does_not_depend_on_those_before_it(unit: str, description: str) -> None:
    models, slug = listed(unit, "a/b"), parse_slug("a/b")
    declared = {"type": "integer", "description": description}
    schema = {"properties": dict.fromkeys(NAMES, declared)} if description else None
    shared = Estimator(models, lambda _: schema)
    for name in NAMES:
        for value in VALUES:
            body = dumps({name: value, "other": 1}, indent=None).encode()
            assert shared.of(slug, body) == Estimator(models, lambda _: schema).of(slug, body)


def same(one: Any, other: Any, *, by_text: bool = False) -> bool:
    return shape_of(one, by_text=by_text) == shape_of(other, by_text=by_text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"prompt": "a cat"}, {"prompt": "two dogs, at 8 s"}),
        ({"prompt": "x", "seed": 1}, {"prompt": "y", "seed": 2**63}),
        ({"size": "1K"}, {"size": "2K"}),
        ({"image": "https://a.b/1"}, {"image": "https://a.b/2"}),
        ({"images": ["https://a.b/1"]}, {"images": ["data:x"]}),
        ({"input": {"prompt": "a"}}, {"input": {"prompt": "b"}}),
    ],
)
def test_what_costs_the_same_has_one_shape(one: Any, other: Any) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"n": 1}, {"n": 2}),
        ({"n": 1}, {"n": "1"}),
        ({"n": 1}, {"n": True}),
        ({"n": Number("1.0")}, {"n": 1}),
        ({"n": 1}, {"m": 1}),
        ({"duration": "8s"}, {"duration": "9s"}),
        ({"prompt": "a cat"}, {"prompt": "a cat --n 4"}),
        ({"prompt": "a cat"}, {"prompt": "https://a.b"}),
        ({"prompt": "a cat"}, {"prompt": ["a cat"]}),
        ({"prompts": ["a"]}, {"prompts": ["a", "b"]}),
        ({"input": "a cat"}, {"input": '{"n": 4}'}),
        ({"seed": "1"}, {"seed": '{"n": 4}'}),
        ({"size": "1K"}, {"size": "x" * 101}),
        ({"image": "https://a.b"}, {"image": "4"}),
        ({"a": {"n": 1}}, {"a": {}, "n": 1}),
        ({"a": [[1], 2]}, {"a": [[1, 2]]}),
        ({"a": None}, {}),
    ],
)
def test_what_may_cost_otherwise_has_another_shape(one: Any, other: Any) -> None:
    assert not same(one, other)


def test_the_length_of_texts_counts_where_the_price_goes_by_it() -> None:
    assert not same({"text": "a cat"}, {"text": "a dog!"}, by_text=True)
    assert same({"text": "a cat"}, {"text": "a dog"}, by_text=True)


@pytest.mark.parametrize("body", [{"x": "y" * 5000}, {"x": list(range(2000))}])
def test_a_large_body_has_none(body: Any) -> None:
    assert shape_of(body, by_text=False) is None


def test_bodies_of_one_shape_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from modellix_cli.models.pricing import estimator as module

    read: list[Any] = []
    real = module.estimate

    def counting(*facts: Any) -> Any:
        read.append(facts)
        return real(*facts)

    monkeypatch.setattr(module, "estimate", counting)
    estimator = Estimator(listed("$/img", "a/b", "a/c"))
    costs = [
        str(estimator.of(parse_slug(slug), dumps(body, indent=None).encode()).amount)
        for slug in ("a/b", "a/c")
        for body in ({"prompt": "a"}, {"prompt": "b"}, {"prompt": "c", "n": 2})
    ]
    assert costs == ["0.04", "0.04", "0.08"] * 2
    assert len(read) == 4

"""Which models of a list are meant, and in which order; filters by words are in test_models.py."""

from typing import Any

import pytest

from modellix_cli.domain.money import Money
from modellix_cli.domain.values import SortKey
from modellix_cli.models.selection import Filters, known_types, select, units
from tests.models.catalogue import model, per

MODELS = (
    model("b/none", "Text-To-Video"),
    model("c/song", "text-to-speech", "", per("$/M chars", 13)),
    model("a/clip", "text-to-video", "", per("$/sec", 0.05, 0.15)),
    model("a/range", "text-to-image", "", per("$/img", 0.01, 0.15)),
    model("b/page", "text-to-image", "", per("$/page", 0.001)),
    model("a/image", "text-to-image", "", 0.02),
    model("a/untyped", None, "", per("$/sec", 0.1)),
    model("d/odd", "text-to-image", "", {"unit": "$/img", "fixed": "free"}),
)


def names(sort: SortKey | None = None, limit: int | None = None, **filters: Any) -> str:
    chosen = select(MODELS, Filters(**filters), sort, limit).models
    return " ".join(model.slug.split("/")[1] for model in chosen)


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        (None, "none song clip range page image untyped odd"),
        ("name", "clip image range untyped none page song odd"),
        ("price", "image range untyped clip song page none odd"),
        ("type", "image range page odd song clip none untyped"),
        ("provider", "clip image range untyped none page song odd"),
    ],
)
def test_the_order(sort: SortKey | None, order: str) -> None:
    assert names(sort) == order


def test_the_limit_comes_last() -> None:
    assert names("price", 2, type="TEXT-to-image") == "image range"


@pytest.mark.parametrize(
    ("most", "left"),
    [
        ("0", ""),
        ("0.02", "page image"),
        ("0.0199999", "page"),
        ("0.15", "clip range page image untyped"),
        ("13", "song clip range page image untyped"),
    ],
)
def test_a_price_is_at_most_that_of_one_unit_by_its_upper_end(most: str, left: str) -> None:
    assert names(max_price=Money.parse(most)) == left


def test_models_without_a_price_are_counted_among_those_that_pass_otherwise() -> None:
    assert select(MODELS, Filters(max_price=Money.parse("1"))).unpriced == 2
    assert select(MODELS, Filters(type="text-to-image", max_price=Money.parse("1"))).unpriced == 1
    assert select(MODELS, Filters()).unpriced == 0


def test_types_are_those_of_the_documentation_and_of_the_list() -> None:
    known = known_types([model("a/b", "Text-To-3D"), model("a/c")])
    assert "text-to-3d" in known
    assert "speech-to-speech" in known
    assert len(known) == 9


def test_units_are_those_of_the_prices() -> None:
    assert units(MODELS[:4]) == {"$/m chars", "$/sec", "$/img"}

"""What changed between two lists."""

from typing import Any

import pytest

from modellix_cli.models.changes import Changes, compare
from tests.models.catalogue import model, per

OLD = (model("a/one", "text-to-image", "", 0.1), model("a/two", "text-to-image", "Two", 0.2))


def test_equal_lists_have_no_changes() -> None:
    assert compare(OLD, OLD[::-1]) == Changes()
    assert not compare(OLD, OLD)


def test_models_come_and_go() -> None:
    new = (OLD[1], model("a/three"))
    changes = compare(OLD, new)
    assert changes.added == new[1:]
    assert changes.removed == OLD[:1]
    assert changes.changed == ()
    assert changes


def test_a_type_and_a_price_that_changed_are_two_changes() -> None:
    new = (OLD[0], model("a/two", "image-to-image", "Two", 0.3))
    fields = [(change.after.slug, change.field) for change in compare(OLD, new).changed]
    assert fields == [("a/two", "type"), ("a/two", "price")]


def test_a_new_description_is_no_change() -> None:
    assert not compare(OLD, (OLD[0], model("a/two", "text-to-image", "Another", 0.2)))


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        (0.1, {"unit": "$/img", "fixed": 0.10}, True),
        (0.1, per("$/img", 0.1, 0.1), True),
        (0.1, per("$/sec", 0.1), False),
        (per("$/img", 0.1, 0.2), per("$/img", 0.1, 0.3), False),
        (None, 0.1, False),
        (0.1, None, False),
        ({"fixed": "free"}, {"fixed": "free"}, True),
        ({"fixed": "free"}, {"fixed": "paid"}, False),
        ({"fixed": "free"}, 0.1, False),
    ],
)
def test_a_price_is_the_same_however_it_is_written(before: Any, after: Any, same: bool) -> None:
    found = compare([model("a/b", price=before)], [model("a/b", price=after)])
    assert (not found) is same

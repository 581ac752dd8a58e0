"""A body against all that its model documents: names that it does not know."""

import json

from modellix_cli.domain.jsontext import Json
from modellix_cli.models.model_check import ModelCheck
from tests.models.test_batch_check import document
from tests.support import FakeClock

SIZE: Json = {"type": "object", "properties": {"width": {"type": "integer"}}}
SHOTS: Json = {"type": "array", "items": {"properties": {"prompt": {"type": "string"}}}}
FREE: Json = {"type": "object"}
CHECK = ModelCheck(document({"properties": {"size": SIZE, "shots": SHOTS, "free": FREE}}))


def unknown(body: Json) -> dict[str, str]:
    return dict(CHECK.look(json.dumps(body).encode()).unknown)


def test_a_name_inside_of_an_object_is_told() -> None:
    assert unknown({"size": {"width": 1, "widht": 2}}) == {
        "size.widht": 'The model has no parameter "size.widht". Did you mean "size.width"?'
    }


def test_a_name_inside_of_entries_is_told_once() -> None:
    assert list(unknown({"shots": [{"promt": "a"}, {"promt": "b"}]})) == ["shots[].promt"]


def test_where_no_name_is_documented_any_is_known() -> None:
    assert unknown({"free": {"any": {"thing": 1}}, "shots": [[{"a": 1}], "b"]}) == {}


def test_inside_of_what_is_unknown_nothing_more_is_told() -> None:
    assert list(unknown({"other": {"a": 1, "b": 2}})) == ["other"]


def test_strictly_a_name_inside_is_a_fault() -> None:
    found = CHECK.look(b'{"size": {"widht": 2}}').strictly()
    assert [fault for fault in found.faults if "size.widht" in fault]


def test_a_model_whose_checks_take_long_is_checked_for_the_first_bodies_only() -> None:
    clock = FakeClock()

    def slow() -> float:
        clock.sleep(1.5)
        return clock.monotonic()

    check = ModelCheck(document({"properties": {"a": {}}}), slow)
    seen = [check.look(b"{}").unchecked for _ in range(9)]
    assert seen == [None] * 7 + ["to check so many bodies takes too long"] * 2


def test_a_model_whose_checks_are_quick_is_checked_for_all() -> None:
    clock = FakeClock()

    def quick() -> float:
        clock.sleep(0.01)
        return clock.monotonic()

    check = ModelCheck(document({"properties": {"a": {}}}), quick)
    assert {check.look(b"{}").unchecked for _ in range(2000)} == {None}

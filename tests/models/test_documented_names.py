"""Which names a model documents: wherever they stand, however its schema says it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.jsontext import Json
from modellix_cli.inputs.parameter_keys import write_key
from modellix_cli.models.documented_names import DocumentedNames, NameReport
from tests.models.test_batch_check import document

TEXT: Json = {"type": "string"}


@contextmanager
def limited_steps(most: int) -> Iterator[None]:
    """Fail where Python calls more functions than that: time would depend on the machine."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")
        assert calls < most

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)


def look(schema: Json, body: Json, **others: Json) -> NameReport:
    whole: Any = document(schema)
    return DocumentedNames(whole | others).look(body)


def names(schema: Json, body: Json, **others: Json) -> list[str]:
    """The names that are told; nothing may have been passed over."""
    report = look(schema, body, **others)
    assert report.unchecked is None
    return [write_key(one.path) for one in report.found]


def inside(depth: int, schema: Json) -> Json:
    """A schema under as many objects, all of them named a."""
    return {"properties": {"a": inside(depth - 1, schema)}} if depth else schema


def test_however_deep_the_name_stands() -> None:
    body: Json = {"known": 1, "other": 2}
    for _ in range(30):
        body = {"a": body}
    found = names(inside(30, {"properties": {"known": {}}}), body)
    assert found == [".".join(["a"] * 30 + ["other"])]


def test_however_many_parts_the_schema_has() -> None:
    schema: Json = {"properties": {"known": TEXT}}
    for _ in range(40):
        schema = {"allOf": [schema]}
    assert names(schema, {"known": "", "other": ""}) == ["other"]


def test_however_much_else_the_schema_says() -> None:
    many: Json = [str(number) for number in range(30_000)]
    schema: Json = {"properties": {"style": {"enum": many}, "size": {"properties": {"w": {}}}}}
    assert names(schema, {"style": "1", "size": {"h": 1}}) == ["size.h"]


def test_a_name_behind_twenty_thousand_others_is_documented() -> None:
    properties: Json = {f"p{number}": TEXT for number in range(21_000)}
    assert names({"properties": properties}, {"p20999": "", "p21000": ""}) == ["p21000"]


@pytest.mark.parametrize("form", ["allOf", "anyOf", "oneOf"])
def test_the_names_of_every_form_are_documented(form: str) -> None:
    parts: Json = [{"properties": {"a": {}}}, {"properties": {"b": {}}}]
    assert names({form: parts}, {"a": 1, "b": 2, "c": 3}) == ["c"]


def test_the_names_of_conditions_are_documented() -> None:
    schema: Json = {
        "properties": {"mode": TEXT},
        "if": {"properties": {"mode": {"const": "a"}}},
        "then": {"properties": {"seed": {}}},
        "else": {"properties": {"steps": {}}},
        "dependentSchemas": {"mode": {"properties": {"size": {}}}},
    }
    assert names(schema, {"mode": "", "seed": 1, "steps": 1, "size": 1, "other": 1}) == ["other"]


def test_references_are_followed_also_in_a_circle() -> None:
    tree: Json = {
        "properties": {"child": {"$ref": "#/components/schemas/Tree"}, "name": {}},
        "anyOf": [{"$ref": "#/components/schemas/Tree"}],
    }
    body: Json = {"child": {"child": {"name": "", "nmae": ""}}}
    found = names(
        {"$ref": "#/components/schemas/Tree"}, body, components={"schemas": {"Tree": tree}}
    )
    assert found == ["child.child.nmae"]


def test_lists_of_lists_are_looked_into() -> None:
    grid: Json = {"items": {"items": {"properties": {"x": {}}}}}
    assert names({"properties": {"grid": grid}}, {"grid": [[{"x": 1}, {"y": 1}]]}) == ["grid[][].y"]


def test_entries_with_schemas_of_their_own_are_looked_into() -> None:
    pair: Json = {"prefixItems": [{"properties": {"x": {}}}], "items": {"properties": {"y": {}}}}
    body: Json = {"pair": [{"x": 1, "y": 1}, {"x": 1, "y": 1}]}
    found = look({"properties": {"pair": pair}}, body).found
    assert [(one.path, one.beside) for one in found] == [
        (("pair", None, "y"), ("x",)),
        (("pair", None, "x"), ("y",)),
    ]


def test_older_documents_give_entries_their_schemas_in_a_list() -> None:
    pair: Json = {
        "items": [{"properties": {"x": {}}}],
        "additionalItems": {"properties": {"y": {}}},
    }
    body: Json = {"pair": [{"x": 1}, {"y": 1}, {"z": 1}]}
    assert names({"properties": {"pair": pair}}, body) == ["pair[].z"]


def test_a_map_takes_any_name_and_its_values_are_looked_into() -> None:
    weights: Json = {"additionalProperties": {"properties": {"strength": {}}}}
    body: Json = {"weights": {"any": {"strength": 1, "strenght": 1}}}
    assert names({"properties": {"weights": weights}}, body) == ["weights.any.strenght"]


def test_names_by_a_pattern_are_documented() -> None:
    schema: Json = {"patternProperties": {"^image_[0-9]$": {"properties": {"url": {}}}}}
    body: Json = {"image_1": {"url": "", "ulr": ""}, "image_x": ""}
    assert sorted(names(schema, body)) == ["image_1.ulr", "image_x"]


def test_other_names_that_are_only_allowed_are_not_documented() -> None:
    schema: Json = {"properties": {"a": {}}, "additionalProperties": True}
    assert names(schema, {"a": 1, "b": 1}) == ["b"]


def test_where_no_name_is_documented_any_is_known() -> None:
    assert names({"properties": {"free": {"type": "object"}}}, {"free": {"any": {"name": 1}}}) == []


def test_what_only_replies_have_is_not_documented_for_requests() -> None:
    ids: Json = {"schemas": {"Id": {"type": "string", "readOnly": True}}}
    schema: Json = {"properties": {"a": {}, "id": {"$ref": "#/components/schemas/Id"}}}
    (found,) = look(schema, {"id": 1}, components=ids).found
    assert (found.path, found.beside) == (("id",), ("a",))


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "object"}, "names no parameters"),
        (True, "names no parameters"),
        ({"properties": [{"name": "a"}]}, "properties that are no object"),
        ({"properties": {"a": {"properties": "b"}}}, "properties that are no object"),
        ({"properties": {"a": {"$ref": "https://example.com/a.json"}}}, "which it lacks"),
        ({"properties": {"a": {"$ref": 1}}}, "which it lacks"),
        ({"properties": {"a": {"patternProperties": {"(a+)+$": {}}}}}, "could take too long"),
    ],
)
def test_what_cannot_be_read_is_told_as_a_reason(schema: Json, reason: str) -> None:
    assert reason in str(look(schema, {"a": {"b": 1}}).unchecked)


def test_a_schema_that_takes_too_long_to_walk_is_told_as_a_reason() -> None:
    parts: Json = [{"properties": {"a": {}}} for _ in range(1000)]
    schema: Json = {"properties": {"list": {"items": {"anyOf": parts}}}}
    body: Json = {"list": [{"a": 1}] * 300}
    assert "too large" in str(look(schema, body).unchecked)


KEYWORDS = (
    *("properties", "patternProperties", "additionalProperties", "dependentSchemas", "readOnly"),
    *("items", "prefixItems", "contains", "allOf", "anyOf", "oneOf", "if", "then"),
    *("$ref", "$dynamicRef", "a", "b"),
)


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        (  # a path that is told already needs no names beside it
            {"properties": {"l": {"items": {"properties": {f"p{n}": {} for n in range(20_000)}}}}},
            {"l": [{"x": 1}] * 2000},
        ),
        ({"anyOf": [{"properties": {"a": {}}}] * 1 + [{"properties": {}}] * 3000}, {"x": 1}),
        (
            {"properties": {f"p{n}": {"$ref": "#/c/big"} for n in range(600)}},
            {f"q{n}": 1 for n in range(600)},
        ),
    ],
)
def test_large_schemas_are_walked_in_few_steps(schema: Json, body: Json) -> None:
    big: Json = {f"k{number}": 1 for number in range(6000)} | {"$ref": "#/c/big"}
    with limited_steps(3_000_000):
        look(schema, body, c={"big": big})


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        (
            {"anyOf": [{"properties": {f"p{n}": {}}} for n in range(3000)]},
            {f"p{n}": 1 for n in range(3000)},
        ),
        (
            {"patternProperties": {"x*x*y": {}}, "additionalProperties": {"type": "integer"}},
            {"x" * 290 + str(n): 1 for n in range(2000)},
        ),
        (
            {"patternProperties": {f".*{n}.*": {} for n in range(20_000)}},
            {f"p{n}": 1 for n in range(2000)},
        ),
    ],
)
def test_what_would_take_long_to_look_up_is_told_as_a_reason(schema: Json, body: Json) -> None:
    with limited_steps(3_000_000):
        assert "too large" in str(look(schema, body).unchecked)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["#", "#/post", "a", "(a+)+$"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYWORDS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(schema=VALUES, body=VALUES)
def test_whatever_the_service_publishes_is_read(schema: Json, body: Json) -> None:
    assert isinstance(look(schema, body), NameReport)

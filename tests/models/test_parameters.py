"""The parameters of a model, read from schemas of every kind, harmful ones included."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.jsontext import Json, dumps, loads
from modellix_cli.inputs.parameter_keys import parse_key
from modellix_cli.models.parameters import (
    MAX_PARAMETERS,
    Parameter,
    by_path,
    main_text,
    read_parameters,
)
from modellix_cli.sandbox.catalog import MODELS


def document(schema: Json, **more: Json) -> Json:
    content = {"application/json": {"schema": schema}}
    return {"post": {"requestBody": {"content": content}, "responses": {}}} | more


def read(properties: Json, required: Json = (), **more: Json) -> dict[str, Parameter]:
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {one.name: one for one in read_parameters(document(schema, **more))}


def one(schema: Json, **more: Json) -> Parameter:
    """The one parameter of a model that takes nothing else."""
    (found,) = read({"x": schema}, **more).values()
    return found


# What is read


def test_everything_that_a_schema_tells_is_read() -> None:
    found = read(
        {
            "prompt": {"type": "string", "maxLength": 500, "description": " What to make. "},
            "n": {"type": "integer", "minimum": 1, "maximum": 4, "default": 1},
            "size": {"type": "string", "enum": ["1K", "2K"], "default": "1K", "title": "Size"},
            "urls": {
                "type": "array",
                "maxItems": 3,
                "items": {"type": "string", "format": "uri", "description": "An image."},
            },
        },
        required=["prompt", "gone", 7],
    )
    assert list(found.values()) == [
        Parameter(
            "prompt", ("prompt",), ("string",), required=True, max_length=500,
            description="What to make.",
        ),
        Parameter("n", ("n",), ("integer",), default=1, minimum=1, maximum=4),
        Parameter(
            "size", ("size",), ("string",), default="1K", allowed=("1K", "2K"), description="Size"
        ),
        Parameter(
            "urls", ("urls",), ("array",), max_items=3, format="uri", items=("string",),
            description="An image.",
        ),
    ]  # fmt: skip


@pytest.mark.parametrize(("schema", "types"), [
    ({"type": "integer"}, ("integer",)),
    ({"type": ["string", "null"]}, ("string",)),
    ({"type": ["integer", "string"]}, ("integer", "string")),
    ({"type": "string", "nullable": True}, ("string",)),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, ("string",)),
    ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, ("string", "integer")),
    ({"oneOf": [{"type": "string"}, {}]}, ()),
    ({"allOf": [{"type": "integer"}]}, ("integer",)),
    ({"enum": [1, 2]}, ("integer",)),
    ({"enum": ["a", None, 1.5]}, ("string", "number")),
    ({"const": True}, ("boolean",)),
    ({"items": {"type": "string"}}, ("array",)),
    ({"properties": {}}, ("object",)),
    ({"type": "tensor"}, ("tensor",)),
    ({}, ()),
    (True, ()),
])  # fmt: skip
def test_types_are_read_in_every_spelling(schema: Json, types: tuple[str, ...]) -> None:
    assert one(schema).types == types


@pytest.mark.parametrize(("schema", "allowed"), [
    ({"const": "a"}, ("a",)),
    ({"oneOf": [{"const": "a"}, {"const": "b"}]}, ("a", "b")),
    ({"anyOf": [{"enum": ["a"]}, {"type": "string"}]}, ()),
    ({"type": "array", "items": {"enum": [1, 2]}}, (1, 2)),
    ({"enum": list(range(1000))}, tuple(range(1000))),
    ({"enum": list(range(1001))}, ()),
    ({"enum": "abc"}, ()),
])  # fmt: skip
def test_allowed_values_are_all_of_them_or_none(schema: Json, allowed: tuple[Json, ...]) -> None:
    assert one(schema).allowed == allowed


def test_bounds_that_are_excluded_are_told_apart() -> None:
    new = one({"type": "number", "exclusiveMinimum": 0, "maximum": 1})
    old = one({"type": "number", "minimum": 0, "exclusiveMinimum": True, "maximum": 1})
    for found in (new, old):
        assert (found.minimum, found.exclusive_minimum, found.maximum) == (None, 0, 1)


def test_numbers_keep_every_digit() -> None:
    parameter = one(loads('{"type": "number", "default": 1.50, "maximum": 1e3}'))
    assert dumps([parameter.default, parameter.maximum], indent=None) == "[1.50,1e3]"


def test_nested_objects_have_dotted_names_and_are_required_as_a_whole() -> None:
    inner = {"properties": {"a": {}, "b.c": {}}, "required": ["a"]}
    found = read({"must": inner, "may": inner, "list": {"type": "array", "items": inner}}, ["must"])
    assert [(name, one.required) for name, one in found.items()] == [
        ("must.a", True), (r"must.b\.c", False),
        ("may.a", False), (r"may.b\.c", False),
        ("list", False), ("list[].a", False), (r"list[].b\.c", False),
    ]  # fmt: skip


def test_references_are_followed_in_the_document_only() -> None:
    shared = {"size": {"type": "integer", "description": "There"}, "a/b": {"type": "string"}}
    found = read(
        {
            "near": {"$ref": "#/components/size"},
            "own": {"$ref": "#/components/size", "description": "Here"},
            "odd": {"$ref": "#/components/a~1b"},
            "far": {"$ref": "https://example.com/schema.json"},
            "file": {"$ref": "/etc/passwd"},
            "lost": {"$ref": "#/components/nothing"},
            "round": {"$ref": "#/components/round"},
        },
        components=shared | {"round": {"$ref": "#/components/round"}},
    )
    assert (found["near"].types, found["near"].description) == (("integer",), "There")
    assert (found["own"].types, found["own"].description) == (("integer",), "Here")
    assert found["odd"].types == ("string",)
    assert all(found[name].types == () for name in ("far", "file", "lost", "round"))


def test_parts_of_a_schema_that_all_apply_are_put_together() -> None:
    parts = [
        {"properties": {"a": {}}, "required": ["a"]},
        {"properties": {"b": {}}, "required": ["b"]},
    ]
    found = read_parameters(document({"allOf": parts, "properties": {"c": {}}}))
    assert {one.name: one.required for one in found} == {"c": False, "a": True, "b": True}


def test_of_forms_of_a_body_every_parameter_is_known_and_none_required() -> None:
    forms = [
        {"properties": {"a": {}}, "required": ["a"]},
        {"properties": {"b": {}}, "required": ["b"]},
    ]
    found = read_parameters(document({"oneOf": forms}))
    assert {one.name: one.required for one in found} == {"a": False, "b": False}


def test_what_only_replies_have_and_what_cannot_be_typed_is_left_out() -> None:
    long = "x" * 101
    names = read({"id": {"readOnly": True}, "": {}, " a": {}, "b\n": {}, long: {}, "ok": {}})
    assert list(names) == ["ok"]


@pytest.mark.parametrize("given", [None, [], {}, {"post": 1}, document(None), document(True), 7])
def test_without_a_schema_there_are_no_parameters(given: Json) -> None:
    assert read_parameters(given) == ()


# The main text


@pytest.mark.parametrize(("properties", "required", "name"), [
    ({"prompt": {"type": "string"}, "text": {"type": "string"}}, [], "prompt"),
    ({"text": {"type": "string"}, "url": {"type": "string"}}, ["url"], "text"),
    ({"url": {"type": "string"}}, ["url"], "url"),
    ({"url": {"type": "string"}}, [], None),
    ({"prompt": {"type": "integer"}, "text": {"type": "string"}}, [], "text"),
    ({"prompt": {}}, [], "prompt"),
    ({"input": {"properties": {"prompt": {"type": "string"}}}}, [], "input.prompt"),
    ({"in": {"properties": {"prompt": {}}}, "prompt": {}}, [], "prompt"),
    ({"shots": {"type": "array", "items": {"properties": {"prompt": {}}}}}, [], None),
    ({"image": {"type": "string"}}, ["image"], None),
    ({}, [], None),
])  # fmt: skip
def test_the_main_text_is_told_by_the_schema(
    properties: Json, required: list[str], name: str | None
) -> None:
    found = main_text(read(properties, required).values())
    assert (found and found.name) == name


# Media


@pytest.mark.parametrize(("name", "schema", "kind"), [
    ("image", {"type": "string"}, "image"),
    ("image_url", {"type": "string"}, "image"),
    ("imageUrls", {"type": "array", "items": {"type": "string"}}, "image"),
    ("image_urls", {"type": "array", "items": {"type": "string", "format": "uri"}}, "image"),
    ("images", {"type": "array"}, "image"),
    ("first_frame_url", {"type": "string", "format": "uri"}, "image"),
    ("image_list", {"type": "array"}, "image"),
    ("mask", {}, "image"),
    ("video_url", {"type": "string"}, "video"),
    ("audioURL", {"type": "string"}, "audio"),
    ("url", {"type": "string", "format": "uri"}, "file"),
    ("top_garment_url", {"type": "string"}, "file"),
    ("source", {"type": "string", "format": "uri"}, "file"),
    ("prompt", {"type": "string"}, None),
    ("image_size", {"type": "string"}, None),
    ("image_count", {"type": "integer"}, None),
    ("audio", {"type": "boolean"}, None),
    ("image", {"type": "string", "enum": ["a", "b"]}, None),
    ("image", {"type": "array", "items": {"type": "integer"}}, None),
    ("image", {"type": "string", "format": "date"}, None),
    ("webhook_url", {"type": "string", "format": "uri"}, None),
    ("callbackUrl", {"type": "string"}, None),
    ("猫", {"type": "string"}, None),
])  # fmt: skip
def test_which_parameters_take_a_file_is_told_by_format_and_name(
    name: str, schema: Json, kind: str | None
) -> None:
    assert read({name: schema})[name].media == kind


def test_a_nested_one_is_told_by_the_last_name() -> None:
    found = read({"image": {"properties": {"size": {}, "url": {}}}})
    assert [one.media for one in found.values()] == [None, "file"]


# Finding one


def test_a_parameter_is_found_whichever_entry_is_named() -> None:
    found = read({"a": {"type": "array", "items": {"properties": {"b": {}}}}}).values()
    for key in ("a[].b", "a[3].b"):
        parameter = by_path(found, parse_key(key))
        assert parameter is not None
        assert parameter.name == "a[].b"
    assert by_path(found, ("c",)) is None


# Every model of the sandbox


@pytest.mark.parametrize("slug", MODELS)
def test_the_parameters_of_a_model_of_the_sandbox_are_those_it_checks(slug: str) -> None:
    model = MODELS[slug]
    found = read_parameters(document(model.schema()))
    assert [one.name for one in found] == list(model.properties)
    assert {one.name for one in found if one.required} == set(model.required)
    given = {one.name for one in found if one.media}
    assert given == {name for name, of in model.properties.items() if "uri" in dumps(of)}


# Harm


def circle(times: int) -> Json:
    again = {"$ref": "#/components/again"}
    properties = {f"p{number}": again for number in range(times)}
    return document(
        again, components={"again": {"allOf": [again] * times, "properties": properties}}
    )


def copies(times: int) -> Json:
    big = {f"p{number}": {"type": "string"} for number in range(50_000)}
    forms = [{"$ref": "#/big"}] * times
    return document(
        {"properties": {f"a{number}": {"anyOf": forms} for number in range(times)}}, big=big
    )


@pytest.mark.parametrize("given", [
    circle(50),
    copies(600),
    document({"properties": {f"a{n}": {"anyOf": [{"enum": list(range(1000))}] * 500}
                             for n in range(600)}}),
], ids=["circle", "copies", "choices"])  # fmt: skip
@pytest.mark.slow
def test_a_schema_that_multiplies_itself_is_read_in_no_time(given: Json) -> None:
    began = time.process_time()
    assert 0 < len(read_parameters(given)) <= MAX_PARAMETERS
    assert time.process_time() - began < 5


def test_at_most_500_parameters_are_read_however_deep_they_are() -> None:
    assert len(read({f"p{number}": {} for number in range(2000)})) == MAX_PARAMETERS
    nested: Any = {"type": "string"}
    for _ in range(40):
        nested = {"properties": {"a": nested}}
    (name,) = read({"a": nested})
    assert name == "a.a.a.a.a.a"


def test_a_long_description_is_cut() -> None:
    assert len(one({"description": "x" * 100_000}).description) == 2000


KEYWORDS = st.sampled_from([
    "type", "properties", "required", "items", "enum", "const", "default", "minimum", "maximum",
    "exclusiveMinimum", "maxLength", "maxItems", "format", "description", "title", "$ref", "allOf",
    "anyOf", "oneOf", "readOnly", "nullable", "prompt", "image_url",
])  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4)
    | st.sampled_from(["string", "object", "array", "null", "#", "#/a", "#/post", "uri"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYWORDS, inner, max_size=4),
    max_leaves=25,
)  # fmt: skip


@given(schema=VALUES, more=VALUES)
def test_any_schema_is_read_as_parameters_that_can_be_typed(schema: Json, more: Json) -> None:
    for found in read_parameters(document({"properties": schema}, a=more)):
        assert parse_key(found.name) == found.path
        assert isinstance(found.media, (str, type(None)))
    main_text(read_parameters(document(schema, a=more)))

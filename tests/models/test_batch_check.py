"""Bodies against schemas: what is found, in which words, and that no schema can do harm."""

import json
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import Json, dumps, loads
from modellix_cli.domain.values import Slug, parse_slug
from modellix_cli.inputs.batch_file import Line
from modellix_cli.models.batch_check import CheckReport, LineProblem, check_lines
from modellix_cli.models.body_check import BodyCheck
from modellix_cli.models.schema_keywords import CannotCheck
from modellix_cli.sandbox.catalog import MODELS


def document(schema: Json, **more: Json) -> Json:
    content = {"application/json": {"schema": schema}}
    whole = {"post": {"requestBody": {"content": content}, "responses": {}}} | more
    return loads(json.dumps(whole))


def problem(schema: Json, body: Json, **more: Json) -> str | None:
    text = body if isinstance(body, str) else json.dumps(body)
    return BodyCheck(document(schema, **more)).problem(text.encode())


def of_value(schema: Json, value: Json) -> str | None:
    """The problem of one parameter."""
    text = value if isinstance(value, str) else json.dumps(value)
    return problem({"properties": {"x": schema}}, f'{{"x": {text}}}')


def published(slug: Slug) -> Json:
    """The document of a model of the sandbox."""
    if str(slug) not in MODELS:
        raise ModellixError(ErrorCode.NOT_FOUND, f"No model {slug}.")
    model = MODELS[str(slug)]
    return document(model.schema())


# What is found


MODEL = {
    "type": "object",
    "properties": {
        "prompt": {"type": "string", "minLength": 1, "maxLength": 10},
        "n": {"type": "integer", "minimum": 1, "maximum": 4},
        "size": {"enum": ["1K", "2K", "4K"]},
        "images": {
            "type": "array",
            "maxItems": 2,
            "items": {"properties": {"url": {"type": "string"}}},
        },
    },
    "required": ["prompt"],
}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"prompt": "a cat"}, None),
        ({"prompt": "a cat", "n": 4, "size": "2K", "images": [{}], "more": 1}, None),
        ({}, "body.prompt: is required"),
        ({"size": "huge"}, "body.prompt: is required"),
        ({"prompt": ""}, "body.prompt: must not be empty"),
        ({"prompt": "a" * 11}, "body.prompt: has 11 characters, more than 10"),
        ({"prompt": 7}, "body.prompt: 7 is not a string"),
        ({"prompt": "a", "n": "2"}, "body.n: '2' is not an integer"),
        ({"prompt": "a", "n": True}, "body.n: true is not an integer"),
        ({"prompt": "a", "n": 0}, "body.n: 0 is less than 1"),
        ({"prompt": "a", "n": 5}, "body.n: 5 is greater than 4"),
        ({"prompt": "a", "size": "huge"}, "body.size: 'huge' is not one of '1K', '2K', '4K'"),
        ({"prompt": "a", "images": [{}, {"url": 1}]}, "body.images[1].url: 1 is not a string"),
        ({"prompt": "a", "images": [1, 2, 3]}, "body.images: has 3 items, more than 2"),
        ([], "body: [] is not an object"),
        ("{", "body: Expecting property name enclosed in double quotes at line 1, column 2"),
    ],
)
def test_a_problem_is_told_with_its_place(body: Json, words: str | None) -> None:
    assert problem(MODEL, body) == words


@pytest.mark.parametrize(
    ("schema", "value", "words"),
    [
        ({"type": ["string", "null"]}, 1, "1 is not a string or null"),
        ({"const": "a"}, "1", "1 is not 'a'"),
        ({"exclusiveMinimum": 1}, 1, "1 is not greater than 1"),
        ({"minItems": 2}, [1], "has 1 item, fewer than 2"),
        ({"uniqueItems": True}, [1, 1], "has the same item twice"),
        ({"not": {"type": "string"}}, '"a"', "'a' is not allowed"),
        (False, 1, "is not allowed"),
        ({"pattern": r"^\d+x\d+$"}, '"wide"', r"'wide' does not match '^\d+x\d+$'"),
        (
            {"oneOf": [{"type": "number"}, {"minimum": 0}]},
            1,
            "1 fits several forms of which only one is allowed",
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "null"}]},
            1,
            "1 is of none of the forms that are allowed",
        ),
        ({"maxProperties": 0}, {"a": 1}, "{'a': 1} is expected to be empty"),
    ],
)
def test_every_kind_of_problem_has_words(schema: Json, value: Json, words: str) -> None:
    assert of_value(schema, value) == f"body.x: {words}"


def test_a_form_that_was_meant_is_told_apart() -> None:
    by_url = {"type": "object", "required": ["url"]}
    assert of_value({"oneOf": [{"type": "string"}, by_url]}, {}) == "body.x.url: is required"


def test_a_misspelt_parameter_is_recognised() -> None:
    schema = {"properties": {"prompt": {}, "size": {}}, "additionalProperties": False}
    words = "body.promt: is not a parameter here; did you mean prompt?"
    assert problem(schema, {"promt": "a cat"}) == words
    assert problem(schema, {"zzz": 1}) == "body.zzz: is not a parameter here"


def test_parameters_that_are_not_listed_may_have_a_schema() -> None:
    schema = {"properties": {"a": {}}, "additionalProperties": {"type": "string"}}
    assert problem(schema, {"a": 1, "b": "c"}) is None
    assert problem(schema, {"b": 1}) == "body.b: 1 is not a string"


# Numbers


@pytest.mark.parametrize("text", ["1", "1.0", "1e0", "-0", "12345678901234567890123"])
def test_whole_numbers_are_integers_however_they_are_written(text: str) -> None:
    assert of_value({"type": "integer"}, text) is None
    assert of_value({"type": "number"}, text) is None


@pytest.mark.parametrize("text", ["1.5", "1e-1", "1e999"])
def test_other_numbers_are_not(text: str) -> None:
    assert of_value({"type": "integer"}, text) == f"body.x: {text} is not an integer"
    assert of_value({"type": "number"}, text) is None


@pytest.mark.parametrize(
    ("value", "step", "fits"),
    [("0.3", 0.1, True), ("0.35", 0.1, False), ("512", 64, True), ("513", 64, False)],
)
def test_multiples_are_counted_in_decimals(value: str, step: float, fits: bool) -> None:
    assert (of_value({"multipleOf": step}, value) is None) is fits


# OpenAPI 3.0


@pytest.mark.parametrize("rest", [{"type": "string"}, {"enum": ["a"]}, {"allOf": [{"minimum": 1}]}])
def test_a_nullable_value_may_be_null(rest: dict[str, Json]) -> None:
    assert of_value(rest | {"nullable": True}, None) is None


def test_a_value_that_is_not_nullable_must_not_be_null() -> None:
    assert of_value({"type": "string"}, None) == "body.x: null is not a string"
    assert of_value({"type": "string", "nullable": False}, None) is not None


@pytest.mark.parametrize(
    ("exclusive", "value", "words"),
    [
        (True, 1, "body.x: 1 is not greater than 1"),
        (True, 2, None),
        (False, 1, None),
        (False, 0, "body.x: 0 is less than 1"),
    ],
)
def test_a_minimum_may_say_that_it_is_exclusive(
    exclusive: bool, value: int, words: str | None
) -> None:
    found = of_value({"minimum": 1, "exclusiveMinimum": exclusive}, value)
    assert found == words


def test_a_maximum_may_say_that_it_is_exclusive() -> None:
    schema = {"maximum": 4, "exclusiveMaximum": True}
    assert of_value(schema, 4) == "body.x: 4 is not less than 4"


def test_references_count_from_the_document() -> None:
    schema = {"properties": {"x": {"$ref": "#/components/schemas/Size"}}}
    components = {"schemas": {"Size": {"enum": ["1K"]}}}
    assert problem(schema, {"x": "1K"}, components=components) is None
    words = "body.x: 'huge' is not one of '1K'"
    assert problem(schema, {"x": "huge"}, components=components) == words


@pytest.mark.parametrize("slug", MODELS)
def test_the_schemas_of_the_sandbox_can_be_checked(slug: str) -> None:
    check = BodyCheck(published(parse_slug(slug)))
    example = dict(MODELS[slug].example)
    assert check.problem(json.dumps(example).encode()) is None
    for name in example:
        assert check.problem(json.dumps(example | {name: 1}).encode()) is not None


# What cannot be checked


@pytest.mark.parametrize(
    "whole",
    [
        None,
        [],
        {},
        {"post": None},
        {"post": {"requestBody": {"content": {"application/json": {}}}}},
        {"post": {"requestBody": {"content": {"application/json": {"schema": "x"}}}}},
    ],
)
def test_a_document_without_a_schema_cannot_be_checked(whole: Json) -> None:
    with pytest.raises(CannotCheck, match="publishes no schema"):
        BodyCheck(whole)


@pytest.mark.parametrize(
    "reference",
    [
        "https://example.com/schema.json",
        "file:///etc/passwd",
        "#/components/schemas/Gone",
        "other.json",
        "#anchor",
        "http://[",
    ],
)
def test_a_reference_to_elsewhere_is_not_followed(reference: str) -> None:
    with pytest.raises(CannotCheck):
        problem({"$ref": reference}, {})


@pytest.mark.parametrize("reference", [7, None, "#/servers", "#/servers/0/url", ["a"]])
def test_a_reference_that_leads_to_no_schema_cannot_be_checked(reference: Json) -> None:
    with pytest.raises(CannotCheck):
        problem({"$ref": reference}, {}, servers=[{"url": "x"}])


def test_a_schema_that_refers_to_itself_cannot_be_checked() -> None:
    place = "#/post/requestBody/content/application~1json/schema"
    with pytest.raises(CannotCheck, match="nested too deeply"):
        problem({"$ref": place}, {})


@pytest.mark.slow
def test_a_schema_that_multiplies_cannot_be_checked() -> None:
    levels: dict[str, Json] = {
        f"s{i}": {"allOf": [{"$ref": f"#/levels/s{i + 1}"}] * 2} for i in range(20)
    }
    levels["s20"] = {}
    started = time.monotonic()
    with pytest.raises(CannotCheck, match="too long"):
        problem({"$ref": "#/levels/s0"}, {}, levels=levels)
    assert time.monotonic() - started < 10


def test_a_huge_schema_cannot_be_checked() -> None:
    with pytest.raises(CannotCheck, match="the schema has more than 100000 values"):
        problem({"enum": [0] * 100_000}, {})


def test_a_huge_body_cannot_be_checked() -> None:
    with pytest.raises(CannotCheck, match="the body has more than 10000 values"):
        of_value({}, [0] * 10_000)


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a+)+$",
        "(a|a)*$",
        "^(a|aa)+$",
        "a?" * 30 + "a" * 30,
        "a*a*a*a*b",
        r"(a*)\1*b",
        "(.*,){9}x",
    ],
)
def test_a_pattern_that_could_take_long_is_passed_over(pattern: str) -> None:
    assert of_value({"pattern": pattern}, json.dumps("a" * 200 + "!")) is None


@pytest.mark.parametrize(
    "pattern", ["(", "[", "a{99999999999}", "a" * 501, 7, None, "(?P<n>a)(?P<n>"]
)
def test_a_pattern_that_is_none_is_passed_over(pattern: Json) -> None:
    assert of_value({"pattern": pattern}, '"b"') is None


@pytest.mark.parametrize(
    "schema",
    [
        {"required": True},
        {"required": "x"},
        {"required": [None, 7]},
        {"type": "file"},
        {"type": 7},
        {"type": [[]]},
        {"enum": 7},
        {"minimum": "1"},
        {"maxLength": "many"},
        {"properties": []},
        {"properties": {"a": "string"}},
        {"items": 7},
        {"allOf": 7},
        {"anyOf": {}},
        {"not": 7},
        {"multipleOf": 0},
        {"multipleOf": "x"},
        {"patternProperties": {"(": False}, "additionalProperties": False},
        {"unevaluatedProperties": False},
        {"if": True, "then": {"minimum": []}},
        {"$schema": "http://json-schema.org/draft-04/schema#"},
        {"$schema": 7, "$id": 7},
        {"$id": "https://example.com/", "$anchor": []},
        {"format": "date", "example": "x", "x-order": 1},
    ],
)
@pytest.mark.parametrize("value", [1, '"abc"', [1], {"a": 1}])
def test_what_a_schema_should_not_say_is_passed_over(schema: Json, value: Json) -> None:
    found = of_value(schema, value)
    assert found is None or "none of the forms" in found


@pytest.mark.parametrize(
    "schema",
    [
        {"not": {"pattern": "(a+)+$"}},
        {"oneOf": [{"pattern": "(a+)+$"}, {"type": "string"}]},
        {"if": {"pattern": "(a+)+$"}, "then": False},
    ],
)
def test_what_was_passed_over_is_no_problem_where_it_is_turned_round(schema: Json) -> None:
    assert of_value(schema, '"b"') is None


def test_a_dialect_of_another_name_does_not_leave_the_bounds() -> None:
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "pattern": "^(a+)+$"}
    assert of_value(schema, json.dumps("a" * 200 + "!")) is None


def test_a_problem_is_short_and_safe_to_show() -> None:
    choices = ["\x1b[2J" + "x" * 500] * 50
    found = of_value({"enum": choices}, json.dumps("y\u202e" * 100_000))
    assert found is not None
    assert len(found) <= 300
    assert not {"\x1b", "\u202e"} & set(found)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["a", "x", "string", "#", "("]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("type", "properties", "required", "items", "enum", "anyOf", "oneOf", "not"),
                    *(
                        "$ref",
                        "minimum",
                        "exclusiveMinimum",
                        "pattern",
                        "x",
                        "additionalProperties",
                    ),
                    *("maxLength", "uniqueItems", "contains", "multipleOf", "$defs", "$dynamicRef"),
                    *(
                        "dependentRequired",
                        "propertyNames",
                        "prefixItems",
                        "if",
                        "then",
                        "nullable",
                    ),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@given(json_values, json_values)
def test_any_schema_and_body_give_a_sentence_or_none_or_cannot_be_checked(
    schema: Json, body: Json
) -> None:
    try:
        found = problem(schema, dumps(body))
    except CannotCheck as error:
        assert str(error)
    else:
        assert found is None or found.startswith("body")


# The tasks of a batch


def line(index: int, slug: str, body: bytes = b'{"prompt": "a cat"}') -> Line:
    return Line(index, index + 10, parse_slug(slug), body, None)


IMAGE, PLUS = "bytedance/seedream-4.5-t2i", "alibaba/qwen-image-plus"


def test_tasks_with_problems_are_reported_by_line() -> None:
    tasks = [line(1, IMAGE), line(2, IMAGE, b"{}"), line(3, PLUS, b'{"prompt": 1}')]
    assert check_lines(tasks, published) == CheckReport(
        problems=[
            LineProblem(12, 2, IMAGE, "body.prompt: is required"),
            LineProblem(13, 3, PLUS, "body.prompt: 1 is not a string"),
        ],
        failed=2,
        checked=3,
        unchecked={},
    )


def test_each_schema_is_asked_for_once() -> None:
    asked: list[str] = []

    def schema_of(slug: Slug) -> Json:
        asked.append(str(slug))
        if str(slug) == "a/b":
            return None
        return published(slug)

    check_lines([line(i, ("a/b", IMAGE, "no/model")[i % 3]) for i in range(9)], schema_of)
    assert sorted(asked) == ["a/b", IMAGE, "no/model"]


def test_a_model_that_does_not_exist_is_a_problem_of_each_of_its_tasks() -> None:
    report = check_lines([line(1, "no/model"), line(2, "no/model")], published)
    assert [p.problem for p in report.problems] == ["there is no such model"] * 2
    assert (report.failed, report.unchecked) == (2, {})


def failing(code: ErrorCode, message: str) -> Callable[[Slug], Json]:
    def schema_of(slug: Slug) -> Json:
        raise ModellixError(code, message)

    return schema_of


def test_a_schema_that_cannot_be_fetched_leaves_its_tasks_unchecked() -> None:
    report = check_lines([line(1, IMAGE)], failing(ErrorCode.NETWORK, "No route to host.\x1b"))
    assert report == CheckReport([], 0, 0, {IMAGE: "No route to host. "})


def test_a_model_without_a_schema_is_left_unchecked() -> None:
    report = check_lines([line(1, IMAGE)], lambda slug: None)
    assert report.unchecked == {IMAGE: "the model publishes no schema of its parameters"}


def test_a_schema_that_cannot_be_used_is_tried_no_further() -> None:
    report = check_lines(
        [line(1, IMAGE), line(2, IMAGE)], lambda slug: document({"$ref": "#/gone"})
    )
    assert report.checked == 0
    assert "'/gone'" in report.unchecked[IMAGE]


def test_only_the_first_problems_are_kept_but_all_are_counted() -> None:
    report = check_lines([line(i, IMAGE, b"{}") for i in range(1, 31)], published, most=4)
    assert [p.index for p in report.problems] == [1, 2, 3, 4]
    assert (report.failed, report.checked) == (30, 30)


def test_the_schema_library_is_loaded_by_a_check_only() -> None:
    program = "import sys, modellix_cli.models.batch_check; sys.exit('jsonschema' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

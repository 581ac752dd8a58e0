"""What the schema of a model tells of defaults, and of parameters whose names tell nothing."""

from typing import Any

import pytest

from tests.models.pricing.prices import IMAGE, SECOND, most, of


def schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def document(body: Any, **more: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": body}}
    return {"post": {"requestBody": {"content": content}}} | more


N = {"type": "integer", "default": 2}
PROMPT = {"type": "string"}


@pytest.mark.parametrize(
    "known",
    [
        schema(n=N),
        document(schema(n=N)),
        schema(n={"type": "string", "default": "2"}),
        schema(parameters=schema(n=N)),
        schema(parameters={"default": {"n": 2}}),
        {"allOf": [schema(n=N)]},
        {"oneOf": [schema(n={"default": 1}), schema(n=N)]},
        document({"$ref": "#/parts/Body"}, parts={"Body": schema(n=N)}),
        schema(k={"type": "integer", "default": 2, "description": "Number of images to make."}),
        schema(k={"enum": [1, 2], "default": 2, "title": "How many pictures"}),
    ],
    ids=str,
)  # fmt: skip
def test_a_default_counts_where_the_body_leaves_it_out(known: Any) -> None:
    assert most(IMAGE, {"prompt": "x"}, known) == "0.06"
    assert most(IMAGE, {"n": None}, known) == "0.06"


def test_what_the_body_says_beats_the_default() -> None:
    assert most(IMAGE, {"n": 1}, schema(n=N)) == "0.03"


def test_a_count_is_found_by_its_description() -> None:
    known = schema(k={"type": "integer", "description": "The number of images to generate"})
    assert most(IMAGE, {"k": 4}) == "0.03"
    assert most(IMAGE, {"k": 4}, known) == "0.12"


@pytest.mark.parametrize(
    "declared",
    [
        {"type": "integer", "default": 50, "description": "Number of steps for better images"},
        {"type": "integer", "default": 50, "description": "Whatever"},
        {"type": "string", "default": "5", "description": "Names"},
        {"type": "boolean", "default": True, "description": "Number of images"},
    ],
    ids=str,
)
def test_a_description_of_something_else_is_no_count(declared: Any) -> None:
    assert most(IMAGE, {}, schema(steps=declared)) == "0.03"


@pytest.mark.parametrize(
    "known",
    [
        schema(duration={"type": "integer", "default": 5}),
        schema(duration={"enum": ["5", "10"], "default": "5"}),
        schema(t={"type": "number", "default": 5, "description": "Seconds of video"}),
        schema(num_frames={"default": 80}, fps={"default": 16}),
        schema(duration={"type": "integer", "maximum": 5}),
        schema(duration={"enum": ["3", "5", "auto"]}),
    ],
    ids=str,
)
def test_a_length_left_out_is_the_default_or_the_longest_allowed(known: Any) -> None:
    assert most(SECOND, {"prompt": "x"}, known) == "0.5"


def test_the_longest_allowed_is_only_the_most_it_may_cost() -> None:
    estimate = of(SECOND, {}, schema(duration={"type": "integer", "maximum": 5}))
    assert str(estimate.lowest) == "0"


@pytest.mark.parametrize("default", ["auto", -1, 0, True])
def test_a_default_that_cannot_be_read_is_named(default: Any) -> None:
    known = schema(duration={"default": default})
    assert of(SECOND, {}, known).unpriced == ("duration is not a usable length",)


def test_images_that_go_into_one_result_do_not_count() -> None:
    body = {"prompt": "x", "image_urls": ["https://a.example"] * 3}
    assert most(IMAGE, body, schema(prompt=PROMPT)) == "0.03"
    assert most(IMAGE, body, schema(n={"default": 1})) == "0.03"


def test_a_list_of_texts_counts_whatever_the_schema() -> None:
    assert most(IMAGE, {"prompts": ["a", "b"]}, schema(prompt=PROMPT, n={"default": 1})) == "0.06"


def test_images_that_are_each_worked_on_count() -> None:
    body = {"images": ["https://a.example"] * 3}
    assert most(IMAGE, body, schema(images={"type": "array"}, scale={"default": 2})) == "0.09"


def test_a_limit_does_not_count_while_one_image_is_made_at_a_time() -> None:
    known = schema(
        sequential_image_generation={"enum": ["auto", "disabled"], "default": "disabled"},
        sequential_image_generation_options=schema(max_images={"default": 15}),
    )
    assert most(IMAGE, {}, known) == "0.03"
    assert most(IMAGE, {"sequential_image_generation": "auto"}, known) == "0.45"


def test_of_several_defaults_each_counts_at_its_most() -> None:
    known = {"oneOf": [
        schema(shots={"default": [{"n": 3, "duration": 1}]}),
        schema(shots={"default": [{"n": 1, "duration": 5}]}),
    ]}  # fmt: skip
    assert most(SECOND, {}, known) == "1.5"


def test_a_default_that_may_be_a_count_is_named() -> None:
    known = schema(repeat_times={"type": "integer", "default": 3})
    assert of(IMAGE, {}, known).unpriced == ("repeat_times may change the price",)


@pytest.mark.parametrize(
    "known",
    [
        *(None, True, [], "x", {}, {"properties": 7}, {"properties": {"n": 7}}, {"allOf": 7}),
        {"$ref": "#/nowhere"},
        {"$ref": "https://example.com/other"},
        {"$ref": "#/"},
        {"$ref": "#/$ref"},
        document({"$ref": "#/post"}),
    ],
    ids=str,
)
def test_a_schema_that_tells_nothing_is_as_none(known: Any) -> None:
    assert most(IMAGE, {"n": 2}, known) == "0.06"


def test_a_schema_that_contains_itself_is_read_to_an_end() -> None:
    known: dict[str, Any] = {"type": "object", "properties": {}}
    known["properties"] = {name: {"$ref": "#"} for name in "abcdefgh"}
    reason = "the model's schema is too large to be read whole"
    assert of(IMAGE, {}, known).unpriced == (reason,)


def test_a_schema_of_too_many_parameters_is_named() -> None:
    known = schema(**{f"p{number}": {} for number in range(301)})
    reason = "the model's schema is too large to be read whole"
    assert of(IMAGE, {"n": 1}, known).unpriced == (reason,)

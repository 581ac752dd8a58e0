"""What a text on the command line becomes: what the schema wants, and nothing is ever lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.jsontext import Json, dumps
from modellix_cli.inputs.parameter_keys import parse_key
from modellix_cli.inputs.parameters import JsonText, Text
from modellix_cli.models.parameter_values import convert, typed_value
from modellix_cli.models.parameters import Parameter

TEXTS = ["007", "1e3", "true", "", "null", "-5", "1.50", "[1]", "猫", "@x", " 5"]


def parameter(*types: str, items: tuple[str, ...] = ()) -> Parameter:
    return Parameter("x", ("x",), types, items=items)


@pytest.mark.parametrize("types", [(), ("string",), ("integer", "string"), ("array", "string")])
@pytest.mark.parametrize("text", TEXTS)
def test_where_a_text_may_be_the_value_it_stays_one(types: tuple[str, ...], text: str) -> None:
    assert convert(parameter(*types, items=("integer",)), text) == text


@pytest.mark.parametrize(("types", "text", "json"), [
    ("integer", "5", "5"),
    ("integer", "-5", "-5"),
    ("integer", "0", "0"),
    ("integer", "9223372036854775808", "9223372036854775808"),
    ("integer", "007", '"007"'),
    ("integer", "1e3", '"1e3"'),
    ("integer", "5.0", '"5.0"'),
    ("integer", "+5", '"+5"'),
    ("integer", " 5", '" 5"'),
    ("integer", "٣", '"٣"'),
    ("integer", "", '""'),
    ("number", "5", "5"),
    ("number", "1.50", "1.50"),
    ("number", "1e3", "1e3"),
    ("number", "-0", "-0"),
    ("number", "NaN", '"NaN"'),
    ("number", ".5", '".5"'),
    ("number", "5\n", '"5\\n"'),
    ("boolean", "true", "true"),
    ("boolean", "False", "false"),
    ("boolean", "yes", '"yes"'),
    ("boolean", "1", '"1"'),
    ("integer boolean", "true", "true"),
    ("integer boolean", "1", "1"),
    ("object", "{}", '"{}"'),
    ("tensor", "5", '"5"'),
])  # fmt: skip
def test_a_text_becomes_what_it_surely_is(types: str, text: str, json: str) -> None:
    assert dumps(convert(parameter(*types.split()), text)) == json


@pytest.mark.parametrize(("items", "text", "value"), [
    (("string",), "a,b", ["a,b"]),
    (("string",), "5", ["5"]),
    (("string",), '["a"]', ['["a"]']),
    (("integer",), "5", [5]),
    (("integer",), "a", ["a"]),
    ((), "a", ["a"]),
    ((), "5", ["5"]),
])  # fmt: skip
def test_an_array_gets_a_text_as_its_only_entry(
    items: tuple[str, ...], text: str, value: Json
) -> None:
    assert convert(parameter("array", items=items), text) == value


@given(
    types=st.lists(st.sampled_from(["integer", "number", "boolean", "array", "object"])),
    text=st.text(max_size=8) | st.integers().map(str) | st.floats().map(str),
)
def test_whatever_a_text_becomes_is_written_as_the_same_text(types: list[str], text: str) -> None:
    value = convert(parameter(*types, items=("number",)), text)
    value = value[0] if isinstance(value, list) else value
    assert (value if isinstance(value, str) else dumps(value)) in (text, text.lower())


TAKEN = (
    Parameter("n", ("n",), ("integer",)),
    Parameter("urls", ("urls",), ("array",), items=("string",)),
    Parameter("sizes", ("sizes",), ("array",), items=("integer",)),
    Parameter("shots", ("shots",), ("array",), items=("object",)),
    Parameter("shots[].seconds", ("shots", None, "seconds"), ("integer",)),
)


@pytest.mark.parametrize(("key", "value"), [
    ("n", 5),
    ("urls", ["5"]),
    ("urls[]", "5"),
    ("urls[2]", "5"),
    ("sizes[]", 5),
    ("shots[].seconds", 5),
    ("shots[3].seconds", 5),
    ("shots[0]", "5"),
    ("unknown", "5"),
    ("n.x", "5"),
    ("n[]", "5"),
])  # fmt: skip
def test_a_change_gets_the_type_of_its_place(key: str, value: Json) -> None:
    assert typed_value(TAKEN, parse_key(key), Text("5")) == value


def test_json_is_set_as_it_is() -> None:
    assert typed_value(TAKEN, ("n",), JsonText('"5"')) == "5"

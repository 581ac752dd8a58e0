import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modellix_cli.domain.jsontext import MAX_DEPTH, JsonError, Number, decode, dumps, loads

# Any text a JSON string can hold: two halves side by side are one character.
TEXT = st.text(st.characters(codec=None), max_size=20).filter(
    lambda text: text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") == text
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def failure(data: bytes | str) -> JsonError:
    with pytest.raises(JsonError) as caught:
        loads(data)
    return caught.value


# Numbers


@pytest.mark.parametrize(
    "text",
    [
        *("0", "-0", "-1", "1.0", "-0.0", "1.10", "1e2", "1E+2", "1.0e-2", "0.1000", "1e400"),
        *("-1e400", "1e-400", "12345678901234567890", "12345678901234567890.0", "9007199254740993"),
        *("0.30000000000000004441", "9" * 4500, "-" + "9" * 10_000, "1." + "3" * 5000),
    ],
)
def test_a_number_is_written_as_it_was_read(text: str) -> None:
    assert dumps(loads(text)) == text


def test_a_whole_number_is_exact() -> None:
    assert loads("12345678901234567890123") + 1 == 12345678901234567890124


def test_a_decimal_can_be_calculated_with() -> None:
    assert loads("1.50") * 2 == 3.0


def test_a_number_beyond_a_double_is_infinite_and_keeps_its_text() -> None:
    number = loads("1e999")
    assert math.isinf(number)
    assert dumps(number) == "1e999"


def test_minus_zero_is_a_number_of_its_own() -> None:
    assert math.copysign(1, loads("-0")) == -1


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", '{"a": [NaN]}'])
def test_what_only_javascript_calls_a_number_is_refused(text: str) -> None:
    assert "is not JSON" in failure(text).reason


@pytest.mark.parametrize("text", ["+1", ".5", "1.", "01", "0x10", "1_000", "1e", "--1", "٣"])
def test_numbers_are_written_the_json_way_or_refused(text: str) -> None:
    assert failure(text).line == 1


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_nothing_that_is_no_json_is_written(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumps({"a": value})


def test_computed_numbers_are_written_too() -> None:
    assert dumps([1, 2.5, Number("3.10")], indent=None) == "[1,2.5,3.10]"


# Structure


def test_keys_keep_their_order() -> None:
    assert dumps(loads('{"b":1,"a":2,"2":3,"1":4}'), indent=None) == '{"b":1,"a":2,"2":3,"1":4}'


def test_the_last_of_equal_keys_counts() -> None:
    assert loads('{"a": 1, "a": 2}') == {"a": 2}


def test_json_is_indented_by_two() -> None:
    assert dumps({"a": [1, {"b": None}], "c": True}) == (
        '{\n  "a": [\n    1,\n    {\n      "b": null\n    }\n  ],\n  "c": true\n}'
    )


@pytest.mark.parametrize("indent", [None, 2, 4])
def test_empty_objects_and_lists_stay_short(indent: int | None) -> None:
    assert dumps({}, indent=indent) == "{}"
    assert dumps([], indent=indent) == "[]"


def test_compact_json_is_one_line_without_blanks() -> None:
    assert dumps({"a": [1, 2], "b": {"c": "d e"}}, indent=None) == '{"a":[1,2],"b":{"c":"d e"}}'


@pytest.mark.parametrize("text", ["null", "true", "false", '""', "[]", "{}"])
def test_any_value_can_be_the_whole_text(text: str) -> None:
    assert dumps(loads(text)) == text


def test_depth_up_to_the_limit_is_read() -> None:
    text = "[" * MAX_DEPTH + "1" + "]" * MAX_DEPTH
    assert dumps(loads(text), indent=None) == text


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 900, 5000, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_deeper_nesting_is_refused(depth: int, opening: str, closing: str) -> None:
    text = opening * depth + "1" + closing * depth
    assert str(failure(text)) == f"nesting deeper than {MAX_DEPTH} levels"


def test_unfinished_deep_nesting_is_refused_too() -> None:
    assert "nesting deeper" in failure("[" * 200_000).reason


def test_a_wide_document_is_not_deep() -> None:
    assert len(loads("[" + "[]," * 50_000 + "[]]")) == 50_001


# Characters


def test_text_of_any_language_is_kept() -> None:
    assert dumps({"猫": "café 😀"}, indent=None) == '{"猫":"café 😀"}'


@pytest.mark.parametrize(
    ("character", "written"),
    [
        *[("\x1b", "\\u001b"), ("\x00", "\\u0000"), ("\x7f", "\\u007f"), ("\x9b", "\\u009b")],
        *[("\u202e", "\\u202e"), ("\u2066", "\\u2066"), ("\u200f", "\\u200f")],
        *[("\u061c", "\\u061c"), ("\u2028", "\\u2028"), ("\n", "\\n"), ("\r", "\\r")],
    ],
)
def test_a_character_that_could_act_on_a_terminal_is_escaped(character: str, written: str) -> None:
    assert dumps(f"a{character}b") == f'"a{written}b"'


def test_unsafe_characters_in_keys_are_escaped_too() -> None:
    assert dumps({"\u202e\x1b": 1}, indent=None) == '{"\\u202e\\u001b":1}'


def test_quotes_and_backslashes_survive() -> None:
    assert loads(dumps('a"b\\c\\u0041/')) == 'a"b\\c\\u0041/'


@pytest.mark.parametrize("half", ["\\ud83d", "\\ude00", "\\ude00\\ud83d"])
def test_half_a_surrogate_pair_is_kept_as_an_escape(half: str) -> None:
    written = dumps(loads(f'"{half}"'))
    assert written == f'"{half}"'
    assert written.encode("utf-8")


def test_a_whole_surrogate_pair_is_its_character() -> None:
    assert dumps(loads('"\\ud83d\\ude00"')) == '"😀"'


def test_raw_control_characters_in_strings_are_refused() -> None:
    assert failure('"a\nb"').line == 1


@given(JSON)
def test_what_is_written_reads_back(value: Any) -> None:
    assert loads(dumps(value)) == value


@given(JSON)
def test_what_is_written_is_utf8_that_others_can_read(value: Any) -> None:
    assert json.loads(dumps(value, indent=None).encode("utf-8")) == value


@given(JSON)
def test_writing_is_stable(value: Any) -> None:
    once = dumps(value)
    assert dumps(loads(once)) == once


# Bytes and errors


def test_a_byte_order_mark_is_dropped() -> None:
    assert loads(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_bytes_are_utf8() -> None:
    assert decode("é猫".encode()) == "é猫"


@pytest.mark.parametrize(
    ("data", "byte", "line", "column"),
    [
        (b'{"a": "\xff"}', "ff", 1, 8),
        (b'{\n"a": "\xe9t\xe9"}', "e9", 2, 7),
        (b'"\xed\xa0\x80"', "ed", 1, 2),
        (b'"\xc0\xaf"', "c0", 1, 2),
        ('"é猫'.encode() + b'\xff"', "ff", 1, 4),
        (b'\xef\xbb\xbf{"a": "\xff"}', "ff", 1, 8),
        (b"\xff\xfe{\x00}\x00", "ff", 1, 1),
        (b'"\xe7\x8c', "e7", 1, 2),
    ],
)
def test_a_byte_that_is_not_utf8_is_named_with_its_place(
    data: bytes, byte: str, line: int, column: int
) -> None:
    error = failure(data)
    assert error.reason == f"byte 0x{byte} is not UTF-8"
    assert (error.line, error.column) == (line, column)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        *[("", 1, 1), ("{", 1, 2), ('{"a": 1} x', 1, 10), ('{\n  "a": 1,\n  b\n}', 3, 3)],
        *[('{"é": x}', 1, 7), ("[1 2]", 1, 4), ("{'a': 1}", 1, 2), ("nul", 1, 1)],
    ],
)
def test_an_error_knows_its_line_and_column(text: str, line: int, column: int) -> None:
    error = failure(text)
    assert (error.line, error.column) == (line, column)
    assert str(error).endswith(f" at line {line}, column {column}")


def test_an_error_without_a_place_names_none() -> None:
    error = failure("NaN")
    assert (error.line, error.column) == (0, 0)
    assert "line" not in str(error)


@pytest.mark.parametrize("text", ["[1,]", '{"a":1,}', "// x\n1", "{a: 1}", "1 2", '{"a" 1}', "tru"])
def test_relaxed_json_is_refused(text: str) -> None:
    assert failure(text).reason


@given(st.binary(max_size=60))
@settings(max_examples=100)
def test_any_bytes_are_json_or_a_json_error(data: bytes) -> None:
    try:
        value = loads(data)
    except JsonError as error:
        assert str(error)
    else:
        assert loads(dumps(value)) == value


@given(st.text(alphabet='{}[]",:0123456789.eE+-\\untrfalsNI \n', max_size=40))
@settings(max_examples=150)
def test_any_text_is_json_or_a_json_error(text: str) -> None:
    try:
        value = loads(text)
    except JsonError as error:
        assert str(error)
    else:
        assert loads(dumps(value)) == value

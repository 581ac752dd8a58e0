"""What `-p` takes: every text as it was given, JSON with every digit, files, results."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import Json, dumps, loads
from modellix_cli.inputs.overlay import apply
from modellix_cli.inputs.parameters import (
    Edit,
    FileRef,
    JsonText,
    LineRef,
    TaskRef,
    Text,
    Value,
    parse_edit,
    parse_edits,
    write_text,
)

HOSTILE = [
    'say "hi"',
    "it's",
    "`id` $(id) $HOME %PATH% !! \\",
    "two\nlines\r\n",
    "tab\tand  blanks ",
    "🦊 \U0001f1ea\U0001f1fa e\u0301",
    "猫が窓辺で",
    "9223372036854775808",
    "-1e400",
    "007",
    "@home",
    "@@twice",
    "-rf",
    "--",
    "a=b",
    "a:=b",
    "",
    '{"a": [1]}',
    "nul\0nul",
    "half \ud83d",
    "raw \udcff byte",
    "\u202eesrever\x1b[31m",
]


def json_of(edit: Edit) -> Json:
    value = edit.value
    assert isinstance(value, (Text, JsonText))
    return value.text if isinstance(value, Text) else value.value


def sent(*given: str) -> str:
    """The body that is sent for values of -p."""
    return dumps(apply({}, parse_edits(given), json_of), indent=None)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_arrives_as_it_was_given(text: str) -> None:
    assert loads(sent(f"prompt={write_text(text)}").encode()) == {"prompt": text}


def test_only_a_leading_at_sign_is_written_otherwise() -> None:
    changed = [text for text in HOSTILE if write_text(text) != text]
    assert changed == ["@home", "@@twice"]


@given(st.text(max_size=30))
def test_any_text_arrives_as_it_was_given(text: str) -> None:
    assert parse_edit(f"a={write_text(text)}").value == Text(text)


@pytest.mark.parametrize("text", [
    "12345678901234567890123", "9223372036854775808", "1.10", "1.0e2", "-0", "1e999",
    "true", "null", '"5"', '["a",1.50]', '{"a":{"b":null}}',
])  # fmt: skip
def test_json_keeps_every_digit(text: str) -> None:
    assert sent(f"x:={text}") == f'{{"x":{text}}}'


def test_json_is_parsed_anew_for_whoever_asks() -> None:
    value = JsonText("[1]")
    value.value.append(2)
    assert value.value == [1]


@pytest.mark.parametrize(("text", "value"), [
    ("@photo.png", FileRef("photo.png")),
    ("@/tmp/a b.png", FileRef("/tmp/a b.png")),
    ("@C:\\photo.png", FileRef("C:\\photo.png")),
    ("@./last", FileRef("./last")),
    ("@lastly.png", FileRef("lastly.png")),
    ("@last.png", FileRef("last.png")),
    ("@tasks:1", FileRef("tasks:1")),
    ("@last", TaskRef()),
    ("@last~0", TaskRef()),
    ("@last~2", TaskRef(back=2)),
    ("@last[1]", TaskRef(index=1)),
    ("@last~2[1]", TaskRef(back=2, index=1)),
    ("@task:task-abc", TaskRef("task-abc")),
    ("@task:a:b@c=[3]", TaskRef("a:b@c=", index=3)),
    ("@line:cat[0]", LineRef("cat", 0)),
    ("@line:my cat", LineRef("my cat")),
    ("@line:a[x]", LineRef("a[x]")),
    ("@line:a[1][2]", LineRef("a[1]", 2)),
    ("@@", Text("@")),
    (" @last", Text(" @last")),
])  # fmt: skip
def test_an_at_sign_refers_to_files_and_results(text: str, value: Value) -> None:
    assert parse_edit(f"image={text}").value == value


@pytest.mark.parametrize(("text", "what"), [
    ("@", "nothing follows the @"),
    ("@last~", "@last~"),
    ("@last[x]", "@last[x]"),
    ("@last[0]~1", "@last[0]~1"),
    ("@last~12345", "@last~12345"),
    ("@task:", "must not be empty"),
    ("@task:[0]", "must not be empty"),
    ("@task:a b", "unsupported characters"),
    ("@line:", "id of a line is missing"),
    ("@line:[0]", "id of a line is missing"),
])  # fmt: skip
def test_a_reference_that_cannot_be_read_is_refused_with_right_ones(text: str, what: str) -> None:
    error = refusal(f"image={text}")
    assert error.message.startswith('-p "image": ')
    assert what in error.message
    assert "@task:ID[0]" in error.hint
    assert "image=@@" in error.hint


def test_bad_json_is_refused_with_how_text_and_json_are_written() -> None:
    error = refusal("size:=1K")
    assert '"1K" after := is not JSON' in error.message
    assert "-p size=TEXT" in error.hint
    assert "-p size:=5" in error.hint


@pytest.mark.parametrize("text", ["", "NaN", "'a'", "{", "1 2", "[" * 200, "1" + "0" * 5000 + "x"])
def test_json_is_strict(text: str) -> None:
    assert "is not JSON" in refusal(f"x:={text}").message


def test_a_file_behind_a_colon_is_refused_with_how_it_is_written() -> None:
    assert "-p x=@…, without the colon" in refusal("x:=@body.json").hint


def test_a_value_without_a_name_is_refused_with_examples() -> None:
    error = refusal("a cat")
    assert error.message == '-p "a cat" is not KEY=VALUE.'
    assert "-p seed=7" in error.hint


@pytest.mark.parametrize("text", ['{"prompt": "a cat"}', " [1]"])
def test_a_whole_body_is_sent_to_the_option_for_it(text: str) -> None:
    assert "--body" in refusal(text).hint


def test_an_error_names_the_option_that_was_used() -> None:
    with pytest.raises(ModellixError, match=r"^--set "):
        parse_edit("x", "--set")


def test_a_change_is_shown_as_it_was_given_on_one_short_line() -> None:
    assert str(parse_edit("a=b")) == "-p a=b"
    shown = str(parse_edit("a=\x1b\n" + "x" * 1000))
    assert len(shown) <= 60
    assert not {"\x1b", "\n"} & set(shown)


@given(st.text(alphabet="ab@=:[]~.\\0 last\n{\x1b", max_size=14) | st.text(max_size=10))
def test_any_value_is_read_or_refused(text: str) -> None:
    try:
        parse_edit(text)
    except ModellixError as error:
        assert error.code is ErrorCode.USAGE
        assert not {"\x1b", "\n"} & set(error.message + error.hint)


def refusal(text: str) -> ModellixError:
    with pytest.raises(ModellixError) as caught:
        parse_edit(text)
    assert caught.value.code is ErrorCode.USAGE
    return caught.value

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import loads
from modellix_cli.inputs.body import MAX_BODY_BYTES, read_body

LIMIT = 10_000


def no_stdin(limit: int) -> bytes:
    raise AssertionError(f"standard input was read ({limit})")


def stdin(data: bytes) -> Callable[[int], bytes]:
    return lambda limit: data[:limit]


def from_text(text: str, limit: int = LIMIT) -> bytes:
    return read_body(text, None, no_stdin, limit)


def from_stdin(data: bytes, limit: int = LIMIT) -> bytes:
    return read_body(None, "-", stdin(data), limit)


def refusal(data: bytes) -> ModellixError:
    with pytest.raises(ModellixError) as caught:
        from_stdin(data)
    assert caught.value.code is ErrorCode.INVALID_BODY
    return caught.value


def refused_text(text: str) -> ModellixError:
    with pytest.raises(ModellixError) as caught:
        from_text(text)
    assert caught.value.code is ErrorCode.INVALID_BODY
    return caught.value


# What is sent


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"seed": 12345678901234567890123}',
        '{"a": 1, "a": 2}',
        '{"b": 1, "a": 2}',
        '{ "a" :\t1 ,\n\n "b":[ 1,2 ] }',
        '{"x": 1.0e2, "y": -0, "z": 1.10}',
        '{"prompt": "a \\u732b, a 猫 and a \\/"}',
        '{"half": "\\ud83d"}',
        '{"n": 1e999}',
    ],
)
def test_the_bytes_leave_as_they_were_given(text: str) -> None:
    assert from_text(text) == text.encode()


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers(), max_size=4))
def test_any_object_leaves_as_it_was_given(value: dict[str, str | int]) -> None:
    data = json.dumps(value, ensure_ascii=False).encode()
    assert from_stdin(data, len(data)) == data


def test_blanks_around_the_object_are_dropped() -> None:
    assert from_text(' \r\n\t{"a": " b "}\n\n') == b'{"a": " b "}'


def test_a_byte_order_mark_is_dropped() -> None:
    assert from_stdin(b'\xef\xbb\xbf\n{"a": 1}\r\n') == b'{"a": 1}'


def test_the_body_can_be_a_file(tmp_path: Path) -> None:
    file = tmp_path / "body.json"
    file.write_bytes(b'{"a": 1}\n')
    assert read_body(None, str(file), no_stdin, LIMIT) == b'{"a": 1}'


def test_a_dash_is_standard_input() -> None:
    assert from_stdin(b'{"a": 1}') == b'{"a": 1}'


def test_a_file_named_dash_can_be_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-").write_bytes(b'{"file": true}')
    assert read_body(None, "./-", no_stdin, LIMIT) == b'{"file": true}'


# Which source


def test_without_a_body_the_error_shows_how_to_give_one() -> None:
    with pytest.raises(ModellixError, match=r"Missing request body\. Provide --body") as caught:
        read_body(None, None, no_stdin, LIMIT)
    assert caught.value.code is ErrorCode.INVALID_BODY
    assert loads(caught.value.hint.partition("'")[2].rstrip("'")) == {"prompt": "a cat"}


def test_two_bodies_are_refused_before_anything_is_read() -> None:
    with pytest.raises(ModellixError, match="Both --body and --body-file") as caught:
        read_body("{}", "-", no_stdin, LIMIT)
    assert caught.value.code is ErrorCode.INVALID_BODY


def test_an_empty_body_is_a_body_given() -> None:
    assert refused_text("").message == "The JSON from --body is empty."


@pytest.mark.parametrize("data", [b"", b" \n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n"])
def test_empty_input_is_called_empty(data: bytes) -> None:
    assert refusal(data).message == "The JSON from --body-file is empty."


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "nowhere.json"
    with pytest.raises(ModellixError, match=r"nowhere\.json: No such file") as caught:
        read_body(None, str(file), no_stdin, LIMIT)
    assert caught.value.code is ErrorCode.INPUT_UNREADABLE


def test_a_folder_is_no_body(tmp_path: Path) -> None:
    with pytest.raises(ModellixError, match="Is a directory") as caught:
        read_body(None, str(tmp_path), no_stdin, LIMIT)
    assert caught.value.code is ErrorCode.INPUT_UNREADABLE


def test_an_impossible_file_name_is_no_traceback() -> None:
    with pytest.raises(ModellixError, match="Unable to read --body-file a b") as caught:
        read_body(None, "a\0b", no_stdin, LIMIT)
    assert caught.value.code is ErrorCode.INPUT_UNREADABLE


def test_a_file_name_cannot_act_on_the_terminal(tmp_path: Path) -> None:
    with pytest.raises(ModellixError) as caught:
        read_body(None, str(tmp_path / "\x1b[2J\nx"), no_stdin, LIMIT)
    assert not {"\x1b", "\n"} & set(caught.value.message)


# How much


def test_a_body_may_be_as_large_as_the_limit() -> None:
    assert from_text('{"a":1}', 7) == b'{"a":1}'


def test_blanks_around_the_object_do_not_count() -> None:
    assert from_stdin(b'  {"a":1}\n\n', 7) == b'{"a":1}'


def test_text_over_the_limit_is_refused() -> None:
    with pytest.raises(ModellixError, match="exceeds the 7-byte limit") as caught:
        from_text('{"a":10}', 7)
    assert caught.value.code is ErrorCode.INVALID_BODY
    assert "--max-body-bytes" in caught.value.hint


@pytest.mark.parametrize("length", [101, 1123, 1124, 1125, 5000])
def test_a_file_over_the_limit_is_refused(tmp_path: Path, length: int) -> None:
    file = tmp_path / "body.json"
    file.write_bytes(b'{"a":"' + b"x" * (length - 8) + b'"}')
    with pytest.raises(ModellixError, match="exceeds the 100-byte limit"):
        read_body(None, str(file), no_stdin, 100)


@pytest.mark.parametrize("length", [101, 1123, 1124, 1125, 5000])
def test_standard_input_over_the_limit_is_refused(length: int) -> None:
    with pytest.raises(ModellixError, match="exceeds the 100-byte limit"):
        from_stdin(b'{"a":"' + b"x" * (length - 8) + b'"}', 100)


def test_what_follows_many_blanks_is_not_cut_off_silently() -> None:
    with pytest.raises(ModellixError) as caught:
        from_stdin(b'{"a":1}' + b" " * 5000 + b'{"b":2}', 100)
    assert caught.value.code is ErrorCode.INVALID_BODY


def test_standard_input_without_end_is_not_read_whole() -> None:
    asked: list[int] = []

    def endless(limit: int) -> bytes:
        asked.append(limit)
        return b"{" * limit

    with pytest.raises(ModellixError, match="exceeds the 100-byte limit"):
        read_body(None, "-", endless, 100)
    assert sum(asked) < 10_000


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs /dev/zero")
def test_a_file_without_end_is_not_read_whole() -> None:
    with pytest.raises(ModellixError, match="exceeds the 100-byte limit"):
        read_body(None, "/dev/zero", no_stdin, 100)


def test_the_usual_limit_leaves_room_for_inline_images() -> None:
    assert MAX_BODY_BYTES >= 16 * 1024 * 1024 * 4 / 3


# What is refused


@pytest.mark.parametrize(
    ("text", "what"),
    [
        *[("[]", "an array"), ('"{}"', "a string"), ("1", "a number"), ("1.5", "a number")],
        *[("null", "null"), ("true", "true or false"), ("[{}]", "an array"), ("-0", "a number")],
    ],
)
def test_the_body_is_an_object(text: str, what: str) -> None:
    assert refused_text(text).message == f"JSON from --body must be an object, not {what}."


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf16_from_powershell_is_recognised_by_its_mark(encoding: str) -> None:
    text = '\ufeff{"a": 1}' if encoding in ("utf-16-le", "utf-16-be") else '{"a": 1}'
    error = refusal(text.encode(encoding))
    assert "UTF-16" in error.message
    assert "-Encoding utf8" in error.hint


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b'{"a": "caf\xe9"}', "byte 0xe9 is not UTF-8 at line 1, column 11"),
        (b'\n{\n"a": "\xff"}', "byte 0xff is not UTF-8 at line 3, column 7"),
        (b'\xef\xbb\xbf{"a": "\xff"}', "byte 0xff is not UTF-8 at line 1, column 8"),
        ('{"é猫": "'.encode() + b'\x80"}', "byte 0x80 is not UTF-8 at line 1, column 9"),
    ],
)
def test_a_byte_that_is_not_utf8_is_named_with_its_place(data: bytes, place: str) -> None:
    assert f"Invalid JSON from --body-file: {place}." in refusal(data).message


def test_undecodable_bytes_of_the_command_line_are_refused() -> None:
    assert "byte 0xff is not UTF-8" in refused_text('{"a": "\udcff"}').message


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"a": 1,, "b": 2}', "line 1, column 9"),
        ('\n\n  {"a" 1}', "line 3, column 8"),
        ('{"a": 1} {"b": 2}', "line 1, column 10"),
        ('{"é": x}', "line 1, column 7"),
    ],
)
def test_an_error_counts_in_what_the_user_gave(text: str, place: str) -> None:
    assert f" at {place}." in refused_text(text).message


def test_an_error_shows_what_is_near() -> None:
    text = '{"prompt": "a cat",\n "size": oops, "n": 1}'
    assert refused_text(text).message.endswith('Near: "size": oops, "n": 1}')


def test_an_error_far_into_a_line_shows_only_what_is_near() -> None:
    text = '{"a": "' + "猫" * 2000 + '", oops}'
    near = refused_text(text).message.partition("Near: ")[2]
    assert "oops" in near
    assert len(near) <= 60


def test_an_error_far_into_a_line_of_another_script_shows_what_is_near() -> None:
    near = refusal(b'{"a": "' + "猫".encode() * 1000 + b'\xff!"}').message
    assert near.partition("Near: ")[2].endswith('!"}')


def test_old_line_ends_do_not_confuse_what_is_near() -> None:
    assert "oops" in refusal(b'{"a": 1,\r"b": oops}').message.partition("Near: ")[2]


def test_what_is_near_cannot_act_on_the_terminal() -> None:
    message = refused_text('{"a": \x1b[31m\u202e}').message
    assert not {"\x1b", "\u202e"} & set(message)


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": -Infinity}', "{'a': 1}", "{}{}", "[" * 5000])
def test_what_only_looks_like_json_is_refused(text: str) -> None:
    assert refused_text(text).message.startswith("Invalid JSON from --body: ")


@given(st.binary(max_size=40))
def test_any_bytes_are_a_body_or_refused(data: bytes) -> None:
    try:
        body = from_stdin(data)
    except ModellixError as error:
        assert error.code is ErrorCode.INVALID_BODY
    else:
        assert isinstance(loads(body), dict)


# What shells do


def test_single_quotes_passed_on_are_explained_for_cmd() -> None:
    hint = refused_text("""'{"prompt": "a cat"}'""").hint
    assert "cmd.exe" in hint
    assert r'"{\"prompt\": \"a cat\"}"' in hint
    assert "--body-file" in hint


@pytest.mark.parametrize("text", ["{prompt: a cat}", "{prompt:a}", r"{\"prompt\": \"a cat\"}"])
def test_lost_or_escaped_double_quotes_are_explained_for_sh_and_powershell(text: str) -> None:
    hint = refused_text(text).hint
    assert """'{"prompt": "a cat"}'""" in hint
    assert "PowerShell" in hint
    assert r"""'{\"prompt\": \"a cat\"}'""" in hint


@pytest.mark.parametrize("text", ['{"a": 1,}', '{"a": "\\"b\\"" x}', "@body.json", "body.json"])
def test_other_mistakes_are_not_blamed_on_the_shell(text: str) -> None:
    hint = refused_text(text).hint
    assert "cmd.exe" not in hint
    assert "PowerShell" not in hint
    assert "--body-file FILE" in hint

"""The input of a batch: what is read, what is refused and how, and that it stays as it was read."""

import io
import json
import os
import random
import threading
import tracemalloc
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.errors import ErrorCode, ExitStatus, ModellixError
from modellix_cli.domain.jsontext import dumps, loads
from modellix_cli.domain.values import Slug
from modellix_cli.inputs.batch_file import BatchInput, Line, read_batch

TASK = b'{"modelSlug": "a/b", "body": {}}'
NOWHERE = Path("/nowhere")


def no_stdin() -> BinaryIO:
    raise AssertionError("standard input was opened")


def read(data: bytes, **limits: Any) -> BatchInput:
    return read_batch("-", lambda: io.BytesIO(data), path=NOWHERE, **limits)


def lines(data: bytes, **limits: Any) -> list[Line]:
    with read(data, **limits) as found:
        return list(found.lines())


def digest(data: bytes) -> str:
    with read(data) as found:
        return found.digest


def refusal(data: bytes, **limits: int) -> ModellixError:
    with pytest.raises(ModellixError) as caught:
        read(data, **limits)
    assert caught.value.exit_status == ExitStatus.USAGE
    assert caught.value.code is ErrorCode.INVALID_BODY
    return caught.value


def task(**fields: Any) -> bytes:
    return json.dumps({"modelSlug": "a/b", "body": {}} | fields).encode()


# What is read


def test_a_task_is_its_slug_body_and_id_and_where_it_stands() -> None:
    data = b'{"id": "x", "modelSlug": " a/b ", "body": {"prompt": "a cat"}}\n\n' + TASK
    assert lines(data) == [
        Line(1, 1, Slug("a", "b"), b'{"prompt":"a cat"}', "x"),
        Line(2, 3, Slug("a", "b"), b"{}", None),
    ]


def test_the_slug_may_be_written_in_snake_case_or_both_ways_alike() -> None:
    both = b'{"model_slug": "a/b", "body": {}}\n{"model_slug":"a/b","modelSlug":"a/b","body":{}}'
    assert [line.slug for line in lines(both)] == [Slug("a", "b")] * 2


def test_the_slugs_of_the_older_routes_keep_their_type() -> None:
    assert lines(task(modelSlug="text-to-image/a/b"))[0].slug == Slug("a", "b", "text-to-image")


def test_numbers_are_those_that_were_written() -> None:
    body = b'{"a":12345678901234567890,"b":1.0e2,"c":1.10,"d":-0}'
    assert lines(b'{"body": ' + body + b', "modelSlug": "a/b"}')[0].body == body


def test_other_keys_are_ignored() -> None:
    assert lines(task(note=[1], ID="y"))[0].name is None


@pytest.mark.parametrize(
    ("given", "name"), [("cat-1", "cat-1"), (7, "7"), (0, "0"), (None, None), ("猫 1", "猫 1")]
)
def test_an_id_is_a_text_or_an_integer(given: Any, name: str | None) -> None:
    assert lines(task(id=given))[0].name == name


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + TASK,
        TASK + b"\r\n",
        b"\n \t\r\n" + TASK,
        b"# made by hand\n   # twice\n" + TASK,
        b"\xef\xbb\xbf# a comment\n" + TASK,
        b"\xef\xbb\xbf\n\xef\xbb\xbf" + TASK,
        b"# \xff\n" + TASK,
        b"  " + TASK + b"  ",
    ],
)
def test_marks_blank_lines_and_comments_do_not_matter(data: bytes) -> None:
    assert [line.body for line in lines(data)] == [b"{}"]
    assert digest(data) == digest(TASK)


def test_the_input_can_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "tasks.jsonl"
    path.write_bytes(TASK)
    with read_batch("tasks.jsonl", no_stdin, path=path) as found:
        assert found.total == 1


def test_what_becomes_of_the_file_afterwards_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "tasks.jsonl"
    path.write_bytes(TASK)
    with read_batch("tasks.jsonl", no_stdin, path=path) as found:
        path.write_bytes(task(id=2))
        assert [line.name for line in found.lines()] == [None]


def test_the_tasks_of_each_slug_are_counted() -> None:
    data = b"\n".join([TASK, task(modelSlug="text-to-image/a/b"), TASK])
    with read(data) as found:
        assert found.slugs == {"a/b": 2, "text-to-image/a/b": 1}
        assert found.total == 3


# Reading it again


def many(number: int, size: int = 10) -> bytes:
    return b"\n".join(task(id=i, body={"prompt": "x" * size}) for i in range(1, number + 1))


def test_the_tasks_can_be_read_again_from_any_of_them() -> None:
    with read(many(5)) as found:
        assert [line.index for line in found.lines()] == [1, 2, 3, 4, 5]
        assert [line.name for line in found.lines(4)] == ["4", "5"]
        assert list(found.lines(6)) == []


@pytest.mark.parametrize("size", [10, 200_000])
def test_two_readings_at_once_do_not_disturb_each_other(size: int) -> None:
    with read(many(40, size)) as found:
        assert [a.name for a, b in zip(found.lines(), found.lines(11), strict=False) if b] == [
            str(i) for i in range(1, 31)
        ]


def test_threads_can_read_at_the_same_time() -> None:
    seen: list[list[str | None]] = []
    with read(many(300)) as found:
        threads = [
            threading.Thread(target=lambda: seen.append([line.name for line in found.lines()]))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == [[str(i) for i in range(1, 301)]] * 4


@pytest.mark.slow
def test_memory_is_for_the_ids_only() -> None:
    def many_lines() -> BinaryIO:
        random.seed(1)
        rows = (task(id=f"row-{i}", body={"p": random.random()}) + b"\n" for i in range(5_000))
        return io.BytesIO(b"".join(rows))

    stream = many_lines()
    tracemalloc.start()
    try:
        with read_batch("-", lambda: stream, path=NOWHERE) as found:
            assert sum(1 for _ in found.lines()) == 5_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * 1024 * 1024


# The digest


def test_the_digest_is_that_of_the_ids_slugs_and_bodies_in_their_order() -> None:
    base = TASK + b"\n" + task(id=1)
    others = [
        task(id=1) + b"\n" + TASK,
        TASK + b"\n" + task(id=2),
        TASK + b"\n" + task(id=1, modelSlug="a/c"),
        TASK + b"\n" + task(id=1, body={"n": 1}),
        TASK + b"\n" + TASK,
        TASK,
    ]
    assert len({digest(data) for data in [base, *others]}) == 7


def test_the_digest_is_the_same_in_every_release() -> None:
    written = b'["1","a/b"]\n{"prompt":"a cat"}\n[null,"c/d"]\n{}\n'
    data = task(id=1, body={"prompt": "a cat"}) + b"\n" + task(modelSlug="c/d")
    assert digest(data) == sha256(written).hexdigest()


names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=9)
bodies = st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers(), max_size=3)
fillers = st.sampled_from(["", "  ", "# note", "\r"])


@given(st.lists(st.tuples(names, bodies, fillers, st.booleans()), min_size=1, max_size=5))
def test_the_digest_knows_no_comments_blanks_nor_order_of_the_outer_keys(
    rows: list[tuple[str, dict[str, Any], str, bool]],
) -> None:
    plain, dressed = [], []
    for number, (name, body, filler, turned) in enumerate(rows):
        items = [("id", f"{name}{number}"), ("modelSlug", "a/b"), ("body", body)]
        plain.append(json.dumps(dict(items)))
        more = [*reversed(items), ("note", filler)] if turned else items
        dressed += [filler, json.dumps(dict(more), separators=(" ,", " : "), ensure_ascii=False)]
    assert digest("\n".join(plain).encode()) == digest("\n".join(dressed).encode())


@given(st.lists(st.tuples(st.none() | names, bodies), min_size=1, max_size=5))
def test_what_was_set_aside_comes_back_byte_for_byte(
    rows: list[tuple[str | None, dict[str, Any]]],
) -> None:
    named = [(name and f"{name}{number}", body) for number, (name, body) in enumerate(rows)]
    data = "\n".join(dumps({"id": n, "modelSlug": "a/b", "body": b}, indent=None) for n, b in named)
    expected = [(name, dumps(body, indent=None).encode()) for name, body in named]
    assert [(line.name, line.body) for line in lines(data.encode())] == expected


# What is refused


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"[]", "expected a JSON object."),
        (b'"a/b"', "expected a JSON object."),
        (b'{"body": {}}', "modelSlug must be a non-empty string."),
        (b'{"modelSlug": " ", "body": {}}', "modelSlug must be a non-empty string."),
        (b'{"modelSlug": 7, "body": {}}', "modelSlug must be a non-empty string."),
        (b'{"modelSlug": "a/b"}', "body must be a JSON object."),
        (b'{"modelSlug": "a/b", "body": null}', "body must be a JSON object."),
        (b'{"modelSlug": "a/b", "body": [1]}', "body must be a JSON object."),
        (
            b'{"modelSlug": "a/b", "model_slug": "a/c", "body": {}}',
            "modelSlug and model_slug differ.",
        ),
        (task(id=""), "id must be a non-empty string or an integer."),
        (task(id=True), "id must be a non-empty string or an integer."),
        (task(id=1.5), "id must be a non-empty string or an integer."),
        (task(id=["a"]), "id must be a non-empty string or an integer."),
        (task(id="x" * 201), "id exceeds the 200-character limit."),
        (task(id=10**200), "id exceeds the 200-character limit."),
        (task(id="a\nb"), "id must not have control characters."),
        (task(id="a\x1b[2J"), "id must not have control characters."),
        (task(id="\ud83d"), "id must not have control characters."),
    ],
)
def test_a_line_that_is_no_task_is_named_with_what_is_wrong(line: bytes, problem: str) -> None:
    error = refusal(TASK + b"\n\n" + line + b"\n" + TASK)
    assert error.message == f"Invalid task on line 3: {problem}"
    assert error.hint


def test_a_bad_slug_is_explained_as_elsewhere() -> None:
    error = refusal(task(modelSlug="seedream"))
    assert error.message.startswith('Invalid task on line 1: Invalid model slug "seedream". Use')
    assert "model list" in error.hint


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"modelSlug": "a/b",, "body": {}}', "Expecting property name enclosed in double quotes"),
        (b"  {'modelSlug'}", "Expecting property name enclosed in double quotes"),
        (b'{"modelSlug": "caf\xe9"}', "byte 0xe9 is not UTF-8"),
        (b'{"n": NaN}', "NaN is not JSON"),
        (b"[" * 200 + b"]" * 200, "nesting deeper"),
    ],
)
def test_a_line_that_is_not_json_is_named_with_the_reason(line: bytes, reason: str) -> None:
    message = refusal(TASK + b"\r\n" + line).message
    assert message.startswith("Invalid JSON on line 2 of the batch input")
    assert reason in message


def test_the_column_is_where_the_line_is_wrong() -> None:
    message = refusal('{"a": "猫", oops}'.encode()).message
    assert message.endswith("at column 12.")


def test_two_tasks_with_one_id_are_both_named() -> None:
    error = refusal(b"\n".join([b"# ids", task(id="1"), task(id=2), task(id=1)]))
    assert error.message == 'Invalid task on line 4: id "1" is already that of line 2.'


def test_ids_that_only_look_alike_to_the_index_are_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("modellix_cli.inputs.batch_file.hash", lambda name: 1, raising=False)
    assert [line.name for line in lines(task(id="a") + b"\n" + task(id="b"))] == ["a", "b"]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"# nothing yet\n", b"\xef\xbb\xbf"])
def test_input_without_tasks_is_refused_with_an_example(data: bytes) -> None:
    error = refusal(data)
    assert error.message == "Batch input does not contain any tasks."
    assert lines(error.hint.partition("example: ")[2].encode())[0].body == b'{"prompt":"a cat"}'


@pytest.mark.parametrize("mark", ["utf-16-le", "utf-16-be"])
def test_utf16_is_recognised(mark: str) -> None:
    error = refusal(("\ufeff" + TASK.decode()).encode(mark))
    assert "UTF-16" in error.message
    assert "-Encoding utf8" in error.hint


def test_a_json_array_is_recognised() -> None:
    assert "jq -c '.[]'" in refusal(b"[\n" + TASK + b"\n]").hint


def test_a_task_over_several_lines_is_recognised() -> None:
    assert "on its own line" in refusal(b'{\n  "modelSlug": "a/b",\n  "body": {}\n}').hint


def test_a_body_inside_a_string_is_recognised() -> None:
    assert "not a string" in refusal(task(body='{"prompt": "a cat"}')).hint


# How much


def test_a_body_may_be_as_large_as_the_limit_in_its_compact_form() -> None:
    assert lines(task(body={"a": 1}), max_body_bytes=7)[0].body == b'{"a":1}'


def test_a_body_over_the_limit_is_refused() -> None:
    error = refusal(task(body={"a": 10}), max_body_bytes=7)
    assert error.message == "Invalid task on line 1: body exceeds the 7-byte limit."
    assert "--max-body-bytes" in error.hint


def test_input_may_be_as_large_as_the_limit() -> None:
    assert len(lines(TASK, max_input_bytes=len(TASK))) == 1


def test_input_over_the_limit_is_refused() -> None:
    error = refusal(TASK + b"\n" + TASK, max_input_bytes=40)
    assert error.message == "Batch input exceeds the 40-byte limit."
    assert "--max-input-bytes" in error.hint


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs /dev/zero")
def test_a_line_without_end_is_not_read_whole() -> None:
    with pytest.raises(ModellixError, match=r"Invalid task on line 1: the line exceeds \d+ bytes"):
        read_batch("/dev/zero", no_stdin, path=Path("/dev/zero"), max_body_bytes=100)


# What cannot be read


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModellixError) as caught:
        read_batch("my tasks", no_stdin, path=tmp_path / "tasks")
    assert caught.value.code is ErrorCode.INPUT_UNREADABLE
    expected = "Unable to read batch input at path: my tasks: No such file or directory."
    assert caught.value.message == expected


@pytest.mark.parametrize("name", [".", "a\0b"])
def test_what_is_no_file_is_explained(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModellixError, match="Unable to read batch input at path") as caught:
        read_batch(name, no_stdin, path=tmp_path / name)
    assert caught.value.code is ErrorCode.INPUT_UNREADABLE


def broken(method: str) -> Callable[[], BinaryIO]:
    class Broken(io.BytesIO):
        pass

    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    setattr(Broken, method, fail)
    return Broken


def test_a_stream_that_breaks_is_an_error() -> None:
    with pytest.raises(ModellixError) as caught:
        read_batch("-", broken("readline"), path=NOWHERE)
    expected = "Unable to read batch input from standard input: Input/output error."
    assert caught.value.message == expected


def test_without_room_to_set_the_tasks_aside_nothing_is_blamed_on_the_input(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make = broken("write")
    monkeypatch.setattr(
        "modellix_cli.inputs.batch_file.SpooledTemporaryFile", lambda max_size: make()
    )
    with pytest.raises(ModellixError, match="Unable to set the batch input aside") as caught:
        read(TASK)
    assert caught.value.code is ErrorCode.OUTPUT_UNWRITABLE
    assert "TMPDIR" in caught.value.hint


pieces = st.sampled_from(
    [b"\n", b"{", b"}", b'"modelSlug":', b'"a/b"', b",", b'"body":', b"{}", b'"id":', b"#", TASK]
)


@given(st.binary(max_size=60) | st.lists(pieces | st.binary(max_size=3), max_size=12).map(b"".join))
def test_any_bytes_are_tasks_or_refused(data: bytes) -> None:
    try:
        found = lines(data)
    except ModellixError as error:
        assert error.code is ErrorCode.INVALID_BODY
    else:
        assert all(isinstance(loads(line.body), dict) for line in found)

"""Tables as the input of a batch: what spreadsheets write, and errors that name row and column."""

import csv
import io
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.values import Slug
from modellix_cli.inputs.batch_faults import Faults
from modellix_cli.inputs.batch_file import read_batch
from modellix_cli.inputs.batch_format import BatchFormat, format_of
from modellix_cli.inputs.batch_lines import numbered_lines
from modellix_cli.inputs.batch_table import read_table
from modellix_cli.inputs.batch_task import GivenTask
from modellix_cli.inputs.parameters import JsonText, LineRef, Text

MIB = 1024 * 1024
PLAIN = st.characters(codec="utf-8", exclude_characters="\0@")


def tasks(data: bytes, *, tabs: bool = False, row_limit: int = MIB) -> list[GivenTask]:
    lines = numbered_lines(io.BytesIO(data), row_limit, 10 * MIB, "-")
    faults = Faults("row")
    tasks = list(read_table(lines, tabs=tabs, row_limit=row_limit, faults=faults))
    faults.check()
    return tasks


def cells(data: bytes, *, tabs: bool = False) -> list[dict[str, str]]:
    """Each row's parameters, by name."""
    return [
        {str(edit.path[0]): edit.value.text for edit in task.cells}  # type: ignore[union-attr]
        for task in tasks(data, tabs=tabs)
    ]


def refusal(data: bytes, *, tabs: bool = False, row_limit: int = MIB) -> str:
    with pytest.raises(ModellixError) as caught:
        tasks(data, tabs=tabs, row_limit=row_limit)
    assert caught.value.code is ErrorCode.INVALID_BODY
    return caught.value.message


def test_a_row_is_a_task_and_a_column_a_parameter() -> None:
    (task,) = tasks(
        b"id,model,tag,request_key,webhook,prompt,parameters.n,image_urls[],size:\n"
        b'7, a/b ,spring,k-1,https://example.com/x,"a cat, grey",2,https://m/1,"{""w"": 1.0}"\n'
    )
    assert (task.number, task.where, task.slug, task.name) == (2, "in row 2", Slug("a", "b"), "7")
    assert (task.tag, task.request_key, task.webhook) == ("spring", "k-1", "https://example.com/x")
    assert [(edit.path, edit.value) for edit in task.cells] == [
        (("prompt",), Text("a cat, grey")),
        (("parameters", "n"), Text("2")),
        (("image_urls", None), Text("https://m/1")),
        (("size",), JsonText('{"w": 1.0}')),
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfprompt,n\r\na,1\r\n",
        b"prompt;n\na;1",
        b"prompt\tn\na\t1\n",
        b"sep=;\r\nprompt;n\r\na;1\r\n",
        b"\xef\xbb\xbfsep=|\nprompt|n\na|1\n",
        b'"sep=,"\n"prompt","n"\n"a","1"\n',
        b"prompt,n,,\na,1,,\n",
        b"prompt,n\n\n,\na,1\n\n",
        b"prompt,#note,n\na,seen by Eve,1\n",
        b" prompt , n \na,1\n",
        b"n,prompt\n1,a\n",
    ],
)
def test_what_spreadsheets_write_is_understood(data: bytes) -> None:
    assert cells(data) == [{"prompt": "a", "n": "1"}]


def test_tabs_separate_when_they_are_asked_for() -> None:
    assert cells(b"a;b\tc,d\n1;2\t3,4\n", tabs=True) == [{"a;b": "1;2", "c,d": "3,4"}]


def test_a_cell_keeps_its_quotes_breaks_and_blanks() -> None:
    data = b'prompt,n\r\n" ""a""\r\n\tb, ",\r\n'
    assert cells(data) == [{"prompt": ' "a"\n\tb, '}]


def test_the_ends_of_lines_within_a_cell_are_one_however_they_are_written() -> None:
    rewritten = b'prompt,n\r\n"a\r\nb",1\r\n'
    assert (
        cells(rewritten)
        == cells(rewritten.replace(b"\r\n", b"\n"))
        == [{"prompt": "a\nb", "n": "1"}]
    )


def test_rows_count_as_in_a_spreadsheet() -> None:
    data = b'sep=,\nprompt\n"a\nb"\n\nc\n'
    assert [task.where for task in tasks(data)] == ["in row 2", "in row 4"]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("@line:cat[1]", LineRef("cat", 1)),
        ("@line:cat", LineRef("cat", 0)),
        ("@@line:cat", Text("@line:cat")),
        ("@photo.png", Text("@photo.png")),
        ("@last", Text("@last")),
        ("@task:t-1", Text("@task:t-1")),
        ("@@x", Text("@@x")),
    ],
)
def test_of_what_an_at_sign_can_mean_only_another_line_is_meant(cell: str, value: object) -> None:
    (task,) = tasks(b"prompt\n" + cell.encode())
    assert task.cells[0].value == value


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"prompt,n\na\n", "in row 2: it has 1 cells, the header 2"),
        (b"prompt,n\na,1\nb,2,3\n", 'in row 3: column C holds "3", and the header names none'),
        (b"prompt,\na,1\n", 'column B holds "1"'),
        (b"prompt,n,prompt\na,1,b\n", "column A (prompt) and column C (prompt) are the same"),
        (b"n,n:\n1,2\n", "column A (n) and column B (n:) are the same"),
        (b"model,modelSlug\na/b,a/b\n", "are the same"),
        (b"ID,prompt\n1,a\n", "column A (ID): id is reserved"),
        (b"id:,prompt\n1,a\n", "column A (id:): id is reserved"),
        (b"a..b\n1\n", "column A (a..b)"),
        (b"a,b[x\n1,2\n", "column B (b[x)"),
        (b"prompt,n:\na,1\nb,zwei\n", 'in row 3, column B (n:): "zwei" is not JSON'),
        (b"prompt,image\na,@line:\n", 'in row 2, column B (image): "@line:" names no line'),
        (b"model,prompt\nab,a\n", "in row 2: Invalid model slug"),
        (b"id,prompt\na\tb,a\n", "in row 2: id must not have control characters"),
        (b"tag,prompt\n" + b"x" * 65 + b",a\n", "in row 2: tag exceeds"),
        (b'prompt\n"a\n', "in row 2: a quotation mark is not closed"),
        (b'prompt\n"a"b\n', "in row 2: after a closing quotation mark comes other text"),
        (b"prompt\ra\rb\r", "carriage return"),
        (b"prompt;a,b\n1;2,3\n", "more than one of comma, semicolon and tab"),
        (b"prompt\nna\xefve\n", "Line 2 of the file is not UTF-8: byte 0xef"),
        (b"prompt\na\0b\n", "Line 2 of the file holds NUL bytes"),
        ("prompt\na\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_what_is_wrong_is_told_with_row_and_column(data: bytes, says: str) -> None:
    assert says in refusal(data)


@pytest.mark.parametrize("row", [b'"a', b'"a"b', b"a\rb\r"])
def test_what_is_no_row_is_advised_about_the_table(row: bytes) -> None:
    with pytest.raises(ModellixError) as caught:
        read_batch(
            "-", lambda: io.BytesIO(b"prompt\n" + row + b"\n"), path=Path("-"), form=BatchFormat.CSV
        )
    assert caught.value.hint == "Correct it there, then run the same command again."


def test_a_quotation_mark_that_is_never_closed_takes_no_memory() -> None:
    data = b'prompt\n"' + b"x\n" * MIB
    assert "in row 2: the row exceeds 1000 bytes" in refusal(data, row_limit=1000)


def test_a_table_of_a_header_only_holds_no_tasks() -> None:
    with pytest.raises(ModellixError, match="does not contain any tasks") as caught:
        read_batch(
            "-", lambda: io.BytesIO(b"prompt\n"), path=Path("-"), form=BatchFormat.CSV
        )  # fmt: skip
    assert caught.value.hint.endswith("each one below is a task.")


def test_a_webhook_that_is_no_url_names_the_row() -> None:
    data = b"model,webhook,prompt\na/b,http://x,a\n"
    with pytest.raises(ModellixError, match="in row 2: "):
        read_batch("-", lambda: io.BytesIO(data), path=Path("-"), form=BatchFormat.CSV)


def test_a_row_without_a_model_names_the_option() -> None:
    with pytest.raises(ModellixError) as caught:
        read_batch("-", lambda: io.BytesIO(b"prompt\na\n"), path=Path("-"), form=BatchFormat.CSV)
    assert "in row 2" in caught.value.message
    assert "--model SLUG" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "form"),
    [("a.csv", "csv"), ("A.CSV", "csv"), ("b.tsv", "tsv"), ("c.jsonl", "jsonl"), ("-", "jsonl")],
)
def test_the_ending_of_the_name_tells_the_format(name: str, form: str) -> None:
    assert format_of(name) == form


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows() -> None:
    class Rows(io.RawIOBase):
        left = 30_000

        def readline(self, size: int | None = -1, /) -> bytes:
            self.left -= 1
            return b"prompt,n\n" if self.left == 29_999 else b"a cat,4\n" if self.left > 0 else b""

    lines: Iterator[tuple[int, bytes]] = numbered_lines(Rows(), MIB, MIB, "-")  # type: ignore[arg-type]
    tracemalloc.start()
    try:
        assert (
            sum(1 for _ in read_table(lines, tabs=False, row_limit=MIB, faults=Faults("row")))
            == 29_998
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MIB


@given(st.lists(st.text(PLAIN), min_size=1))
def test_texts_that_a_program_writes_arrive_as_they_are(prompts: list[str]) -> None:
    file = io.StringIO()
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerows([["n", "prompt"], *(["1", text] for text in prompts)])
    found = [row.get("prompt", "") for row in cells(file.getvalue().encode())]
    assert found == prompts


@given(st.binary())
def test_whatever_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        tasks(b"prompt,n\n" + data)
    except ModellixError as error:
        assert error.code is ErrorCode.INVALID_BODY

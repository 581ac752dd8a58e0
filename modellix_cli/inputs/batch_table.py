"""The tasks of a table, CSV or TSV: a row is a task, a column a parameter, named as for `-p`.

A column whose name ends in a colon holds JSON (`n:`, as in `-p n:=4`). The columns `id`, `model`,
`tag`, `request_key` and `webhook` say what stands beside a body. Those whose names begin with `#`
are left out. An empty cell is a parameter that is not given. Rows count as in a spreadsheet: the
header is row 1, blank ones count too.
"""

import csv
import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonError, decode, loads
from modellix_cli.domain.text import clip, one_line, quoted
from modellix_cli.inputs.batch_faults import Faults
from modellix_cli.inputs.batch_task import (
    GivenTask,
    invalid,
    place_of,
    read_name,
    read_slug,
    read_text,
)
from modellix_cli.inputs.line_uses import read_literal, read_use
from modellix_cli.inputs.parameter_keys import Path, parse_key
from modellix_cli.inputs.parameters import Edit, JsonText, LineRef, Text

_RESERVED: Final = {
    "id": "id",
    "model": "model",
    "modelSlug": "model",
    "model_slug": "model",
    "tag": "tag",
    "request_key": "request_key",
    "requestKey": "request_key",
    "webhook": "webhook",
}
_LOWER: Final = {name.lower(): name for name in _RESERVED}
_SEPARATOR_LINE: Final = re.compile(r'"?sep=([^\w"\r\n])"?\r?\n?', re.IGNORECASE)
_QUOTED: Final = re.compile(r'"[^"]*"')
_EXCEL_HINT: Final = 'In Excel, save the file as "CSV UTF-8".'
HEADER_HINT: Final = (
    "The first row names the columns, such as id,prompt,size; each one below is a task."
)
_SHOWN: Final = 40


@frozen
class _Column:
    """A column: what it is `for` if it is reserved, else the parameter at `path`."""

    index: int
    shown: str
    reserved: str | None = None
    path: Path = ()
    json: bool = False


def read_table(
    lines: Iterator[tuple[int, bytes]], *, tabs: bool, row_limit: int, faults: Faults
) -> Iterator[GivenTask]:
    """Yield the tasks of a table; `tabs` separate its cells, else what the header shows.

    `row_limit` bounds a row, in bytes. What is wrong with a row is noted, naming row and column.
    Raises `INVALID_BODY` for what leaves no rows to go on with.
    """
    records = _Records(lines, tabs=tabs, row_limit=row_limit)
    header = next(records, None)
    if header is None:
        return
    columns = _columns(header)
    for cells in records:
        if not any(cells):
            continue
        task = None
        with faults.noting(records.row):
            task = _task(cells, header, columns, records.row)
        if task is not None:
            yield task


class _Records:
    """The records of a table as lists of cells; `row` is where the last one stands, from 1."""

    def __init__(self, lines: Iterator[tuple[int, bytes]], *, tabs: bool, row_limit: int) -> None:
        self.row = 0
        self._lines = lines
        self._row_limit = row_limit
        self._size = 0
        csv.field_size_limit(max(csv.field_size_limit(), row_limit))
        first = next(self._texts(), "")
        separator = "\t" if tabs else None
        if found := _SEPARATOR_LINE.fullmatch(first):
            separator, first = found[1], next(self._texts(), "")
        self._reader = csv.reader(
            chain([first], self._texts()),
            delimiter=separator or _separator_of(first),
            strict=True,
        )

    def __iter__(self) -> "_Records":
        return self

    def __next__(self) -> list[str]:
        self.row += 1
        try:
            cells = next(self._reader)
        except csv.Error as error:
            raise invalid(f"in row {self.row}", _reason(str(error))) from error
        self._size = 0
        # Git and editors rewrite the ends of lines, also those within a cell.
        return [cell.replace("\r\n", "\n") for cell in cells]

    def _texts(self) -> Iterator[str]:
        for number, line in self._lines:
            self._size += len(line)
            if self._size > self._row_limit:
                raise invalid(
                    f"in row {self.row}",
                    f"the row exceeds {self._row_limit} bytes.",
                    "A quotation mark may not be closed. Upload large inputs and pass their URL.",
                )
            if b"\0" in line:
                what = f"Line {number} of the file holds NUL bytes: it is no text in UTF-8."
                raise ModellixError(ErrorCode.INVALID_BODY, what, hint=_EXCEL_HINT)
            try:
                yield decode(line)
            except JsonError as error:
                what = f"Line {number} of the file is not UTF-8: {error.reason}"
                what += f" at column {error.column}." if error.column else "."
                raise ModellixError(ErrorCode.INVALID_BODY, what, hint=_EXCEL_HINT) from error


def _separator_of(header: str) -> str:
    """Return what separates the names of a header: comma, semicolon or tab."""
    bare = _QUOTED.sub("", header)
    found = [mark for mark in (",", ";", "\t") if mark in bare]
    if len(found) > 1:
        raise ModellixError(
            ErrorCode.INVALID_BODY,
            "The header holds more than one of comma, semicolon and tab, so it is not clear which "
            "separates the columns.",
            hint='Put one of these lines before it: "sep=,", "sep=;". For tabs, pass --format tsv.',
        )
    return found[0] if found else ","


def _reason(error: str) -> str:
    """Return what is wrong with a record, in words that say what to change."""
    if "unexpected end of data" in error:
        return "a quotation mark is not closed."
    if "expected after" in error:
        return 'after a closing quotation mark comes other text. Inside a cell, write "" for ".'
    if "new-line character" in error:
        return "a carriage return stands outside quotation marks. Write line ends as LF or CRLF."
    return f"{error}."


def _columns(header: list[str]) -> list[_Column]:
    """Read the names of the header. Raises `INVALID_BODY` for all that are none together."""
    columns = []
    faults = Faults("column")
    for index, name in enumerate(header):
        with faults.noting(index + 1):
            column = _column(index, name)
            columns += [] if column is None else [column]
    with faults.noting(len(header) + 1):
        _refuse_twins(columns)
    faults.check()
    return columns


def _column(index: int, name: str) -> _Column | None:
    """Read a name of the header; None for a column that is left out."""
    name = name.strip()
    shown = f"column {_letters(index)} ({clip(one_line(name), _SHOWN)})"
    if not name or name.startswith("#"):
        return None
    json = name.endswith(":")
    bare = name.removesuffix(":").rstrip()
    if bare.lower() in _LOWER:
        if json or bare not in _RESERVED:
            right = _LOWER[bare.lower()]
            what = f"{shown}: {right} is reserved for the task itself."
            raise invalid("in row 1", what, f"Write it as {right}, or give it another name.")
        return _Column(index, shown, _RESERVED[bare])
    try:
        return _Column(index, shown, path=parse_key(bare, "name"), json=json)
    except ModellixError as error:
        raise invalid("in row 1", f"{shown}: {error.message}", HEADER_HINT) from error


def _letters(index: int) -> str:
    """Return how a spreadsheet calls a column: A, B … Z, AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _refuse_twins(columns: list[_Column]) -> None:
    seen: dict[object, _Column] = {}
    for column in columns:
        twin = seen.setdefault(column.reserved or column.path, column)
        if twin is not column and None not in column.path:
            raise invalid("in row 1", f"{twin.shown} and {column.shown} are the same.")


def _task(cells: list[str], header: list[str], columns: list[_Column], row: int) -> GivenTask:
    where = place_of("row", row)
    if len(cells) < len(header):
        raise invalid(where, f"it has {len(cells)} cells, the header {len(header)}.", HEADER_HINT)
    for index, cell in enumerate(cells):
        if cell and (index >= len(header) or not header[index].strip()):
            raise invalid(
                where,
                f"column {_letters(index)} holds {quoted(cell)}, and the header names none.",
                "Put a cell that holds the separator itself into quotation marks.",
            )
    beside: dict[str, str] = {}
    edits: list[Edit] = []
    for column in columns:
        cell = cells[column.index]
        if column.reserved is not None:
            if cell.strip():
                beside[column.reserved] = cell.strip()
        elif cell:
            edits.append(_edit(column, cell, where))
    slug = beside.get("model")
    return GivenTask(
        row,
        where,
        None if slug is None else read_slug(slug, where),
        {},
        read_name(beside.get("id"), where),
        request_key=read_text("request_key", beside.get("request_key"), where),
        webhook=read_text("webhook", beside.get("webhook"), where),
        tag=read_text("tag", beside.get("tag"), where),
        cells=tuple(edits),
    )


def _edit(column: _Column, cell: str, where: str) -> Edit:
    """Return what a cell sets; of what a leading `@` can mean, only another line is one here."""
    value: Text | JsonText | LineRef
    if column.json:
        _check_json(cell, f"{where}, {column.shown}")
        value = JsonText(cell)
    else:
        try:
            named = read_use(cell)
        except ModellixError as error:
            raise invalid(f"{where}, {column.shown}", error.message, error.hint) from error
        value = Text(read_literal(cell)) if named is None else LineRef(*named)
    return Edit(column.path, value, column.shown)


def _check_json(cell: str, where: str) -> None:
    try:
        loads(cell)
    except JsonError as error:
        raise invalid(
            where,
            f"{quoted(cell)} is not JSON ({error}).",
            "The name of the column ends in a colon, so its cells hold JSON. For text, leave the "
            "colon out.",
        ) from error

"""Columns that fit a terminal: wide cells are shortened and clipped, then columns left out."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from rich.cells import cell_len, set_cell_size

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.text import one_line
from modellix_cli.output.left_out import WIDER, tell_left_out
from modellix_cli.output.sink import Sink

_GAP: Final = 2
_CUT: Final = "…"
_UNLIMITED: Final = 2**31


@frozen
class Column:
    """A heading and its cells. `least` is the width down to which cells may be clipped, None for
    never; an `optional` column may be left out.

    `short` are cells in fewer words, taken where the others leave a column less than its `good`
    width, which is `least` where it is None.
    """

    heading: str
    cells: tuple[str, ...]
    least: int | None = None
    optional: bool = False
    short: tuple[str, ...] | None = None
    good: int | None = None

    @property
    def width(self) -> int:
        """What it takes in terminal columns."""
        return max(map(cell_len, (self.heading, *self.cells)))


def write_columns(
    sink: Sink,
    columns: Sequence[Column],
    below: Sequence[Sequence[str]] | None = None,
    see: str = WIDER,
) -> None:
    """Write columns on stdout, fitted to the terminal; elsewhere nothing is cut.

    `below` are lines for each record that stand under it, whole. Columns without room are named on
    stderr, with `see`, what shows them.
    """

    def clean(cells: Sequence[str]) -> tuple[str, ...]:
        return tuple(sink.clean(one_line(cell)) for cell in cells)

    safe = [
        replace(one, cells=clean(one.cells), short=None if one.short is None else clean(one.short))
        for one in columns
    ]
    shown, widths = chosen(safe, sink.width if sink.stdout_is_terminal else _UNLIMITED)
    headings, *records = laid_out(shown, widths, sink.width)
    for line in headings:
        sink.parts((line, "1"))
    for place, lines in enumerate(records):
        for line in (*lines, *(f"  {text}" for text in (below[place] if below else ()))):
            sink.line(line)
    kept = {column.heading for column in shown}
    left_out = [column.heading for column in columns if column.heading not in kept]
    tell_left_out(sink, left_out, see)


def fitted(columns: Sequence[Column], width: int) -> list[list[str]]:
    """Return a table that takes at most `width` columns: the headings, then each record's lines.

    Where that cannot be there are no headings, and a record takes several lines: its first cell,
    and indented the rest.
    """
    shown, widths = chosen(columns, width)
    return laid_out(shown, widths, width)


def chosen(columns: Sequence[Column], width: int) -> tuple[list[Column], list[int] | None]:
    """Return the columns that are shown, and their widths; None where they have no room as rows.

    Cells are shortened, then clipped as far as they may be, then columns left out, the last one
    first.
    """
    shown = list(columns)
    while True:
        for tried, least in ((shown, _good), (_shortened(shown), _least)):
            widths = _widths(tried, width, least)
            if widths is not None:
                return tried, widths
        optional = [column for column in shown if column.optional]
        if not optional:
            return shown, None
        shown.remove(optional[-1])


def laid_out(columns: Sequence[Column], widths: list[int] | None, width: int) -> list[list[str]]:
    """Return the headings, then each record's lines; without widths a record takes several."""
    if widths is None:
        return _stacked(columns, width)
    return [[_line(row, widths)] for row in _rows(columns, headings=True)]


def _shortened(columns: Sequence[Column]) -> list[Column]:
    return [replace(one, cells=one.short) if one.short else one for one in columns]


def _good(column: Column) -> int | None:
    return column.least if column.good is None else column.good


def _least(column: Column) -> int | None:
    return column.least


def _widths(
    columns: Sequence[Column], width: int, least_of: Callable[[Column], int | None]
) -> list[int] | None:
    """Return the width of each column, None where they do not fit; the last one yields first."""
    widths = [column.width for column in columns]
    over = sum(widths) + _GAP * (len(widths) - 1) - width
    for place in range(len(columns) - 1, -1, -1):
        least = least_of(columns[place])
        if over > 0 and least is not None:
            spared = min(over, max(0, widths[place] - max(least, cell_len(columns[place].heading))))
            widths[place] -= spared
            over -= spared
    return widths if over <= 0 else None


def _rows(columns: Sequence[Column], *, headings: bool) -> list[tuple[str, ...]]:
    first = [tuple(column.heading for column in columns)] if headings else []
    return first + list(zip(*(column.cells for column in columns), strict=True))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    fit = (_fit(cell, width) for cell, width in zip(cells, widths, strict=True))
    return (" " * _GAP).join(fit).rstrip()


def _fit(cell: str, width: int) -> str:
    if cell_len(cell) <= width:
        return set_cell_size(cell, width)
    return set_cell_size(set_cell_size(cell, width - 1).rstrip() + _CUT, width)


def _stacked(columns: Sequence[Column], width: int) -> list[list[str]]:
    rows = _rows(columns, headings=False)
    return [[], *([first, *_packed(rest, width)] for first, *rest in rows)]


def _packed(cells: Sequence[str], width: int) -> list[str]:
    """Return cells on indented lines, as many on each as there is room for."""
    indent = " " * _GAP
    lines: list[str] = []
    for cell in cells:
        joined = f"{lines[-1]}{indent}{cell}" if lines else ""
        if joined and cell_len(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(indent + cell)
    return lines

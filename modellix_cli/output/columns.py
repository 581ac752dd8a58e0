"""Columns that fit a terminal: wide cells are clipped, columns that may be missed left out."""

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len, set_cell_size

from modellix_cli.domain.frozen import frozen

_GAP: Final = 2
_CUT: Final = "…"


@frozen
class Column:
    """A heading and its cells. `least` is the width down to which cells may be clipped, None for
    never; an `optional` column may be left out.
    """

    heading: str
    cells: tuple[str, ...]
    least: int | None = None
    optional: bool = False

    @property
    def width(self) -> int:
        """What it takes in terminal columns."""
        return max(map(cell_len, (self.heading, *self.cells)))


def fitted(columns: Sequence[Column], width: int) -> list[list[str]]:
    """Return a table that takes at most `width` columns: the headings, then each record's lines.

    Cells are clipped as far as they may be, then columns left out, the last one first. Where that
    is not enough there are no headings, and a record takes several lines: its first cell, and
    indented the rest.
    """
    left = list(columns)
    while True:
        widths = _widths(left, width)
        if widths is not None:
            return [[_line(row, widths)] for row in _rows(left, headings=True)]
        optional = [column for column in left if column.optional]
        if not optional:
            return _stacked(left, width)
        left.remove(optional[-1])


def _widths(columns: Sequence[Column], width: int) -> list[int] | None:
    """Return the width of each column, None where they do not fit; the last one yields first."""
    widths = [column.width for column in columns]
    over = sum(widths) + _GAP * (len(widths) - 1) - width
    for place in range(len(columns) - 1, -1, -1):
        least = columns[place].least
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

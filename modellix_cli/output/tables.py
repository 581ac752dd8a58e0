"""What rich lays out for a terminal. Texts that come in are safe already; see sink.py."""

from collections.abc import Sequence
from io import StringIO
from typing import Final

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.markdown import Markdown
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from modellix_cli.domain.text import escape

_GAP: Final = 2
_NARROWEST_LAST: Final = 20
"""Columns that the last cell needs, or it is better read below the others."""


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> RenderableType:
    """Return a table whose last column wraps; where `width` is too small, one block a row."""
    if not fits((headers, *rows), width):
        return Group(*(_block(row) for row in rows))
    grid = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for position, header in enumerate(headers, 1):
        grid.add_column(Text(header), no_wrap=position < len(headers), overflow="fold")
    for row in rows:
        grid.add_row(*map(Text, row))
    return grid


def fits(rows: Sequence[Sequence[str]], width: int) -> bool:
    """Whether the rows of a table, its headers included, have room in `width` columns."""
    columns = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    needed = sum(columns[:-1]) + _GAP * (len(columns) - 1) + min(columns[-1], _NARROWEST_LAST)
    return needed <= width


def _block(row: Sequence[str]) -> RenderableType:
    """Return a row as a heading and, indented, the rest; everything wraps and nothing is cut."""
    rest = Text((" " * _GAP).join(row[1:]), overflow="fold")
    return Group(Text(row[0], style="bold", overflow="fold"), Padding(rest, (0, 0, 0, _GAP)))


def markdown(text: str) -> RenderableType:
    """Return Markdown laid out: addresses stay readable, HTML is shown as it is written.

    Entities may stand for what would act on a terminal; they are escaped once they are read.
    """
    from markdown_it import MarkdownIt

    laid_out = Markdown("", hyperlinks=False, code_theme="ansi_dark")
    parser = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
    laid_out.parsed = parser.parse(text)
    for token in laid_out.parsed:
        token.info = ""  # what is no valid code would be marked as wrong
        for part in (token, *(token.children or ())):
            part.content = escape(part.content)
    return laid_out


def draw(renderable: RenderableType, width: int, *, color: bool) -> str:
    """Return what `renderable` looks like in `width` columns."""
    target = StringIO()
    console = Console(
        file=target,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        legacy_windows=False,
    )
    console.print(renderable)
    return "".join(line.rstrip() + "\n" for line in target.getvalue().splitlines())


def highlight(text: str) -> str:
    """Return JSON text with terminal colours; the characters themselves stay."""
    from rich.highlighter import JSONHighlighter

    target = StringIO()
    console = Console(
        file=target,
        force_terminal=True,
        color_system="standard",
        width=80,
        legacy_windows=False,
    )
    console.print(JSONHighlighter()(text), soft_wrap=True, end="")
    return target.getvalue()

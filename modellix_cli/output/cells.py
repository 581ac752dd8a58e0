"""Texts measured as a terminal shows them: in cells, of which CJK and emoji take two."""

from typing import Final

from rich.cells import cell_len, set_cell_size

_EMOJI_SELECTOR: Final = "\ufe0f"
"""Makes an emoji of some signs, which terminals then show one or two cells wide."""

Part = tuple[str, str]
"""A text and its style: an SGR code, or "" for none."""
Line = list[Part]


def width(text: str) -> int:
    """Return how many cells a text takes."""
    return cell_len(text)


def fit(text: str, cells: int) -> str:
    """Cut a text to at most `cells`, marking the cut; blanks at the cut go."""
    text = text.replace(_EMOJI_SELECTOR, "")
    if cell_len(text) <= cells:
        return text
    if cells < 1:
        return ""
    return set_cell_size(text, cells - 1).rstrip() + "…"


def pad(text: str, cells: int) -> str:
    """Fill a text up with blanks to `cells`."""
    return text + " " * max(0, cells - cell_len(text))


def line_width(line: Line) -> int:
    """Return how many cells a line takes."""
    return sum(cell_len(text) for text, _ in line)


def cut(line: Line, cells: int) -> Line:
    """Cut a line to at most `cells`."""
    kept: Line = []
    for text, style in line:
        shown = fit(text, cells)
        cells -= cell_len(shown)
        kept += [(shown, style)] if shown else []
    return kept


def bar(share: float, cells: int) -> Line:
    """Return a bar of `cells`, of which `share` (0 to 1) is filled."""
    halves = round(max(0.0, min(1.0, share)) * cells * 2)
    filled = "━" * (halves // 2) + ("╸" if halves % 2 else "")
    return [(filled, "32"), ("─" * (cells - len(filled)), "2")]


def clock(seconds: float) -> str:
    """Write a time as clocks do: `0:07`, `12:30`, `1:02:03`.

    >>> clock(7.9), clock(3723)
    ('0:07', '1:02:03')
    """
    minutes, second = divmod(int(max(0.0, seconds)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"

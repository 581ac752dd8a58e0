"""What a terminal shows: a small model of one, for the few codes that this program writes."""

import re
import unicodedata

_CODE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")
_WITHOUT_EFFECT = {
    ("16", "t"), ("", "c"),  # questions to the terminal
    ("?7", "l"), ("?7", "h"), ("?2026", "h"), ("?2026", "l"), ("2", "J"),
}  # fmt: skip
_UNFINISHED = re.compile(r"\x1b(\[[0-9;?]*)?")


class Screen:
    """A terminal of some columns and rows. A code that it does not know fails the test."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.columns, self.rows = columns, rows
        self.cells = [[" "] * columns for _ in range(rows)]
        self.gone: list[str] = []
        self.row = self.column = 0
        self.cursor_shown = True
        self.wrapped: list[tuple[str, str]] = []
        """Where a line went over the edge: what stood on it, and the character that had no room."""
        self.left: list[str] = []
        """What the other screen showed when it was left."""
        self._usual: tuple[list[list[str]], int, int] | None = None
        self._rest = ""

    def feed(self, text: str) -> "Screen":
        text, at = self._rest + text, 0
        self._rest = ""
        while at < len(text):
            code = _CODE.match(text, at)
            if code:
                self._code(code[1], code[2])
                at = code.end()
            elif text[at] == "\x1b" and _UNFINISHED.fullmatch(text, at):
                self._rest = text[at:]
                break
            else:
                self._write(text[at])
                at += 1
        return self

    @property
    def lines(self) -> list[str]:
        """The lines that can be seen, without empty ones at the end."""
        shown = ["".join(row).rstrip() for row in self.cells]
        while shown and not shown[-1]:
            shown.pop()
        return shown

    @property
    def all_lines(self) -> list[str]:
        """Those that scrolled away too."""
        return self.gone + self.left + self.lines

    def _write(self, character: str) -> None:
        if character == "\n":
            self._down()
            self.column = 0
        elif character == "\r":
            self.column = 0
        elif unicodedata.combining(character):
            return
        else:
            assert character.isprintable(), f"{character!r} reached the terminal"
            wide = 2 if unicodedata.east_asian_width(character) in "WF" else 1
            if self.column + wide > self.columns:
                self.wrapped.append(("".join(self.cells[self.row]), character))
                self._down()
                self.column = 0
            self.cells[self.row][self.column] = character
            if wide == 2:
                self.cells[self.row][self.column + 1] = ""
            self.column += wide

    def _down(self) -> None:
        self.row += 1
        if self.row == self.rows:
            self.gone.append("".join(self.cells.pop(0)).rstrip())
            self.cells.append([" "] * self.columns)
            self.row -= 1

    def _code(self, values: str, what: str) -> None:
        if what == "m":
            return
        if what == "A":
            self.row = max(0, self.row - int(values or 1))
        elif what == "K" and values in ("", "0"):
            self.cells[self.row][self.column :] = [" "] * (self.columns - self.column)
        elif what == "J" and values in ("", "0"):
            self._code("", "K")
            for row in range(self.row + 1, self.rows):
                self.cells[row] = [" "] * self.columns
        elif values == "?25" and what in "lh":
            self.cursor_shown = what == "h"
        elif values == "?1049" and what in "lh":
            self._switch(other=what == "h")
        elif what == "H" and not values:
            self.row = self.column = 0
        else:
            known = (values, what) in _WITHOUT_EFFECT
            assert known, f"an unknown code reached the terminal: ESC [ {values} {what}"

    def _switch(self, *, other: bool) -> None:
        """Show the other screen, which is empty, or the usual one again as it was."""
        if other:
            self._usual = self.cells, self.row, self.column
            self.cells = [[" "] * self.columns for _ in range(self.rows)]
        else:
            assert self._usual is not None
            self.left += self.lines
            self.cells, self.row, self.column = self._usual

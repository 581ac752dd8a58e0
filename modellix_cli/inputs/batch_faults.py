"""What is wrong with the lines of a batch: all of it is told at once, not one line each time."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError, Place
from modellix_cli.domain.text import count

MOST: Final = 20
"""Faults that are kept; further ones are counted."""
_MOST_HINTS: Final = 3
_MOST_KINDS: Final = 1000
_OF_OPTIONS: Final = frozenset(
    {
        *(ErrorCode.USAGE, ErrorCode.INPUT_UNREADABLE, ErrorCode.NOT_FOUND),
        *(ErrorCode.TASK_FAILED, ErrorCode.TASK_NOT_FINISHED, ErrorCode.NO_RESOURCES),
    }
)
"""What can be wrong with that which lines and options name: files, tasks and models."""


class Faults:
    """Collects the faults of lines, or rows, which `unit` says, and of what they name."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._kept: list[tuple[int, ModellixError]] = []
        self._lines: set[int] = set()
        self._others: set[tuple[str, str]] = set()
        self._more = 0
        self._alike: dict[str, tuple[int, int]] = {}

    @contextmanager
    def noting(self, number: int = 0, *, options: bool = False) -> Iterator[None]:
        """Note an `INVALID_BODY` that is raised within, of line `number`, 0 where that is unknown.

        With `options` also what is wrong with that which options name; other errors pass.
        """
        try:
            yield
        except ModellixError as error:
            if error.code is ErrorCode.INVALID_BODY:
                self.note(error, number)
            elif options and error.code in _OF_OPTIONS:
                self._note_once(error, number)
            else:
                raise

    def note(self, error: ModellixError, number: int) -> None:
        """Note a fault of a line; the same one of a line counts once."""
        if any(number == line and error.message == other.message for line, other in self._kept):
            return
        if number:
            self._lines.add(number)
            self._count_alike(self._kind(number, error), number)
        else:
            self._more += 1
        self._keep(error, number)

    def count(self, more: int) -> None:
        """Count lines with faults that are not told."""
        self._more += more

    def _placed(self, number: int, error: ModellixError) -> ModellixError:
        if error.place is not None or not number:
            return error
        lines, _ = self._alike.get(self._kind(number, error), (1, number))
        return error.copy_with(place=Place(f"{self._unit} {number}", self._unit, lines))

    def _kind(self, number: int, error: ModellixError) -> str:
        """Return what a fault says, without its place."""
        return error.message.replace(f"{self._unit} {number}", "", 1)

    def _count_alike(self, kind: str, number: int) -> None:
        """Count a line with a fault; what a matrix makes of a line comes one after the other."""
        lines, last = self._alike.get(kind, (0, 0))
        if number != last and (lines or len(self._alike) < _MOST_KINDS):
            self._alike[kind] = (lines + 1, number)

    def _note_once(self, error: ModellixError, number: int) -> None:
        """Note a fault of an option, which every line meets, at the first of them."""
        key = (str(error.code), error.message)
        if key not in self._others and len(self._others) < MOST:
            self._others.add(key)
            self._keep(error, number)

    def _keep(self, error: ModellixError, number: int) -> None:
        self._kept.append((number, error))
        if len(self._kept) > MOST:
            self._kept.sort(key=_line)
            del self._kept[MOST:]

    @property
    def found(self) -> bool:
        """Whether anything is wrong."""
        return bool(self._kept)

    @property
    def are_many(self) -> bool:
        """Whether further faults are only counted."""
        return len(self._lines) + self._more >= MOST

    def check(self) -> None:
        """Raise `INVALID_BODY` if anything was noted: the one fault itself, or several together."""
        if not self._kept:
            return
        kept = [self._placed(number, error) for number, error in sorted(self._kept, key=_line)]
        total = len(self._lines) + self._more + len(self._others)
        if len(kept) == total == 1:
            raise kept[0]
        what = f"{total} {self._unit}s of the batch input are wrong."
        if self._others or len(self._lines) + self._more == 1:
            what = f"The batch has {count(max(total, len(kept)), 'fault')}."
        first = " Among them:" if total > len(kept) else ""
        hints = dict.fromkeys(fault.hint for fault in kept if fault.hint)
        raise ModellixError(
            ErrorCode.INVALID_BODY,
            f"{what} Nothing was sent.{first}",
            hint="\n".join(list(hints)[:_MOST_HINTS]),
            faults=tuple(kept),
        )


def _line(kept: tuple[int, ModellixError]) -> int:
    """Return the line of a fault, for its place among others: what has none ended the reading."""
    return kept[0] or sys.maxsize

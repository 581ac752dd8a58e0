"""What is wrong with the lines of a batch: all of it is told at once, not one line each time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError

MOST: Final = 20
"""Faults that are kept; further ones are counted."""
_MOST_HINTS: Final = 3


class Faults:
    """Collects the faults of lines, or rows, which `unit` says."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._kept: list[ModellixError] = []
        self._total = 0

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note an `INVALID_BODY` that is raised within; other errors pass."""
        try:
            yield
        except ModellixError as error:
            if error.code is not ErrorCode.INVALID_BODY:
                raise
            self._total += 1
            if len(self._kept) < MOST:
                self._kept.append(error)

    @property
    def are_many(self) -> bool:
        """Whether further faults are only counted."""
        return self._total >= MOST

    def check(self) -> None:
        """Raise `INVALID_BODY` if anything was noted: the one fault itself, or several together."""
        if self._total == 1:
            raise self._kept[0]
        if not self._total:
            return
        more = self._total - len(self._kept)
        first = f" The first {len(self._kept)} are:" if more else ""
        hints = dict.fromkeys(fault.hint for fault in self._kept if fault.hint)
        raise ModellixError(
            ErrorCode.INVALID_BODY,
            f"{self._total} {self._unit}s of the batch input are wrong. Nothing was sent.{first}",
            hint=" ".join(list(hints)[:_MOST_HINTS]),
            faults=tuple(self._kept),
        )

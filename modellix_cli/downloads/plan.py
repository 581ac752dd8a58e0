"""The plan for a task's results: which file appears when, and where a result is now.

Plain values and rules; whoever uses them from several threads brings the lock.
"""

import re
from collections.abc import Mapping
from typing import Final, Generic, TypeVar

from modellix_cli.downloads.files import split_extension

T = TypeVar("T")
_NUMBERED: Final = re.compile(r"(.+)-[0-9]+")


class CommitOrder(Generic[T]):
    """Holds outcomes back until it is their turn among the resources of their name.

    Files whose names may clash appear in the order of their resources, however they arrive.
    `names` maps each position to the name its file would like, as far as it is known beforehand.
    """

    def __init__(self, names: Mapping[int, str]) -> None:
        stems = {at: split_extension(name)[0].casefold() for at, name in names.items()}
        self._keys = {at: _shared(stem, set(stems.values())) for at, stem in stems.items()}
        self._queues: dict[str, list[int]] = {}
        for position in sorted(names):
            self._queues.setdefault(self._keys[position], []).append(position)
        self._held: dict[int, T] = {}

    def ready(self, position: int, outcome: T) -> list[tuple[int, T]]:
        """Take the outcome of a resource; return those whose turn has come, in order."""
        queue = self._queues[self._keys[position]]
        self._held[position] = outcome
        turn = []
        while queue and queue[0] in self._held:
            turn.append((queue[0], self._held.pop(queue.pop(0))))
        return turn

    def rest(self) -> list[tuple[int, T]]:
        """Return what is still held back, in order; it is not held any more."""
        held = sorted(self._held.items(), key=lambda item: item[0])
        self._held.clear()
        return held


def _shared(stem: str, stems: set[str]) -> str:
    """Return the stem under which files may clash: `a-2` is that of a second `a`, if there is one.

    >>> _shared("a-2", {"a", "a-2"}), _shared("b-2", {"b-1", "b-2"})
    ('a', 'b-2')
    """
    while (match := _NUMBERED.fullmatch(stem)) and match[1] in stems:
        stem = match[1]
    return stem

"""Files whose names may clash appear in the order of their resources, however they arrive."""

import re
import threading
from collections.abc import Callable, Mapping
from typing import Final

from modellix_cli.downloads.files import split_extension

_NUMBERED: Final = re.compile(r"(.+)-[0-9]+")


class CommitOrder:
    """Holds back what is to be done for a resource until it is its turn among those of its name.

    `names` maps each position to the name its file would like, as far as it is known beforehand.
    """

    def __init__(self, names: Mapping[int, str]) -> None:
        stems = {at: split_extension(name)[0].casefold() for at, name in names.items()}
        self._keys = {at: _shared(stem, set(stems.values())) for at, stem in stems.items()}
        self._queues: dict[str, list[int]] = {}
        for position in sorted(names):
            self._queues.setdefault(self._keys[position], []).append(position)
        self._ready: dict[int, Callable[[], None]] = {}
        self._lock = threading.Lock()

    def end(self, position: int, act: Callable[[], None]) -> None:
        """Do `act` for a resource that was fetched or failed: now, or when its turn has come."""
        queue = self._queues[self._keys[position]]
        with self._lock:
            self._ready[position] = act
            while queue and queue[0] in self._ready:
                self._ready.pop(queue.pop(0))()

    def flush(self) -> None:
        """Do at once, in order, what is still held back."""
        with self._lock:
            for position in sorted(self._ready):
                self._ready.pop(position)()


def _shared(stem: str, stems: set[str]) -> str:
    """Return the stem under which files may clash: `a-2` is that of a second `a`, if there is one.

    >>> _shared("a-2", {"a", "a-2"}), _shared("b-2", {"b-1", "b-2"})
    ('a', 'b-2')
    """
    while (match := _NUMBERED.fullmatch(stem)) and match[1] in stems:
        stem = match[1]
    return stem

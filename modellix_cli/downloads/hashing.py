"""Hashing a big file on a thread of its own, while the next bytes are read and written.

SHA-256 is about as fast as TLS; one after the other they would take twice as long. Writing is
left to the thread that reads: the system takes bytes faster than threads hand them over. Small
files are hashed at once.
"""

import hashlib
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hashlib import _Hash

_ALONE_FROM: Final = 8 * 1024 * 1024
IN_FLIGHT: Final = 2
"""Pieces that may not be hashed yet when `put` returns: they must stay as they are."""

Piece = bytes | memoryview


class StreamHash:
    """The SHA-256 of what it is given, and one more algorithm if that was promised.

    Use it from one thread at a time, and `close` it.
    """

    def __init__(self, promised: str | None = None) -> None:
        names = {"sha256", promised or "sha256"}
        self._hashes: dict[str, _Hash] = {
            name: hashlib.new(name, usedforsecurity=False) for name in names
        }
        self._size = 0
        self._pieces: SimpleQueue[Piece | None] | None = None
        self._room = threading.Semaphore(IN_FLIGHT)

    def put(self, piece: Piece) -> None:
        """Take a piece; waits while `IN_FLIGHT` others are not hashed."""
        self._size += len(piece)
        if self._size < _ALONE_FROM:
            self._hash(piece)
            return
        if self._pieces is None:
            self._pieces = SimpleQueue()
            threading.Thread(target=self._serve, args=(self._pieces,), daemon=True).start()
        self._room.acquire()
        self._pieces.put(piece)

    def digest(self, algorithm: str) -> bytes:
        """Return the digest of all pieces."""
        for _ in range(IN_FLIGHT):
            self._room.acquire()
        for _ in range(IN_FLIGHT):
            self._room.release()
        return self._hashes[algorithm].digest()

    def close(self) -> None:
        """End the thread."""
        if self._pieces is not None:
            self._pieces.put(None)
            self._pieces = None

    def _hash(self, piece: Piece) -> None:
        for each in self._hashes.values():
            each.update(piece)

    def _serve(self, pieces: "SimpleQueue[Piece | None]") -> None:
        while (piece := pieces.get()) is not None:
            self._hash(piece)
            self._room.release()

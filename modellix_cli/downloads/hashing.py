"""Hashing and writing a big file on threads of their own, while the next bytes are read.

SHA-256, a disk and TLS are about as fast as each other; one after the other they would take three
times as long. Small files are done at once.
"""

import hashlib
import threading
from abc import ABC, abstractmethod
from queue import SimpleQueue
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from hashlib import _Hash

_ALONE_FROM: Final = 8 * 1024 * 1024
IN_FLIGHT: Final = 2
"""Pieces that may not be done yet when `put` returns: they must stay as they are."""

Piece = bytes | memoryview


class Behind(ABC):
    """Does something with each piece that it is given, in order, at once or soon.

    Use it from one thread at a time, and `close` it. What fails is raised by the next call.
    """

    def __init__(self) -> None:
        self._size = 0
        self._pieces: SimpleQueue[Piece | None] | None = None
        self._room = threading.Semaphore(IN_FLIGHT)
        self._failure: OSError | None = None

    @abstractmethod
    def do(self, piece: Piece) -> None:
        """Do it with one piece."""

    def put(self, piece: Piece) -> None:
        """Take a piece; waits while `IN_FLIGHT` others are not done."""
        self._size += len(piece)
        if self._size < _ALONE_FROM:
            self.do(piece)
            return
        if self._pieces is None:
            self._pieces = SimpleQueue()
            threading.Thread(target=self._serve, args=(self._pieces,), daemon=True).start()
        self._room.acquire()
        self._pieces.put(piece)
        if self._failure is not None:
            raise self._failure

    def drain(self) -> None:
        """Wait until all is done."""
        for _ in range(IN_FLIGHT):
            self._room.acquire()
        for _ in range(IN_FLIGHT):
            self._room.release()
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """End the thread."""
        if self._pieces is not None:
            self._pieces.put(None)
            self._pieces = None

    def _serve(self, pieces: "SimpleQueue[Piece | None]") -> None:
        while (piece := pieces.get()) is not None:
            try:
                if self._failure is None:
                    self.do(piece)
            except OSError as error:
                self._failure = error
            self._room.release()


class StreamHash(Behind):
    """The SHA-256 of what it is given, and one more algorithm if that was promised."""

    def __init__(self, promised: str | None = None) -> None:
        super().__init__()
        names = {"sha256", promised or "sha256"}
        self._hashes: dict[str, _Hash] = {
            name: hashlib.new(name, usedforsecurity=False) for name in names
        }

    def do(self, piece: Piece) -> None:
        """Hash a piece."""
        for each in self._hashes.values():
            each.update(piece)

    def digest(self, algorithm: str) -> bytes:
        """Return the digest of all pieces."""
        self.drain()
        return self._hashes[algorithm].digest()


class FileWriter(Behind):
    """Writes to an open file."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file

    def do(self, piece: Piece) -> None:
        """Write a piece. Raises `OSError`."""
        self._file.write(piece)

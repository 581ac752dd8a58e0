"""Bringing the bytes of one resource into a `.part` file, over as many tries as it takes.

A try that was cut is gone on with where it stopped, if the host says that the file is the same.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from modellix_cli.api.retry import BACKOFF_SECONDS
from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.text import duration
from modellix_cli.domain.text import size as amount
from modellix_cli.domain.values import format_duration
from modellix_cli.downloads.checksums import Checksum
from modellix_cli.downloads.destination import DownloadDestination, over
from modellix_cli.downloads.fetcher import MediaFetcher, MediaStream
from modellix_cli.downloads.files import unwritable
from modellix_cli.downloads.ranges import Resume

if TYPE_CHECKING:
    from hashlib import _Hash

MAX_TRIES: Final = 20
_MAX_FRUITLESS: Final = 4
_TELL_EVERY: Final = 0.1  # seconds; a word for every chunk would cost more than the chunk
_HEAD: Final = 16


@dataclass(frozen=True, slots=True)
class Means:
    """What transfers share. `timeout`: seconds for all tries of one; `notice` hears of pauses."""

    fetcher: MediaFetcher
    shelf: DownloadDestination
    clock: Clock
    notice: Callable[[str], None]
    timeout: float


class Transfer:
    """One resource on its way into `target`, the open file `part`; what arrived stays.

    `moved` is called now and then when more of it has: `size` bytes of `length`, if that is
    known. In the end `size`, `content_type` and `head`, the first bytes, describe the file.
    """

    def __init__(
        self,
        means: Means,
        target: BinaryIO,
        part: Path,
        moved: Callable[[], None],
    ) -> None:
        self.size = 0
        self.length: int | None = None
        self.content_type: str | None = None
        self.head = b""
        self._means = means
        self._target = target
        self._part = part
        self._moved = moved
        self._deadline = means.clock.monotonic() + means.timeout
        self._told = float("-inf")
        self._validator: str | None = None
        self._checksum: Checksum | None = None
        self._hash: _Hash | None = None
        self._best = 0
        self._reserved = 0

    def fetch(self, url: str) -> None:
        """Bring all of `url`, from the start. Pauses 1, 2, 4 s before another try.

        The pauses and the count of tries begin anew after a try that brought more than any before.
        Raises the last failure, `RESOURCE_LIMIT`, `OUTPUT_UNWRITABLE`, or `Abandoned`.
        """
        self._validator, self._best = None, 0
        tries = fruitless = 0
        while True:
            before = self._best
            try:
                self._once(url)
            except ModellixError as error:
                tries += 1
                fruitless = 1 if self._best > before else fruitless + 1
                if not error.retryable:
                    raise
                self._pause(error, tries, fruitless)
            else:
                return

    def take(self, stream: MediaStream) -> None:
        """Write a stream and see that it is whole. Raises as `fetch` does."""
        if stream.start:
            self.length = stream.length
        else:
            self._begin(stream)
        self._reserve(max(self.length or 0, self.size))
        clock = self._means.clock
        for chunk in stream.chunks:
            size = self.size + len(chunk)
            if size > self._reserved:
                self._reserve(size)
            self._means.shelf.check()
            now = clock.monotonic()
            if now > self._deadline:
                raise self._too_slow()
            self._write(chunk)
            self.size = size
            if now >= self._told + _TELL_EVERY:
                self._told = now
                self._moved()
        self._check_whole()
        with self._writing():
            self._target.close()
        self._reserve(self.size)
        self.length = self.size
        self._moved()

    def release(self) -> None:
        """Give back the share in the total, as the file will not be kept."""
        self._reserve(0)

    def _once(self, url: str) -> None:
        self._means.shelf.check()
        left = self._deadline - self._means.clock.monotonic()
        if left <= 0:
            raise self._too_slow()
        with self._means.fetcher.open(url, self._resume, left) as stream:
            self.take(stream)

    @property
    def _resume(self) -> Resume | None:
        if not self.size or self._validator is None:
            return None
        return Resume(self.size, self._validator, self.length)

    def _begin(self, stream: MediaStream) -> None:
        """Start over with what a stream says about the file."""
        with self._writing():
            self._target.seek(0)
            self._target.truncate()
        self.size, self.head = 0, b""
        self.length, self.content_type = stream.length, stream.content_type
        self._validator, self._checksum = stream.validator, stream.checksum
        self._hash = stream.checksum.begin() if stream.checksum else None

    def _write(self, chunk: bytes | memoryview) -> None:
        with self._writing():
            self._target.write(chunk)
        if self._hash is not None:
            self._hash.update(chunk)
        if len(self.head) < _HEAD:
            self.head = (self.head + bytes(chunk[:_HEAD]))[:_HEAD]
        self._best = max(self._best, self.size + len(chunk))

    def _check_whole(self) -> None:
        if self.length is not None and self.size != self.length:
            if self.size > self.length:
                self._validator = None
            raise ModellixError(
                ErrorCode.DOWNLOAD_FAILED,
                f"Only {self.size} of {self.length} bytes arrived."
                if self.size < self.length
                else f"{self.size} bytes arrived where {self.length} were announced.",
            )
        if self._hash and self._checksum and self._hash.digest() != self._checksum.digest:
            self._validator = None
            raise ModellixError(
                ErrorCode.DOWNLOAD_FAILED,
                f"The {self._checksum.algorithm} of what arrived is not what the host promised.",
            )

    def _reserve(self, size: int) -> None:
        self._means.shelf.reserve(self._reserved, size)
        self._reserved = size

    def _pause(self, error: ModellixError, tries: int, fruitless: int) -> None:
        """Wait before another try, or raise what ends the tries."""
        if fruitless >= _MAX_FRUITLESS or tries >= MAX_TRIES:
            raise error.copy_with(message=f"{error.message} Tried {tries} times.") from None
        clock = self._means.clock
        backoff = BACKOFF_SECONDS[fruitless - 1]
        pause = backoff + clock.jitter(backoff / 4)
        if clock.monotonic() + pause >= self._deadline:
            raise self._too_slow(f" {error.message}") from error
        said = error.message if fruitless == 1 else "No luck yet."
        again = f"Going on after {amount(self.size)}" if self._resume else "Trying again"
        self._means.notice(f"{said} {again} in {duration(pause)}.")
        clock.sleep(pause)

    def _too_slow(self, why: str = "") -> ModellixError:
        limit = format_duration(self._means.timeout)
        return over(f"Resource download exceeded its time limit of {limit}.{why}")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise unwritable(self._part, error) from error

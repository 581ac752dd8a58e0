"""Bringing the bytes of one resource into a part, over as many tries as it takes.

`tries.TransferState` decides; here is what carries that out: requests, writing, pauses.
"""

import hashlib
from typing import Final, Protocol
from urllib.parse import urlsplit

from modellix_cli.clock import Clock
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.domain.task import Resource
from modellix_cli.downloads.destination import DownloadDestination
from modellix_cli.downloads.fetcher import MediaFetcher, MediaStream
from modellix_cli.downloads.media_end import ends_early
from modellix_cli.downloads.parts import Part, unwritable_as
from modellix_cli.downloads.resources import HEAD, broken_promise, promised_kind
from modellix_cli.downloads.response import Checksum, Version
from modellix_cli.downloads.tries import (
    FetchFailed,
    RefreshUrl,
    Remedy,
    TransferState,
    TryAgain,
    failed,
)

_TELL_EVERY: Final = 0.1  # seconds; a word for every chunk would cost more than the chunk


class TransferListener(Protocol):
    """Who is told how downloads go, from any thread, one thing at a time."""

    def progress(self, name: str, done: int, total: int | None) -> None:
        """Hear that `done` bytes of a file have arrived, of `total` if that is known."""

    def notice(self, text: str) -> None:
        """Hear a sentence about a pause or another try."""


class ResultUrls(Protocol):
    """Who knows where a result is now."""

    def moved(self, resource: Resource) -> str | None:
        """Return another URL of a resource than it has; None if there is none."""


@frozen
class Services:
    """What transfers share. `time_limit`: seconds for all tries of one."""

    fetcher: MediaFetcher
    destination: DownloadDestination
    clock: Clock
    listener: TransferListener
    time_limit: float


class Transfer:
    """One resource on its way into a part; what arrived stays over all tries.

    `name` is told with its progress; `kept` says that the result's lifetime is not over. In the end
    `content_type` and `head`, the first bytes, describe the file.
    """

    def __init__(
        self, services: Services, part: Part, resource: Resource, name: str, *, kept: bool = False
    ) -> None:
        self.content_type: str | None = None
        self.head = b""
        self._services = services
        self._part = part
        self._resource = resource
        self._name = name
        self._kind: str | None = None
        deadline = services.clock.monotonic() + services.time_limit
        self._state = TransferState(services.time_limit, deadline, kept)
        self._checksum: Checksum | None = None
        self._told = float("-inf")
        self._reserved = 0

    def fetch(self, urls: ResultUrls) -> str:
        """Bring all of the resource; return the URL that it came from.

        Raises the last failure, `RESOURCE_REFUSED`, `RESOURCE_LIMIT`, `OUTPUT_UNWRITABLE`, or
        `Abandoned`.
        """
        assert self._resource.url is not None
        url, state, clock = self._resource.url, self._state, self._services.clock
        self._kind = promised_kind(self._resource)
        self._take_over(url)
        while True:
            try:
                self._once(url)
            except FetchFailed as failure:
                step = state.after(failure, clock.monotonic(), clock.jitter(1.0))
                if isinstance(step, RefreshUrl):
                    now = urls.moved(self._resource)
                    if now is not None:
                        state.moved(url, now)
                        url = now
                        continue
                    step = state.after(failure, clock.monotonic(), clock.jitter(1.0))
            else:
                return url
            if isinstance(step, TryAgain):
                self._services.listener.notice(step.notice)
                clock.sleep(step.pause)
            else:
                raise step.error

    def take(self, data: bytes, content_type: str | None) -> None:
        """Write a resource that needs no request. Raises as `fetch` does."""
        self._read(MediaStream(content_type, len(data), iter((data,))), None)

    def release(self) -> None:
        """Give back the share in the total, as the file will not be kept."""
        self._reserve(0)

    def _once(self, url: str) -> None:
        """Do one try. Raises `FetchFailed` for what another try may get over."""
        self._services.destination.check()
        left = self._state.left(self._services.clock.monotonic())
        with self._services.fetcher.open(url, self._state.resume, left) as stream:
            self._read(stream, url)

    def _read(self, stream: MediaStream, url: str | None) -> None:
        state, part, clock = self._state, self._part, self._services.clock
        if stream.start:
            state.length = stream.length
        else:
            self._begin(stream, url)
        self._reserve(max(state.length or 0, part.size))
        for chunk in stream.chunks:
            if part.size + len(chunk) > self._reserved:
                self._reserve(part.size + len(chunk))
            self._services.destination.check()
            now = clock.monotonic()
            state.left(now)
            part.write(chunk)
            state.received(len(chunk))
            if len(self.head) < HEAD:
                self._look_at(bytes(chunk[:HEAD]))
            if now >= self._told + _TELL_EVERY:
                self._told = now
                self._services.listener.progress(self._name, part.size, state.length)
        self._check_whole()
        part.finish()
        if stream.open_ended:
            self._check_end()
        self._reserve(part.size)
        self._services.listener.progress(self._name, part.size, part.size)

    def _begin(self, stream: MediaStream, url: str | None) -> None:
        """Start the file over with what a stream says about it."""
        self._state.began(stream.version, stream.length)
        self.head, self.content_type = b"", stream.content_type
        self._checksum = stream.checksum
        lasting = url is not None and stream.version.validator is not None
        facts = _facts(url, stream) if url is not None and lasting else None
        self._part.restart(stream.checksum, facts)

    def _take_over(self, url: str) -> None:
        """Go on with what a killed process left of this resource, if it came from the same URL."""
        facts = self._part.earlier()
        if facts is None or facts.get("source") != _source(url):
            return
        try:
            version = Version(facts["etag"], facts["modified"])
            length, self.content_type = facts["length"], facts["type"]
            if promised := facts["checksum"]:
                self._checksum = Checksum(promised[0], bytes.fromhex(promised[1]))
        except (KeyError, TypeError, ValueError, IndexError):
            self._checksum = None
            return
        self.head = self._part.take_over(self._checksum, HEAD)
        self._state.began(version, length)
        self._state.received(self._part.size)

    def _look_at(self, more: bytes) -> None:
        self.head = (self.head + more)[:HEAD]
        if len(self.head) == HEAD:
            self._check_kind()

    def _check_whole(self) -> None:
        state = self._state
        if state.length is not None and state.size < state.length:
            raise failed(f"Only {state.size} of {state.length} bytes arrived.")
        if state.length is not None and state.size > state.length:
            wrong = f"{state.size} bytes arrived where {state.length} were announced."
            raise failed(wrong, start_over=True)
        self._check_kind()
        if self._checksum and not self._part.keeps(self._checksum):
            algorithm = self._checksum.algorithm
            wrong = f"The {algorithm} of what arrived is not what the host promised."
            raise failed(wrong, start_over=True)

    def _check_kind(self) -> None:
        found = broken_promise(self._kind, self.content_type, self.head, self._state.size)
        if found is not None:
            article = "a" if self._kind == "video" else "an"
            raise failed(
                f"The host sent {found} where {article} {self._kind} was promised.",
                Remedy.NEW_URL,
                start_over=True,
            )

    def _check_end(self) -> None:
        with unwritable_as(self._part.label), self._part.path.open("rb") as file:
            cut = ends_early(file)
        if cut:
            raise failed("The connection ended before the file did.", start_over=True)

    def _reserve(self, size: int) -> None:
        self._services.destination.reserve(self._reserved, size)
        self._reserved = size


def _source(url: str) -> str:
    """Return a mark of where a file is, whatever its signature: the URL without its query."""
    place = urlsplit(url)._replace(query="", fragment="").geturl()
    return hashlib.sha256(place.encode("utf-8", "replace")).hexdigest()


def _facts(url: str, stream: MediaStream) -> JsonObject:
    """Return what lets a later process go on with a part: JSON values only."""
    checksum = stream.checksum
    return {
        "source": _source(url),
        "etag": stream.version.etag,
        "modified": stream.version.modified,
        "length": stream.length,
        "type": stream.content_type,
        "checksum": [checksum.algorithm, checksum.digest.hex()] if checksum else None,
    }

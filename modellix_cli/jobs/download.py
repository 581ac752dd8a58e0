"""Saving what a task made. Each file appears whole or not at all; one failure stops no other."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from modellix_cli.api.documents import RESULT_LIFETIME, Resource, Task
from modellix_cli.api.media import MediaFetcher, MediaStream
from modellix_cli.api.retry import RetryPolicy, with_retries
from modellix_cli.clock import Clock
from modellix_cli.errors import Code, ModellixError
from modellix_cli.jobs.progress import Progress
from modellix_cli.jobs.resources import file_name, inline_content
from modellix_cli.local.files import appear, part_file, unwritable
from modellix_cli.text import clip, count, one_line
from modellix_cli.values import format_duration

GIB: Final = 1024**3
_RETRIES: Final = RetryPolicy(retries=3)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a download may use. Sizes in bytes, `timeout` in seconds for each resource."""

    max_bytes: int = GIB
    max_total_bytes: int = 2 * GIB
    max_resources: int = 100
    timeout: float = 600.0


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A file that was saved; `url` is where it came from, None for inline results."""

    path: Path
    bytes: int
    type: str | None
    url: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return the entry of `files` in JSON; `type` and `url` only where known."""
        entry: dict[str, Any] = {"bytes": self.bytes, "path": str(self.path)}
        if self.type is not None:
            entry["type"] = self.type
        if self.url is not None:
            entry["url"] = self.url
        return entry


@dataclass(slots=True)
class Saved:
    """The outcome of saving a task's resources; complete at any moment."""

    folder: Path
    files: list[SavedFile] = field(default_factory=list)
    errors: list[ModellixError] = field(default_factory=list)


class Downloader:
    """Saves resources into one folder. `notice` is told about every retry."""

    def __init__(
        self,
        fetcher: MediaFetcher,
        folder: Path,
        limits: Limits,
        *,
        overwrite: bool,
        clock: Clock,
        notice: Callable[[str], None],
    ) -> None:
        self.folder = folder
        self._fetcher = fetcher
        self._limits = limits
        self._overwrite = overwrite
        self._clock = clock
        self._progress = Progress()
        self._notice = notice
        self._taken: set[str] = set()
        self._total = 0

    def save(self, task: Task, saved: Saved, progress: Progress) -> None:
        """Fill `saved` with every resource of a finished task.

        Raises `TASK_NOT_FINISHED`, `TASK_FAILED`, `NO_RESOURCES` or `RESOURCE_LIMIT` before the
        first request; later failures are collected in `saved.errors`.
        """
        self._progress = progress
        check_downloadable(task, self._limits.max_resources)
        for resource in task.resources:
            try:
                saved.files.append(self._save_one(resource))
            except ModellixError as error:
                saved.errors.append(self._explained(error, task))

    def _save_one(self, resource: Resource) -> SavedFile:
        inline = inline_content(resource)
        if inline is not None:
            data, media_type = inline
            return self._write(resource, MediaStream(media_type, len(data), iter((data,))), None)

        def once(attempt: int) -> SavedFile:
            assert resource.url is not None
            with self._fetcher.open(resource.url) as stream:
                return self._write(resource, stream, resource.url)

        return with_retries(once, _RETRIES, self._clock, self._notice)

    def _write(self, resource: Resource, stream: MediaStream, url: str | None) -> SavedFile:
        self._check_size(stream.length or 0)
        chunks = iter(stream.chunks)
        head = next(chunks, b"")
        name = file_name(resource, stream.content_type, head[:16])
        with part_file(self.folder, name) as (target, part):
            size = 0
            deadline = self._clock.monotonic() + self._limits.timeout
            for chunk in _chain(head, chunks):
                size += len(chunk)
                self._check_size(size)
                if self._clock.monotonic() > deadline:
                    raise self._too_slow()
                with _write_errors(part):
                    target.write(chunk)
                self._progress.bytes(name, size, stream.length)
            if stream.length is not None and size != stream.length:
                raise _cut(size, stream.length)
            with _write_errors(part):
                target.close()
            path = appear(part, self.folder, name, overwrite=self._overwrite, taken=self._taken)
        self._total += size
        self._progress.bytes(name, size, size)
        return SavedFile(path, size, resource.type, url)

    def _check_size(self, size: int) -> None:
        if size > self._limits.max_bytes:
            raise _over(f"Resource download exceeds the {self._limits.max_bytes}-byte limit.")
        if self._total + size > self._limits.max_total_bytes:
            raise _over(
                f"Task downloads exceed the {self._limits.max_total_bytes}-byte total limit."
            )

    def _too_slow(self) -> ModellixError:
        limit = format_duration(self._limits.timeout)
        return _over(f"Resource download exceeded its time limit of {limit}.")

    def _explained(self, error: ModellixError, task: Task) -> ModellixError:
        """Say that a result is gone rather than how its host put it.

        404 and 410 say so; 403 does where signed URLs have expired, after 24 hours.
        """
        if error.code is not Code.DOWNLOAD_FAILED or error.status not in (403, 404, 410):
            return error
        ended = task.ended_at
        old = ended is None or self._clock.now() - ended > RESULT_LIFETIME
        if error.status == 403 and not old:
            return error
        return ModellixError(
            Code.RESULT_EXPIRED,
            f"Task {task.task_id} succeeded, but its result is gone. {error.message}",
            status=error.status,
        )


def check_downloadable(task: Task, max_resources: int) -> None:
    """Raise unless the task succeeded with at least one and at most `max_resources` resources."""
    if task.failed:
        raise task_failed(task)
    if not task.succeeded:
        raise ModellixError(
            Code.TASK_NOT_FINISHED,
            f"Task {task.task_id} is not complete (current status: {task.status}).",
            task_id=task.task_id,
        )
    if not task.resources:
        raise ModellixError(
            Code.NO_RESOURCES,
            f"Task {task.task_id} does not contain downloadable resources.",
            task_id=task.task_id,
        )
    if len(task.resources) > max_resources:
        raise _over(
            f"Task has {count(len(task.resources), 'resource')}, "
            f"more than the allowed {max_resources}."
        )


def task_failed(task: Task) -> ModellixError:
    """Return the error for a task that ended without a result, with the server's reason."""
    reason = clip(one_line(task.reason or "the server gave no reason"), 500)
    return ModellixError(
        Code.TASK_FAILED, f"Task {task.task_id} {task.status}: {reason}", task_id=task.task_id
    )


def _chain(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if head:
        yield head
    yield from rest


@contextmanager
def _write_errors(part: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unwritable(part, error) from error


def _cut(size: int, announced: int) -> ModellixError:
    return ModellixError(
        Code.DOWNLOAD_FAILED,
        f"Only {size} of {announced} bytes arrived.",
        retryable=size < announced,
    )


def _over(message: str) -> ModellixError:
    return ModellixError(Code.RESOURCE_LIMIT, message)

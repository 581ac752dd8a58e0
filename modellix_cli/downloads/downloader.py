"""Saving what a task made. Each file appears whole or not at all; one failure stops no other."""

import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.task import RESULT_LIFETIME, Resource, Task
from modellix_cli.domain.text import clip, count, one_line
from modellix_cli.downloads.commit_order import CommitOrder
from modellix_cli.downloads.destination import Abandoned, DownloadDestination, over
from modellix_cli.downloads.fetcher import MediaFetcher, MediaStream
from modellix_cli.downloads.files import safe_name, split_extension
from modellix_cli.downloads.resources import file_name, inline_content
from modellix_cli.downloads.transfer import Means, Transfer
from modellix_cli.downloads.url_refresher import UrlRefresher
from modellix_cli.engine.progress import Progress
from modellix_cli.engine.worker_pool import Pool

GIB: Final = 1024**3
_GONE: Final = (403, 404, 410)
_LOOK: Final = 1.0
"""Seconds between looks for Ctrl-C on systems where it does not end a wait for a thread."""

Naming = Callable[[Resource, str], str]
"""Maps a resource and an extension without dot, which may be "", to the file name wanted for it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a download may use.

    Sizes in bytes; `timeout` in seconds for each file, over all its tries; `parallel` files are
    fetched at once.
    """

    max_bytes: int = GIB
    max_total_bytes: int = 2 * GIB
    max_resources: int = 100
    timeout: float = 600.0
    parallel: int = 4


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
    _files: dict[int, SavedFile] = field(default_factory=dict)
    _errors: dict[int, ModellixError] = field(default_factory=dict)

    @property
    def files(self) -> list[SavedFile]:
        """What was saved, in the order of the resources."""
        return [file for _, file in sorted(self._files.items())]

    @property
    def errors(self) -> list[ModellixError]:
        """What went wrong, in the order of the resources."""
        return [error for _, error in sorted(self._errors.items())]

    def add(self, position: int, file: SavedFile) -> None:
        """Record the file of the resource at `position`, counted from 1."""
        self._files[position] = file

    def fail(self, error: ModellixError, position: int = 0) -> None:
        """Record why the resource at `position`, or at 0 the whole task, was not saved."""
        self._errors[position] = error

    def explain(self, explained: Callable[[ModellixError], ModellixError]) -> None:
        """Replace every failure by what `explained` makes of it."""
        self._errors = {at: explained(error) for at, error in self._errors.items()}


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """A task that is being saved."""

    task: Task
    saved: Saved
    progress: Progress
    turns: CommitOrder
    anew: UrlRefresher
    name: Naming | None


class Downloader:
    """Saves what tasks made into one folder. One serves many tasks, from many threads at a time.

    All that is saved through one shares the names (no file replaces another), the limit on the
    total, and the number of files fetched at once. `reread` asks for a task anew, once, when a
    result is not at its URL any more. `notice` is told about every retry, from any thread, one at
    a time.
    """

    def __init__(
        self,
        fetcher: MediaFetcher,
        folder: Path,
        limits: Limits,
        *,
        overwrite: bool,
        clock: Clock,
        notice: Callable[[str], None],
        reread: Callable[[str], Task] | None = None,
    ) -> None:
        self.folder = folder
        self._limits = limits
        self._clock = clock
        self._reread = reread
        self._talk = threading.Lock()
        self._slots = threading.BoundedSemaphore(limits.parallel)
        self._jobs: list[_Job] = []
        self._shelf = DownloadDestination(
            folder,
            overwrite=overwrite,
            max_bytes=limits.max_bytes,
            max_total_bytes=limits.max_total_bytes,
        )
        tell = partial(self._tell, notice)
        self._means = Means(fetcher, self._shelf, clock, tell, limits.timeout)

    def save(
        self, task: Task, saved: Saved, progress: Progress, name: Naming | None = None
    ) -> None:
        """Fill `saved` with every resource of a finished task.

        `name` chooses file names, which are made safe and unique afterwards; it is asked from any
        thread, more than once. Without it, or where it gives none, they are those of the URLs.
        Raises `TASK_NOT_FINISHED`, `TASK_FAILED`, `NO_RESOURCES` or `RESOURCE_LIMIT` before the
        first request; later failures are collected in `saved.errors`. Ctrl-C in this thread ends
        it at once and stops the downloader; after a stop from elsewhere it raises `Abandoned`.
        `saved` holds what was complete by then.
        """
        check_downloadable(task, self._limits.max_resources)
        names = {resource.position: _wanted(name, resource) for resource in task.resources}
        job = _Job(
            task,
            saved,
            progress,
            CommitOrder(names),
            UrlRefresher(task.task_id, self._reread),
            name,
        )
        self._jobs.append(job)
        workers: Pool[int, None] = Pool(
            min(self._limits.parallel, len(task.resources)), self._clock
        )
        try:
            for resource in task.resources:
                workers.start(resource.position, partial(self._save_one, job, resource))
            under_way = len(task.resources)
            while under_way:
                done = workers.next(_LOOK)
                under_way -= done is not None
                if done and done.error:
                    raise done.error
        except BaseException:
            with suppress(KeyboardInterrupt):
                self.stop()
            self.stop()  # again: a second Ctrl-C may have torn the first
            raise
        finally:
            workers.close()
            self._jobs.remove(job)

    def stop(self) -> None:
        """End all saving, from any thread: nothing incomplete stays, nothing more appears."""
        for job in list(self._jobs):
            job.turns.flush()
        self._shelf.stop()

    def _save_one(self, job: _Job, resource: Resource) -> None:
        """Fetch a resource and let its file appear when it is its turn; runs on a worker."""
        try:
            with self._slots, ExitStack() as stack:
                finish = self._fetch(job, resource, stack)
                kept = stack.pop_all()
        except ModellixError as error:
            failure = self._explained(error, job.task)
            job.turns.end(resource.position, partial(job.saved.fail, failure, resource.position))
        else:
            job.turns.end(resource.position, partial(_finish, kept, finish))

    def _fetch(self, job: _Job, resource: Resource, stack: ExitStack) -> Callable[[], None]:
        """Bring a resource into a `.part` file and return what gives that its name."""
        wanted = _wanted(job.name, resource)
        inline = inline_content(resource)
        target, part = stack.enter_context(self._shelf.part(wanted))
        transfer = Transfer(
            self._means,
            target,
            part,
            lambda: self._tell(job.progress.bytes, wanted, transfer.size, transfer.length),
        )
        try:
            if inline is None:
                url = self._fetch_url(transfer, job, resource)
            else:
                data, media_type = inline
                url = None
                transfer.take(MediaStream(media_type, len(data), iter((data,))))
        except BaseException:
            transfer.release()
            raise
        name = _wanted(job.name, resource, transfer.content_type, transfer.head)

        def finish() -> None:
            try:
                path = self._shelf.put(part, name)
            except Abandoned:
                return
            except ModellixError as error:
                job.saved.fail(error, resource.position)
            else:
                file = SavedFile(path, transfer.size, resource.type, url)
                job.saved.add(resource.position, file)

        return finish

    def _fetch_url(self, transfer: Transfer, job: _Job, resource: Resource) -> str:
        """Fetch from the URL of a resource, else from a new one; return the one that worked."""
        assert resource.url is not None
        try:
            transfer.fetch(resource.url)
        except ModellixError as error:
            gone = error.code is ErrorCode.DOWNLOAD_FAILED and error.status in _GONE
            url = job.anew.url(resource) if gone else None
            if url is None:
                raise
            transfer.fetch(url)
            return url
        return resource.url

    def _tell(self, listener: Callable[..., None], *what: Any) -> None:
        """Tell something to a listener that need not know of threads; nothing after a stop."""
        with self._talk:
            if not self._shelf.stopped:
                listener(*what)

    def _explained(self, error: ModellixError, task: Task) -> ModellixError:
        """Say that a result is gone rather than how its host put it.

        404 and 410 say so; 403 does where signed URLs have expired, after 24 hours.
        """
        if error.code is not ErrorCode.DOWNLOAD_FAILED or error.status not in _GONE:
            return error
        ended = task.ended_at
        old = ended is None or self._clock.now() - ended > RESULT_LIFETIME
        if error.status == 403 and not old:
            return error
        return ModellixError(
            ErrorCode.RESULT_EXPIRED,
            f"Task {task.task_id} succeeded, but its result is gone. {error.message}",
            status=error.status,
        )


def _wanted(
    name: Naming | None, resource: Resource, content_type: str | None = None, head: bytes = b""
) -> str:
    """Return the name wanted for a file, as far as what is known of it tells."""
    usual = file_name(resource, content_type, head)
    if name is None:
        return usual
    return safe_name(name(resource, split_extension(usual)[1][1:])) or usual


def _finish(kept: ExitStack, finish: Callable[[], None]) -> None:
    """Let a file appear and clean up after it."""
    with kept:
        finish()


def check_downloadable(task: Task, max_resources: int) -> None:
    """Raise unless the task succeeded with at least one and at most `max_resources` resources."""
    if task.failed:
        raise task_failed(task)
    if not task.succeeded:
        raise ModellixError(
            ErrorCode.TASK_NOT_FINISHED,
            f"Task {task.task_id} is not complete (current status: {task.status}).",
            task_id=task.task_id,
        )
    if not task.resources:
        raise ModellixError(
            ErrorCode.NO_RESOURCES,
            f"Task {task.task_id} does not contain downloadable resources.",
            task_id=task.task_id,
        )
    if len(task.resources) > max_resources:
        raise over(
            f"Task has {count(len(task.resources), 'resource')}, "
            f"more than the allowed {max_resources}."
        )


def task_failed(task: Task) -> ModellixError:
    """Return the error for a task that ended without a result, with the server's reason."""
    reason = clip(one_line(task.reason or "the server gave no reason"), 500)
    return ModellixError(
        ErrorCode.TASK_FAILED, f"Task {task.task_id} {task.status}: {reason}", task_id=task.task_id
    )

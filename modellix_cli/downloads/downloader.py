"""Saving what a task made. Each file appears whole or not at all; one failure stops no other.

The way of a resource: its name and its part (here), the tries that fill the part (`transfer`,
decided by `tries`), each of them some requests (`fetcher`), and at its turn (`plan`) the name.
"""

import hashlib
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final, Protocol

from modellix_cli.clock import Clock, clock_time
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.saved import Saved, SavedFile
from modellix_cli.domain.task import Resource, Task
from modellix_cli.downloads.destination import Abandoned, DownloadDestination
from modellix_cli.downloads.fetcher import MediaFetcher
from modellix_cli.downloads.files import safe_name, split_extension
from modellix_cli.downloads.limits import Limits, NameChooser, check_downloadable, task_failed
from modellix_cli.downloads.parts import Part
from modellix_cli.downloads.plan import CommitOrder
from modellix_cli.downloads.resources import file_name, inline_content
from modellix_cli.downloads.transfer import Services, Transfer, TransferListener
from modellix_cli.downloads.tries import MISSING

__all__ = [
    "Downloader",
    "Limits",
    "NameChooser",
    "TaskReader",
    "TransferListener",
    "check_downloadable",
    "task_failed",
]

_REFUSED: Final = (400, 401, 403)
"""Statuses of signed URLs that have expired, and of others that are wrong."""
_LOOK: Final = 1.0
"""Seconds between checks for Ctrl-C and for a stop while threads work."""


class TaskReader(Protocol):
    """Who can read a task again: the API's client is one."""

    def task(self, task_id: str, /) -> Task:
        """Return what the API says about a task now. Raises `ModellixError`."""


class Silent:
    """A listener that tells nobody."""

    def progress(self, name: str, done: int, total: int | None) -> None:
        """Say nothing."""

    def notice(self, text: str) -> None:
        """Say nothing."""


@frozen
class _Arrived:
    """A complete part and the file that it is to become; `path` holds the name that is wanted."""

    part: Part
    file: SavedFile


class _Job:
    """A task that is being saved; `lock` guards the order in which its files appear."""

    def __init__(
        self,
        task: Task,
        folder: Path,
        names: NameChooser | None,
        reread: TaskReader | None,
    ) -> None:
        self.task = task
        self.saved = Saved(folder)
        self.names = names
        self.lock = threading.Lock()
        self.order: CommitOrder[_Arrived | ModellixError] = CommitOrder(
            {resource.position: self.wanted(resource) for resource in task.resources}
        )
        self.done: SimpleQueue[BaseException | None] = SimpleQueue()
        self._reread = reread
        self._read = threading.Lock()
        self._now: Task | None = None

    def wanted(self, resource: Resource, content_type: str | None = None, head: bytes = b"") -> str:
        """Return the name wanted for a file, as far as what is known of it tells."""
        usual = file_name(resource, content_type, head)
        if self.names is None:
            return usual
        return safe_name(self.names.name(resource, split_extension(usual)[1][1:])) or usual

    def key(self, resource: Resource) -> str:
        """Return what names the part of a resource, in every process."""
        text = f"{self.task.task_id}\0{resource.position}"
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]

    def moved(self, resource: Resource) -> str | None:
        """Return another URL that the task now has for a resource; it is read again only once."""
        with self._read:
            if self._reread is not None:
                reread, self._reread = self._reread, None
                with suppress(ModellixError):  # the failure that led here says more
                    self._now = reread.task(self.task.task_id)
            now = self._now.resources if self._now else ()
        url = now[resource.position - 1].url if resource.position <= len(now) else None
        return url if url != resource.url else None


class _Told:
    """Passes on to a listener, one thing at a time, and nothing after a stop."""

    def __init__(self, listener: TransferListener, destination: DownloadDestination) -> None:
        self._listener = listener
        self._destination = destination
        self._lock = threading.Lock()

    def progress(self, name: str, done: int, total: int | None) -> None:
        with self._lock:
            if not self._destination.stopped:
                self._listener.progress(name, done, total)

    def notice(self, text: str) -> None:
        with self._lock:
            if not self._destination.stopped:
                self._listener.notice(text)


class Downloader:
    """Saves what tasks made into one folder. One serves many tasks, from many threads at a time.

    All that is saved through one shares the names (no file replaces another), the limit on the
    total, and the number of files fetched at once. `reread` is asked for a task, once, when a
    result is not at its URL any more. `listener` hears how it goes. `close` it in the end.
    """

    def __init__(
        self,
        fetcher: MediaFetcher,
        folder: Path,
        limits: Limits,
        *,
        overwrite: bool,
        clock: Clock,
        reread: TaskReader | None = None,
        listener: TransferListener | None = None,
    ) -> None:
        self.folder = folder
        self.listener = listener or Silent()
        self.interrupted: list[Saved] = []
        """What `save` had saved where Ctrl-C ended it."""
        self._limits = limits
        self._clock = clock
        self._reread = reread
        self._slots = threading.BoundedSemaphore(limits.parallel)
        self._jobs: list[_Job] = []
        self._destination = DownloadDestination(
            folder,
            overwrite=overwrite,
            max_bytes=limits.max_bytes,
            max_total_bytes=limits.max_total_bytes,
        )
        told = _Told(self.listener, self._destination)
        self._services = Services(fetcher, self._destination, clock, told, limits.timeout)

    def save(self, task: Task, names: NameChooser | None = None) -> Saved:
        """Save every resource of a finished task; return when all of them are saved or failed.

        `names` chooses file names; without it, or where it gives none, they are those of the URLs.
        Raises `TASK_NOT_FINISHED`, `TASK_FAILED`, `NO_RESOURCES` or `RESOURCE_LIMIT` before the
        first request; later failures are in `Saved.errors`. After a `stop` from elsewhere it
        returns what was complete, `stopped` being true. Ctrl-C in this thread stops the downloader
        and is raised; `interrupted` has what was complete.
        """
        check_downloadable(task, self._limits.max_resources)
        job = _Job(task, self.folder, names, self._reread)
        self._jobs.append(job)
        try:
            self._run(job)
        except BaseException:
            self.interrupted.append(job.saved)
            with suppress(KeyboardInterrupt):
                self.stop()
            self.stop()  # again: a second Ctrl-C may have torn the first
            raise
        finally:
            self._jobs.remove(job)
        return job.saved

    def stop(self) -> None:
        """End all saving, from any thread: nothing incomplete stays, nothing more appears."""
        for job in list(self._jobs):
            with job.lock:
                self._settle(job, job.order.rest())
        self._destination.stop()
        for job in list(self._jobs):
            job.done.put(Abandoned())  # `save` need not wait for threads that wait for hosts

    def close(self) -> None:
        """Remove what killed downloads left in the folder and nobody goes on with."""
        self._destination.sweep()

    def _run(self, job: _Job) -> None:
        """Save every resource on threads; this one stays free for Ctrl-C."""
        waiting: SimpleQueue[Resource] = SimpleQueue()
        for resource in job.task.resources:
            waiting.put(resource)
        for _ in range(min(self._limits.parallel, len(job.task.resources))):
            threading.Thread(target=self._work, args=(job, waiting), daemon=True).start()
        left = len(job.task.resources)
        while left and not self._destination.stopped:
            with suppress(Empty):
                error = job.done.get(timeout=_LOOK)
                left -= 1
                if isinstance(error, Abandoned):
                    break
                if error is not None:
                    raise error
        job.saved.stopped = self._destination.stopped

    def _work(self, job: _Job, waiting: "SimpleQueue[Resource]") -> None:
        """Save resources until none waits; runs on a thread of its own."""
        with suppress(Empty):
            while True:
                resource = waiting.get_nowait()
                try:
                    self._save_one(job, resource)
                except BaseException as error:  # noqa: BLE001 - handed to the waiting thread
                    job.done.put(error)
                else:
                    job.done.put(None)

    def _save_one(self, job: _Job, resource: Resource) -> None:
        """Fetch a resource and let its file appear when it is its turn."""
        outcome: _Arrived | ModellixError
        try:
            with self._slots:
                outcome = self._fetch(job, resource)
        except ModellixError as error:
            outcome = self._explained(error, job.task, resource)
        with job.lock:
            self._settle(job, job.order.ready(resource.position, outcome))

    def _fetch(self, job: _Job, resource: Resource) -> _Arrived:
        """Bring a resource into a part."""
        wanted = job.wanted(resource)
        inline = inline_content(resource)
        part = self._destination.part(job.key(resource), wanted)
        now = self._clock.now()
        kept = now <= (_kept_until(job.task, resource) or 0.0)
        transfer = Transfer(self._services, part, resource, wanted, kept=kept)
        try:
            url = None
            if inline is None:
                url = transfer.fetch(job)
            else:
                transfer.take(*inline)
            name = job.wanted(resource, transfer.content_type, transfer.head)
            path, digest = self.folder / name, part.sha256
        except BaseException:
            self._destination.discard(part)
            transfer.release()
            raise
        file = SavedFile(path, part.size, resource.type, url, digest, resource.position)
        return _Arrived(part, file)

    def _settle(self, job: _Job, turn: Iterable[tuple[int, _Arrived | ModellixError]]) -> None:
        """Give complete parts their names, in their order, and record failures."""
        for position, outcome in turn:
            if isinstance(outcome, ModellixError):
                job.saved.fail(outcome, position)
                continue
            try:
                path = self._destination.put(outcome.part, outcome.file.path.name)
            except Abandoned:
                pass
            except ModellixError as error:
                job.saved.fail(error, position)
            else:
                job.saved.add(replace(outcome.file, path=path))
            finally:
                self._destination.discard(outcome.part)

    def _explained(self, error: ModellixError, task: Task, resource: Resource) -> ModellixError:
        """Say whether a result is gone, or only not there yet, rather than how its host put it.

        It is gone once it is not kept any longer and the host has none or refuses it; where nobody
        knows when that is, 403, 404 and 410 say so. Until then it may be late, and is told so.
        """
        until, status = _kept_until(task, resource), error.status
        if error.code is not ErrorCode.DOWNLOAD_FAILED or status not in (*MISSING, *_REFUSED):
            return error
        if until is not None and self._clock.now() <= until:
            if status not in MISSING:
                return error
            late = f"Its host should keep it until {clock_time(until)}, so it may only be late."
            return error.copy_with(message=f"{error.message} {late}", retryable=True)
        if until is None and status not in (*MISSING, 403):
            return error
        return ModellixError(
            ErrorCode.RESULT_EXPIRED,
            f"Task {task.task_id} succeeded, but its result is gone. {error.message}",
            status=status,
        )


def _kept_until(task: Task, resource: Resource) -> float | None:
    """Return the Unix time until which a result is kept, None where that is not known."""
    return task.expires_at if resource.expires_at is None else resource.expires_at

"""What saving a task's results is given and gives back: limits, names, files, failures."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.domain.task import Resource, Task
from modellix_cli.domain.text import clip, count, one_line

GIB: Final = 1024**3


class NameChooser(Protocol):
    """Who chooses file names; they are made safe and unique afterwards."""

    def name(self, resource: Resource, extension: str) -> str:
        """Return the name for a resource; `extension` has no dot and may be "".

        It is asked from any thread, more than once.
        """


@frozen
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


@frozen
class SavedFile:
    """A file that was saved.

    `url` is where it came from, None for inline results; `sha256` in hex; `position` that of its
    resource, from 1. `sidecar` is the record of how it was made that stands beside it, `embedded`
    whether there is one inside.
    """

    path: Path
    bytes: int
    type: str | None
    url: str | None
    sha256: str
    position: int
    sidecar: Path | None = None
    embedded: bool = False

    def as_dict(self) -> JsonObject:
        """Return the entry of `files` in JSON; without what there is not, or is not known."""
        entry: JsonObject = {"bytes": self.bytes, "path": str(self.path)}
        if self.type is not None:
            entry["type"] = self.type
        if self.url is not None:
            entry["url"] = self.url
        if self.sidecar is not None:
            entry["sidecar"] = str(self.sidecar)
        if self.embedded:
            entry["embedded"] = True
        return entry


@dataclass(slots=True)
class Saved:
    """The outcome of saving a task's resources; complete at any moment.

    `stopped`: the downloader was stopped before all was saved. `failures` by the position of the
    resource, 0 for the whole task.
    """

    folder: Path
    stopped: bool = False
    _files: dict[int, SavedFile] = field(default_factory=dict)
    failures: dict[int, ModellixError] = field(default_factory=dict)

    @property
    def files(self) -> list[SavedFile]:
        """What was saved, in the order of the resources."""
        return [file for _, file in sorted(self._files.items())]

    @property
    def errors(self) -> list[ModellixError]:
        """What went wrong, in the order of the resources."""
        return [error for _, error in sorted(self.failures.items())]

    def add(self, file: SavedFile) -> None:
        """Record a file."""
        self._files[file.position] = file

    def fail(self, error: ModellixError, position: int = 0) -> None:
        """Record why the resource at `position`, or at 0 the whole task, was not saved."""
        self.failures[position] = error


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
        raise ModellixError(
            ErrorCode.RESOURCE_LIMIT,
            f"Task has {count(len(task.resources), 'resource')}, "
            f"more than the allowed {max_resources}.",
        )


def task_failed(task: Task) -> ModellixError:
    """Return the error for a task that ended without a result, with the server's reason."""
    reason = clip(one_line(task.reason or "the server gave no reason"), 500)
    return ModellixError(
        ErrorCode.TASK_FAILED, f"Task {task.task_id} {task.status}: {reason}", task_id=task.task_id
    )

"""What saving the results of a task came to: files and failures."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonObject

if TYPE_CHECKING:
    from pathlib import Path


@frozen
class SavedFile:
    """A file that was saved.

    `url` is where it came from, None for inline results; `sha256` in hex; `position` that of its
    resource, from 1. `sidecar` is the record of how it was made that stands beside it, `embedded`
    whether there is one inside.
    """

    path: "Path"
    bytes: int
    type: str | None
    url: str | None
    sha256: str
    position: int
    sidecar: "Path | None" = None
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

    `stopped`: the downloader was stopped before all was saved. `kept`: an earlier command had saved
    everything, and it is still there. `failures` by the position of the
    resource, 0 for the whole task.
    """

    folder: "Path"
    stopped: bool = False
    kept: bool = False
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

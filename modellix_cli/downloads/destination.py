"""Where downloads end up: one folder, with one account of names and bytes for all who save there.

Everything here may be called from several threads at once.
"""

import sys
import threading
from pathlib import Path

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.downloads.files import appear
from modellix_cli.downloads.parts import Part, open_part, sweep


class Abandoned(Exception):
    """Saving was stopped from elsewhere; nobody wants the result of this work any more."""


class DownloadDestination:
    """A folder for files, and what they may hold: `max_bytes` each, `max_total_bytes` together.

    Existing files are kept unless `overwrite`; those put here never replace each other.
    """

    def __init__(
        self, folder: Path, *, overwrite: bool, max_bytes: int, max_total_bytes: int
    ) -> None:
        self.folder = folder
        self.stopped = False
        self._overwrite = overwrite
        self._max_bytes = max_bytes
        self._max_total_bytes = max_total_bytes
        self._lock = threading.Lock()
        self._taken: set[str] = set()
        self._parts: set[Part] = set()
        self._total = 0
        self._used = False

    def part(self, key: str, name: str) -> Part:
        """Open the part of the result `key` that is to become `name`; `discard` it in the end.

        Raises `Abandoned` after a stop, `OUTPUT_UNWRITABLE`.
        """
        with self._lock:
            self.check()
            self._used = True
            part = open_part(self.folder, key, self.folder / name)
            self._parts.add(part)
            return part

    def put(self, part: Part, name: str) -> Path:
        """Give a finished part its name, or the next free one, and return its path."""
        with self._lock:
            self.check()
            part.forget()
            if sys.platform == "win32":  # an open file cannot be renamed there
                part.close()
            return appear(
                part.path, self.folder, name, overwrite=self._overwrite, taken=self._taken
            )

    def discard(self, part: Part) -> None:
        """Be done with a part: it is gone unless it was put in its place."""
        with self._lock:
            self._parts.discard(part)
            part.forget()
            if sys.platform == "win32":
                part.close()
            part.remove()
            part.close()

    def reserve(self, had: int, size: int) -> None:
        """Change the share of one file in the total from `had` to `size` bytes.

        Raises `RESOURCE_LIMIT`, and leaves the share as it is, if that is more than allowed.
        """
        if size > self._max_bytes:
            raise over(f"Resource download exceeds the {self._max_bytes}-byte limit.")
        with self._lock:
            if size > had and self._total - had + size > self._max_total_bytes:
                raise over(f"Task downloads exceed the {self._max_total_bytes}-byte total limit.")
            self._total += size - had

    def check(self) -> None:
        """Raise `Abandoned` after a stop."""
        if self.stopped:
            raise Abandoned

    def stop(self) -> None:
        """End all saving here: what is incomplete is removed, nothing new appears."""
        with self._lock:
            self.stopped = True
            for part in self._parts:
                # A thread may still write to it: that goes nowhere where open files can be
                # removed; elsewhere the thread removes it when it sees the stop.
                part.remove()

    def sweep(self) -> None:
        """Remove the parts that killed processes left in the folder, if anything was saved here."""
        if self._used:
            sweep(self.folder)


def over(message: str) -> ModellixError:
    """Return the error for a download over one of its limits."""
    return ModellixError(ErrorCode.RESOURCE_LIMIT, message)

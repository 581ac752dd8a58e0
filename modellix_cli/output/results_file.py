"""The file of `--results`: one JSON object a line, each written as it comes."""

import errno
import os
import stat
import sys
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Final

from modellix_cli.domain.errors import usage
from modellix_cli.domain.jsontext import JsonObject, dumps
from modellix_cli.downloads.files import unwritable
from modellix_cli.output.sink import Sink

_AT_ONCE: Final = getattr(os, "O_NONBLOCK", 0)
_NO_READER: Final = OSError(errno.ENXIO, "nothing reads from this pipe")


class ResultsFile(AbstractContextManager["ResultsFile"]):
    """The file that one batch at a time writes its results to."""

    def __init__(self, path: Path, sink: Sink) -> None:
        """Make the file, or open it; what is in it stays.

        Raises `OUTPUT_UNWRITABLE`, also for a pipe that nobody reads, and the usage error for a
        file that another batch writes to.
        """
        self._path = path
        self._sink = sink
        try:
            self._file = open(path, "a", encoding="utf-8", opener=_open_at_once)  # noqa: SIM115
        except OSError as error:
            if error.errno == errno.ENXIO:
                hint = "Start the program that reads it first, or name a file with --results."
                raise unwritable(path, _NO_READER).copy_with(hint=hint) from error
            raise unwritable(path, error) from error
        if not _lock(self._file.fileno()):
            self._file.close()
            raise usage(
                f"Another batch is writing its results to {path}.",
                hint="Name another file with --results, or wait until that batch has ended.",
            )

    def __exit__(self, *_details: object) -> None:
        with suppress(OSError):  # a full disk, which the failed write has told
            self._file.close()

    def clear(self) -> None:
        """Forget the results of an earlier run. Raises `OUTPUT_UNWRITABLE`."""
        try:
            if stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
                self._file.truncate(0)
        except OSError as error:
            raise unwritable(self._path, error) from error

    def add(self, entry: JsonObject) -> None:
        """Write an entry. Raises `OUTPUT_UNWRITABLE`."""
        try:
            self._file.write(dumps(self._sink.cleaned(entry), indent=None) + "\n")
            self._file.flush()
        except OSError as error:
            raise unwritable(self._path, error) from error


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without waiting for a reader, where it is a pipe; writing waits as usual."""
    descriptor = os.open(path, flags | _AT_ONCE, 0o666)
    if _AT_ONCE:
        os.set_blocking(descriptor, True)
    return descriptor


def _lock(descriptor: int) -> bool:
    """Lock a file until it is closed; False if another process has. Not all systems can tell."""
    if sys.platform == "win32" or not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without such locks
        return True
    return True

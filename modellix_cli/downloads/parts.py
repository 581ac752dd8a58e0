"""`.part` files: results on their way to the disk.

A part is named after its task and resource, and locked while somebody fills it. What a killed
process left behind is therefore known to be nobody's: the next download of the same result goes on
with it, any other into that folder removes it. A small JSON file beside it says which version of
the file it is a part of.
"""

import json
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO, Final

from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.downloads.files import unwritable
from modellix_cli.downloads.hashing import StreamHash
from modellix_cli.downloads.response import Checksum

_NAME: Final = re.compile(r"\.modellix-[0-9a-f]{16}\.part")
_FACTS_FROM: Final = 64 * 1024
"""Bytes from which on a part is worth the file that lets it be gone on with."""
_MAX_FACTS: Final = 16 * 1024
_READ: Final = 1024 * 1024
_NEW: Final = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class Part:
    """A locked file that is being filled; `size` bytes are in it, hashed as they come.

    Use it from one thread at a time. `label` names it in errors.
    """

    def __init__(self, path: Path, descriptor: int, label: Path) -> None:
        self.path = path
        self.label = label
        self.size = 0
        self._file: BinaryIO = os.fdopen(descriptor, "r+b")
        self._hash = StreamHash()
        self._facts: JsonObject | None = None
        self._on_disk = os.fstat(descriptor).st_size

    @property
    def facts_path(self) -> Path:
        """The file that says what this is a part of."""
        return self.path.with_suffix(".json")

    @property
    def sha256(self) -> str:
        """The hash of all bytes, in hex."""
        return self._hash.digest("sha256").hex()

    def restart(self, checksum: Checksum | None, facts: JsonObject | None) -> None:
        """Begin the file at its first byte; with `facts` it may be gone on with later.

        Nothing is truncated here: ext4 would flush the file when it is closed.
        """
        self._on_disk, self.size = max(self._on_disk, self.size), 0
        self._hash.close()
        self._hash = StreamHash(checksum.algorithm if checksum else None)
        self.forget()
        self._facts = facts
        with unwritable_as(self.label):
            self._file.seek(0)

    def write(self, chunk: bytes | memoryview) -> None:
        """Append bytes. Raises `OUTPUT_UNWRITABLE`."""
        with unwritable_as(self.label):
            self._file.write(chunk)
        self._hash.put(chunk)
        self.size += len(chunk)
        if self._facts is not None and self.size >= _FACTS_FROM:
            self._remember(self._facts)
            self._facts = None

    def keeps(self, checksum: Checksum) -> bool:
        """Whether the bytes hash to what was promised when they began."""
        return self._hash.digest(checksum.algorithm) == checksum.digest

    def finish(self) -> None:
        """Learn whether all could be written. Raises `OUTPUT_UNWRITABLE`. The lock stays."""
        with unwritable_as(self.label):
            self._file.flush()
            if self._on_disk > self.size:
                self._file.truncate(self.size)
            # Some network file systems tell only when a descriptor is closed.
            os.close(os.dup(self._file.fileno()))

    def earlier(self) -> JsonObject | None:
        """Return the facts of what a killed process left here, None if there is nothing usable."""
        if not self._on_disk:
            return None
        try:
            facts = json.loads(self.facts_path.read_bytes()[:_MAX_FACTS])
        except (OSError, ValueError):
            return None
        usable = isinstance(facts, dict) and facts.get("boot") == _boot()
        return facts if usable else None

    def take_over(self, checksum: Checksum | None, head: int) -> bytes:
        """Go on after the bytes that are here, read once to hash them; return the first `head`."""
        first = b""
        self._hash.close()
        self._hash = StreamHash(checksum.algorithm if checksum else None)
        with unwritable_as(self.label):
            self._file.seek(0)
            while piece := self._file.read(_READ):
                self._hash.put(piece)
                self.size += len(piece)
                first = first or piece[:head]
        self._facts = None
        return first

    def close(self) -> None:
        """Release the file and its lock."""
        self._hash.close()
        with suppress(OSError):  # a full disk, which the failed write has told
            self._file.close()

    def remove(self) -> None:
        """Remove what is left of it from the folder."""
        self.forget()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def _remember(self, facts: JsonObject) -> None:
        text = json.dumps(facts | {"boot": _boot()})
        with suppress(OSError):  # it only saves time later
            descriptor = os.open(self.facts_path, _NEW | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(text)

    def forget(self) -> None:
        """Remove what would let it be gone on with."""
        self._facts = None
        with suppress(OSError):
            self.facts_path.unlink(missing_ok=True)


def open_part(folder: Path, key: str, label: Path) -> Part:
    """Open the part that `key` names, else, if another process fills that, one of its own.

    Raises `OUTPUT_UNWRITABLE`, naming `label`.
    """
    for name in (key, token_hex(8), token_hex(8)):
        path = folder / f".modellix-{name}.part"
        if (descriptor := _locked(path)) is not None:
            return Part(path, descriptor, label)
    path = folder / f".modellix-{token_hex(8)}.part"  # there are no locks: nobody goes on with it
    with unwritable_as(label):
        return Part(path, os.open(path, _NEW | os.O_EXCL, 0o666), label)


def _locked(path: Path) -> int | None:
    """Open and lock a part, new or left behind; None where it is another's or no lock is to be had.

    Only a plain file of ours that has one name is taken: the folder may be open to others.
    """
    for _ in range(3):
        try:
            descriptor = os.open(path, _NEW, 0o666)
        except OSError:  # what is wrong with the folder, another name tells too
            return None
        if not _lock(descriptor):
            os.close(descriptor)
            return None
        found = os.fstat(descriptor)
        ours = stat.S_ISREG(found.st_mode) and found.st_nlink <= 1 and found.st_uid == _user()
        try:
            same = os.path.samestat(found, path.lstat())
        except OSError:
            same = False
        if ours and same:
            return descriptor
        os.close(descriptor)
        if not ours and same:
            return None
    return None


def _lock(descriptor: int) -> bool:
    """Lock an open file for this process; False if another has, or the system cannot tell."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def sweep(folder: Path) -> None:
    """Remove the parts that killed processes left in a folder."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _NAME.fullmatch(entry.name):
                _sweep(Path(entry.path))


def _sweep(path: Path) -> None:
    if sys.platform == "win32":  # an open file cannot be removed there
        with suppress(OSError):
            path.unlink()
            path.with_suffix(".json").unlink(missing_ok=True)
        return
    descriptor = _locked(path)
    if descriptor is not None:
        part = Part(path, descriptor, path)
        part.remove()
        part.close()


def _user() -> int:
    return os.geteuid() if sys.platform != "win32" else 0


def _boot() -> str:
    """Return what tells two runs of the system apart: after a crash, files may have holes."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


@contextmanager
def unwritable_as(path: Path) -> Iterator[None]:
    """Turn the system's errors into `OUTPUT_UNWRITABLE` that names `path`."""
    try:
        yield
    except OSError as error:
        raise unwritable(path, error) from error

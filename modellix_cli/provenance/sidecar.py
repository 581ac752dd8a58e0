"""The record beside a file: `fox.png.json`, for every format, and for other programs to read."""

import os
import stat
from pathlib import Path
from secrets import token_hex
from typing import Final

from modellix_cli.domain.errors import ModellixError
from modellix_cli.downloads.files import appear
from modellix_cli.downloads.parts import open_part
from modellix_cli.provenance.embedding import LeftAlone, read_embedded
from modellix_cli.provenance.record import MAX_RECORD, Provenance

_OPEN: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def sidecar_path(path: Path) -> Path:
    """Return where the record of a file is: its name with `.json` after it."""
    return path.with_name(f"{path.name}.json")


def write_sidecar(path: Path, provenance: Provenance) -> Path | LeftAlone:
    """Write the record beside the file `path`, whole or not at all, and return where.

    An earlier record is replaced, any other file of that name is left alone. Raises nothing.
    """
    target = sidecar_path(path)
    try:
        if os.path.lexists(target) and read_sidecar(path) is None:
            reason = f"{target.name} exists and is not a record of modellix-cli"
            return LeftAlone(reason, failed=True)
        part = open_part(target.parent, token_hex(8), target)
        try:
            part.write((provenance.as_json(indent=2) + "\n").encode())
            part.finish()
            return appear(part.path, target.parent, target.name, overwrite=True, taken=set())
        finally:
            part.remove()
            part.close()
    except ModellixError as error:
        return LeftAlone(error.message.removesuffix("."), failed=True)


def read_sidecar(path: Path) -> Provenance | None:
    """Return the record beside the file `path`, None if there is none that can be read."""
    try:
        with os.fdopen(os.open(sidecar_path(path), _OPEN), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            return Provenance.parse(file.read(MAX_RECORD + 1))
    except OSError:
        return None


def read(path: Path) -> Provenance | None:
    """Return the record of a file: the one inside it, else the one beside it, else None.

    Raises `OSError` where the file cannot be read.
    """
    return read_embedded(path) or read_sidecar(path)

"""One file of the cache: JSON that may vanish, be old, broken or foreign at any time."""

import os
from contextlib import suppress
from pathlib import Path

from modellix_cli.domain.jsontext import Json, JsonError, dumps, loads
from modellix_cli.paths import make_private_dir


def read_cached(path: Path, most: int) -> dict[str, Json]:
    """Return the object in a file of at most `most` bytes; empty for whatever else is there."""
    try:
        if not path.is_file():  # opening a pipe would hang
            return {}
        with path.open("rb") as file:
            data = file.read(most + 1)
        kept = loads(data) if len(data) <= most else None
    except (OSError, ValueError, JsonError):
        return {}
    return kept if isinstance(kept, dict) else {}


def keep_cached(path: Path, kept: dict[str, Json], most: int | None = None) -> None:
    """Replace a file at once and for the user alone; where that fails, keep nothing.

    Nothing is kept either of what takes more than `most` bytes.
    """
    data = dumps(kept, indent=None).encode("utf-8", "surrogatepass")
    if most is not None and len(data) > most:
        return
    part = path.with_name(f"{path.name}.{os.urandom(4).hex()}.part")
    with suppress(OSError):
        make_private_dir(path.parent)
        try:
            descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

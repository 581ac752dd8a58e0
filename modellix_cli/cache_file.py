"""One small JSON file that may vanish, be broken or foreign at any time: then there is none."""

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from modellix_cli.domain.jsontext import Json, JsonError, dumps, loads
from modellix_cli.paths import make_private_dir


def path_for(folder: Path, kind: str, base_url: str) -> Path:
    """Return where `kind` is kept of `base_url`: `KIND-0123456789abcdef.json` in `folder`."""
    name = sha256(base_url.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return folder / f"{kind}-{name}.json"


def read(path: Path, max_bytes: int) -> dict[str, Json] | None:
    """Return the JSON object in the file, None where there is none of at most `max_bytes`."""
    try:
        if not path.is_file():  # opening a pipe would hang
            return None
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
        kept = loads(data) if len(data) <= max_bytes else None
    except (OSError, ValueError, JsonError):
        return None
    return kept if isinstance(kept, dict) else None


def write(path: Path, kept: dict[str, Json], max_bytes: int | None = None) -> bool:
    """Replace the file, whole and for the user alone; return whether that was possible.

    What takes more than `max_bytes` is not kept.
    """
    data = dumps(kept, indent=None).encode("utf-8", "surrogatepass")
    if max_bytes is not None and len(data) > max_bytes:
        return False
    part = path.with_name(f"{path.name}.{os.urandom(4).hex()}.part")
    with suppress(OSError):
        make_private_dir(path.parent)
        try:
            descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            part.replace(path)
            return True
        finally:
            part.unlink(missing_ok=True)
    return False

"""Reading the official CLI's history.json (official-cli.md 2.3). It is never written."""

import stat
from datetime import datetime
from pathlib import Path
from typing import Final

from modellix_cli.domain.account import DEFAULT_PROFILE
from modellix_cli.domain.addresses import parse_base_url
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json, JsonError, loads
from modellix_cli.domain.values import parse_profile, parse_task_id

MAX_BYTES: Final = 4 * 1024 * 1024
OFFICIAL_BASE_URL: Final = "https://api.modellix.ai"
"""What an entry without `baseUrl` is about."""

_LATEST: Final = 253_402_300_800.0  # the year 10000, which ISO 8601 does not reach
_LONGEST_TEXT: Final = 512


@frozen
class Entry:
    """A task of the history; times are Unix times."""

    task_id: str
    created_at: float
    updated_at: float
    base_url: str
    profile: str
    slug: str | None
    status: str | None


class NotAHistory(Exception):
    """The file is not a history.json, or cannot be read; says why."""


def read_history(path: Path) -> tuple[list[Entry], int]:
    """Return the entries of history.json, newest first, and how many others were unusable.

    Raises `NotAHistory`.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise NotAHistory("it is not a regular file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise NotAHistory(error.strerror or str(error)) from error
    return parse_history(data)


def parse_history(data: bytes) -> tuple[list[Entry], int]:
    """As `read_history`, from the file's content."""
    if len(data) > MAX_BYTES:
        raise NotAHistory(f"it exceeds {MAX_BYTES} bytes")
    try:
        document = loads(data)
    except JsonError as error:
        raise NotAHistory(f"invalid JSON, {error}") from error
    items = document.get("entries") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise NotAHistory("it has no list of entries")
    entries = [_read_entry(item) for item in items]
    usable = [entry for entry in entries if entry is not None]
    return usable, len(entries) - len(usable)


def _read_entry(item: Json) -> Entry | None:
    if not isinstance(item, dict):
        return None
    try:
        created, updated = _moment(item.get("createdAt")), _moment(item.get("updatedAt"))
        return Entry(
            task_id=parse_task_id(_text(item, "taskId")),
            created_at=created,
            updated_at=max(created, updated),
            base_url=parse_base_url(_text(item, "baseUrl", OFFICIAL_BASE_URL), allow_http=True),
            profile=parse_profile(_text(item, "profile", DEFAULT_PROFILE)),
            slug=_text(item, "modelSlug", "") or None,
            status=_text(item, "status", "") or None,
        )
    except (ModellixError, ValueError):
        return None


def _text(item: dict[str, Json], name: str, default: str | None = None) -> str:
    value = item.get(name, default)
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or not _storable(value):
        raise ValueError(name)
    return value.strip()


def _storable(text: str) -> bool:
    """Whether a database in UTF-8 can hold a text: one with half a surrogate pair it cannot."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _moment(value: Json) -> float:
    if not isinstance(value, str):
        raise ValueError("no time")  # noqa: TRY004 - all unusable entries are treated alike
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None or not 0 <= (seconds := moment.timestamp()) < _LATEST:
        raise ValueError("no time")
    return seconds

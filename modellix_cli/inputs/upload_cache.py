"""The files that were uploaded lately, by content, so that none is uploaded twice while it lives.

Uploads are kept by the service for about 7 days (docs/spec/service.md 7). What is here may vanish,
be broken or foreign at any time: then the file is uploaded again, which costs nothing.
"""

from contextlib import suppress
from pathlib import Path
from typing import Final

from modellix_cli import cache_file
from modellix_cli.clock import Clock
from modellix_cli.domain.account import Account
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.values import DAY

LIFETIME: Final = 6 * DAY
"""Seconds for which an upload is used again: less than it lives, as a task may wait its turn."""
_MOST_UPLOADS: Final = 1000
_MAX_BYTES: Final = 1024 * 1024


def forget_uploads(folder: Path, base_url: str) -> None:
    """Forget what was uploaded to an address, by whichever account; it is not there any more."""
    for path in folder.glob("uploads-*.json"):
        if (cache_file.read(path, _MAX_BYTES) or {}).get("baseUrl") == base_url:
            with suppress(OSError):
                path.unlink()


def kept_uploads(folder: Path, base_url: str) -> list[str]:
    """Return the ids of what was uploaded to an address lately, by whichever account."""
    found: dict[str, float] = {}
    for path in folder.glob("uploads-*.json"):
        kept = cache_file.read(path, _MAX_BYTES) or {}
        uploads = kept.get("uploads") if kept.get("baseUrl") == base_url else None
        for entry in uploads.values() if isinstance(uploads, dict) else ():
            if isinstance(entry, dict) and isinstance(entry.get("uploadedAt"), (int, float)):
                found[str(entry.get("fileId"))] = float(entry["uploadedAt"])
    return sorted(found, key=lambda file_id: -found[file_id])


class UploadCache:
    """The uploads of one account, in `folder`."""

    def __init__(self, folder: Path, account: Account, clock: Clock) -> None:
        mark = account.key_mark or "none"
        self._path = folder / f"uploads-{mark}.json"
        self._base_url = account.base_url
        self._clock = clock

    def url(self, digest: str) -> str | None:
        """Return the address of an upload that still lives, by the SHA-256 of its content."""
        entry = self._entries().get(digest)
        found = entry.get("url") if isinstance(entry, dict) else None
        return found if isinstance(found, str) else None

    def keep(self, digest: str, file_id: str, url: str) -> None:
        """Remember an upload that was just made."""
        entries = self._entries()
        entries[digest] = {"fileId": file_id, "uploadedAt": self._clock.now(), "url": url}
        self._write(dict(list(entries.items())[-_MOST_UPLOADS:]))

    def forget(self, file_id: str) -> None:
        """Forget an upload that was deleted."""
        entries = self._entries()
        left = {key: entry for key, entry in entries.items() if entry.get("fileId") != file_id}
        if left != entries:
            self._write(left)

    def _entries(self) -> dict[str, Json]:
        """Return the uploads that still live; one from the future is of a clock that was wrong."""
        kept = cache_file.read(self._path, _MAX_BYTES) or {}
        uploads = kept.get("uploads")
        if kept.get("baseUrl") != self._base_url or not isinstance(uploads, dict):
            return {}
        return {key: entry for key, entry in uploads.items() if self._lives(entry)}

    def _lives(self, entry: Json) -> bool:
        made = entry.get("uploadedAt") if isinstance(entry, dict) else None
        return isinstance(made, (int, float)) and 0 <= self._clock.now() - made < LIFETIME

    def _write(self, uploads: dict[str, Json]) -> None:
        kept = {"baseUrl": self._base_url, "uploads": uploads}
        cache_file.write(self._path, kept, _MAX_BYTES)

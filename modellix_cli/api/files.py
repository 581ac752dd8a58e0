"""Uploaded inputs: what is sent, and typed reading of what comes back.

See docs/spec/service.md 7 and official-cli.md 4.19.
"""

import re
from math import isfinite
from secrets import token_hex
from typing import Final
from urllib.parse import quote, urlsplit

from modellix_cli.api.fields import as_object, unexpected, whole
from modellix_cli.clock import iso
from modellix_cli.domain.addresses import is_loopback_or_https
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json

_CATEGORY: Final = re.compile(
    r"(?i)(?:\W*(?:(?:rate|concurren\w*) limit (?:exceeded|reached)|too many requests)"
    r"\s*[:.;(–—-])+"
)
_OTHER_LIMIT: Final = re.compile(
    r"(?i)\brate\b|concurren|simultan|parallel|\bbeing\b|in (?:progress|flight)|at once"
    r"|at (?:a|one|the same) time|requests\b|request (?:quota|limit|count)|\bapi\b|\bcalls?\b"
    r"|slow down|daily|hourly|/ ?(?:s|sec|second|min|minute|h|hour|day)\b"
    r"|\b(?:per|each|every|this|last|in \d+) ?(?:s|sec|second|min|minute|h|hour|day)s?\b"
)
_QUOTA: Final = re.compile(r"(?i)\bquotas?\b")
_FILES: Final = re.compile(r"(?i)\b(?:files?|storage|space)\b")
_ALL_USED: Final = re.compile(
    r"(?i)\b(?:full|limit|max|too many|exceed|reach|used up|no more|more than|at most|only|already"
    r"|delete|remove|left|insufficient|not enough|\d+ ?(?:/|of|out of) ?\d+)"
)


@frozen
class UploadedFile:
    """An uploaded input. `size` in bytes, `created_at` ISO 8601 as sent."""

    file_id: str
    filename: str
    size: int
    type: str
    url: str
    created_at: str

    def as_dict(self) -> dict[str, str | int]:
        """Return the `file` object of the JSON output."""
        return {
            "createdAt": self.created_at,
            "fileId": self.file_id,
            "filename": self.filename,
            "size": self.size,
            "type": self.type,
            "url": self.url,
        }


@frozen
class FileList:
    """One page of the uploaded inputs; `total` counts all of them, None where nobody says.

    `document` is the reply as sent.
    """

    files: tuple[UploadedFile, ...]
    total: int | None
    document: Json


def is_quota_full(message: str) -> bool:
    """Whether the message of a 429 on an upload means that files must be deleted first.

    A rate or concurrency limit, which passes by itself, has the same status, and the message of
    either may begin with the category of a rate limit.
    """
    category = _CATEGORY.match(message)
    said = message[category.end() :] if category else message
    if _OTHER_LIMIT.search(said):
        return False
    return bool(_QUOTA.search(said) or (_FILES.search(said) and _ALL_USED.search(said)))


def multipart_file(name: str, media_type: str, content: bytes) -> tuple[bytes, str]:
    """Return body and content type of a form with one part, the field `file`.

    `name` holds no quotes, backslashes or control characters. It is sent in both ways in which
    servers read names beyond ASCII.
    """
    boundary = f"modellix-cli-{token_hex(18)}"
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{name}"; '
        f"filename*=UTF-8''{quote(name, safe='')}\r\n"
        f"Content-Type: {media_type}\r\n\r\n"
    ).encode()
    tail = f"\r\n--{boundary}--\r\n".encode()
    return head + content + tail, f"multipart/form-data; boundary={boundary}"


def read_file_list(document: Json) -> FileList:
    """Read a page of the uploaded inputs, under `data` itself, `data.files` or `data.items`.

    Of an entry only `file_id` is certain: it is all that deleting needs. Entries without one are
    left out. Raises `BAD_REPLY` where there is no list.
    """
    data = as_object(document).get("data")
    holders = (as_object(data), as_object(document))
    lists = [data, *(holder.get(name) for holder in holders for name in ("files", "items", "list"))]
    entries = next((found for found in lists if isinstance(found, list)), None)
    if entries is None:
        raise unexpected("a list of files")
    totals = (whole(holder.get("total")) for holder in holders)
    files = tuple(_read_listed(entry) for entry in entries if _id(as_object(entry)))
    return FileList(files, next((n for n in totals if n is not None), None), document)


def _read_listed(entry: dict[str, Json]) -> UploadedFile:
    url, media_type, name = entry.get("url"), entry.get("type"), entry.get("filename")
    try:
        created_at = _moment(entry.get("created_at"))
    except ModellixError:
        created_at = ""
    return UploadedFile(
        file_id=_id(entry) or "",
        filename=name if isinstance(name, str) else "",
        size=whole(entry.get("size")) or 0,
        type=media_type if isinstance(media_type, str) else "",
        url=url if isinstance(url, str) and _usable(url) else "",
        created_at=created_at,
    )


def _id(entry: dict[str, Json]) -> str | None:
    file_id = entry.get("file_id")
    usable = isinstance(file_id, str) and file_id.strip() and file_id.isprintable()
    return file_id if usable else None


def read_uploaded(document: Json) -> UploadedFile:
    """Read the reply to an upload. Raises `BAD_REPLY` for anything else."""
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, dict):
        raise unexpected("file metadata")
    file_id, url = _id(data), data.get("url")
    if file_id is None:
        raise unexpected("a valid file ID")
    if not isinstance(url, str) or not _usable(url):
        raise unexpected("a valid file URL")
    size = data.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise unexpected("a valid file size")
    name, media_type = data.get("filename"), data.get("type")
    return UploadedFile(
        file_id=file_id,
        filename=name if isinstance(name, str) else "",
        size=size,
        type=media_type if isinstance(media_type, str) else "",
        url=url,
        created_at=_moment(data.get("created_at")),
    )


def _usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.scheme in ("http", "https")
    except ValueError:
        return False
    return usable and is_loopback_or_https(url) and url.isprintable() and " " not in url


def _moment(value: Json) -> str:
    """Return an ISO time; a number is milliseconds since 1970."""
    if isinstance(value, str) and value.strip():
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value):
        try:
            return iso(value / 1000)
        except (ValueError, OverflowError, OSError):
            pass
    raise unexpected("a valid creation time")

"""Uploaded inputs: what is sent, and typed reading of what comes back (official-cli.md 4.19)."""

from dataclasses import dataclass
from math import isfinite
from secrets import token_hex
from urllib.parse import quote, urlsplit

from modellix_cli.api.fields import unexpected
from modellix_cli.clock import iso
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.values import is_loopback_or_https


@dataclass(frozen=True, slots=True)
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


def read_uploaded(document: Json) -> UploadedFile:
    """Read the reply to an upload. Raises `BAD_REPLY` for anything else."""
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, dict):
        raise unexpected("file metadata")
    file_id, url = data.get("file_id"), data.get("url")
    if not isinstance(file_id, str) or not file_id.strip() or not file_id.isprintable():
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

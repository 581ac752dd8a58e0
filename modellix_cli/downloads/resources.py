"""What a resource is, whatever form it came in: a URL, a `data:` URL, or text in the reply."""

import base64
import binascii
import mimetypes
import re
from typing import Final
from urllib.parse import unquote_to_bytes

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.task import Resource
from modellix_cli.downloads.files import has_extension, name_from_url, safe_name

_EXTENSIONS: Final = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/avif": ".avif",
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "video/quicktime": ".mov",
    "audio/mpeg": ".mp3",
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "audio/wave": ".wav",
    "audio/ogg": ".ogg",
    "audio/flac": ".flac",
    "text/plain": ".txt",
    "application/json": ".json",
}
_NEUTRAL_TYPES: Final = ("application/octet-stream", "binary/octet-stream")
_NOT_ALPHANUMERIC: Final = re.compile(r"[^a-z0-9]")
HEAD: Final = 512
"""First bytes of a file that tell what it is."""
_FALLBACK: Final = {"image": ".img", "text": ".txt"}


def inline_content(resource: Resource) -> tuple[bytes, str | None] | None:
    """Return bytes and media type of a resource that needs no request, else None.

    Raises `DOWNLOAD_FAILED` for a `data:` URL that cannot be read, and where there is nothing.
    """
    if resource.url is None:
        if resource.text is None and resource.type != "text":
            raise ModellixError(
                ErrorCode.DOWNLOAD_FAILED,
                f"Resource {resource.position} has neither a URL nor text.",
                hint="See what the server sent with modellix-cli task get.",
                retryable=False,
            )
        kind = "application/json" if resource.format == "json" else "text/plain"
        return (resource.text or "").encode("utf-8", "replace"), kind
    if resource.url[:5].lower() != "data:":
        return None
    head, comma, data = resource.url[5:].partition(",")
    media_type = head.split(";")[0].strip().lower() or "text/plain"
    try:
        if not comma:
            raise ValueError("it has no comma")
        if head.partition(";")[2].rpartition(";")[2].strip().lower() == "base64":
            compact = b"".join(unquote_to_bytes(data).split())
            return base64.b64decode(compact + b"=" * (-len(compact) % 4), validate=True), media_type
        return unquote_to_bytes(data), media_type
    except (binascii.Error, ValueError) as error:
        raise ModellixError(
            ErrorCode.DOWNLOAD_FAILED,
            f"Resource {resource.position} is a data: URL that cannot be read: {error}.",
            retryable=False,
        ) from error


def file_name(resource: Resource, content_type: str | None, head: bytes) -> str:
    """Return a safe file name, with an extension.

    The name is that of the URL, else `resource-N`; the extension that of the URL, else of the
    content type, else of the first bytes (`head`), else of what the reply says about it.
    """
    is_data = resource.url is not None and resource.url[:5].lower() == "data:"
    named = "" if resource.url is None or is_data else name_from_url(resource.url)
    name = named or f"resource-{resource.position}"
    if has_extension(name):
        return name
    return safe_name(name + extension(resource, content_type, head))


def extension(resource: Resource, content_type: str | None, head: bytes) -> str:
    """Return the extension that fits, with its dot; "" if nothing tells."""
    media_type = (content_type or "").split(";")[0].strip().lower()
    if media_type and media_type not in _NEUTRAL_TYPES:
        known = _EXTENSIONS.get(media_type) or mimetypes.guess_extension(media_type)
        if known:
            return known
    if sniffed := sniff(head):
        return sniffed
    named = _NOT_ALPHANUMERIC.sub("", (resource.format or "").rsplit("/", 1)[-1].lower())
    if named:
        return "." + named[:16]
    return _FALLBACK.get((resource.type or "").lower(), "")


def promised_kind(resource: Resource) -> str | None:
    """Return `image`, `video` or `audio` if that was promised for a URL, else None.

    The type tells; without one, the format or the extension of the URL.
    """
    kind = (resource.type or "").partition("/")[0].strip().lower()
    if not kind:
        name = resource.format or name_from_url(resource.url or "")
        guessed = mimetypes.guess_type(f"x.{name.rpartition('.')[2]}")[0] or resource.format or ""
        kind = guessed.partition("/")[0].lower()
    return kind if kind in ("image", "video", "audio") else None


def broken_promise(
    kind: str | None, content_type: str | None, head: bytes, size: int
) -> str | None:
    """Say what arrived where a `kind` of media was promised; None if it may be that.

    `head` are the first bytes, up to `HEAD`. The bytes count more than the type that the host
    gives: only text is refused, and files of no known format are not.
    """
    if kind is None:
        return None
    if not size:
        return "an empty file"
    media_type = (content_type or "").split(";")[0].strip().lower()
    head = head.removeprefix(b"\xef\xbb\xbf")
    if sniff(head) or not _is_text(head):
        return None
    start = head.lstrip()
    if kind == "image" and (media_type == "image/svg+xml" or b"<svg" in head.lower()):
        return None if start.startswith(b"<") else "text"
    if start.startswith(b"<"):
        return "an HTML or XML page"
    if start.startswith((b"{", b"[")) or media_type.endswith("json"):
        return "JSON"
    return "text" if media_type.startswith("text/") else None


def _is_text(head: bytes) -> bool:
    """Whether bytes, whose last character may be cut, are UTF-8 without control characters."""
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return False
        text = head[: error.start].decode()
    return all(character.isprintable() or character in "\t\r\n\f" for character in text)


def sniff(head: bytes) -> str | None:
    """Recognise a media format by its first bytes (16 are enough); return its extension."""
    for signature, found in (
        (b"\x89PNG\r\n\x1a\n", ".png"),
        (b"\xff\xd8\xff", ".jpg"),
        (b"GIF8", ".gif"),
        (b"\x1aE\xdf\xa3", ".webm"),
        (b"OggS", ".ogg"),
        (b"fLaC", ".flac"),
        (b"ID3", ".mp3"),
        (b"\xff\xfb", ".mp3"),
        (b"\xff\xf3", ".mp3"),
        (b"\xff\xf2", ".mp3"),
    ):
        if head.startswith(signature):
            return found
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return ".avif" if brand == b"avif" else ".mov" if brand == b"qt  " else ".mp4"
    if head[:4] == b"RIFF":
        return {b"WEBP": ".webp", b"WAVE": ".wav", b"AVI ": ".avi"}.get(head[8:12])
    return None

"""Inputs that are uploaded: images, video and audio in a multipart form, at most 16 MiB."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from secrets import token_hex
from threading import Lock
from typing import Final
from urllib.parse import quote

from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.sandbox.records import UploadRecord
from modellix_cli.sandbox.results import iso_seconds
from modellix_cli.sandbox.store import Store
from modellix_cli.sandbox.wire import Answer, Refused, Request, number, quoted, success

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
FILE_QUOTA: Final = 10
"""How many files a team may keep."""
UPLOADS_AT_A_TIME: Final = 2
KEPT_SECONDS: Final = 7 * 24 * 3600.0
"""How long files are kept."""

_STARTS: Final = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"\x1aE\xdf\xa3": "video/webm",
    b"ID3": "audio/mpeg",
    **dict.fromkeys((b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2"), "audio/mpeg"),
    **dict.fromkeys((b"\xff\xf1", b"\xff\xf9"), "audio/aac"),
    b"OggS": "audio/ogg",
    b"fLaC": "audio/flac",
}
_RIFF: Final = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS: Final = {b"M4A ": "audio/mp4", b"qt  ": "video/quicktime", b"heic": "image/heic"}

_HEADER: Final = re.compile(rb"(?i)content-disposition:[ \t]*([^\r\n]*)")


class UploadSlots:
    """Lets a team upload `UPLOADS_AT_A_TIME` files at once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: Counter[str] = Counter()

    @contextmanager
    def slot(self, team: str) -> Iterator[None]:
        """Take one of the team's slots for a while. Refuses (429) if there is none."""
        with self._lock:
            if self._running[team] >= UPLOADS_AT_A_TIME:
                detail = f"{UPLOADS_AT_A_TIME} uploads of the team are running"
                raise Refused(429, f"Concurrent limit exceeded: {detail}")
            self._running[team] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[team] -= 1


def upload(store: Store, request: Request, team: str, now: float) -> Answer:
    """Keep the file of the form's field `file`; refuse what Modellix does not take (400, 429)."""
    filename, content = _form_file(request.header("Content-Type"), request.body())
    if len(content) > MAX_FILE_BYTES:
        raise Refused(400, f"Value out of range: the file is over {MAX_FILE_BYTES} bytes")
    media_type = media_type_of(content)
    if media_type is None:
        raise Refused(400, "Invalid format: the file is no image, video or audio")
    file_id = f"file-{token_hex(8)}"
    record = UploadRecord(file_id, team, filename, media_type, now, len(content), content)
    if not store.add_upload(record, FILE_QUOTA, now - KEPT_SECONDS):
        raise Refused(429, f"Rate limit exceeded: the file quota is full ({FILE_QUOTA} files)")
    return success(_document(record, request.origin))


def listing(store: Store, request: Request, team: str, now: float) -> Answer:
    """List the team's files, the last first: `?limit=` (20, at most 100) and `?offset=`."""
    limit = number(request, "limit", 20, 1, 100)
    offset = number(request, "offset", 0, 0, 1_000_000)
    records = store.uploads(team, now - KEPT_SECONDS)
    page = [_document(one, request.origin) for one in records[offset : offset + limit]]
    return success({"files": page, "total": len(records), "limit": limit, "offset": offset})


def delete(store: Store, team: str, file_id: str) -> Answer:
    """Forget an uploaded file; the answer has no body."""
    if not store.delete_upload(team, file_id):
        raise Refused(404, f"Resource not found: file {quoted(file_id)}")
    return Answer(204, (), b"")


def _document(record: UploadRecord, origin: str) -> JsonObject:
    name = quote(record.filename, safe="")
    return {
        "file_id": record.file_id,
        "filename": record.filename,
        "size": record.size,
        "type": record.type,
        "url": f"{origin}/media/files/{record.file_id}/{name}",
        "created_at": iso_seconds(record.created),
    }


def media_type_of(content: bytes) -> str | None:
    """Return the media type that a file's first bytes tell, None for no image, video or audio."""
    if content[:4] == b"RIFF":
        return _RIFF.get(content[8:12])
    if content[4:8] == b"ftyp":
        return _BRANDS.get(content[8:12], "video/mp4")
    known = (name for start, name in _STARTS.items() if content.startswith(start))
    return next(known, None)


def _form_file(content_type: str, body: bytes) -> tuple[str, bytes]:
    """Return name and content of the part named `file` (RFC 7578)."""
    form = _parsed("Content-Type", content_type)
    boundary = form.get_boundary()
    if form.get_content_type() != "multipart/form-data" or not boundary:
        raise Refused(400, "Invalid format: the body must be multipart/form-data")
    mark = b"\r\n--" + boundary.encode("utf-8", "surrogateescape")
    for part in (b"\r\n" + body).split(mark)[1:]:
        if part.startswith(b"--"):
            break
        head, blank, content = part.partition(b"\r\n\r\n")
        if not blank or (match := _HEADER.search(head)) is None:
            continue
        fields = _parsed("Content-Disposition", match[1].decode("utf-8", "replace"))
        if fields.get_param("name", header="Content-Disposition") == "file":
            return _clean(fields.get_filename() or "file"), content
    raise Refused(400, "Missing required parameter: the form has no field 'file'")


def _parsed(name: str, value: str) -> Message:
    message = Message()
    message[name] = value.replace("\r", " ").replace("\n", " ")
    return message


def _clean(filename: str) -> str:
    """Return the last part of a file name, as text that SQLite and a URL can carry."""
    name = re.split(r"[/\\]", filename)[-1].encode("utf-8", "replace").decode()
    return name[:180] or "file"

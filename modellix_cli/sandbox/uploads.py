"""Inputs that are uploaded: PNG, JPEG or WebP in a multipart form, at most 16 MiB."""

import re
from email.message import Message
from secrets import token_hex
from typing import Any, Final
from urllib.parse import quote

from modellix_cli.sandbox.store import Store, UploadRecord
from modellix_cli.sandbox.tasks import iso_seconds
from modellix_cli.sandbox.wire import Answer, Refused, Request, quoted, success

MAX_FILE_BYTES: Final = 16 * 1024 * 1024

_HEADER: Final = re.compile(rb"(?i)content-disposition:[ \t]*([^\r\n]*)")


def upload(store: Store, request: Request, now: float, media_base: str) -> Answer:
    """Keep the file of the form's field `file`; refuse (400) what Modellix does not take."""
    filename, content = _form_file(request.header("Content-Type"), request.body())
    if len(content) > MAX_FILE_BYTES:
        raise Refused(400, f"Value out of range: the file is over {MAX_FILE_BYTES} bytes")
    media_type = _media_type(content)
    if media_type is None:
        raise Refused(400, "Invalid format: the file is neither PNG, JPEG nor WebP")
    record = UploadRecord(f"file-{token_hex(8)}", filename, media_type, now, content)
    store.add_upload(record)
    return success(_document(record, media_base))


def delete(store: Store, file_id: str) -> Answer:
    """Forget an uploaded file."""
    if not store.delete_upload(file_id):
        raise Refused(404, f"Resource not found: file {quoted(file_id)}")
    return success({"file_id": file_id, "deleted": True})


def _document(record: UploadRecord, media_base: str) -> dict[str, Any]:
    name = quote(record.filename, safe="")
    return {
        "file_id": record.file_id,
        "filename": record.filename,
        "size": len(record.content),
        "type": record.type,
        "url": f"{media_base}/media/files/{record.file_id}/{name}",
        "created_at": iso_seconds(record.created),
    }


def _media_type(content: bytes) -> str | None:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return None


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

"""Media over HTTP, as a CDN serves it: results and uploads, whole or in ranges."""

import re
from hashlib import sha256
from typing import Final

from modellix_cli.sandbox.catalog import MODELS
from modellix_cli.sandbox.faults import LATE
from modellix_cli.sandbox.model import Model
from modellix_cli.sandbox.records import TaskRecord
from modellix_cli.sandbox.results import FORMATS, made
from modellix_cli.sandbox.store import Store
from modellix_cli.sandbox.tasks import status
from modellix_cli.sandbox.uploads import KEPT_SECONDS
from modellix_cli.sandbox.wire import Answer, Headers, Request, half_of, plain

_RESULT: Final = re.compile(r"/media/([^/]+)/([1-9][0-9]?)(?:\.([a-z0-9]+)|/.*)", re.DOTALL)
_UPLOAD: Final = re.compile(r"/media/files/([^/]+)/[^/]*")
_RANGE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_TYPES: Final = {"png": "image/png", "mp4": "video/mp4", "wav": "audio/wav"}
_GONE: Final = "Not found or expired.\n"
_WEB_PAGE: Final = "<html><head><title>Sign in</title></head><body>Sign in to go on.</body></html>"


def serve_media(store: Store, request: Request, now: float) -> Answer:
    """Answer a GET below /media: a result or an upload, as long as it is kept."""
    if match := _UPLOAD.fullmatch(request.path):
        upload = store.upload(match[1])
        if upload is None or now >= upload.created + KEPT_SECONDS:
            return plain(404, _GONE)
        return _ranged(request, upload.content, upload.type)
    match = _RESULT.fullmatch(request.path)
    task = store.task(match[1]) if match else None
    model = MODELS.get(task.slug) if task else None
    if not (match and task and model):
        return plain(404, _GONE)
    number, extension = int(match[2]), match[3]
    if not _is_there(task, model, number, extension, now):
        return plain(404, _GONE)
    if model.fault.media == "denied":
        return plain(403, "Access denied.\n")
    if model.fault.media == "html":
        return plain(200, _WEB_PAGE, "text/html")
    data = made(task, model.fault.makes, number)
    answer = _ranged(request, data, _TYPES[FORMATS[model.fault.makes]])
    if model.fault.evil:
        name = 'attachment; filename="../../../evil.png"'
        answer = answer.with_headers((("Content-Disposition", name),))
    if model.fault.media == "cut" and store.count(f"met cut {task.task_id} {number}") == 1:
        return Answer(answer.status, answer.headers, answer.body, half_of(answer.body))
    return answer


def _is_there(
    task: TaskRecord, model: Model, number: int, extension: str | None, now: float
) -> bool:
    fault = model.fault
    if fault.makes not in FORMATS or (fault.media == "late" and now < task.ended + LATE):
        return False
    if extension is None and not fault.evil:
        return False
    finished = status(task, model, now) == "success" and now < task.ended + fault.kept
    exists = number <= (task.count if fault.makes == "image" else 1)
    return finished and exists and extension in (None, FORMATS[fault.makes])


def _ranged(request: Request, data: bytes, media_type: str) -> Answer:
    """Return `data` or the one range of it that the request asks for (RFC 9110, 14)."""
    etag = f'"{sha256(data).hexdigest()[:24]}"'
    headers: Headers = (
        ("Content-Type", media_type),
        ("Accept-Ranges", "bytes"),
        ("ETag", etag),
    )
    match = _RANGE.fullmatch(request.header("Range"))
    condition = request.header("If-Range")
    if match is None or match[1] == match[2] == "" or (condition and condition != etag):
        return Answer(200, headers, data)
    size = len(data)
    if match[1]:
        first = int(match[1])
        last = min(int(match[2] or size), size - 1)
        if match[2] and int(match[2]) < first:
            return Answer(200, headers, data)
    else:
        first, last = max(0, size - int(match[2])), size - 1
    if first > last:
        return Answer(416, (*headers, ("Content-Range", f"bytes */{size}")), b"")
    part = ("Content-Range", f"bytes {first}-{last}/{size}")
    return Answer(206, (*headers, part), data[first : last + 1])

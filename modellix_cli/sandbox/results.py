"""What a task made: the `result` of its document, and the bytes of its files."""

import base64
import json
import time
from functools import lru_cache
from typing import Final

from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.sandbox.faults import Fault
from modellix_cli.sandbox.media import mp4, png, wav
from modellix_cli.sandbox.records import TaskRecord

FORMATS: Final = {"image": "png", "video": "mp4", "audio": "wav"}
VIDEO_SIZE: Final = (256, 144)

_EVIL: Final = "\x1b[2J\x1b[31mpwned\x1b[0m\x1b]0;owned\x07\r\x9b2K\u202egnp.exe"
_EVIL_NAMES: Final = (
    "%1B%5D0%3Bowned%07%1B%5B2Jcat.png",
    "..%2F..%2F..%2F..%2Fetc%2Fpasswd.png",
    "long-" + "a" * 400 + ".png",
    "CON.png",
)


def iso_seconds(moment: float) -> str:
    """Write a Unix time as the API does: `2024-01-01T10:00:00Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(max(0.0, moment)))


def made(task: TaskRecord, kind: str, number: int) -> bytes:
    """Return the bytes of a task's result file `number`, counted from 1."""
    seed = f"{task.seed} {number}"
    words = _words(task.body) if kind == "image" else ""
    return _media(FORMATS[kind], seed, task.width, task.height, task.clip_seconds, words)


def _words(body: str) -> str:
    """Return what a body asks for, to be shown on the picture."""
    try:
        asked = json.loads(body)
    except ValueError:
        return ""
    texts = (asked.get(name) for name in ("prompt", "text"))
    return next((text for text in texts if isinstance(text, str)), "")


@lru_cache(maxsize=16)
def _media(written: str, seed: str, width: int, height: int, seconds: int, words: str) -> bytes:
    if written == "png":
        return png(seed, width, height, words)
    return mp4(seed, seconds, *VIDEO_SIZE) if written == "mp4" else wav(seed, seconds)


def result(task: TaskRecord, fault: Fault, media_base: str) -> JsonObject:
    """Return the `result` of a task that succeeded; URLs of files begin with `media_base`."""
    resources = [_resource(task, fault, number, media_base) for number in _numbers(task, fault)]
    metadata: JsonObject = {"request_id": f"req-{task.seed[:12]}"}
    if fault.makes in ("image", "data-url"):
        metadata = {"image_count": len(resources)} | metadata
    if fault.evil:
        metadata["request_id"] = _EVIL
        resources.append({"type": "text", "text": f"{_EVIL}\n../../x", "role": "../../x"})
    times = {"submit_time": iso_seconds(task.created), "end_time": iso_seconds(task.ended)}
    made: JsonObject = {"regions": _regions(task)} if fault.makes == "structure" else {}
    return {"resources": resources} | made | {"metadata": metadata, "extensions": times}


def _numbers(task: TaskRecord, fault: Fault) -> range:
    if fault.makes == "structure":
        return range(0)
    many = fault.makes in ("image", "data-url")
    return range(1, (task.count if many else 1) + 1)


def _regions(task: TaskRecord) -> list[JsonObject]:
    """Return where garments are said to be: boxes of left, top, right and bottom in pixels."""
    draw = bytes.fromhex(task.seed)
    return [
        {"label": label, "score": 0.9, "box": [left, top, left + 120, top + 160]}
        for label, left, top in (("upper", draw[0], draw[1]), ("lower", draw[2], draw[3]))
    ]


def _resource(task: TaskRecord, fault: Fault, number: int, media_base: str) -> JsonObject:
    kind = fault.makes
    role = "primary" if number == 1 else "alternative"
    if kind == "text":
        return {"type": "text", "text": f"A sandbox text, number {task.seed[:8]}.", "role": role}
    if kind == "data-url":
        data = base64.b64encode(png(f"{task.seed} {number}", 16, 16)).decode()
        url = f"data:image/png;base64,{data}"
        facts = {"width": 16, "height": 16, "format": "png", "role": role}
        return {"url": url, "type": "image"} | facts
    extension = FORMATS[kind]
    url = f"{media_base}/media/{task.task_id}/{number}.{extension}"
    facts = {"format": extension, "role": role}
    if fault.evil:
        name = _EVIL_NAMES[(number - 1) % len(_EVIL_NAMES)]
        url = f"{media_base}/media/{task.task_id}/{number}/{name}"
        facts = {"format": "png\x1b[2J/../x", "role": _EVIL}
    return {"url": url, "type": kind} | _measures(task, kind) | facts


def _measures(task: TaskRecord, kind: str) -> JsonObject:
    """Return pixels, seconds and bytes where they apply; a picture's bytes are not told."""
    if kind == "image":
        return {"width": task.width, "height": task.height}
    width, height = VIDEO_SIZE
    pixels = {"width": width, "height": height} if kind == "video" else {}
    return pixels | {"duration": task.clip_seconds, "size": len(made(task, kind, 1))}

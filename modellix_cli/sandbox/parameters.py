"""What a body asks for: the JSON object that was sent, checked, and what is to be made of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from modellix_cli.domain.jsontext import Json, JsonError, JsonObject, dumps, loads
from modellix_cli.sandbox.schema import Schema, problem
from modellix_cli.sandbox.wire import Refused

_SIZE: Final = re.compile(r"([0-9]{1,4})\s*[xX*×]\s*([0-9]{1,4})")
_RATIO: Final = re.compile(r"([0-9]{1,2}):([0-9]{1,2})")
_FINER: Final = ("resolution", "mode", "scale")
"""Parameters whose later or larger values cost more, where the price is a range."""
_MAX_SIDE: Final = 2048
_SIDE: Final = 512


@dataclass(frozen=True, slots=True)
class Order:
    """What a body asks for: pixels, number of results, seconds of a clip, letters of the text.

    `seed` stands for the whole body: equal bodies give equal media. `fineness` is how
    fine the result is in steps, of how many, such as (2, 2) for `resolution: 4K`.
    """

    seed: str
    width: int
    height: int
    count: int
    clip_seconds: int
    characters: int
    fineness: tuple[int, int] = (0, 1)


def read_body(data: bytes) -> JsonObject:
    """Return the JSON object that a body holds; refuse (400) any other."""
    try:
        body = loads(data)
    except JsonError as problem:
        raise Refused(400, f"Invalid format: {problem}") from None
    if not isinstance(body, dict):
        raise Refused(400, "Invalid format: the body must be a JSON object")
    return body


def read_order(
    slug: str, properties: Mapping[str, Schema], required: tuple[str, ...], body: JsonObject
) -> Order:
    """Check a body against a model's parameters (400); unknown ones are ignored."""
    wrong = problem(properties, required, body)
    if wrong is not None:
        raise Refused(400, wrong)

    def number(name: str) -> int:
        if name not in properties:
            return 1
        value: Json = body.get(name, properties[name]["default"])
        return int(value)

    canonical = dumps(dict(sorted(body.items())), indent=None)
    seed = sha256(f"{slug} {canonical}".encode("utf-8", "surrogatepass")).hexdigest()
    width, height = _pixels(body)
    texts = (body[name] for name in ("text", "prompt") if isinstance(body.get(name), str))
    finer = (_fineness(properties[name], body.get(name)) for name in _FINER if name in properties)
    return Order(
        seed=seed,
        width=width,
        height=height,
        count=number("n"),
        clip_seconds=number("duration"),
        characters=len(next(texts, "")),
        fineness=next(finer, (0, 1)),
    )


def _fineness(schema: Schema, value: Json) -> tuple[int, int]:
    chosen = schema["default"] if value is None else value
    if "enum" in schema:
        return schema["enum"].index(chosen), len(schema["enum"]) - 1
    return int(chosen) - schema["minimum"], schema["maximum"] - schema["minimum"]


def _pixels(body: Mapping[str, Json]) -> tuple[int, int]:
    """Read `1024x768`, or a ratio as `16:9`; sizes in other words give the sandbox's own."""
    size, ratio = body.get("size"), body.get("aspect_ratio")
    if isinstance(ratio, str) and (match := _RATIO.fullmatch(ratio)):
        across, down = int(match[1]) or 1, int(match[2]) or 1
        most = max(across, down)
        return max(1, _SIDE * across // most), max(1, _SIDE * down // most)
    match = _SIZE.fullmatch(size.strip()) if isinstance(size, str) else None
    if match is None:
        return _SIDE, _SIDE
    width, height = int(match[1]), int(match[2])
    if not (1 <= width <= _MAX_SIDE and 1 <= height <= _MAX_SIDE):
        raise Refused(
            400, f"Value out of range: each side of parameter 'size' must be 1 to {_MAX_SIDE}"
        )
    return width, height

"""PNG: a diagonal gradient with soft circles of light, and words at its foot."""

import struct
import zlib
from collections.abc import Iterator
from itertools import chain
from math import isqrt

from modellix_cli.sandbox.media.caption import write_caption
from modellix_cli.sandbox.media.seed import draws, palette, ramp

MAX_SIDE = 2048
CIRCLES = 6
RINGS = 12

SIGNATURE = b"\x89PNG\r\n\x1a\n"
FILTER_NONE = b"\0"
# One ring takes every channel 1/24 of the way to white; RINGS of them make a circle's core.
LIGHTEN = bytes(value + (255 - value) // 24 for value in range(256))


def png(seed: str, width: int, height: int, words: str = "") -> bytes:
    """Return an 8-bit RGB PNG file, the same bytes whenever the arguments are the same.

    seed: any text; it decides the colours and where the circles are.
    words: any text; it is written at the foot of the picture where there is room.
    width, height: pixels, 1..2048 each; ValueError outside that.
    """
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise ValueError(f"width and height must be 1..{MAX_SIDE}, not {width}x{height}")
    draw = draws(seed)
    rows = _gradient(draw, width, height)
    for _ in range(CIRCLES):
        _lighten_circle(rows, draw, width, height)
    if words:
        write_caption(rows, width, words)
    scanlines = b"".join(FILTER_NONE + row for row in rows)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        SIGNATURE
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(scanlines, 6))
        + _chunk(b"IEND", b"")
    )


def _gradient(draw: Iterator[int], width: int, height: int) -> list[bytearray]:
    diagonal = bytes(chain.from_iterable(ramp(palette(draw), width + height - 1)))
    return [bytearray(diagonal[3 * y : 3 * (y + width)]) for y in range(height)]


def _lighten_circle(rows: list[bytearray], draw: Iterator[int], width: int, height: int) -> None:
    centre_x = next(draw) * width // 256
    centre_y = next(draw) * height // 256
    radius = min(width, height) * (24 + next(draw) % 64) // 256
    for ring in range(RINGS):
        _lighten_disc(rows, centre_x, centre_y, radius * (2 * RINGS - ring) // (2 * RINGS), width)


def _lighten_disc(
    rows: list[bytearray], centre_x: int, centre_y: int, radius: int, width: int
) -> None:
    for y in range(max(0, centre_y - radius), min(len(rows), centre_y + radius + 1)):
        half = isqrt(radius * radius - (y - centre_y) ** 2)
        start = 3 * max(0, centre_x - half)
        end = 3 * min(width, centre_x + half + 1)
        rows[y][start:end] = rows[y][start:end].translate(LIGHTEN)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

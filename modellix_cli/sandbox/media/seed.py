"""What a seed decides: a stream of numbers, and colours that go together."""

import colorsys
import hashlib
from collections.abc import Iterator, Sequence
from itertools import count

Colour = tuple[int, int, int]

MAX_SECONDS = 600


def draws(seed: str) -> Iterator[int]:
    """Yield an endless stream of numbers 0..255 that depends on `seed` alone."""
    key = seed.encode("utf-8", "surrogatepass")
    for block in count():
        yield from hashlib.sha256(block.to_bytes(4, "big") + key).digest()


def palette(draw: Iterator[int]) -> list[Colour]:
    """Take numbers from `draw`; return three neighbouring RGB colours, 0..255 a channel."""
    hue = next(draw) / 256
    spread = (40 + next(draw) % 50) / 256
    return [
        _rgb(hue + step * spread, 0.5 + next(draw) / 640, value)
        for step, value in enumerate((0.45, 0.80, 0.95))
    ]


def ramp(stops: Sequence[Colour], length: int) -> list[Colour]:
    """Return `length` colours that pass evenly from the first stop to the last."""
    last = max(length - 1, 1)
    return [_between(stops, index * (len(stops) - 1), last) for index in range(length)]


def checked_seconds(seconds: float) -> float:
    """Return `seconds` if it is above 0 and at most MAX_SECONDS; else raise ValueError."""
    if not 0 < seconds <= MAX_SECONDS:
        raise ValueError(f"seconds must be above 0 and at most {MAX_SECONDS}, not {seconds}")
    return seconds


def _rgb(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _between(stops: Sequence[Colour], position: int, unit: int) -> Colour:
    index = min(position // unit, len(stops) - 2)
    part = position - index * unit
    start, end = stops[index], stops[index + 1]
    return (
        (start[0] * (unit - part) + end[0] * part) // unit,
        (start[1] * (unit - part) + end[1] * part) // unit,
        (start[2] * (unit - part) + end[2] * part) // unit,
    )

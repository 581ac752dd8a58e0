"""The waveform of a sound: how loud it is over time, in block characters."""

import struct
import sys
import wave
from array import array
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

from modellix_cli.output.preview.picture import CannotShow

_LEVELS: Final = " ▁▂▃▄▅▆▇█"
_READ: Final = 64 * 1024
"""Bytes that are looked at for each column at most."""
_FAULTS: Final = (
    *(wave.Error, EOFError, OSError, ValueError, ArithmeticError, MemoryError),
    *(RuntimeError, LookupError, TypeError, struct.error),
)
"""What the module wave raises for damaged files."""


def wav_levels(path: Path, columns: int) -> list[float]:
    """Return how loud a WAV file is, 0 to 1, in each of `columns` equal parts.

    Raises `CannotShow` for anything but PCM of 8, 16, 24 or 32 bits.
    """
    try:
        with wave.open(str(path), "rb") as file:
            width, total = file.getsampwidth(), file.getnframes()
            if width not in (1, 2, 3, 4) or total <= 0:
                raise CannotShow("It holds no samples that can be read.")
            return list(_levels(file, width, total, columns))
    except _FAULTS as error:
        raise CannotShow(f"It is no WAV file that can be read: {error or 'it is cut'}.") from error


def _levels(file: wave.Wave_read, width: int, total: int, columns: int) -> Iterator[float]:
    most = max(1, _READ // (width * file.getnchannels()))
    for column in range(columns):
        start, end = total * column // columns, total * (column + 1) // columns
        file.setpos(min(start, total - 1))
        data = file.readframes(max(1, min(end - start, most)))
        yield _peak(data, width)


def _peak(data: bytes, width: int) -> float:
    """Return the largest value among samples of `width` bytes, 0 to 1."""
    if width == 1:  # without a sign, silence in the middle
        return max((abs(value - 128) for value in data), default=0) / 128
    high = data[width - 1 :: width] if width > 2 else data
    if width > 2:  # the two bytes that count most
        low = data[width - 2 :: width]
        data = bytes(byte for pair in zip(low, high, strict=False) for byte in pair)
    return _peak16(data)


def _peak16(data: bytes) -> float:
    values = array("h", data[: len(data) // 2 * 2])
    if sys.byteorder == "big":
        values.byteswap()
    return max(map(abs, values), default=0) / 32768


def pcm_levels(data: bytes, columns: int) -> list[float]:
    """Return how loud samples of 16 bits are, as `wav_levels` does."""
    total = len(data) // 2
    bounds = [total * column // columns * 2 for column in range(columns + 1)]
    return [_peak16(data[start : max(end, start + 2)]) for start, end in pairwise(bounds)]


def draw(levels: list[float], rows: int) -> str:
    """Return lines of block characters, `rows` of them; the loudest part fills them."""
    top = max(levels, default=0.0) or 1.0
    eighths = [round(level / top * rows * 8) for level in levels]
    lines = []
    for row in reversed(range(rows)):
        signs = (_LEVELS[max(0, min(8, height - row * 8))] for height in eighths)
        lines.append("".join(signs).rstrip())
    return "".join(f"{line}\n" for line in lines)

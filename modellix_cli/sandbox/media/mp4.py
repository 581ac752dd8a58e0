"""MP4: one H.264 track of a gradient that moves along its diagonal twice a second."""

import struct
from collections.abc import Iterator, Sequence
from itertools import chain

from modellix_cli.sandbox.media.h264 import (
    MACROBLOCK,
    MAX_MACROBLOCKS,
    idr_slice,
    pps,
    skipped_slice,
    sps,
    ycbcr,
)
from modellix_cli.sandbox.media.seed import Colour, checked_seconds, draws, palette, ramp

FPS = 10
FRAMES_PER_IDR = 5
TIMESCALE = 1000
FRAME_TICKS = TIMESCALE // FPS
STEPS_PER_CYCLE = 12

MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
LANGUAGE_UNDETERMINED = 0x55C4


def mp4(seed: str, seconds: float, width: int = 128, height: int = 96) -> bytes:
    """Return a silent MP4 file, H.264 at 10 frames a second, the same bytes for the same arguments.

    seed: any text; it decides the colours.
    seconds: length, above 0 and at most 600; rounded to a whole frame, at least one.
    width, height: pixels, multiples of 16, at most 2 Mi pixels in all; else ValueError.
    A 128x96 clip takes about 37 kB a second, and the size grows with the area.
    """
    if width < MACROBLOCK or height < MACROBLOCK or width % MACROBLOCK or height % MACROBLOCK:
        raise ValueError(f"width and height must be multiples of 16, not {width}x{height}")
    if width * height > MAX_MACROBLOCKS * MACROBLOCK**2:
        raise ValueError(f"{width}x{height} is more than 2 Mi pixels")
    count = max(1, round(checked_seconds(seconds) * FPS))
    samples = list(_samples(seed, count, width, height))
    ftyp = box(b"ftyp", b"isom", struct.pack(">I", 0x200), b"isom", b"iso2", b"avc1", b"mp41")
    mdat = box(b"mdat", *samples)
    sizes = [len(sample) for sample in samples]
    payload = len(ftyp) + len(_moov(sizes, 0, width, height)) + 8
    return ftyp + _moov(sizes, payload, width, height) + mdat


def box(kind: bytes, *parts: bytes) -> bytes:
    """Return an ISO box: its size, its four-letter kind and the parts in order."""
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def full_box(kind: bytes, flags: int, *parts: bytes) -> bytes:
    """Return an ISO full box: version 0, the given flags and the parts in order."""
    return box(kind, struct.pack(">I", flags), *parts)


def _samples(seed: str, count: int, width: int, height: int) -> Iterator[bytes]:
    colours = _cycle(seed, width + height)
    macroblocks = width * height // MACROBLOCK**2
    for index in range(count):
        idr, frame_num = divmod(index, FRAMES_PER_IDR)
        if frame_num == 0:
            shift = idr % STEPS_PER_CYCLE * len(colours) // STEPS_PER_CYCLE
            picture = _picture(colours[shift:] + colours[:shift], width, height)
            slice_nal = idr_slice(picture, idr % 2)
        else:
            slice_nal = skipped_slice(macroblocks, frame_num)
        yield struct.pack(">I", len(slice_nal)) + slice_nal


def _cycle(seed: str, length: int) -> list[Colour]:
    """Return Y, Cb, Cr colours that come back to the first one, at least `length` of them."""
    first, second, third = (ycbcr(colour) for colour in palette(draws(seed)))
    return ramp([first, second, third, second, first], 2 * length)


def _picture(diagonal: Sequence[Colour], width: int, height: int) -> list[bytes]:
    """Return a picture's macroblocks; those on one diagonal are equal."""
    luma, cb, cr = (bytes(channel) for channel in zip(*diagonal, strict=True))
    columns, rows = width // MACROBLOCK, height // MACROBLOCK
    equal = [
        _block(luma, 16 * place, 16) + _block(cb[::2], 8 * place, 8) + _block(cr[::2], 8 * place, 8)
        for place in range(columns + rows - 1)
    ]
    return list(chain.from_iterable(equal[row : row + columns] for row in range(rows)))


def _block(plane: bytes, start: int, side: int) -> bytes:
    return b"".join(plane[start + y : start + y + side] for y in range(side))


def _moov(sizes: Sequence[int], payload: int, width: int, height: int) -> bytes:
    duration = len(sizes) * FRAME_TICKS
    mvhd = full_box(
        b"mvhd",
        0,
        struct.pack(">4I", 0, 0, TIMESCALE, duration),
        struct.pack(">IH10x", 0x10000, 0x100),
        MATRIX,
        bytes(24),
        struct.pack(">I", 2),
    )
    tkhd = full_box(
        b"tkhd",
        3,
        struct.pack(">5I16x", 0, 0, 1, 0, duration),
        MATRIX,
        struct.pack(">2I", width << 16, height << 16),
    )
    mdhd = full_box(
        b"mdhd", 0, struct.pack(">4I2H", 0, 0, TIMESCALE, duration, LANGUAGE_UNDETERMINED, 0)
    )
    hdlr = full_box(b"hdlr", 0, bytes(4), b"vide", bytes(12), b"VideoHandler\0")
    minf = box(
        b"minf",
        full_box(b"vmhd", 1, bytes(8)),
        box(b"dinf", full_box(b"dref", 0, struct.pack(">I", 1), full_box(b"url ", 1))),
        _stbl(sizes, payload, width, height),
    )
    return box(b"moov", mvhd, box(b"trak", tkhd, box(b"mdia", mdhd, hdlr, minf)))


def _stbl(sizes: Sequence[int], payload: int, width: int, height: int) -> bytes:
    count = len(sizes)
    return box(
        b"stbl",
        _table(b"stsd", [_avc1(width, height)]),
        _table(b"stts", [struct.pack(">2I", count, FRAME_TICKS)]),
        _table(b"stss", [struct.pack(">I", n) for n in range(1, count + 1, FRAMES_PER_IDR)]),
        _table(b"stsc", [struct.pack(">3I", 1, count, 1)]),
        full_box(b"stsz", 0, struct.pack(f">{2 + count}I", 0, count, *sizes)),
        _table(b"stco", [struct.pack(">I", payload)]),
    )


def _table(kind: bytes, entries: Sequence[bytes]) -> bytes:
    return full_box(kind, 0, struct.pack(">I", len(entries)), *entries)


def _avc1(width: int, height: int) -> bytes:
    return box(
        b"avc1",
        struct.pack(">6xH16x2H", 1, width, height),
        struct.pack(">2I4xH32x", 0x480000, 0x480000, 1),
        struct.pack(">Hh", 24, -1),
        _avcc(sps(width, height), pps()),
    )


def _avcc(sequence: bytes, picture: bytes) -> bytes:
    profile = sequence[1:4]
    return box(
        b"avcC",
        b"\x01" + profile + b"\xff",
        b"\xe1" + struct.pack(">H", len(sequence)) + sequence,
        b"\x01" + struct.pack(">H", len(picture)) + picture,
    )

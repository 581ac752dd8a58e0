"""A picture as what a terminal reads: Kitty's, iTerm2's and DEC's (Sixel) codes, half-blocks.

https://sw.kovidgoyal.net/kitty/graphics-protocol/, https://iterm2.com/documentation-images.html,
https://vt100.net/docs/vt3xx-gp/chapter14.html
"""

import io
from base64 import b64encode
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Final

from modellix_cli.output.preview.graphics import Colors, Graphics, Place

if TYPE_CHECKING:
    from PIL.Image import Image

_CHUNK: Final = 4096
_BAND: Final = 6
_SIXEL_COLORS: Final = 256
_SHORT_RUN: Final = 4
_SHADES: Final = " ░▒▓█"


def encode(image: "Image", place: Place) -> str:
    """Return the codes that show an RGB picture of the right size, and end its line."""
    match place.graphics:
        case Graphics.KITTY:
            return _kitty(image, place)
        case Graphics.ITERM2:
            return _iterm2(image, place)
        case Graphics.SIXEL:
            return _sixel(image) + "\n"
        case Graphics.BLOCKS:
            return _blocks(image, place.colors)


def _kitty(image: "Image", place: Place) -> str:
    columns, rows = image.width // place.cell[0], image.height // place.cell[1]
    data = b64encode(_png(image)).decode()
    chunks = [data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK)]
    head = f"a=T,f=100,q=2,c={columns},r={rows},"
    parts = []
    for place_, chunk in enumerate(chunks):
        more = int(place_ < len(chunks) - 1)
        parts.append(f"\x1b_G{'' if place_ else head}m={more};{chunk}\x1b\\")
    return "".join(parts) + "\n"


def _iterm2(image: "Image", place: Place) -> str:
    columns, rows = image.width // place.cell[0], image.height // place.cell[1]
    data = _png(image)
    options = f"inline=1;size={len(data)};width={columns};height={rows};preserveAspectRatio=1"
    return f"\x1b]1337;File={options}:{b64encode(data).decode()}\x07\n"


def _png(image: "Image") -> bytes:
    target = io.BytesIO()
    image.save(target, "PNG")
    return target.getvalue()


def _sixel(image: "Image") -> str:
    """Return a picture as Sixel: bands of six rows, each as a layer for each of its colours."""
    paletted = image.quantize(_SIXEL_COLORS)
    palette = paletted.getpalette("RGB") or []
    colors = [tuple(palette[at : at + 3]) for at in range(0, len(palette), 3)]
    registers = "".join(
        f"#{number};2;{';'.join(str(round(part * 100 / 255)) for part in color)}"
        for number, color in enumerate(colors)
    )
    data, width = paletted.tobytes(), paletted.width
    bands = (
        _sixel_band([data[at : at + width] for at in range(top, top + width * _BAND, width)])
        for top in range(0, len(data), width * _BAND)
    )
    return f'\x1bPq"1;1;{width};{paletted.height}{registers}{"-".join(bands)}\x1b\\'


def _sixel_band(rows: list[bytes]) -> str:
    layers = []
    for color in sorted(set().union(*rows)):
        bits = 0
        for place, row in enumerate(rows):
            if color in row:
                table = bytes(color) + bytes((1 << place,)) + bytes(255 - color)
                bits |= int.from_bytes(row.translate(table))
        layers.append(f"#{color}{''.join(_runs(bits.to_bytes(len(rows[0]))))}")
    return "$".join(layers)


def _runs(values: bytes) -> Iterator[str]:
    for value, run in groupby(values):
        length, sign = len(list(run)), chr(63 + value)
        yield f"!{length}{sign}" if length >= _SHORT_RUN else sign * length


def _blocks(image: "Image", colors: Colors) -> str:
    """Return a picture as characters, each of which is two pixels above each other."""
    data, width = image.tobytes(), image.width
    stride = width * 3
    lines = []
    for top in range(0, len(data) - stride, stride * 2):
        pairs = [
            (data[at : at + 3], data[at + stride : at + stride + 3])
            for at in range(top, top + stride, 3)
        ]
        lines.append(_shaded(pairs) if colors is Colors.NONE else _colored(pairs, colors))
    return "".join(f"{line}\n" for line in lines)


def _colored(pairs: list[tuple[bytes, bytes]], colors: Colors) -> str:
    text, before = "", ""
    for upper, lower in pairs:
        style = f"\x1b[38;{_color(upper, colors)};48;{_color(lower, colors)}m"
        text += (style if style != before else "") + "▀"
        before = style
    return f"{text}\x1b[0m"


def _color(color: bytes, colors: Colors) -> str:
    red, green, blue = color
    if colors is Colors.FULL:
        return f"2;{red};{green};{blue}"
    if max(color) - min(color) < 12:  # the finer scale of greys
        grey = round((sum(color) / 3 - 8) / 10)
        return f"5;{16 if grey < 0 else 231 if grey > 23 else 232 + grey}"
    steps = [0 if part < 48 else 1 if part < 115 else (part - 35) // 40 for part in color]
    return f"5;{16 + 36 * steps[0] + 6 * steps[1] + steps[2]}"


def _shaded(pairs: list[tuple[bytes, bytes]]) -> str:
    """Return a line without colours: the brighter, the fuller."""
    signs = []
    for upper, lower in pairs:
        bright = (sum(upper) + sum(lower)) / (6 * 255)
        signs.append(_SHADES[min(len(_SHADES) - 1, int(bright * len(_SHADES)))])
    return "".join(signs)

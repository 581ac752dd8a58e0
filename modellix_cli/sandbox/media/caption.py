"""Words on a picture, in capitals of 3 by 5 dots."""

from collections.abc import Iterator
from typing import Final

# A glyph is five rows from the top, each an octal digit: 4 is the left dot, 1 the right one.
_FONT: Final = (
    "A=25755 B=65656 C=34443 D=65556 E=74647 F=74644 G=34553 H=55755 I=72227 J=11152 K=55655 "
    "L=44447 M=57755 N=65555 O=25552 P=65644 Q=25563 R=65655 S=34216 T=72222 U=55557 V=55552 "
    "W=55775 X=55255 Y=55222 Z=71247 0=75557 1=26227 2=61247 3=61216 4=55711 5=74616 6=34757 "
    "7=71222 8=75757 9=75716 .=00002 ,=00024 !=22202 ?=61202 :=02020 -=00700 +=02720 '=22000 "
    '"=55000 /=11244 (=12221 )=42224 #=57575 %=51245 &=25253 *=52725 ;=02024 _=00007'
)
_GLYPHS: Final = dict(pair.split("=") for pair in _FONT.split())
_UNKNOWN: Final = "75557"
_GLYPH_WIDTH: Final = 4
_LINE_HEIGHT: Final = 7
_MAX_LINES: Final = 3
_WHITE: Final = b"\xff\xff\xff"


def write_caption(rows: list[bytearray], width: int, words: str) -> None:
    """Write `words` in white at the foot of a picture of RGB rows, on a darker ground.

    At most three lines are written; a picture that is too small for one stays as it is.
    """
    dot = max(1, width // 128)
    columns = width // dot // _GLYPH_WIDTH - 1
    lines = list(_lines(words.upper(), columns)) if columns > 3 else []
    top = len(rows) - dot * (_LINE_HEIGHT * len(lines) + 1)
    if not lines or top < 0:
        return
    for row in rows[top:]:
        row[:] = row.translate(_DARKER)
    for number, line in enumerate(lines):
        for column, letter in enumerate(line):
            x, y = (column * _GLYPH_WIDTH + 2) * dot, top + (number * _LINE_HEIGHT + 1) * dot
            _draw(rows, letter, x, y, dot)


_DARKER: Final = bytes(value // 3 for value in range(256))


def _lines(words: str, columns: int) -> Iterator[str]:
    left = " ".join(words.split())
    for _ in range(_MAX_LINES):
        if not left:
            return
        cut = columns
        if len(left) > columns and (blank := left.rfind(" ", 0, columns + 1)) > 0:
            cut = blank
        yield left[:cut]
        left = left[cut:].lstrip()


def _draw(rows: list[bytearray], letter: str, x: int, y: int, dot: int) -> None:
    for down, dots in enumerate(_GLYPHS.get(letter, "00000" if letter == " " else _UNKNOWN)):
        for across in range(3):
            if int(dots) & (4 >> across):
                left = 3 * (x + across * dot)
                for row in rows[y + down * dot : y + (down + 1) * dot]:
                    row[left : left + 3 * dot] = _WHITE * dot

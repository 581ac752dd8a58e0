"""What terminals are sent: decoded again, it is the picture."""

import io
import re
from base64 import b64decode

import pytest
from PIL import Image

from modellix_cli.output.preview.encoding import encode
from modellix_cli.output.preview.graphics import Colors, Graphics, Place
from modellix_cli.output.preview.picture import cells, pixels

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def place(graphics: Graphics, colors: Colors = Colors.FULL) -> Place:
    return Place(graphics, columns=4, rows=3, cell=(10, 20), colors=colors)


@pytest.fixture
def quarters() -> Image.Image:
    """Red and green above blue and white."""
    image = Image.new("RGB", (40, 40))
    for corner, color in (((0, 0), RED), ((20, 0), GREEN), ((0, 20), BLUE), ((20, 20), WHITE)):
        image.paste(color, (*corner, corner[0] + 20, corner[1] + 20))
    return image


def decode_sixel(codes: str) -> Image.Image:
    found = re.fullmatch(r'\x1bPq"1;1;(\d+);(\d+)(.*)\x1b\\\n', codes, re.DOTALL)
    assert found
    image = Image.new("RGB", (int(found[1]), int(found[2])))
    colors: dict[str, tuple[int, ...]] = {}
    x = y = 0
    color: tuple[int, ...] = ()
    for token in re.finditer(r"#(\d+)(?:;2;(\d+);(\d+);(\d+))?|!(\d+)(.)|([$-])|(.)", found[3]):
        register, *parts = token.groups()[:4]
        if parts[0] is not None:
            colors[register] = tuple(round(int(part) * 255 / 100) for part in parts)
        elif register is not None:
            color = colors[register]
        elif token[7]:
            x, y = 0, y + 6 * (token[7] == "-")
        else:
            bits, length = ord(token[6] or token[8]) - 63, int(token[5] or 1)
            for row in (row for row in range(6) if bits >> row & 1):
                image.paste(color, (x, y + row, x + length, y + row + 1))
            x += length
    return image


def test_sixel_decodes_to_the_picture(quarters: Image.Image) -> None:
    assert decode_sixel(encode(quarters, place(Graphics.SIXEL))).tobytes() == quarters.tobytes()


def test_kitty_gets_the_picture_in_chunks_and_answers_nothing() -> None:
    noise = Image.effect_noise((160, 160), 90).convert("RGB")
    codes = encode(noise, place(Graphics.KITTY))
    chunks = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", codes)
    assert "".join(f"\x1b_G{head};{data}\x1b\\" for head, data in chunks) + "\n" == codes
    assert chunks[0][0] == "a=T,f=100,q=2,c=16,r=8,m=1"
    assert [head for head, _ in chunks[1:]] == ["m=1"] * (len(chunks) - 2) + ["m=0"]
    assert max(len(data) for _, data in chunks) == 4096
    png = b64decode("".join(data for _, data in chunks))
    assert Image.open(io.BytesIO(png)).tobytes() == noise.tobytes()


def test_iterm2_gets_the_picture_and_its_size_in_cells(quarters: Image.Image) -> None:
    codes = encode(quarters, place(Graphics.ITERM2))
    found = re.fullmatch(r"\x1b\]1337;File=inline=1;size=(\d+);(.*):(.*)\x07\n", codes)
    assert found
    png = b64decode(found[3])
    assert len(png) == int(found[1])
    assert found[2] == "width=4;height=2;preserveAspectRatio=1"
    assert Image.open(io.BytesIO(png)).tobytes() == quarters.tobytes()


def test_a_block_is_two_pixels_above_each_other() -> None:
    image = Image.new("RGB", (2, 2), RED)
    image.paste(BLUE, (0, 1, 2, 2))
    full = encode(image, place(Graphics.BLOCKS))
    assert full == "\x1b[38;2;255;0;0;48;2;0;0;255m▀▀\x1b[0m\n"
    palette = encode(image, place(Graphics.BLOCKS, Colors.PALETTE))
    assert palette == "\x1b[38;5;196;48;5;21m▀▀\x1b[0m\n"


def test_without_colours_blocks_are_shades() -> None:
    image = Image.new("RGB", (3, 2), WHITE)
    image.putpixel((0, 0), (0, 0, 0))
    image.putpixel((0, 1), (0, 0, 0))
    image.putpixel((1, 0), (0, 0, 0))
    assert encode(image, place(Graphics.BLOCKS, Colors.NONE)) == " ▒█\n"


@pytest.mark.parametrize(
    ("size", "taken"),
    [
        ((400, 200), (4, 1)),
        ((400, 400), (4, 2)),
        ((100, 400), (2, 3)),
        ((1, 100_000), (1, 3)),
        ((100_000, 1), (4, 1)),
    ],
)
def test_a_picture_keeps_its_proportions_within_the_place(
    size: tuple[int, int], taken: tuple[int, int]
) -> None:
    assert cells(size, place(Graphics.KITTY)) == taken
    assert pixels(size, place(Graphics.SIXEL)) == (taken[0] * 10, taken[1] * 20)
    assert pixels(size, place(Graphics.BLOCKS)) == (taken[0], taken[1] * 2)

"""A picture from a file that is not trusted: known formats, bounded in bytes and pixels."""

import io
import struct
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final

from modellix_cli.output.preview.graphics import Graphics, Place

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_BYTES: Final = 128 * 1024 * 1024
_FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "AVIF", "TIFF")
"""What is opened; others, as PostScript, would start programs."""
_FAULTS: Final = (
    *(OSError, ValueError, SyntaxError, EOFError, ArithmeticError, LookupError, TypeError),
    *(AttributeError, MemoryError, NotImplementedError, RuntimeError, struct.error),
)
"""What Pillow raises for damaged files."""


class CannotShow(Exception):
    """A file cannot be shown; the text says why, as a sentence."""


def load(source: Path | bytes, place: Place) -> "Image":
    """Return a picture as RGB, as large as it is shown at `place`.

    The first one of an animation; turned as its camera was held. Raises `CannotShow` for what is
    no picture, damaged, or larger than Pillow's limit of about 90 million pixels.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    if isinstance(source, Path):
        check_size(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            opened = io.BytesIO(source) if isinstance(source, bytes) else source
            known: list[str] = [name for name in _FORMATS if name in _available()]
            with Image.open(opened, formats=known) as image:
                image.thumbnail((4 * 1024, 4 * 1024))
                turned = ImageOps.exif_transpose(image)
                return _opaque(turned).resize(pixels(turned.size, place))
    except UnidentifiedImageError:
        raise CannotShow("It is no picture in a known format.") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise CannotShow("It has more pixels than are safe to decode.") from None
    except _FAULTS as error:
        raise CannotShow(f"It is damaged: {error or type(error).__name__}.") from error


def check_size(path: Path) -> None:
    """Raise `CannotShow` for a file that is too large, cannot be read, or is none."""
    try:
        if not path.is_file():
            raise CannotShow("There is no such file.")
        if path.stat().st_size > MOST_BYTES:
            raise CannotShow("It is larger than 128 MiB.")
    except OSError as error:
        raise CannotShow(f"It cannot be read: {error.strerror}.") from error


def _available() -> set[str]:
    from PIL import Image

    Image.init()
    return set(Image.OPEN)


def _opaque(image: "Image") -> "Image":
    """Return a picture as RGB, on black where it is transparent."""
    from PIL import Image

    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    ground = Image.new("RGBA", layer.size, (0, 0, 0, 255))
    return Image.alpha_composite(ground, layer).convert("RGB")


def cells(size: tuple[int, int], place: Place) -> tuple[int, int]:
    """Return the columns and rows that a picture of `size` pixels takes, in its proportions."""
    width, height = max(1, size[0]), max(1, size[1])
    cell_width, cell_height = place.cell
    ratio = height / width * cell_width / cell_height
    columns = max(1, place.columns)
    rows = max(1, round(columns * ratio))
    if rows > place.rows:
        rows = max(1, place.rows)
        columns = max(1, min(columns, round(rows / ratio)))
    return columns, rows


def pixels(size: tuple[int, int], place: Place) -> tuple[int, int]:
    """Return the size in pixels in which a picture is shown."""
    columns, rows = cells(size, place)
    if place.graphics is Graphics.BLOCKS:
        return columns, rows * 2
    return columns * place.cell[0], rows * place.cell[1]

"""What the first bytes of a media file say."""

from pathlib import Path
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.downloads.media_header import UNKNOWN, MediaHeader, read_header


def box(name: bytes, content: bytes) -> bytes:
    return pack(">I", 8 + len(content)) + name + content


def tkhd(width: int, height: int, *, turned: bool = False) -> bytes:
    matrix = (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    straight = (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    sides = pack(">II", width << 16, height << 16)
    return box(b"tkhd", bytes(40) + pack(">9i", *(matrix if turned else straight)) + sides)


FTYP = box(b"ftyp", b"isom" + bytes(4))
MVHD = box(b"mvhd", bytes(12) + pack(">II", 1000, 5500) + bytes(80))
MOVIE = FTYP + box(b"mdat", bytes(100_000)) + box(b"moov", MVHD + tkhd(0, 0) + tkhd(640, 360))
TURNED = FTYP + box(b"moov", MVHD + tkhd(640, 360, turned=True))
WAVE = b"RIFF....WAVEfmt " + pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16) + b"data"
VP8X = b"RIFF....WEBPVP8X" + bytes(8) + (1279).to_bytes(3, "little") + (719).to_bytes(3, "little")
LOSSLESS = b"RIFF....WEBPVP8L" + bytes(4) + b"\x2f" + (99 | 49 << 14).to_bytes(4, "little")
LOSSY = b"RIFF....WEBPVP8 " + bytes(10) + pack("<HH", 320, 200)
JPEG = b"\xff\xd8\xff\xe0" + pack(">H", 16) + bytes(14) + b"\xff\xff\xc2\0\x11\x08"
AVIF = box(b"ftyp", b"avif" + bytes(4)) + box(b"meta", box(b"ispe", pack(">III", 0, 64, 48)))


@pytest.mark.parametrize(
    ("data", "header"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(8) + pack(">II", 30, 20), MediaHeader("image", 30, 20)),
        (JPEG + pack(">HH", 20, 30), MediaHeader("image", 30, 20)),
        (b"GIF89a" + pack("<HH", 3, 2), MediaHeader("image", 3, 2)),
        (VP8X, MediaHeader("image", 1280, 720)),
        (LOSSLESS, MediaHeader("image", 100, 50)),
        (LOSSY, MediaHeader("image", 320, 200)),
        (AVIF, MediaHeader("image", 64, 48)),
        (MOVIE, MediaHeader("video", 640, 360, 5.5)),
        (TURNED, MediaHeader("video", 360, 640, 5.5)),
        (FTYP.replace(b"isom", b"M4A ") + box(b"moov", MVHD), MediaHeader("audio", seconds=5.5)),
        (WAVE + pack("<I", 32000), MediaHeader("audio", seconds=2.0)),
        (b"\x1aE\xdf\xa3webm", MediaHeader("video")),
        (b"ID3\x04", MediaHeader("audio")),
        (b"\xff\xfb\x90", MediaHeader("audio")),
        (b"<html>", UNKNOWN),
        (b"", UNKNOWN),
    ],
)
def test_kind_size_and_duration(tmp_path: Path, data: bytes, header: MediaHeader) -> None:
    (tmp_path / "file").write_bytes(data)
    assert read_header(tmp_path / "file") == header


def test_a_size_that_cannot_be_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(8) + pack(">II", 0, 2**31))
    assert read_header(tmp_path / "file") == MediaHeader("image")


BEGINNINGS = st.sampled_from([MOVIE, TURNED, WAVE, VP8X, LOSSY, JPEG, AVIF, b"GIF89a", b""])


@given(BEGINNINGS, st.integers(0, 400), st.binary(max_size=60))
def test_what_is_cut_or_damaged_is_no_failure(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cut: int, noise: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(data[:cut] + noise)
    header = read_header(path)
    assert (header.width is None) == (header.height is None)

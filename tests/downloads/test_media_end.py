import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.downloads.media_end import ends_early


def box(kind: bytes, data: bytes) -> bytes:
    return (8 + len(data)).to_bytes(4) + kind + data


def wide_box(kind: bytes, data: bytes) -> bytes:
    return (1).to_bytes(4) + kind + (16 + len(data)).to_bytes(8) + data


def riff(kind: bytes, data: bytes) -> bytes:
    return b"RIFF" + (4 + len(data)).to_bytes(4, "little") + kind + data


PIXELS = bytes(range(200))
WHOLE = {
    "png": b"\x89PNG\r\n\x1a\n" + PIXELS + b"\0\0\0\0IEND\xaeB`\x82",
    "jpeg": b"\xff\xd8\xff\xe0" + PIXELS + b"\xff\xd9",
    "gif": b"GIF89a" + PIXELS + b"\0;",
    "webp": riff(b"WEBP", PIXELS),
    "wav": riff(b"WAVE", PIXELS),
    "mp4": box(b"ftyp", b"isom0000") + box(b"mdat", PIXELS),
    "big mp4": box(b"ftyp", b"isom0000") + wide_box(b"mdat", PIXELS),
}


def early(data: bytes) -> bool:
    return ends_early(io.BytesIO(data))


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE)
def test_a_whole_file_does_not_end_early(data: bytes) -> None:
    assert not early(data)


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE)
@given(at=st.floats(0, 1, exclude_max=True))
@pytest.mark.slow
def test_a_cut_file_ends_early(data: bytes, at: float) -> None:
    start = 17  # an MP4 that ends behind its first box cannot be told from a whole one
    assert early(data[: start + int(at * (len(data) - start))])


@pytest.mark.parametrize("name", ["png", "jpeg", "webp"])
def test_what_a_program_appended_does_no_harm(name: str) -> None:
    assert not early(WHOLE[name] + b"appended")


@pytest.mark.parametrize(
    "data",
    [
        b"RIFF\xff\xff\xff\xffWAVE" + PIXELS,
        b"RIFF\0\0\0\0WAVE" + PIXELS,
        box(b"ftyp", b"isom0000") + b"\0\0\0\0mdat" + PIXELS,
        b"OggS" + PIXELS,
        b"no format that is known",
        b"",
    ],
)
def test_a_format_that_does_not_tell_its_end_is_believed(data: bytes) -> None:
    assert not early(data)


@given(st.binary(max_size=64), st.sampled_from(list(WHOLE.values())))
def test_any_bytes_are_looked_at_without_an_error(data: bytes, start: bytes) -> None:
    early(start[:20] + data)
    early(data)

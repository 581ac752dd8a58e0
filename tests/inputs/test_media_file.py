"""A file is checked before it is uploaded."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.inputs.media_file import MAX_MEDIA_BYTES, media_type, read_media, upload_name

PNG = b"\x89PNG\r\n\x1a\nrest"
JPEG = b"\xff\xd8\xff\xe0rest"
WEBP = b"RIFF\x00\x00\x00\x00WEBPrest"


def refusal(path: Path) -> ModellixError:
    with pytest.raises(ModellixError) as caught:
        read_media(path)
    assert caught.value.exit_status == 2
    assert str(path) in caught.value.message
    return caught.value


KINDS = [
    (PNG, "image/png"),
    (JPEG, "image/jpeg"),
    (WEBP, "image/webp"),
    (b"GIF89a...", "image/gif"),
    (b"GIF87a...", "image/gif"),
    (b"II*\x00....", "image/tiff"),
    (b"\x00\x00\x00\x1cftypavif....", "image/avif"),
    (b"\x00\x00\x00\x1cftypheic....", "image/heic"),
    (b"\x00\x00\x00\x20ftypisom....", "video/mp4"),
    (b"\x00\x00\x00\x20ftypmp42....", "video/mp4"),
    (b"\x00\x00\x00\x14ftypqt  ....", "video/quicktime"),
    (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\x82\x84webm", "video/webm"),
    (b"\x1aE\xdf\xa3\xa3B\x82\x88matroska", "video/x-matroska"),
    (b"RIFF\x00\x00\x00\x00AVI LIST", "video/x-msvideo"),
    (b"\x00\x00\x01\xba....", "video/mpeg"),
    (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"),
    (b"ID3\x04....", "audio/mpeg"),
    (b"\xff\xfb\x90\x64....", "audio/mpeg"),
    (b"\xff\xf1\x50\x80....", "audio/aac"),
    (b"\x00\x00\x00\x20ftypM4A ....", "audio/mp4"),
    (b"OggS....", "audio/ogg"),
    (b"fLaC....", "audio/flac"),
]


@pytest.mark.parametrize(("content", "kind"), KINDS)
def test_the_type_is_told_by_the_content_not_by_the_name(
    tmp_path: Path, content: bytes, kind: str
) -> None:
    path = tmp_path / "picture.txt"
    path.write_bytes(content)
    media = read_media(path)
    assert (media.name, media.type, media.content) == ("picture.txt", kind, content)


@pytest.mark.parametrize(
    "content",
    [
        *(b"hello", b"\x89PNG", b"RIFF\x00\x00\x00\x00XXXX", b"%PDF-1.7", b"PK\x03\x04", b"<svg/>"),
        *(
            b"\xff\xfe\x00h",
            b"\xff\xff\xff\xff",
            b"\xff\xfb",
            b"\x7fELF",
            b"{}",
            b"\x00\x00\x00\x00moov",
        ),
    ],
)
def test_any_other_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    assert "no image, video or audio" in refusal(path).message


@given(st.binary(max_size=20))
def test_any_bytes_have_a_known_type_or_none(content: bytes) -> None:
    assert (media_type(content) or "image/").split("/")[0] in ("image", "video", "audio")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.touch()
    assert "is empty" in refusal(path).message


def test_sixteen_mebibytes_are_taken_and_one_byte_more_is_not(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(PNG.ljust(MAX_MEDIA_BYTES, b"\0"))
    assert len(read_media(path).content) == MAX_MEDIA_BYTES
    with path.open("ab") as file:
        file.write(b"\0")
    assert "16777216-byte limit" in refusal(path).message


def test_a_missing_file_says_why(tmp_path: Path) -> None:
    error = refusal(tmp_path / "nowhere.png")
    assert error.code is ErrorCode.INPUT_UNREADABLE
    assert "No such file" in error.message


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real.png").write_bytes(PNG)
    link = tmp_path / "link.png"
    link.symlink_to("real.png")
    assert "not a symbolic link" in refusal(link).message


def test_a_folder_or_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    assert refusal(tmp_path).code is ErrorCode.INVALID_MEDIA
    os.mkfifo(tmp_path / "pipe.png")
    assert refusal(tmp_path / "pipe.png").code is ErrorCode.INVALID_MEDIA


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("cat.png", "cat.png"),
        ('my "best" cat.png', "my _best_ cat.png"),
        ("a\\b\r\nc\x1b.png", "a_b__c_.png"),
        ("e\u0301.png", "é.png"),
        (" cat.png ", "cat.png"),
        ("x" * 200, "x" * 180),
        ("bad\udcff.png", "bad_.png"),
        ("  ", "file"),
    ],
)
def test_a_name_is_made_fit_for_a_header(name: str, sent: str) -> None:
    assert upload_name(Path(name)) == sent

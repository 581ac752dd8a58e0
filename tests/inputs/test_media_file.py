"""A picture is checked before it is uploaded."""

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


@pytest.mark.parametrize(
    ("content", "kind"), [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")]
)
def test_the_type_is_told_by_the_content_not_by_the_name(
    tmp_path: Path, content: bytes, kind: str
) -> None:
    path = tmp_path / "picture.txt"
    path.write_bytes(content)
    media = read_media(path)
    assert (media.name, media.type, media.content) == ("picture.txt", kind, content)


@pytest.mark.parametrize("content", [b"GIF89a", b"hello", b"RIFF\x00\x00\x00\x00WAVE", b"\x89PNG"])
def test_any_other_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    assert "PNG, JPEG nor WebP" in refusal(path).message


@given(st.binary(max_size=20))
def test_any_bytes_have_a_known_type_or_none(content: bytes) -> None:
    assert media_type(content) in (None, "image/png", "image/jpeg", "image/webp")


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

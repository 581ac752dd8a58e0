from base64 import b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.task import Resource
from modellix_cli.downloads.files import safe_name
from modellix_cli.downloads.resources import (
    broken_promise,
    extension,
    file_name,
    inline_content,
    promised_kind,
    sniff,
)

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
MP4 = b"\0\0\0\x20ftypisom\0\0\2\0"


def resource(
    url: str | None = None,
    *,
    kind: str | None = None,
    text: str | None = None,
    form: str | None = None,
    position: int = 1,
) -> Resource:
    return Resource(position, kind, url, text, form)


# Inline content


@pytest.mark.parametrize(
    ("url", "content"),
    [
        ("data:image/png;base64,QUJD", (b"ABC", "image/png")),
        ("data:image/png;base64,QUI=", (b"AB", "image/png")),
        ("data:image/png;base64,QUI", (b"AB", "image/png")),
        ("data:image/png;base64,QU%49%3D", (b"AB", "image/png")),
        ("data:image/png;base64,QU\n I=\r\n", (b"AB", "image/png")),
        ("DATA:IMAGE/PNG;BASE64,QUJD", (b"ABC", "image/png")),
        ("data:image/png; base64,QUJD", (b"ABC", "image/png")),
        ("data:text/plain;charset=utf-8;base64,QUJD", (b"ABC", "text/plain")),
        ("data:image/png;base64,", (b"", "image/png")),
        ("data:,hello%20world", (b"hello world", "text/plain")),
        ("data:text/plain;charset=utf-8,caf%C3%A9", ("café".encode(), "text/plain")),
        ("data:text/plain,a,b;base64,c", (b"a,b;base64,c", "text/plain")),
        ("data:text/plain,猫", ("猫".encode(), "text/plain")),
        ("data:;base64,QUJD", (b"ABC", "text/plain")),
        ("data:base64,QUJD", (b"QUJD", "base64")),
    ],
)
def test_a_data_url_holds_bytes_and_their_type(url: str, content: tuple[bytes, str]) -> None:
    assert inline_content(resource(url)) == content


@pytest.mark.parametrize(
    "url",
    [
        *("data:image/png;base64", "data:", "data:image/png;base64QUJD"),
        *("data:image/png;base64,Q", "data:image/png;base64,QU*D"),
        *("data:image/png;base64,=QUJD", "data:image/png;base64,猫", "data:;base64,QU=JD"),
        *("data:image/png;base64,QUJD\x00", "data:text/plain,\ud800"),
    ],
)
def test_a_broken_data_url_is_an_error_that_names_the_resource(url: str) -> None:
    with pytest.raises(ModellixError, match="Resource 3 is a data: URL") as caught:
        inline_content(resource(url, position=3))
    assert caught.value.code is ErrorCode.DOWNLOAD_FAILED
    assert not caught.value.retryable


def test_an_error_about_a_data_url_does_not_print_it() -> None:
    with pytest.raises(ModellixError) as caught:
        inline_content(resource("data:image/png;base64," + "QUJD*" * 1000))
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("url", ["https://x/a.png", "http://x/?data:,", "dat:x", "ftp://x"])
def test_any_other_url_is_not_inline(url: str) -> None:
    assert inline_content(resource(url)) is None


def test_text_in_the_reply_is_inline() -> None:
    assert inline_content(resource(text="a 猫", kind="text")) == ("a 猫".encode(), "text/plain")


def test_text_that_utf8_cannot_hold_is_saved_nevertheless() -> None:
    assert inline_content(resource(text="a\ud800b")) == (b"a?b", "text/plain")


def test_empty_text_is_an_empty_file() -> None:
    assert inline_content(resource(kind="text")) == (b"", "text/plain")


@pytest.mark.parametrize("kind", ["image", "video", "audio", None, "hologram"])
def test_a_resource_without_url_and_text_is_an_error_and_no_empty_file(kind: str | None) -> None:
    with pytest.raises(ModellixError, match="Resource 2 has neither a URL nor text") as caught:
        inline_content(resource(kind=kind, position=2))
    assert caught.value.code is ErrorCode.DOWNLOAD_FAILED
    assert not caught.value.retryable


@given(st.binary(max_size=50))
def test_bytes_in_base64_arrive_whole(data: bytes) -> None:
    url = "data:image/png;base64," + quote(b64encode(data))
    assert inline_content(resource(url)) == (data, "image/png")


@given(st.text(st.characters(codec=None), max_size=30).map(lambda text: f"data:{text}"))
def test_any_data_url_is_content_or_an_error(url: str) -> None:
    try:
        content = inline_content(resource(url))
    except ModellixError as error:
        assert error.code is ErrorCode.DOWNLOAD_FAILED
    else:
        assert content is not None
        assert isinstance(content[0], bytes)


# Extensions


@pytest.mark.parametrize(
    ("media_type", "found"),
    [
        *[("image/png", ".png"), ("image/jpeg", ".jpg"), ("IMAGE/WEBP", ".webp")],
        *[("image/gif", ".gif"), ("image/avif", ".avif"), ("video/mp4", ".mp4")],
        *[("video/webm", ".webm"), ("video/quicktime", ".mov"), ("audio/mpeg", ".mp3")],
        *[("audio/wav", ".wav"), ("audio/x-wav", ".wav"), ("audio/ogg", ".ogg")],
        *[("audio/flac", ".flac"), ("text/plain; charset=utf-8", ".txt"), ("text/html", ".html")],
        *[(" image/png ;q=1", ".png"), ("application/json", ".json")],
    ],
)
def test_the_content_type_tells_the_extension(media_type: str, found: str) -> None:
    assert extension(resource(form="bin"), media_type, b"") == found


def test_the_content_type_comes_before_the_bytes() -> None:
    assert extension(resource(), "video/mp4", PNG) == ".mp4"


@pytest.mark.parametrize(
    "media_type",
    [None, "", ";", "application/octet-stream", "Binary/Octet-Stream; x", "image/jpg", "x/y", "猫"],
)
def test_where_the_content_type_says_nothing_the_bytes_tell(media_type: str | None) -> None:
    assert extension(resource(form="mp4"), media_type, PNG) == ".png"


@pytest.mark.parametrize(
    ("form", "found"),
    [
        *[("png", ".png"), ("PNG", ".png"), (".jpeg", ".jpeg"), ("image/webp", ".webp")],
        *[("../../x", ".x"), ("mp4\n", ".mp4"), ("a b", ".ab"), ("x" * 50, "." + "x" * 16)],
    ],
)
def test_else_the_format_of_the_reply_tells(form: str, found: str) -> None:
    assert extension(resource(form=form), None, b"????") == found


@pytest.mark.parametrize("form", [None, "/", ".", "-", "..", "猫", "\x00"])
def test_a_format_that_is_no_extension_is_not_used(form: str | None) -> None:
    assert extension(resource(form=form, kind="image"), None, b"") == ".img"


@pytest.mark.parametrize(
    ("kind", "found"), [("image", ".img"), ("TEXT", ".txt"), ("hologram", ""), (None, "")]
)
def test_else_the_type_of_the_reply_tells(kind: str | None, found: str) -> None:
    assert extension(resource(kind=kind), None, b"") == found


@pytest.mark.parametrize(
    ("head", "found"),
    [
        *[(PNG, ".png"), (b"\xff\xd8\xff\xe0", ".jpg"), (b"GIF89a", ".gif"), (MP4, ".mp4")],
        *[(b"\0\0\0\x20ftypqt  ", ".mov"), (b"\0\0\0\x20ftypavif", ".avif")],
        *[(b"\x1aE\xdf\xa3", ".webm"), (b"OggS", ".ogg"), (b"fLaC", ".flac"), (b"ID3", ".mp3")],
        *[(b"RIFF\0\0\0\0WEBP", ".webp"), (b"RIFF\0\0\0\0WAVE", ".wav")],
        *[(b"RIFF\0\0\0\0AVI ", ".avi"), (b"RIFF\0\0\0\0????", None), (b"RIFF", None)],
        *[(b"", None), (b"\x89PN", None), (b"hello world, hello", None), (b"\xff\xd8", None)],
    ],
)
def test_the_first_bytes_tell_the_format(head: bytes, found: str | None) -> None:
    assert sniff(head) == found


@given(st.binary(max_size=16))
def test_any_first_bytes_give_an_extension_or_none(head: bytes) -> None:
    found = sniff(head)
    assert found is None or found.startswith(".")


# Names


def test_the_name_is_that_of_the_url() -> None:
    assert file_name(resource("https://x/y/cat.png?sig=1"), "video/mp4", MP4) == "cat.png"


def test_a_name_without_extension_gets_the_one_that_fits() -> None:
    assert file_name(resource("https://x/y/cat"), "image/png", b"") == "cat.png"


@pytest.mark.parametrize("url", ["https://x", "https://x/", "https://x/a/..", "https://[broken"])
def test_a_url_without_a_name_is_numbered(url: str) -> None:
    assert file_name(resource(url, position=4), None, PNG) == "resource-4.png"


@pytest.mark.parametrize("url", ["data:image/png;base64,a/b.exe", "DATA:,x/y.sh", "data:,猫"])
def test_a_data_url_has_no_name(url: str) -> None:
    assert file_name(resource(url), "image/png", PNG) == "resource-1.png"


def test_inline_text_is_a_numbered_text_file() -> None:
    assert file_name(resource(text="a", position=2), "text/plain", b"a") == "resource-2.txt"


def test_a_name_may_stay_without_extension_where_nothing_tells() -> None:
    assert file_name(resource("https://x/cat"), None, b"????") == "cat"


def test_a_device_name_is_safe_with_its_extension_too() -> None:
    assert file_name(resource("https://x/nul"), "image/png", b"") == "resource-nul.png"


@pytest.mark.parametrize("letter", ["x", "é", "猫", "😀"])
def test_a_long_name_leaves_room_for_extension_part_suffix_and_number(letter: str) -> None:
    name = file_name(resource(f"https://x/{letter * 300}"), "video/quicktime", b"")
    assert name.endswith(".mov")
    assert len(name.encode()) <= 240


@given(
    st.text(st.characters(codec=None), max_size=200),
    st.none() | st.text(max_size=20),
    st.none() | st.text(st.characters(codec=None), max_size=20),
    st.binary(max_size=16),
)
def test_whatever_the_server_sends_the_name_is_safe(
    path: str, media_type: str | None, form: str | None, head: bytes
) -> None:
    name = file_name(resource(f"https://x/{path}", form=form), media_type, head)
    assert name
    assert safe_name(name) == name


# Promises


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (resource("https://x/a", kind="image"), "image"),
        (resource("https://x/a", kind="Video/mp4"), "video"),
        (resource("https://x/a.png", kind="text"), None),
        (resource("https://x/a.json", kind="document"), None),
        (resource("https://x/a.mp3"), "audio"),
        (resource("https://x/a.png?sig=b.txt"), "image"),
        (resource("https://x/a", form="webp"), "image"),
        (resource("https://x/a", form="video/mp4"), "video"),
        (resource("https://x/a.bin"), None),
        (resource("https://x/a"), None),
    ],
)
def test_the_type_else_the_extension_is_a_promise(made: Resource, kind: str | None) -> None:
    assert promised_kind(made) == kind


@pytest.mark.parametrize(
    ("content_type", "head", "found"),
    [
        ("text/html", b"<html>", "an HTML or XML page"),
        (None, b"\xef\xbb\xbf \n<!doctype html>", "an HTML or XML page"),
        (None, b'{"code": 404}', "JSON"),
        ("application/json", b"null", "JSON"),
        ("text/plain; charset=utf-8", "nicht gefunden ü".encode(), "text"),
        (None, b"", "an empty file"),
        ("text/html", PNG, None),
        ("text/plain", b"\x00\x01binary", None),
        (None, b"unknown format", None),
        ("image/svg+xml", b"<?xml version='1.0'?>", None),
        (None, b"<svg xmlns='http://www.w3.org/2000/svg'>", None),
        ("application/octet-stream", b"{\x00\x01\x02", None),
    ],
)
def test_only_what_is_certainly_no_picture_breaks_the_promise(
    content_type: str | None, head: bytes, found: str | None
) -> None:
    assert broken_promise("image", content_type, head, len(head)) == found
    assert broken_promise(None, content_type, head, len(head)) is None


@given(st.binary(max_size=512), st.sampled_from(["image", "video", "audio", None]))
def test_any_bytes_are_judged(head: bytes, kind: str | None) -> None:
    found = broken_promise(kind, "text/html", head, len(head))
    assert found is None or kind is not None

"""Encodings that were not asked for: undone piece by piece, whatever the pieces are."""

import gzip
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.downloads.encodings import decoded, encodings
from modellix_cli.downloads.tries import FetchFailed

PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)


def pieces(data: bytes, size: int) -> Iterator[bytes | memoryview]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def undone(names: list[str], data: bytes, size: int = 7) -> bytes:
    return b"".join(bytes(piece) for piece in decoded(names, pieces(data, size))[0])


def framed(data: bytes, size: int = 10) -> bytes:
    parts = [*(bytes(part) for part in pieces(data, size)), b""]
    return b"".join(b"%X\r\n%s\r\n" % (len(part), part) for part in parts)


def test_the_header_is_a_list() -> None:
    assert encodings("GZIP, identity , aws-chunked,") == ["gzip", "aws-chunked"]
    assert encodings("") == []


@given(st.binary(max_size=300), st.integers(1, 50))
def test_what_was_encoded_is_decoded(data: bytes, size: int) -> None:
    plain = b"no media " + data
    assert undone(["gzip"], gzip.compress(plain), size) == plain
    assert undone(["deflate"], zlib.compress(plain), size) == plain
    assert undone(["aws-chunked"], framed(plain), size) == plain
    assert undone(["gzip", "aws-chunked"], framed(gzip.compress(plain)), size) == plain
    assert undone(["gzip", "gzip"], gzip.compress(gzip.compress(plain)), size) == plain


@pytest.mark.parametrize("names", [["gzip"], ["aws-chunked"], ["br"], ["deflate"], ["zstd"]])
def test_a_file_that_is_only_labelled_is_taken_as_it_is(names: list[str]) -> None:
    assert undone(names, PNG) == PNG
    assert not decoded(names, pieces(PNG, 7))[1]


@pytest.mark.parametrize("cut", [15, 60, -1])
def test_what_is_cut_is_no_file(cut: int) -> None:
    for names, data in (
        (["gzip"], gzip.compress(PNG[9:] + bytes(range(250)))),
        (["aws-chunked"], framed(b"no media" * 30)[:-5]),
    ):
        with pytest.raises(FetchFailed) as caught:
            undone(names, data[:cut])
        assert caught.value.start_over


@pytest.mark.parametrize(
    ("names", "data"),
    [
        (["gzip"], b"\x1f\x8b" + bytes(30)),
        (["aws-chunked"], b"A\r\n0123456789\r\nZZ\r\n"),
        (["aws-chunked"], b"A\r\n0123456789\r\n" + b"1" * 5000),
        (["br"], b"compressed"),
    ],
)
def test_what_cannot_be_decoded_is_a_failure(names: list[str], data: bytes) -> None:
    with pytest.raises(FetchFailed):
        undone(names, data)


def test_padding_behind_a_compressed_file_is_left_out() -> None:
    assert undone(["gzip"], gzip.compress(b"hello") + bytes(20)) == b"hello"


def test_no_piece_is_bigger_than_a_mebibyte() -> None:
    bomb = gzip.compress(bytes(20_000_000))
    chunks, _ = decoded(["gzip"], pieces(bomb, 65536))
    assert max(len(chunk) for chunk in chunks) <= 1024 * 1024

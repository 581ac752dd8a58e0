"""The gallery's own server, over real HTTP on this machine."""

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.output.gallery.page import Gallery
from modellix_cli.workflows.gallery_server import GalleryServer, byte_range

ID = "0123456789abcdef"
CONTENT = bytes(range(256)) * 4


class Source:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.version = "1"
        self.error: ModellixError | None = None

    def current(self) -> Gallery:
        if self.error is not None:
            raise self.error
        return Gallery("Gallery", (), 0.0, version=self.version, live=True)

    def media(self, id_: str) -> Path | None:
        return self.path if id_ == ID else None


@pytest.fixture
def source(tmp_path: Path) -> Source:
    (tmp_path / "1.png").write_bytes(CONTENT)
    return Source(tmp_path / "1.png")


@pytest.fixture
def server(source: Source) -> Iterator[GalleryServer]:
    with GalleryServer(0, source) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


class Reply:
    def __init__(self, got: http.client.HTTPResponse) -> None:
        self.status = got.status
        self.headers = got.headers
        self.body = got.read()


def ask(server: GalleryServer, path: str, method: str = "GET", **headers: str) -> Reply:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(
            method, path, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        return Reply(connection.getresponse())
    finally:
        connection.close()


MEDIA = f"/media/{ID}/1.png"


def test_the_page_and_its_data(server: GalleryServer) -> None:
    assert ask(server, "/").body.startswith(b"<!doctype html>")
    assert json.loads(ask(server, "/gallery.json").body)["live"] is True


def test_data_that_the_page_has_is_not_sent_again(server: GalleryServer, source: Source) -> None:
    tag = ask(server, "/gallery.json").headers["ETag"]
    assert ask(server, "/gallery.json", If_None_Match=tag).status == 304
    source.version = "2"
    assert ask(server, "/gallery.json", If_None_Match=tag).status == 200


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"])
def test_it_answers_to_the_names_of_this_machine(server: GalleryServer, name: str) -> None:
    assert ask(server, "/", Host=f"{name}:{server.port}").status == 200


@pytest.mark.parametrize(
    "host", ["evil.example.com:{}", "127.0.0.1", "127.0.0.1:1", "", "localhost:{}@x"]
)
@pytest.mark.parametrize("path", ["/", "/gallery.json", MEDIA])
def test_it_refuses_other_names(server: GalleryServer, host: str, path: str) -> None:
    reply = ask(server, path, Host=host.format(server.port))
    assert (reply.status, b"picture" in reply.body) == (421, False)


@pytest.mark.parametrize(
    "path",
    [
        "/media/fedcba9876543210/1.png",
        f"/media/{ID}",
        "/media/../1.png",
        "/media/..%2f..%2fetc/passwd",
        "//etc/passwd",
        "/1.png",
        "/favicon.ico",
    ],
)
@pytest.mark.slow
def test_it_has_nothing_but_the_media_of_the_gallery(server: GalleryServer, path: str) -> None:
    assert ask(server, path).status == 404


def test_media_are_sent_as_they_are_and_can_do_nothing(server: GalleryServer) -> None:
    reply = ask(server, MEDIA)
    assert (reply.status, reply.body) == (200, CONTENT)
    assert reply.headers["Content-Type"] == "image/png"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "sandbox" in reply.headers["Content-Security-Policy"]


def test_a_range_of_a_file(server: GalleryServer) -> None:
    reply = ask(server, MEDIA, Range="bytes=100-199")
    assert (reply.status, reply.body) == (206, CONTENT[100:200])
    assert reply.headers["Content-Range"] == "bytes 100-199/1024"
    assert ask(server, MEDIA, "HEAD", Range="bytes=0-9").headers["Content-Length"] == "10"
    assert ask(server, MEDIA, Range="bytes=1024-").status == 416


def test_a_file_that_has_gone_and_a_ledger_that_cannot_be_read(
    server: GalleryServer, source: Source
) -> None:
    source.path.unlink()
    assert ask(server, MEDIA).status == 404
    source.error = ModellixError(ErrorCode.LEDGER_BUSY, "The ledger is locked.")
    reply = ask(server, "/")
    assert (reply.status, reply.body) == (503, b"The ledger is locked.")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_it_only_reads(server: GalleryServer, method: str) -> None:
    assert ask(server, "/", method).status == 501


@given(st.integers(0, 50), st.integers(0, 60) | st.just(""), st.integers(0, 60) | st.just(""))
def test_a_range_is_within_the_file(size: int, first: int | str, last: int | str) -> None:
    span = byte_range(f"bytes={first}-{last}", size)
    assert span is None or 0 <= span[0] <= span[1] <= size


@pytest.mark.parametrize("header", [None, "", "bytes=", "bytes=-", "bytes=1-2,4-5", "lines=1-2"])
def test_what_is_no_single_range_gives_the_whole(header: str | None) -> None:
    assert byte_range(header, 100) == (0, 100)

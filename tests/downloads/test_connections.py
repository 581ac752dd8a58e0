"""Connections to media hosts: used again where that is safe, and only there."""

import contextlib
import http.server
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from modellix_cli.downloads import connections
from modellix_cli.downloads import response as reading
from modellix_cli.downloads.connections import Connections
from modellix_cli.downloads.fetcher import MediaFetcher, MediaPolicy
from modellix_cli.downloads.tries import FetchFailed, Remedy

BODY = bytes(range(256)) * 2000
DATA = Path(__file__).parent.parent / "data"


class Host:
    """A server on this machine that counts its connections."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        host = self
        self.connections = 0
        self.cookies: list[str | None] = []
        self.announce = len(BODY)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def setup(self) -> None:
                host.connections += 1
                super().setup()

            def do_GET(self) -> None:
                host.cookies.append(self.headers["Cookie"])
                self.send_response(200)
                self.send_header("Content-Length", str(host.announce))
                self.send_header("Set-Cookie", "track=1")
                self.end_headers()
                self.wfile.write(BODY)
                self.close_connection = host.announce != len(BODY)

            def log_message(self, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.port = self.server.server_address[1]


@pytest.fixture
def host() -> Iterator[Host]:
    made = Host()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def tls_host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(DATA / "server.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(DATA / "ca.pem"))
    made = Host(context)
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def fetcher() -> Iterator[MediaFetcher]:
    made = MediaFetcher(MediaPolicy(insecure_http=True, private_network=True))
    yield made
    made.close()


def read(fetcher: MediaFetcher, url: str) -> bytes:
    with fetcher.open(url) as stream:
        return b"".join(bytes(chunk) for chunk in stream.chunks)


def test_resources_of_one_host_share_a_connection(host: Host, fetcher: MediaFetcher) -> None:
    for name in "abc":
        assert read(fetcher, f"http://127.0.0.1:{host.port}/{name}") == BODY
    assert host.connections == 1


def test_resources_of_one_https_host_share_a_connection(
    tls_host: Host, fetcher: MediaFetcher
) -> None:
    for name in "ab":
        assert read(fetcher, f"https://localhost:{tls_host.port}/{name}") == BODY
    assert tls_host.connections == 1


def test_a_cookie_of_one_resource_is_not_sent_for_another(
    host: Host, fetcher: MediaFetcher
) -> None:
    for name in "ab":
        read(fetcher, f"http://127.0.0.1:{host.port}/{name}")
    assert host.cookies == [None, None]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_big_file_is_read_whole(
    scheme: str,
    request: pytest.FixtureRequest,
    fetcher: MediaFetcher,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "BIG", 1000)
    host = request.getfixturevalue("host" if scheme == "http" else "tls_host")
    assert read(fetcher, f"{scheme}://localhost:{host.port}/a") == BODY
    assert read(fetcher, f"{scheme}://localhost:{host.port}/b") == BODY


def test_a_big_file_that_is_cut_is_a_failure_that_may_pass(
    host: Host, fetcher: MediaFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BIG", 1000)
    host.announce = len(BODY) + 1
    with pytest.raises(FetchFailed, match="before the end") as caught:
        read(fetcher, f"http://127.0.0.1:{host.port}/a")
    assert caught.value.remedy is Remedy.TRY_AGAIN


def test_a_big_file_that_stalls_is_a_failure_that_may_pass(
    fetcher: MediaFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BIG", 1000)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a"

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nx")
                connection.recv(65536)

        threading.Thread(target=answer, daemon=True).start()
        with (
            pytest.raises(FetchFailed, match="did not answer in time") as caught,
            fetcher.open(url, None, 0.2) as stream,
        ):
            list(stream.chunks)
    assert caught.value.remedy is Remedy.TRY_AGAIN


class Opened(httpx.MockTransport):
    """A transport that answers 200 and knows whether it was closed."""

    closed = False

    def __init__(self) -> None:
        super().__init__(lambda request: httpx.Response(200))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Opened]:
    """Every transport that is opened."""
    made: list[Opened] = []

    def opening(url: str, wsgi: object) -> Opened:
        made.append(Opened())
        return made[-1]

    monkeypatch.setattr(connections, "open_transport", opening)
    return made


def send(kept: Connections, address: str, host: str) -> None:
    request = httpx.Request("GET", f"https://{address}/a")
    kept.finish(kept.send(request, f"https://{host}/a", host))


def test_a_connection_is_not_used_for_another_host_or_another_address(
    opened: list[Opened],
) -> None:
    kept = Connections(None)
    for address, host in [("192.0.2.1", "a"), ("192.0.2.1", "b"), ("192.0.2.2", "a")] * 2:
        send(kept, address, host)
    assert len(opened) == 3


def test_connections_to_many_hosts_do_not_pile_up(opened: list[Opened]) -> None:
    kept = Connections(None)
    for number in range(connections.MAX_HOSTS + 10):
        send(kept, "192.0.2.1", f"host-{number}")
    assert [one.closed for one in opened].count(False) == connections.MAX_HOSTS


def test_a_connection_that_is_read_from_is_not_let_go(opened: list[Opened]) -> None:
    kept = Connections(None)
    reading = kept.send(httpx.Request("GET", "https://192.0.2.1/a"), "https://a/a", "a")
    for number in range(connections.MAX_HOSTS + 10):
        send(kept, "192.0.2.1", f"host-{number}")
    assert not opened[0].closed
    kept.finish(reading)


def test_every_connection_is_closed_in_the_end(opened: list[Opened]) -> None:
    kept = Connections(None)
    send(kept, "192.0.2.1", "a")
    kept.send(httpx.Request("GET", "https://192.0.2.1/b"), "https://b/b", "b")
    kept.close()
    assert all(one.closed for one in opened)


def test_a_kept_connection_that_the_host_closed_is_replaced_at_once(
    opened: list[Opened],
) -> None:
    kept = Connections(None)
    send(kept, "192.0.2.1", "a")
    opened[0].handler = closed
    send(kept, "192.0.2.1", "a")
    assert [one.closed for one in opened] == [True, False]


def test_a_new_connection_that_breaks_off_is_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        connections, "open_transport", lambda url, wsgi: httpx.MockTransport(closed)
    )
    with pytest.raises(httpx.RemoteProtocolError):
        send(Connections(None), "192.0.2.1", "a")


def closed(request: httpx.Request) -> httpx.Response:
    raise httpx.RemoteProtocolError("Server disconnected without sending a response.")


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=", b"y"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", b"z"),
    ],
)
def test_one_deadline_ends_whatever_drips(fetcher: MediaFetcher, head: bytes, piece: bytes) -> None:
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a"

        def drip() -> None:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(head)
                while not ended.wait(0.02):
                    connection.sendall(piece)

        threading.Thread(target=drip, daemon=True).start()
        started = time.monotonic()
        with (
            pytest.raises(FetchFailed, match="did not answer in time"),
            fetcher.open(url, None, 0.4) as stream,
        ):
            list(stream.chunks)
        ended.set()
    assert time.monotonic() - started < 5


def test_the_socket_of_a_tls_connection_is_read_from_directly(
    tls_host: Host, fetcher: MediaFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BIG", 1000)
    filled: list[int] = []
    fill = reading._fill

    def counting(*arguments: Any) -> Any:
        filled.append(1)
        return fill(*arguments)

    monkeypatch.setattr(reading, "_fill", counting)
    assert read(fetcher, f"https://localhost:{tls_host.port}/a") == BODY
    assert filled

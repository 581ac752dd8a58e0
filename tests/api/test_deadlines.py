"""Every exchange ends, whatever drips; what arrived whole is used."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from modellix_cli.api.connecting import NotSent
from modellix_cli.api.transport import ConnectionLost, Transport
from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ErrorCode
from tests.api.servers import Handler, Servers, answering, dripping, reply, request_of

SECONDS = 0.3


@pytest.fixture
def over() -> Iterator[threading.Event]:
    ended = threading.Event()
    yield ended
    ended.set()


def open_transport(port: int, scheme: str = "http") -> Transport:
    return Transport(f"{scheme}://127.0.0.1:{port}", clock=Clock(), seconds=SECONDS)


def silent(over: threading.Event) -> Handler:
    """Take a connection and do nothing with it."""

    def handle(connection: socket.socket) -> None:
        over.wait(30)

    return handle


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize(
    ("before", "drip"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X"),
        (b"HTTP/1.1 200 OK\r\n", b"X-Y: z\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 400),
        (CHUNKED + b"2;", b"x"),
        (CHUNKED, b"1\r\n \r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\n\r\n", b" "),
        (b"", b""),
    ],
)
@pytest.mark.slow
def test_a_reply_that_drips_ends_at_the_deadline(
    servers: Servers, over: threading.Event, method: str, own: bool, before: bytes, drip: bytes
) -> None:
    transport = open_transport(servers.start(dripping(before, drip, over)))
    with pytest.raises(ConnectionLost):
        transport.send(method, "/x", headers={}, body=b"{}", own_connection=own)
    transport.close()


@pytest.mark.parametrize("drip", [b";", b"x", b"1\r\n \r\n"])
def test_a_body_that_arrived_whole_before_the_drip_is_used(
    servers: Servers, over: threading.Event, drip: bytes
) -> None:
    body = json.dumps({"code": 0, "data": {"task_id": "task-1"}}).encode()
    before = CHUNKED + b"%x\r\n" % len(body) + body + b"\r\n"
    if drip != b"1\r\n \r\n":
        before += b"1"
    transport = open_transport(servers.start(dripping(before, drip, over)))
    answered = transport.send("POST", "/x", headers={}, body=b"{}", own_connection=True)
    transport.close()
    assert (answered.status, answered.body.strip()) == (200, body)


def test_a_server_that_takes_nothing_ends_a_large_upload(
    servers: Servers, over: threading.Event
) -> None:
    transport = Transport(
        f"http://127.0.0.1:{servers.start(silent(over))}",
        clock=Clock(),
        seconds=SECONDS,
        bytes_per_second=1 << 40,
    )
    with pytest.raises(ConnectionLost):
        transport.send("POST", "/x", headers={}, body=b"x" * (64 << 20))
    transport.close()


def test_a_handshake_that_never_ends_was_sent_nothing(
    servers: Servers, over: threading.Event
) -> None:
    transport = open_transport(servers.start(silent(over)), "https")
    with pytest.raises(NotSent) as caught:
        transport.send("POST", "/x", headers={}, body=b"{}")
    transport.close()
    assert caught.value.cause == "timeout"


def test_a_proxy_that_drips_its_answer_was_sent_nothing(
    servers: Servers, over: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = servers.start(dripping(b"HTTP/1.1 200 OK\r\n", b"X-Y: z\r\n", over))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    transport = Transport("https://api.example.com", clock=Clock(), seconds=SECONDS)
    with pytest.raises((NotSent, ConnectionLost)):
        transport.send("POST", "/x", headers={}, body=b"{}", own_connection=True)
    transport.close()


def test_what_lies_in_the_buffers_is_read_though_the_time_is_up(servers: Servers) -> None:
    # As after the process was stopped, or the machine slept, while the reply came.
    arrived = threading.Event()

    def handle(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(reply(b'{"a": "' + b"x" * 200_000 + b'"}'))
        arrived.set()

    port = servers.start(handle)
    transport = Transport(f"http://127.0.0.1:{port}", clock=Clock(), seconds=0.0)
    try:
        answered = transport.send("POST", "/x", headers={}, body=b"{}")
    except ConnectionLost:
        pytest.skip("the reply came too late for this machine")
    finally:
        transport.close()
    assert len(answered.body) == 200_009


# Kept connections


def test_a_connection_is_used_again_for_reads(servers: Servers) -> None:
    transport = open_transport(servers.start(answering(reply(b"1"), reply(b"2"), reply(b"3"))))
    bodies = [transport.send("GET", "/x", headers={}).body for _ in range(3)]
    transport.close()
    assert (bodies, servers.connections) == ([b"1", b"2", b"3"], 1)


@pytest.mark.parametrize(
    "first",
    [
        reply(b"1") + reply(b"1"),
        reply(b"1") + b"\r\n",
        reply(b"1") + b"x",
        CHUNKED + b"1\r\n1\r\n0\r\n\r\n" + reply(b"1"),
        b"HTTP/1.1 100 Continue\r\n\r\n" + reply(b"1") + reply(b"1"),
    ],
)
def test_bytes_behind_a_reply_end_the_connection(servers: Servers, first: bytes) -> None:
    served = iter([first, reply(b"2")])

    def handle(connection: socket.socket) -> None:
        while request_of(connection):
            connection.sendall(next(served))

    transport = open_transport(servers.start(handle))
    bodies = [transport.send("GET", "/x", headers={}).body for _ in range(2)]
    transport.close()
    assert (bodies, servers.connections) == ([b"1", b"2"], 2)


# The TLS handshake


def tls_failure(port: int) -> NotSent:
    transport = open_transport(port, "https")
    with pytest.raises(NotSent) as caught:
        transport.send("POST", "/x", headers={}, body=b"{}", own_connection=True)
    transport.close()
    return caught.value


@pytest.mark.parametrize("seen", [0, 1, 4096])
def test_a_handshake_that_the_server_ends_is_a_passing_failure(servers: Servers, seen: int) -> None:
    def hang_up(connection: socket.socket) -> None:
        if seen:
            connection.recv(seen)

    failure = tls_failure(servers.start(hang_up))
    assert failure.code is ErrorCode.NETWORK
    assert "TLS" not in failure.cause.upper()


def test_a_certificate_that_nobody_vouches_for_stays_a_tls_failure(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).parent.parent / "data" / "server.pem")

    def handle(connection: socket.socket) -> None:
        context.wrap_socket(connection, server_side=True)

    assert tls_failure(servers.start(handle)).code is ErrorCode.TLS

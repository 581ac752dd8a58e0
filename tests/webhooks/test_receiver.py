"""The receiver against real sockets: deliveries, garbage, slow clients and many of them."""

import socket
from collections.abc import Callable, Iterator

import pytest

from modellix_cli.clock import Clock
from modellix_cli.webhooks.delivery import Delivery
from modellix_cli.webhooks.receiver import Receiver
from tests.webhooks.deliveries import body, headers

Start = Callable[..., Receiver]


@pytest.fixture
def taken() -> list[Delivery]:
    return []


@pytest.fixture
def start(taken: list[Delivery]) -> Iterator[Start]:
    started: list[Receiver] = []

    def begin(*, room: bool = True, **options: float) -> Receiver:
        def take(delivery: Delivery, size: int) -> bool:
            taken.append(delivery)
            return room

        receiver = Receiver("127.0.0.1", 0, "/hook", take, Clock(), **options)  # type: ignore[arg-type]
        started.append(receiver)
        receiver.start()
        return receiver

    yield begin
    for receiver in started:
        receiver.stop()


def request(
    content: bytes | None = None, *, method: str = "POST", target: str = "/hook", **other: str
) -> bytes:
    content = body() if content is None else content
    lines = [f"{method} {target} HTTP/1.1", "Host: here", f"Content-Length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in (headers() | other).items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


def connect(receiver: Receiver) -> socket.socket:
    return socket.create_connection(("127.0.0.1", receiver.port), timeout=10)


def rest(client: socket.socket) -> bytes:
    answer = b""
    while piece := client.recv(4096):
        answer += piece
    return answer


def ask(receiver: Receiver, sent: bytes) -> str:
    """Return the status line of the answer, without the version."""
    with connect(receiver) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        return rest(client).partition(b"\r\n")[0].decode().removeprefix("HTTP/1.1 ")


def test_a_delivery_is_acknowledged_and_taken(start: Start, taken: list[Delivery]) -> None:
    assert ask(start(), request(target="/hook?a=b")) == "200 OK"
    assert [delivery.task_id for delivery in taken] == ["t-1"]


def test_a_body_in_chunks_is_read(start: Start, taken: list[Delivery]) -> None:
    content = body()
    head = request().partition(b"\r\n\r\n")[0].replace(b"Content-Length:", b"X-Length:")
    chunks = b"5\r\n%b\r\n%x;a=b\r\n%b\r\n0\r\nTrailer: x\r\n\r\n" % (
        content[:5], len(content) - 5, content[5:],
    )  # fmt: skip
    sent = head + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
    assert ask(start(), sent) == "200 OK"
    assert len(taken) == 1


def test_without_room_modellix_is_asked_to_deliver_it_again(start: Start) -> None:
    assert ask(start(room=False), request()) == "503 Service Unavailable"


def test_a_client_that_asks_first_is_told_to_go_on(start: Start) -> None:
    with connect(start()) as client:
        head, _, content = request(expect="100-continue").partition(b"\r\n\r\n")
        client.sendall(head + b"\r\n\r\n")
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(content)
        assert rest(client).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request(method="GET"), 405),
        (request(target="/"), 404),
        (request(target="/hook/"), 404),
        (request(b"{"), 400),
        (b"POST /hook HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 400),
        (b"POST /hook HTTP/1.1\r\n\r\n", 411),
        (b"POST /hook HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /hook HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n", 413),
        (b"POST /hook HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 413),
        (b"POST /hook HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST /hook HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", 413),
        (b"POST /hook HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (b"POST /hook HTTP/1.1\r\nA: " + b"x" * 100_000 + b"\r\n\r\n", 431),
        (b"POST /hook HTTP/1.1\r\nno header\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET / HTTP/9\r\n\r\n", 400),
        (request()[:-3], 400),
    ],
)
def test_garbage_is_answered_and_the_next_delivery_taken(
    start: Start, taken: list[Delivery], sent: bytes, status: int
) -> None:
    receiver = start()
    assert ask(receiver, sent).startswith(f"{status} ")
    assert taken == []
    assert sum(receiver.refused.values()) == 1
    assert ask(receiver, request()) == "200 OK"


def test_a_client_that_says_nothing_more_is_left(start: Start, taken: list[Delivery]) -> None:
    receiver = start(client_seconds=0.1)
    with connect(receiver) as client:
        client.sendall(request()[:50])
        assert rest(client) == b""
    assert taken == []


def test_clients_that_say_nothing_do_not_keep_others_out(start: Start) -> None:
    receiver = start(most_clients=20)
    silent = [connect(receiver) for _ in range(100)]
    assert ask(receiver, request()) == "200 OK"
    for client in silent:
        client.close()


def test_a_receiver_stops_with_clients_that_wait(start: Start) -> None:
    receiver = start()
    with connect(receiver) as client:
        client.sendall(request(expect="100-continue").partition(b"{")[0])
        client.recv(100)
        receiver.stop()
        assert rest(client) == b""


def test_only_loopback_addresses_are_of_this_machine_alone() -> None:
    for host, local in (("127.0.0.1", True), ("localhost", True), ("0.0.0.0", False)):
        receiver = Receiver(host, 0, "/", lambda delivery, size: True, Clock())
        assert receiver.is_local is local
        receiver.stop()

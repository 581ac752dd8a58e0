"""The server: real sockets, several requests on one connection, clients that misbehave."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, IncompleteRead, RemoteDisconnected
from typing import Any

import pytest

from modellix_cli.sandbox.server import Server, serve
from tests.sandbox.harness import PNG, Service, form

BODY = b'{"prompt": "a cat"}'
KEY = {"Authorization": "Bearer k"}


def failing(environ: Any, start_response: Any) -> Any:
    if environ["PATH_INFO"] == "/late":
        start_response("200 OK", [("Content-Length", "9")])
        return late()
    raise RuntimeError("a defect")


def late() -> Iterator[bytes]:
    yield b"half"
    raise RuntimeError("a defect")


def running(app: Any) -> Iterator[Server]:
    with Server(app, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def server(service: Service) -> Iterator[Server]:
    yield from running(service.app)


@pytest.fixture
def broken() -> Iterator[Server]:
    yield from running(failing)


def connect(server: Server) -> HTTPConnection:
    return HTTPConnection("127.0.0.1", server.port, timeout=5)


def answer(http: HTTPConnection, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
    http.request(method, path, body, KEY)
    response = http.getresponse()
    return response.status, response.read()


def raw(server: Server, sent: bytes) -> bytes:
    """Send bytes as they are; return all that comes back until the server hangs up."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(sent)
        received = b""
        while data := connection.recv(65536):
            received += data
    return received


def test_many_requests_share_one_connection(server: Server) -> None:
    with closing(connect(server)) as http:
        status, _ = answer(http, "GET", "/api/v1/models")
        used = http.sock
        for method, path, body in (
            ("POST", "/api/v1/sandbox/image/async", BODY),
            ("POST", "/api/v1/no/such", BODY),
            ("HEAD", "/llms.txt", None),
            ("GET", "/api/v1/team/balance", None),
        ):
            answer(http, method, path, body)
        assert http.sock is used
        assert status == 200


def test_a_task_can_be_made_and_fetched(server: Server, service: Service) -> None:
    with closing(connect(server)) as http:
        made = json.loads(answer(http, "POST", "/api/v1/sandbox/image/async", BODY)[1])
        port = server.port
        task_id = made["data"]["task_id"]
        url = f"http://127.0.0.1:{port}/api/v1/tasks/{task_id}"
        assert made["data"]["get_result"]["url"] == url
        service.clock.time += 60
        task = json.loads(answer(http, "GET", url)[1])
        status, picture = answer(http, "GET", task["data"]["result"]["resources"][0]["url"])
    assert status == 200
    assert picture.startswith(b"\x89PNG")


def test_a_cut_submission_ends_without_an_answer(server: Server, service: Service) -> None:
    with closing(connect(server)) as http, pytest.raises(RemoteDisconnected):
        answer(http, "POST", "/api/v1/sandbox/cut/async", BODY)
    assert service.stats()["tasks_created"] == 1


def test_a_cut_download_ends_half_way(server: Server, service: Service) -> None:
    url = service.finished("sandbox/cut-media")["result"]["resources"][0]["url"]
    path = url.removeprefix("https://api.sandbox.invalid")
    with closing(connect(server)) as http:
        with pytest.raises(IncompleteRead) as cut:
            answer(http, "GET", path)
        expected = cut.value.expected
        assert expected is not None
        assert len(cut.value.partial) + expected == len(service.ask("GET", url).body)


def test_a_defect_of_the_app_is_a_500_in_json_and_nothing_on_stderr(
    broken: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    with closing(connect(broken)) as http:
        for _ in range(2):
            status, body = answer(http, "GET", "/")
            assert (status, json.loads(body)["code"]) == (500, 500)
    assert capfd.readouterr() == ("", "")


def test_a_defect_after_the_first_bytes_ends_the_connection(
    broken: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    with closing(connect(broken)) as http, pytest.raises(IncompleteRead):
        answer(http, "GET", "/late")
    assert capfd.readouterr() == ("", "")


def test_a_chunked_body_is_read(server: Server) -> None:
    with closing(connect(server)) as http:
        chunks = iter([BODY[:5], BODY[5:]])
        http.request("POST", "/api/v1/sandbox/image", chunks, KEY, encode_chunked=True)
        assert http.getresponse().status == 200


def test_a_client_that_asks_before_it_sends_is_told_to_go_on(server: Server) -> None:
    head = b"POST /api/v1/sandbox/image HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n"
    head += b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: 19\r\n\r\n"
    received = raw(server, head + BODY)
    assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Content-Length: 83886081", 413),
        (b"Expect: 100-continue\r\nContent-Length: 83886081", 413),
        (b"Content-Length: " + b"9" * 5000, 413),
        (b"Content-Length: -5", 400),
        (b"Content-Length: x", 400),
        (b"Transfer-Encoding: gzip", 411),
        (b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        (b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 400),
        (b"Transfer-Encoding: chunked\r\n\r\n5000001\r\n", 413),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_in_json(
    server: Server, head: bytes, status: int
) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(b"POST /api/v1/a/b HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.startswith(f"HTTP/1.1 {status} ".encode())
    assert json.loads(received.partition(b"\r\n\r\n")[2])["code"] == status


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        b"BREW /pot HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n",
    ],
)
def test_what_is_not_http_is_refused_and_stops_nobody(
    server: Server, sent: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    try:
        received = raw(server, sent)
    except ConnectionError:
        received = b""
    assert b"Traceback" not in received
    with closing(connect(server)) as http:
        assert answer(http, "GET", "/llms.txt")[0] == 200
    assert capfd.readouterr() == ("", "")


def test_clients_that_say_nothing_or_leave_stop_nobody(server: Server) -> None:
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
    for one in silent[:10]:
        one.sendall(b"POST /api/v1/a/b HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf")
    for one in silent[:5]:
        one.close()
    with closing(connect(server)) as http:
        assert answer(http, "GET", "/llms.txt")[0] == 200
    for one in silent:
        one.close()


def test_an_http_1_0_client_gets_its_answer_and_the_end(server: Server) -> None:
    received = raw(server, b"GET /llms.txt HTTP/1.0\r\n\r\n")
    assert b"Connection: close" in received
    assert received.endswith(b".\n")


def test_serve_tells_the_port_it_found_and_ends_with_ctrl_c() -> None:
    told: list[int] = []

    def ready(port: int) -> None:
        told.append(port)
        raise KeyboardInterrupt

    serve(failing, "127.0.0.1", 0, ready)
    assert told[0] > 0


def test_a_port_in_use_is_an_os_error(server: Server) -> None:
    with pytest.raises(OSError, match="in use"):
        serve(failing, "127.0.0.1", server.port, lambda port: None)


def upload_head(server: Server, length: int) -> bytes:
    return (
        f"POST /api/v1/media/files HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Authorization: Bearer k\r\nContent-Type: multipart/form-data; boundary=xyz\r\n"
        f"Content-Length: {length}\r\nConnection: close\r\n\r\n"
    ).encode()


def test_a_third_upload_is_refused_while_two_are_still_being_sent(
    server: Server, service: Service
) -> None:
    body, _ = form(PNG)
    sending = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(2)]
    for one in sending:
        one.sendall(upload_head(server, len(body)) + body[:10])
    running = service.app._uploading._running
    while sum(running.values()) < 2:  # till the server has begun to read both
        time.sleep(0.005)
    refused = raw(server, upload_head(server, len(body)) + body)
    assert b"Concurrent limit exceeded" in refused
    assert refused.startswith(b"HTTP/1.1 429 ")
    for one in sending:
        one.sendall(body[10:])
        assert one.recv(65536).startswith(b"HTTP/1.1 200 ")
        one.close()


def test_results_are_where_the_sandbox_was_asked(server: Server, service: Service) -> None:
    task_id = service.task_of("sandbox/image")
    service.clock.time += 60
    with closing(connect(server)) as http:
        for host in ("127.0.0.1:1", "localhost:8787"):
            http.request("GET", f"/api/v1/tasks/{task_id}", headers=KEY | {"Host": host})
            data = json.loads(http.getresponse().read())["data"]
            url = data["result"]["resources"][0]["url"]
            assert url == f"http://{host}/media/{task_id}/1.png"

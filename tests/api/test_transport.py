"""How requests travel: proxies, certificates, and the difference between not sent and cut."""

import gzip
import http.server
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from modellix_cli.api.client import connect
from modellix_cli.api.connecting import NotSent, not_sent, tls_context
from modellix_cli.api.proxies import Proxy
from modellix_cli.api.retry import RetryPolicy
from modellix_cli.api.transport import ConnectionLost, Transport
from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ErrorCode, ModellixError
from tests.api.servers import Servers, answering, reply
from tests.support import FakeClock

Handler = Callable[[socket.socket], None]


@pytest.fixture
def serve() -> Iterator[Callable[[Handler], int]]:
    """Start a server that treats each connection with a function; returns its port."""
    servers: list[socket.socket] = []

    def start(handle: Handler) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def loop() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    handle(connection)

        threading.Thread(target=loop, daemon=True).start()
        port: int = server.getsockname()[1]
        return port

    yield start
    for server in servers:
        server.close()


def get(port: int) -> tuple[int, bytes]:
    transport = Transport(f"http://127.0.0.1:{port}", clock=Clock())
    try:
        reply = transport.send("GET", "/x", headers={})
    finally:
        transport.close()
    return reply.status, reply.body


def answer(data: bytes) -> Handler:
    def handle(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(data)

    return handle


def test_an_answer_is_read_whole(serve: Callable[[Handler], int]) -> None:
    port = serve(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"))
    assert get(port) == (200, b"fine")


def test_nothing_listening_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(NotSent) as caught:
        get(port)
    assert caught.value.code is ErrorCode.NETWORK


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x00\xff garbage \r\n\r\n",
        b"HTTP/1.1 999999 \r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 40000 + b"\r\n",
    ],
)
def test_anything_but_a_whole_answer_is_a_cut(serve: Callable[[Handler], int], data: bytes) -> None:
    with pytest.raises(ConnectionLost):
        get(serve(answer(data)))


def test_a_server_that_speaks_no_tls_was_sent_nothing(serve: Callable[[Handler], int]) -> None:
    port = serve(answer(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    transport = Transport(f"https://127.0.0.1:{port}", clock=Clock())
    with pytest.raises(NotSent) as caught:
        transport.send("POST", "/x", headers={}, body=b"{}")
    transport.close()
    assert caught.value.code is ErrorCode.TLS


def test_a_proxy_carries_the_request(
    monkeypatch: pytest.MonkeyPatch, serve: Callable[[Handler], int]
) -> None:
    seen: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        seen.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{serve(handle)}")
    transport = Transport("http://api.example.com", clock=Clock())
    assert transport.send("GET", "/x", headers={}).body == b"ok"
    transport.close()
    assert seen[0].startswith(b"GET http://api.example.com/x HTTP/1.1\r\n")


def test_a_proxy_that_refuses_was_sent_no_request(
    monkeypatch: pytest.MonkeyPatch, serve: Callable[[Handler], int]
) -> None:
    port = serve(answer(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    transport = Transport("https://api.example.com", clock=Clock())
    with pytest.raises(NotSent, match="proxy refused"):
        transport.send("POST", "/x", headers={}, body=b"{}")
    transport.close()


def raised(error: Exception, cause: Exception | None) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "proxy", "word"),
    [
        (raised(httpx.ConnectError("x"), socket.gaierror(-2, "unknown")), None, "dns"),
        (raised(httpx.ConnectError("x"), ConnectionRefusedError()), None, "refused"),
        (raised(httpx.ConnectError("x"), ssl.SSLError(1, "bad")), None, "tls"),
        (raised(httpx.ConnectError("x"), OSError(101, "unreachable")), None, "network"),
        (httpx.ConnectTimeout("x"), None, "timeout"),
        (httpx.ProxyError("407"), "p", "proxy"),
        (raised(httpx.ConnectError("x"), ConnectionRefusedError()), "p", "proxy"),
        (raised(httpx.ConnectError("x"), socket.gaierror(-2, "unknown")), "p", "proxy"),
        (httpx.ConnectTimeout("x"), "p", "proxy"),
        (raised(httpx.ConnectError("x"), ssl.SSLError(1, "bad")), "p", "tls"),
    ],
)
def test_what_kept_a_request_from_leaving_has_a_word(
    error: Exception, proxy: str | None, word: str
) -> None:
    found = None if proxy is None else Proxy("http://p:1", "ALL_PROXY")
    failure = not_sent(error, found)
    assert failure.cause == word
    if word == "proxy" and found:
        assert failure.variable == "ALL_PROXY"


def test_a_proxy_of_another_kind_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(NotSent, match="neither http nor https"):
        Transport("https://api.example.com", clock=Clock())


def test_a_missing_certificate_bundle_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with pytest.raises(NotSent, match=r"/nowhere/ca\.pem") as caught:
        tls_context()
    assert caught.value.code is ErrorCode.TLS


@pytest.fixture
def tls_server() -> Iterator[tuple[int, Path]]:
    """An https server whose certificate only tests/data/ca.pem vouches for."""
    data = Path(__file__).parent.parent / "data"

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(data / "server.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1], data / "ca.pem"
    server.shutdown()
    server.server_close()


def test_a_company_ca_in_ssl_cert_file_is_trusted(
    monkeypatch: pytest.MonkeyPatch, tls_server: tuple[int, Path]
) -> None:
    port, ca = tls_server
    monkeypatch.setenv("SSL_CERT_FILE", str(ca))
    transport = Transport(f"https://localhost:{port}", clock=Clock())
    assert transport.send("GET", "/x", headers={}).body == b"ok"
    transport.close()


def test_a_certificate_nobody_vouches_for_is_refused(
    monkeypatch: pytest.MonkeyPatch, tls_server: tuple[int, Path]
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    transport = Transport(f"https://localhost:{tls_server[0]}", clock=Clock())
    with pytest.raises(NotSent) as caught:
        transport.send("GET", "/x", headers={})
    transport.close()
    assert caught.value.code is ErrorCode.TLS


def test_what_arrived_before_a_cut_is_kept(serve: Callable[[Handler], int]) -> None:
    body = b'{"data": {"task_id": "task-1"}'
    with pytest.raises(ConnectionLost) as caught:
        get(serve(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + body)))
    assert caught.value.body == body


def test_one_layer_of_gzip_is_undone_within_the_limit(serve: Callable[[Handler], int]) -> None:
    def reply(body: bytes, encoding: bytes) -> bytes:
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n"
        return head % (encoding, len(body)) + body

    assert get(serve(answer(reply(gzip.compress(b"fine"), b"gzip")))) == (200, b"fine")
    bomb = gzip.compress(b"\0" * (64 * 1024 * 1024))
    with pytest.raises(ConnectionLost, match="exceeds"):
        get(serve(answer(reply(bomb, b"gzip"))))
    with pytest.raises(ConnectionLost, match="not asked for"):
        get(serve(answer(reply(gzip.compress(bomb), b"gzip, gzip"))))


@pytest.mark.parametrize("proxy", ["http://a:bb:99999/", "http://[::1", "socks5://me:hunter2@h:1"])
def test_a_proxy_that_cannot_be_used_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(NotSent) as caught:
        Transport("https://api.example.com", clock=Clock())
    assert "hunter2" not in caught.value.reason


@pytest.mark.parametrize("variable", ["ALL_PROXY", "https_proxy"])
@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "socks5://h:1", "http://[::1"])
def test_the_variable_that_names_a_proxy_at_fault_is_told(
    monkeypatch: pytest.MonkeyPatch, variable: str, proxy: str
) -> None:
    monkeypatch.setenv(variable, proxy)
    with pytest.raises(ModellixError) as caught:
        client = connect(
            "https://api.example.com",
            None,
            clock=Clock(),
            policy=RetryPolicy(retries=0),
            notice=lambda text: None,
        )
        client.models()
    assert variable in caught.value.message
    assert f"Check the proxy in {variable}" in caught.value.hint


def test_the_certificate_variable_at_fault_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with pytest.raises(NotSent) as caught:
        tls_context()
    assert caught.value.variable == "SSL_CERT_FILE"


def test_a_line_of_the_trace_tells_what_the_reply_says_about_the_limit(servers: Servers) -> None:
    lines: list[str] = []
    told = (b"X-RateLimit-Limit: 100", b"X-RateLimit-Remaining: 7", b"X-RateLimit-Reset: 18e8")
    port = servers.start(answering(reply(b"{}", b"200 OK", *told), reply(b"{}")))
    transport = Transport(f"http://127.0.0.1:{port}", clock=FakeClock(), trace=lines.append)
    for _ in range(2):
        transport.send("GET", "/x", headers={})
    transport.close()
    assert lines[1] == "response 200 GET /x after 0ms (rate limit 100, remaining 7, reset 18e8)"
    assert lines[3] == "response 200 GET /x after 0ms"


def test_the_sandbox_needs_no_network() -> None:
    code = (
        "import sys\n"
        "from modellix_cli.api.client import connect\n"
        "from modellix_cli.api.retry import RetryPolicy\n"
        "from modellix_cli.clock import Clock\n"
        "connect('http://sandbox', None, clock=Clock(), policy=RetryPolicy(), notice=print,\n"
        "        wsgi=lambda env, start: [])\n"
        "sys.exit('httpcore' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

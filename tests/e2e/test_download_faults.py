"""Downloads with the installed command, where hosts and machines are not as they should be."""

import gzip
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Ran, Scripted, Shell, http_json

ALLOW = ("--allow-insecure-http", "--allow-private-network")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20
LONG = b"\x89PNG\r\n\x1a\n" + bytes(range(251)) * 4000
Start = Callable[..., Scripted]


def answer(data: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    announced = len(data) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {announced}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def reply(*resources: object) -> bytes:
    data = {"status": "success", "task_id": "task-1", "result": {"resources": list(resources)}}
    return http_json(200, {"code": 0, "data": data})


def serve_task(shell: Shell, scripted: Start, *resources: object) -> Scripted:
    api = scripted(reply(*resources))
    shell.env["MODELLIX_BASE_URL"] = api.url
    return api


def download(shell: Shell, *options: str, **env: Any) -> Ran:
    return shell("task", "download", "task-1", *ALLOW, *options, **env)


def left(shell: Shell) -> list[str]:
    return sorted(path.name for path in shell.cwd.iterdir())


def offset(request: bytes) -> int | None:
    match = re.search(rb"range: bytes=(\d+)-\r\n", request.lower())
    return int(match[1]) if match else None


# What was promised


@pytest.mark.parametrize(
    ("body", "content_type", "word"),
    [
        (b"<!DOCTYPE html><html>Sign in to the Wi-Fi</html>", "text/html", "an HTML or XML page"),
        (b"<?xml version='1.0'?><Error>AccessDenied</Error>", "image/png", "an HTML or XML page"),
        (b'{"error": "not found"}', "application/json", "JSON"),
        (b'{"error": "not found"}', "image/png", "JSON"),
        (b"Too many requests, try later.", "text/plain", "text"),
        (b"", "image/png", "an empty file"),
    ],
)
@pytest.mark.parametrize("kind", ["image", "video", "audio", None])
def test_an_answer_that_is_no_media_is_refused(
    shell: Shell, scripted: Start, body: bytes, content_type: str, word: str, kind: str | None
) -> None:
    media = scripted(answer(body, f"Content-Type: {content_type}"))
    url = f"{media.url}/a.png"
    serve_task(shell, scripted, {"url": url, "type": kind} if kind else url)
    ran = download(shell, "--json")
    assert ran.status == 7
    error = ran.json["error"]
    assert error["code"] == "DOWNLOAD_FAILED"
    assert f"The host sent {word} where " in error["message"]
    assert left(shell) == []


@pytest.mark.parametrize("kind", ["text", "document"])
def test_text_stays_a_result_where_text_was_promised(
    shell: Shell, scripted: Start, kind: str
) -> None:
    media = scripted(answer(b'{"words": []}', "Content-Type: application/json"))
    serve_task(shell, scripted, {"url": f"{media.url}/a.json", "type": kind})
    assert download(shell).status == 0
    assert (shell.cwd / "a.json").read_bytes() == b'{"words": []}'


def test_a_picture_under_a_wrong_type_is_a_picture(shell: Shell, scripted: Start) -> None:
    media = scripted(answer(PNG, "Content-Type: text/html"))
    serve_task(shell, scripted, {"url": f"{media.url}/a.png", "type": "image"})
    assert download(shell).status == 0
    assert (shell.cwd / "a.png").read_bytes() == PNG


# Without a length

WHOLE_PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20 + b"\0\0\0\0IEND\xaeB`\x82"


def endless(data: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n" + data


def test_a_cut_file_of_no_announced_length_is_brought_again(shell: Shell, scripted: Start) -> None:
    media = scripted(endless(WHOLE_PNG[:3000]), endless(WHOLE_PNG))
    serve_task(shell, scripted, {"url": f"{media.url}/a.png", "type": "image"})
    assert download(shell).status == 0
    assert (shell.cwd / "a.png").read_bytes() == WHOLE_PNG


def test_a_file_that_is_always_cut_is_not_saved(shell: Shell, scripted: Start) -> None:
    media = scripted(endless(WHOLE_PNG[:16]))
    serve_task(shell, scripted, {"url": f"{media.url}/a.png", "type": "image"})
    ran = download(shell)
    assert ran.status != 0
    assert "The connection ended before the file did." in ran.stderr
    assert left(shell) == []


# Going on


@pytest.mark.parametrize(
    ("headers", "total"),
    [
        (('ETag: "v2"',), len(LONG)),
        (('ETag: "v1"', "Last-Modified: Thu, 22 Oct 2026 07:28:00 GMT"), len(LONG)),
        (('ETag: "v1"',), len(LONG) + 7),
    ],
)
def test_a_rest_of_another_file_is_not_spliced(
    shell: Shell, scripted: Start, headers: tuple[str, ...], total: int
) -> None:
    version = ('ETag: "v1"', "Last-Modified: Wed, 21 Oct 2026 07:28:00 GMT")

    def rest(connection: socket.socket) -> None:
        start = offset(media.requests[1]) or 0
        other = bytes(total - start)
        span = f"Content-Range: bytes {start}-{total - 1}/{total}"
        connection.sendall(answer(other, span, *headers, status="206 Partial Content"))

    media = scripted(
        answer(LONG[:300_000], *version, length=len(LONG)), rest, answer(LONG, *version)
    )
    serve_task(shell, scripted, {"url": f"{media.url}/a.png", "type": "image"})
    assert download(shell).status == 0
    assert (shell.cwd / "a.png").read_bytes() == LONG
    assert [offset(request) for request in media.requests] == [None, 300_000, None]


# Encodings


def framed(data: bytes) -> bytes:
    half = len(data) // 2
    signature = b";chunk-signature=" + b"0" * 64
    parts = [data[:half], data[half:], b""]
    return b"".join(b"%x%s\r\n%s\r\n" % (len(part), signature, part) for part in parts)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(PNG)),
        ("x-gzip", gzip.compress(PNG[:100]) + gzip.compress(PNG[100:])),
        ("gzip", PNG),
        ("aws-chunked", PNG),
        ("aws-chunked", framed(PNG)),
        ("aws-chunked,gzip", gzip.compress(PNG)),
        ("gzip,aws-chunked", framed(gzip.compress(PNG))),
        ("br", PNG),
    ],
)
def test_an_encoding_that_was_not_asked_for_is_undone(
    shell: Shell, scripted: Start, encoding: str, body: bytes
) -> None:
    media = scripted(answer(body, f"Content-Encoding: {encoding}", 'ETag: "v1"'))
    serve_task(shell, scripted, {"url": f"{media.url}/a.png", "type": "image"})
    ran = download(shell, "--json")
    assert ran.status == 0, ran.stderr
    assert (shell.cwd / "a.png").read_bytes() == PNG
    assert ran.json["files"][0]["bytes"] == len(PNG)


def test_a_compressed_bomb_ends_at_the_limit(shell: Shell, scripted: Start) -> None:
    bomb = gzip.compress(PNG[:64] + bytes(200_000_000))
    media = scripted(answer(bomb, "Content-Encoding: gzip"))
    serve_task(shell, scripted, {"url": f"{media.url}/a.png", "type": "image"})
    ran = download(shell, "--max-bytes", "1000000", "--json")
    assert ran.json["error"]["code"] == "RESOURCE_LIMIT"
    assert left(shell) == []


# Statuses


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "403 Forbidden"])
def test_a_signed_url_that_is_refused_is_asked_for_again(
    shell: Shell, scripted: Start, status: str
) -> None:
    old = scripted(answer(b"<Error>expired</Error>", status=status))
    new = scripted(answer(PNG))
    api = scripted(reply(f"{old.url}/a.png?sig=1"), reply(f"{new.url}/a.png?sig=2"))
    shell.env["MODELLIX_BASE_URL"] = api.url
    assert download(shell).status == 0
    assert (shell.cwd / "a.png").read_bytes() == PNG
    assert (len(old.requests), len(api.requests)) == (1, 2)


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_a_host_that_names_a_time_gets_it(shell: Shell, scripted: Start, status: str) -> None:
    times: list[float] = []

    def busy(connection: socket.socket) -> None:
        times.append(time.monotonic())
        connection.sendall(answer(b"", "Retry-After: 3", status=status))

    def ready(connection: socket.socket) -> None:
        times.append(time.monotonic())
        connection.sendall(answer(PNG))

    media = scripted(busy, ready)
    serve_task(shell, scripted, f"{media.url}/a.png")
    assert download(shell).status == 0
    assert times[1] - times[0] >= 3


# Deadlines


def drip(connection: socket.socket, head: bytes, piece: bytes) -> None:
    connection.sendall(head)
    try:
        for _ in range(400):
            connection.sendall(piece)
            time.sleep(0.1)
    except OSError:
        pass


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=", b"y"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"z"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", b"z"),
    ],
)
def test_a_host_that_drips_ends_at_the_time_limit(
    shell: Shell, scripted: Start, head: bytes, piece: bytes
) -> None:
    media = scripted(lambda connection: drip(connection, head, piece))
    serve_task(shell, scripted, f"{media.url}/a.bin")
    started = time.monotonic()
    ran = download(shell, "--timeout", "2s", "--json")
    assert time.monotonic() - started < 10
    assert ran.json["error"]["code"] == "RESOURCE_LIMIT"
    assert left(shell) == []


# Hosts


def test_a_host_with_a_blank_is_not_taken_for_an_address(shell: Shell, scripted: Start) -> None:
    serve_task(shell, scripted, "http://8.8.8.8 .rebind.evil/a.png")
    ran = shell("task", "download", "task-1", "--allow-insecure-http", "--json")
    assert ran.json["error"]["code"] == "RESOURCE_REFUSED"


@pytest.mark.parametrize(
    ("host", "word"),
    [("no-such-name.invalid", "Only the proxy"), ("10.0.0.1", "private or reserved")],
)
def test_a_proxy_changes_no_rule(shell: Shell, scripted: Start, host: str, word: str) -> None:
    proxy = scripted(answer(PNG))
    serve_task(shell, scripted, f"http://{host}/a.png")
    ran = shell(
        "task", "download", "task-1", "--allow-insecure-http", "--json", HTTP_PROXY=proxy.url,
        http_proxy=proxy.url,
    )  # fmt: skip
    assert ran.json["error"]["code"] == "RESOURCE_REFUSED"
    assert word in ran.json["error"]["message"]
    assert proxy.requests == []
    assert download(shell, HTTP_PROXY=proxy.url, http_proxy=proxy.url).status == 0


# Names and folders


def test_a_name_that_the_file_system_cannot_write_is_escaped(shell: Shell, scripted: Start) -> None:
    media = scripted(answer(PNG))
    serve_task(shell, scripted, f"{media.url}/%E7%8C%AB-caf%C3%A9.png")
    ran = download(shell, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert ran.status == 0, ran.stderr
    assert left(shell) == ["u732b-cafe.png"]


# Killed


def killed(shell: Shell, scripted: Start, name: str) -> Scripted:
    """Kill a download of `a.png` half-way; return its host, which can go on."""
    released = threading.Event()

    def half(connection: socket.socket) -> None:
        connection.sendall(answer(LONG[:500_000], 'ETag: "v1"', length=len(LONG)))
        released.wait(60)

    def rest(connection: socket.socket) -> None:
        start = offset(media.requests[-1])
        if start is None:
            connection.sendall(answer(LONG, 'ETag: "v1"'))
            return
        span = f"Content-Range: bytes {start}-{len(LONG) - 1}/{len(LONG)}"
        connection.sendall(answer(LONG[start:], span, 'ETag: "v1"', status="206 Partial Content"))

    media = scripted(half, rest)
    serve_task(shell, scripted, f"{media.url}/{name}")
    run = shell.start("task", "download", "task-1", *ALLOW, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if sum(path.stat().st_size for path in shell.cwd.glob("*.part")) >= 400_000:
            break
        time.sleep(0.02)
    run.send_signal(signal.SIGKILL)
    run.wait()
    released.set()
    return media


def test_a_killed_download_is_gone_on_with(shell: Shell, scripted: Start) -> None:
    media = killed(shell, scripted, "a.png")
    assert len(list(shell.cwd.glob("*.part"))) == 1
    assert download(shell).status == 0
    assert (shell.cwd / "a.png").read_bytes() == LONG
    assert left(shell) == ["a.png"]
    assert (offset(media.requests[1]) or 0) >= 400_000


def test_what_a_killed_download_left_is_removed_by_another_one(
    shell: Shell, scripted: Start
) -> None:
    killed(shell, scripted, "a.png")
    data = {"status": "success", "task_id": "task-2", "result": {"resources": ["data:,Hi"]}}
    shell.env["MODELLIX_BASE_URL"] = scripted(http_json(200, {"code": 0, "data": data})).url
    assert shell("task", "download", "task-2").status == 0
    assert left(shell) == ["resource-1.txt"]


def test_a_part_that_is_being_filled_is_left_alone(shell: Shell, scripted: Start) -> None:
    released = threading.Event()

    def slow(connection: socket.socket) -> None:
        connection.sendall(answer(LONG[:500_000], 'ETag: "v1"', length=len(LONG)))
        released.wait(60)
        connection.sendall(LONG[500_000:])

    first, second = scripted(slow), scripted(answer(LONG, 'ETag: "v1"'))
    serve_task(shell, scripted, f"{first.url}/a.png")
    run = shell.start("task", "download", "task-1", *ALLOW, stdout=subprocess.PIPE)
    while not any(path.stat().st_size > 400_000 for path in shell.cwd.glob("*.part")):
        time.sleep(0.02)
    serve_task(shell, scripted, f"{second.url}/a.png")
    assert download(shell).status == 0
    released.set()
    out, _ = run.communicate(timeout=60)
    assert run.returncode == 0
    assert left(shell) == ["a-2.png", "a.png"]
    assert all(Path(shell.cwd / name).read_bytes() == LONG for name in left(shell))
    assert out.decode().rstrip().endswith("a-2.png")

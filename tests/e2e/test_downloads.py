"""Downloads with the installed command: cut, resumed, several at once, interrupted."""

import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e.conftest import BODY, Scripted, Served, Shell, http_json

ALLOW = ("--allow-insecure-http", "--allow-private-network")
DATA = bytes(range(251)) * 4000


def serve_task(shell: Shell, scripted: Callable[..., Scripted], *urls: str) -> None:
    data = {"status": "success", "task_id": "task-1", "result": {"resources": list(urls)}}
    shell.env["MODELLIX_BASE_URL"] = scripted(http_json(200, {"code": 0, "data": data})).url


def whole(data: bytes, *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(DATA)}", 'ETag: "v1"', *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def part(start: int, data: bytes) -> bytes:
    lines = [
        "HTTP/1.1 206 Partial Content",
        f"Content-Length: {len(DATA) - start}",
        f"Content-Range: bytes {start}-{len(DATA) - 1}/{len(DATA)}",
        'ETag: "v1"',
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def test_a_download_that_is_cut_twice_is_whole_in_the_end(
    shell: Shell, scripted: Callable[..., Scripted]
) -> None:
    def second(connection: socket.socket) -> None:
        connection.sendall(part(offset(media.requests[1]), DATA[300_000:700_000]))

    def last(connection: socket.socket) -> None:
        start = offset(media.requests[2])
        connection.sendall(part(start, DATA[start:]))

    media = scripted(whole(DATA[:300_000]), second, last)
    serve_task(shell, scripted, f"{media.url}/a.bin")
    ran = shell("task", "download", "task-1", *ALLOW)
    assert ran.status == 0
    assert (shell.cwd / "a.bin").read_bytes() == DATA
    assert [offset(request) for request in media.requests[1:]] == [300_000, 700_000]
    assert all(b'if-range: "v1"' in request.lower() for request in media.requests[1:])
    assert [path.name for path in shell.cwd.iterdir()] == ["a.bin"]


def offset(request: bytes) -> int:
    match = re.search(rb"range: bytes=(\d+)-\r\n", request.lower())
    assert match
    return int(match[1])


def test_the_sandbox_cuts_a_download_that_then_goes_on(shell: Shell, sandbox: Served) -> None:
    run = ("model", "run", "sandbox/cut-media", "--body", BODY, "--wait", "--output-dir", "out")
    ran = shell(*run, "--output", "human", *ALLOW)
    assert ran.status == 0
    assert "Going on after" in ran.stderr
    assert (shell.cwd / "out" / "1.png").read_bytes().endswith(b"IEND\xaeB`\x82")


def test_the_sandbox_in_process_cuts_and_goes_on_too(shell: Shell) -> None:
    run = ("model", "run", "sandbox/cut-media", "--body", BODY, "--wait", "--output-dir", "out")
    ran = shell(*run, MODELLIX_SANDBOX="1")
    assert ran.status == 0
    assert "Going on after" in ran.stderr
    assert (shell.cwd / "out" / "1.png").read_bytes().endswith(b"IEND\xaeB`\x82")


def test_ctrl_c_keeps_and_names_what_is_whole_and_removes_the_rest(
    shell: Shell, scripted: Callable[..., Scripted]
) -> None:
    released = threading.Event()

    def hang(connection: socket.socket) -> None:
        connection.sendall(whole(DATA[:400_000]))
        released.wait(60)

    done = scripted(whole(DATA))
    hosts = [scripted(hang) for _ in range(3)]
    urls = [f"{host.url}/{number}.bin" for number, host in enumerate(hosts)]
    serve_task(shell, scripted, *urls, f"{done.url}/done.bin")
    run = shell.start(
        "task", "download", "task-1", *ALLOW, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    whole_file = shell.cwd / "done.bin"
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if whole_file.exists() and len(list(shell.cwd.glob("*.part"))) == 3:
            break
        time.sleep(0.02)
    sent = time.monotonic()
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=60)
    released.set()
    assert run.returncode == -signal.SIGINT
    assert time.monotonic() - sent < 5
    assert f"Saved: {whole_file}" in err.decode()
    assert "Resume with: modellix-cli task download task-1" in err.decode()
    assert list(shell.cwd.iterdir()) == [whole_file]
    assert Path(whole_file).read_bytes() == DATA

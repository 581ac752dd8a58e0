"""Whole commands as processes, against `sandbox serve` over real HTTP."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.forks import forks

Answer = bytes | Callable[[socket.socket], None]

COMMAND = str(Path(sys.executable).with_name("modellix-cli"))
READ_AT_START = ("LC_", "LANG", "PYTHON")
"""Python reads variables that begin so when it starts."""
BODY = '{"prompt": "a cat"}'


@dataclass(frozen=True)
class Ran:
    status: int
    stdout: bytes
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


@dataclass
class Shell:
    """Runs the command with an environment and a folder of its own."""

    env: dict[str, str]
    cwd: Path
    forking: bool = True

    def __call__(self, *arguments: str, stdin: bytes = b"", **env: str) -> Ran:
        """Run it to its end, in a process that is forked (forks.py) where that may be."""
        if not self.forking or any(name.startswith(READ_AT_START) for name in env):
            return self.installed(*arguments, stdin=stdin, **env)
        status, out, err = forks().run(
            [COMMAND, *arguments], env=self.env | env, cwd=self.cwd, stdin=stdin
        )
        return Ran(status, out, err.decode())

    def installed(self, *arguments: str, stdin: bytes = b"", **env: str) -> Ran:
        """Run the installed command to its end."""
        ran = subprocess.run(
            [COMMAND, *arguments],
            env=self.env | env,
            cwd=self.cwd,
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr.decode())

    def start(self, *arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
        """Start the installed command."""
        return subprocess.Popen([COMMAND, *arguments], env=self.env, cwd=self.cwd, **options)


@pytest.fixture
def shell(env: dict[str, str], work: Path) -> Shell:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    del env["MODELLIX_CLI_NO_PROGRESS"]
    return Shell(kept | env, work)


@pytest.fixture
def installed(shell: Shell) -> Shell:
    """Let every command of a test be the installed one."""
    shell.forking = False
    return shell


@dataclass
class Served:
    """A sandbox on a port."""

    url: str

    def stats(self) -> Any:
        with urllib.request.urlopen(f"{self.url}/__sandbox__/stats", timeout=10) as reply:
            return json.load(reply)


@pytest.fixture
def sandbox(shell: Shell) -> Iterator[Served]:
    """`sandbox serve` on a free port, without limits and with quick tasks."""
    options = ("--port", "0", "--rate-limit", "0", "--max-running", "0", "--task-time", "300ms")
    server = shell.start(
        "sandbox", "serve", *options, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert server.stdout is not None
    url = server.stdout.readline().decode().strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
    shell.env["MODELLIX_BASE_URL"] = url
    yield Served(url)
    server.terminate()
    server.wait(10)
    server.stdout.close()


@dataclass
class Scripted:
    """A server that plays back answers, one a connection, and keeps what it was sent."""

    url: str
    requests: list[bytes] = field(default_factory=list)


@pytest.fixture
def scripted() -> Iterator[Callable[..., Scripted]]:
    """Start a server with its answers: raw bytes (none cuts the connection), or a function that
    is given the connection. The last one is repeated.
    """
    servers: list[socket.socket] = []

    def start(*answers: Answer) -> Scripted:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)
        served = Scripted(f"http://127.0.0.1:{server.getsockname()[1]}")
        threading.Thread(target=play, args=(server, served, list(answers)), daemon=True).start()
        return served

    yield start
    for server in servers:
        server.close()


def play(server: socket.socket, served: Scripted, answers: list[Answer]) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(5)
            request = read_request(connection)
            if not request:
                continue
            served.requests.append(request)
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if callable(answer):
                answer(connection)
            else:
                connection.sendall(answer)


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return data
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    match = re.search(rb"content-length: (\d+)", head.lower())
    while match and len(body) < int(match[1]):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def http(status: int, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def http_json(status: int, value: Any, *headers: str) -> bytes:
    return http(status, json.dumps(value).encode(), "Content-Type: application/json", *headers)

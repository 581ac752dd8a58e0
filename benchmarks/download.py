"""Downloads of whole processes over loopback: against curl, and behind a slow host.

Over http and https, into memory (/dev/shm, where there is one) and onto the disk of the temporary
folder. The servers are processes of their own that send from memory. Runs alternate, so that a
machine whose speed drifts harms both alike; the ratio of each pair is taken, its median printed.

    python benchmarks/download.py [RUNS]
"""

import json
import os
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MIB = 1024**2
BIG = 512 * MIB
SMALL = 4 * MIB
MANY = 20
LATENCY = 0.15
KEY = "benchmark-key"
DATA = Path(__file__).parent.parent / "tests" / "data"
COMMAND = [str(Path(sys.executable).with_name("modellix-cli")), "task", "download"]
MEMORY = Path("/dev/shm")
ALLOW = ("--allow-insecure-http", "--allow-private-network")


def serve(*, tls: bool) -> None:
    """Print the port, then answer /api/v1/tasks/KIND and /KIND/NAME until killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
    if context is not None:
        context.load_cert_chain(DATA / "server.pem")
    data = os.memfd_create("media")
    block = os.urandom(MIB)
    for number in range(BIG // MIB):
        os.pwrite(data, block, number * MIB)
    server = socket.create_server(("127.0.0.1", 0), backlog=128)
    port = server.getsockname()[1]
    print(port, flush=True)
    while True:
        connection, _ = server.accept()
        threading.Thread(target=answer, args=(connection, data, port, context), daemon=True).start()


def answer(connection: socket.socket, data: int, port: int, context: ssl.SSLContext | None) -> None:
    if context is not None:
        connection = context.wrap_socket(connection, server_side=True)
    with connection:
        while request := connection.recv(65536):
            path = request.split(b" ", 2)[1].decode()
            if path.startswith("/api/"):
                body = task(path.rsplit("/", 1)[-1], port, tls=context is not None)
                connection.sendall(head(len(body)) + body)
                continue
            if path.startswith("/many/"):
                time.sleep(LATENCY)
            size = SMALL if path.startswith("/many/") else BIG
            connection.sendall(head(size))
            sent = 0
            while sent < size:
                if context is None:
                    sent += os.sendfile(connection.fileno(), data, sent, size - sent)
                else:
                    connection.sendall(os.pread(data, min(MIB, size - sent), sent))
                    sent += min(MIB, size - sent)


def head(size: int) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode()


def task(kind: str, port: int, *, tls: bool) -> bytes:
    count = MANY if kind == "many" else 1
    scheme = "https" if tls else "http"
    urls = [f"{scheme}://127.0.0.1:{port}/{kind}/{number}.bin" for number in range(count)]
    result = {"resources": [{"url": url, "type": "image"} for url in urls]}
    data = {"status": "success", "task_id": kind, "model_id": "m", "result": result}
    return json.dumps({"code": 0, "message": "success", "data": data}).encode()


def measured(command: list[str], env: dict[str, str]) -> tuple[float, float]:
    """Run a command; return its seconds and its peak memory in MiB."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return seconds, usage.ru_maxrss / 1024


@contextmanager
def server(scheme: str) -> Iterator[str]:
    """Yield the address of a server of its own."""
    process = subprocess.Popen(
        [sys.executable, __file__, "--serve", scheme], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield f"{scheme}://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def against_curl(runs: int, scheme: str, parent: Path | None, target: float) -> None:
    """Print how long 512 MiB take, and how long with curl."""
    with server(scheme) as base, tempfile.TemporaryDirectory(dir=parent) as home:
        out = Path(home) / "out"
        env = environment(home, base)
        curl = ["curl", "--silent", "--create-dirs", "--output", str(out / "curl.bin")]
        curl += ["--cacert", str(DATA / "ca.pem")]
        pairs = []
        for _ in range(runs):
            shutil.rmtree(out, ignore_errors=True)
            ours = measured([*COMMAND, "big", "--output-dir", str(out), *ALLOW], env)
            shutil.rmtree(out)
            pairs.append((*ours, measured([*curl, f"{base}/big/0.bin"], env)[0]))
    a, memory, b = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(pair[0] / pair[2] for pair in pairs)
    place = "memory" if parent else "disk"
    print(
        f"512 MiB, {scheme:5}, {place:6}  {a:.2f} s, curl {b:.2f} s, ratio {ratio:.2f} "
        f"(target {target:.2f}), peak {memory:.0f} MiB (target 70)",
        flush=True,
    )


def environment(home: str, base: str) -> dict[str, str]:
    return os.environ | {
        "HOME": home,
        "XDG_STATE_HOME": home,
        "SSL_CERT_FILE": str(DATA / "ca.pem"),
        "MODELLIX_API_KEY": KEY,
        "MODELLIX_BASE_URL": base,
        "MODELLIX_CLI_NO_PROGRESS": "1",
    }


def main(runs: int) -> None:
    if MEMORY.is_dir():
        against_curl(runs, "http", MEMORY, 1.35)
        against_curl(runs, "https", MEMORY, 1.3)
    against_curl(runs, "http", None, 1.2)
    against_curl(runs, "https", None, 1.3)
    with server("http") as base, tempfile.TemporaryDirectory() as home:
        out, slow = Path(home) / "out", []
        for _ in range(runs):
            shutil.rmtree(out, ignore_errors=True)
            many = [*COMMAND, "many", "--output-dir", str(out), *ALLOW]
            slow.append(measured(many, environment(home, base))[0])
    print(f"20 x 4 MiB  {statistics.median(slow):.2f} s behind 150 ms (target 1.60)")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(tls=sys.argv[2:] == ["https"])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)

"""Downloads of whole processes over loopback: against curl, and behind a slow host.

The server is a process of its own that sends from memory with sendfile. Runs alternate, so that a
machine whose speed drifts harms both alike; the ratio of each pair is taken, its median printed.

    python benchmarks/download.py [RUNS]
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

MIB = 1024**2
BIG = 512 * MIB
SMALL = 4 * MIB
MANY = 20
LATENCY = 0.15
KEY = "benchmark-key"
ALLOW = ("--allow-insecure-http", "--allow-private-network")


def serve() -> None:
    """Print the port, then answer /api/v1/tasks/KIND and /KIND/NAME until killed."""
    data = os.memfd_create("media")
    block = os.urandom(MIB)
    for number in range(BIG // MIB):
        os.pwrite(data, block, number * MIB)
    server = socket.create_server(("127.0.0.1", 0), backlog=128)
    port = server.getsockname()[1]
    print(port, flush=True)
    while True:
        connection, _ = server.accept()
        threading.Thread(target=answer, args=(connection, data, port), daemon=True).start()


def answer(connection: socket.socket, data: int, port: int) -> None:
    with connection:
        while request := connection.recv(65536):
            path = request.split(b" ", 2)[1].decode()
            if path.startswith("/api/"):
                body = task(path.rsplit("/", 1)[-1], port)
                connection.sendall(head(len(body)) + body)
                continue
            if path.startswith("/many/"):
                time.sleep(LATENCY)
            size = SMALL if path.startswith("/many/") else BIG
            connection.sendall(head(size))
            sent = 0
            while sent < size:
                sent += os.sendfile(connection.fileno(), data, sent, size - sent)


def head(size: int) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode()


def task(kind: str, port: int) -> bytes:
    count = MANY if kind == "many" else 1
    urls = [f"http://127.0.0.1:{port}/{kind}/{number}.bin" for number in range(count)]
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


def main(runs: int) -> None:
    server = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE)
    assert server.stdout is not None
    base = f"http://127.0.0.1:{int(server.stdout.readline())}"
    with tempfile.TemporaryDirectory() as home:
        out = Path(home) / "out"
        env = os.environ | {
            "HOME": home,
            "XDG_STATE_HOME": home,
            "MODELLIX_API_KEY": KEY,
            "MODELLIX_BASE_URL": base,
            "MODELLIX_CLI_NO_PROGRESS": "1",
        }
        curl = ["curl", "--silent", "--create-dirs", "--output", str(out / "curl.bin")]
        command = [str(Path(sys.executable).with_name("modellix-cli")), "task", "download"]
        options = ["--output-dir", str(out), *ALLOW]
        big, many = ([*command, kind, *options] for kind in ("big", "many"))
        pairs = []
        for _ in range(runs):
            shutil.rmtree(out, ignore_errors=True)
            ours = measured(big, env)
            shutil.rmtree(out)
            pairs.append((*ours, measured([*curl, f"{base}/big/0.bin"], env)[0]))
        a, memory, b = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(pair[0] / pair[2] for pair in pairs)
        print(
            f"512 MiB     {a:.2f} s, curl {b:.2f} s, ratio {ratio:.2f} (target 1.35), "
            f"peak {memory:.0f} MiB (target 70)"
        )
        slow = []
        for _ in range(runs):
            shutil.rmtree(out, ignore_errors=True)
            slow.append(measured(many, env)[0])
        print(f"20 x 4 MiB  {statistics.median(slow):.2f} s behind 150 ms (target 1.60)")
    server.kill()
    server.wait()
    server.stdout.close()


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        serve()
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)

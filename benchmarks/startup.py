"""Start-up of whole processes, piped, against a minimal Typer and httpx program.

The baseline does the same GET over loopback http. Runs alternate (A B A B …), so that a machine
whose speed drifts harms both alike; the ratio of each pair is taken, and its median printed.

    python benchmarks/startup.py [RUNS]
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BASELINE = """
import json, sys, httpx, typer
app = typer.Typer()
@app.command()
def get(url: str) -> None:
    reply = httpx.get(url, headers={"Authorization": "Bearer key"})
    print(json.dumps(reply.json(), indent=2))
app()
"""
TARGETS = {"task get": 1.25, "--version": 0.70, "--help": 1.25}


class Handler(BaseHTTPRequestHandler):
    """Answers every GET with a finished task."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        task_id = self.path.rsplit("/", 1)[-1]
        data = {"status": "success", "task_id": task_id, "model_id": "m", "duration": 1}
        body = json.dumps({"code": 0, "message": "success", "data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def seconds(command: list[str], env: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, env=env, check=True, capture_output=True)
    return time.perf_counter() - started


def main(runs: int) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_address[1]}"
    command = str(Path(sys.executable).with_name("modellix-cli"))
    with tempfile.TemporaryDirectory() as home:
        env = os.environ | {
            "HOME": home,
            "XDG_STATE_HOME": home,
            "MODELLIX_API_KEY": "benchmark-key",
            "MODELLIX_BASE_URL": base,
        }
        baseline = [sys.executable, "-c", BASELINE, f"{base}/api/v1/tasks/task-1"]
        for name, target in TARGETS.items():
            ours = [command, *name.split(), *(["task-1"] if name == "task get" else [])]
            seconds(ours, env)
            seconds(baseline, env)
            pairs = [(seconds(ours, env), seconds(baseline, env)) for _ in range(runs)]
            ratio = statistics.median(a / b for a, b in pairs)
            a, b = (statistics.median(column) for column in zip(*pairs, strict=True))
            print(
                f"{name:10} {a * 1000:4.0f} ms, baseline {b * 1000:4.0f} ms, "
                f"ratio {ratio:.2f} (target {target:.2f})"
            )
    server.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)

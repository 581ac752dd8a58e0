"""`sandbox serve` as a process: webhooks in the background, and a reset beside it."""

import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

COMMAND = (sys.executable, "-m", "modellix_cli", "sandbox")


@pytest.fixture
def url(env: dict[str, str]) -> Iterator[str]:
    options = ("serve", "--port", "0", "--task-time", "100ms", "--repeat-webhooks", "1")
    server = subprocess.Popen(
        [*COMMAND, *options], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert server.stdout is not None
    yield server.stdout.readline().decode().strip()
    server.terminate()
    server.wait(10)
    server.stdout.close()


def ask(url: str, body: bytes | None = None, **headers: str) -> Any:
    request = urllib.request.Request(url, body, {"Authorization": "Bearer k"} | headers)
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)


@pytest.mark.slow
def test_a_webhook_comes_by_itself_and_once_more(url: str) -> None:
    heard: list[tuple[str, Any]] = []
    both = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            heard.append((self.headers["X-Modellix-Delivery-ID"], body))
            self.send_response(204)
            self.end_headers()
            if len(heard) == 2:
                both.set()

        def log_message(self, *parts: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        hook = f"http://127.0.0.1:{listener.server_port}/"
        path = f"{url}/api/v1/sandbox/image/async"
        made = ask(path, b'{"prompt": "a cat"}', **{"X-Webhook-URL": hook})["data"]
        assert both.wait(10)
        listener.shutdown()
        thread.join()
    assert heard[0] == heard[1]
    document = heard[0][1]
    assert document == ask(f"{url}/api/v1/tasks/{made['task_id']}")
    assert document["data"]["result"]["resources"][0]["url"].startswith(f"{url}/media/")


def test_a_reset_leaves_the_running_server_as_new(url: str, env: dict[str, str]) -> None:
    path = f"{url}/api/v1/sandbox/image/async"
    ask(path, b'{"prompt": "a cat"}')
    subprocess.run([*COMMAND, "reset", "-q"], env=env, check=True)
    assert ask(f"{url}/__sandbox__/stats")["tasks_created"] == 0
    assert ask(f"{url}/api/v1/team/balance")["data"]["balance"] == 10.0
    task_id = ask(path, b'{"prompt": "a cat"}')["data"]["task_id"]
    assert ask(f"{url}/api/v1/tasks/{task_id}")["code"] == 0

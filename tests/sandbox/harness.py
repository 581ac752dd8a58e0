"""The sandbox called as a WSGI app, and what a test says to it in a word."""

import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit
from wsgiref.util import setup_testing_defaults

from modellix_cli.sandbox.limits import Limits
from modellix_cli.sandbox.service import Sandbox
from modellix_cli.sandbox.store import Store
from tests.support import FakeClock

BASE = "https://api.sandbox.invalid"
PNG = b"\x89PNG\r\n\x1a\n and the rest"
UNLIMITED = Limits(requests_per_window=0, running_tasks=0)


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    chunks: Iterable[bytes]

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, int, str]:
        """HTTP status, code and category of an error."""
        document = self.json
        return self.status, document["code"], document["message"].partition(":")[0]


class Service:
    """A sandbox in memory with a clock under control."""

    def __init__(self, limits: Limits = UNLIMITED) -> None:
        self.clock = FakeClock()
        self.store = Store(None, self.clock)
        self.app = Sandbox(self.store, self.clock, limits)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        key: str | None = "k",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request; `path` may be a URL."""
        parts = urlsplit(path)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": unquote(parts.path, "latin-1"),
            "QUERY_STRING": parts.query,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "HTTP_HOST": "api.sandbox.invalid",
            "wsgi.url_scheme": "https",
        }
        if key is not None:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {key}"
        for name, value in (headers or {}).items():
            variable = name.upper().replace("-", "_")
            environ[variable if variable.startswith("CONTENT_") else f"HTTP_{variable}"] = value
        setup_testing_defaults(environ)
        return call(self.app, environ)

    def get(self, path: str, **more: Any) -> Reply:
        return self.ask("GET", f"/api/v1/{path}", **more)

    def submit(self, slug: str, *, key: str = "k", route: str = "/async", **body: Any) -> Reply:
        sent = json.dumps({"prompt": "a cat"} | body).encode()
        return self.ask("POST", f"/api/v1/{slug}{route}", sent, key=key)

    def task_of(self, slug: str, **body: Any) -> str:
        """Submit and return the task's id."""
        reply = self.submit(slug, **body)
        assert reply.status == 200, reply.body
        return str(reply.json["data"]["task_id"])

    def task(self, task_id: str) -> Any:
        return self.get(f"tasks/{task_id}").json["data"]

    def finished(self, slug: str, **body: Any) -> Any:
        """Submit, let the task's time pass, return the reply's data."""
        task_id = self.task_of(slug, **body)
        self.clock.time += 60
        return self.task(task_id)

    def stats(self) -> Any:
        return self.ask("GET", "/__sandbox__/stats", key=None).json

    @property
    def balance(self) -> float:
        return float(self.get("team/balance").json["data"]["balance"])


def call(app: Any, environ: dict[str, Any]) -> Reply:
    """Call a WSGI app; the body is read when the test asks for it."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    chunks = app(environ, lambda status, headers, failure=None: started.append((status, headers)))
    ((status, headers),) = started
    return Reply(int(status[:3]), dict(headers), chunks)


def form(content: bytes, filename: str = "cat.png", field: str = "file") -> tuple[bytes, str]:
    """Return a multipart body with one file, and its content type."""
    head = f'Content-Disposition: form-data; name="{field}"; filename="{filename}"'
    body = b"--xyz\r\n" + head.encode() + b"\r\nContent-Type: image/png\r\n\r\n" + content
    return body + b"\r\n--xyz--\r\n", "multipart/form-data; boundary=xyz"

"""The embedded Modellix: one WSGI app for the API, its public pages and its media.

It behaves as docs/spec/service.md says, keeps what it knows in a `Store`, and computes how tasks
progress from the clock.

Any Bearer key is accepted but two: `sandbox-invalid` is refused, `sandbox-broke` has
no money. Where a fault calls for a broken connection the app raises `ConnectionResetError`, at
once or while its body is read; a server then drops the connection.

For test code, without key and outside the limits:

- `GET /__sandbox__/stats` returns `{"posts": {slug: n}, "tasks_created": n, "requests": n,
  "refused": n}`: submissions that arrived, accepted or not, tasks created, API requests
  that arrived, and answers with status 429.
- `POST /__sandbox__/reset` forgets everything.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from math import ceil
from typing import Final

from modellix_cli.clock import Clock
from modellix_cli.sandbox.catalog import MICRO, MODELS
from modellix_cli.sandbox.delivery import deliver
from modellix_cli.sandbox.limits import Limits, Window
from modellix_cli.sandbox.pages import page
from modellix_cli.sandbox.store import Store
from modellix_cli.sandbox.submit import BROKE_KEY, find_model, submit
from modellix_cli.sandbox.tasks import document
from modellix_cli.sandbox.uploads import delete, upload
from modellix_cli.sandbox.wire import (
    API_PREFIX,
    Answer,
    Environ,
    Headers,
    Refused,
    Request,
    StartResponse,
    as_json,
    error,
    not_allowed,
    plain,
    quoted,
    success,
)

__all__ = ["Limits", "Sandbox"]

INVALID_KEY: Final = "sandbox-invalid"


class Sandbox:
    """A WSGI app over `store`. `media_base` is what the URLs of results begin with."""

    def __init__(self, store: Store, clock: Clock, limits: Limits, media_base: str) -> None:
        self.store = store
        self.media_base = media_base
        self._clock = clock
        self._limits = limits

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request. Raises `ConnectionResetError` where a fault drops the connection."""
        request = Request(environ)
        try:
            answer = self._answer(request)
        except Refused as refused:
            answer = refused.answer
        except sqlite3.Error as problem:
            answer = error(500, f"Internal error: the sandbox's state is unusable ({problem})")
        return answer.send(start_response, self._clock.now(), head=request.head)

    def _answer(self, request: Request) -> Answer:
        if request.path.startswith(f"{API_PREFIX}/"):
            return self._api(request)
        if request.path.startswith("/media/"):
            if request.method != "GET":
                return plain(405, "Method not allowed.\n").with_headers((("Allow", "GET, HEAD"),))
            return deliver(self.store, request, self._clock.now())
        match (request.method, request.path):
            case ("GET", "/__sandbox__/stats"):
                return as_json(200, self.store.stats())
            case ("POST", "/__sandbox__/reset"):
                self.store.reset()
                return success({})
        return page(request)

    def _api(self, request: Request) -> Answer:
        """Answer a request below the API's prefix, within the team's limits."""
        if self._limits.latency_seconds:
            self._clock.sleep(self._limits.latency_seconds)
        parts = tuple(request.path.removeprefix(API_PREFIX).split("/")[1:])
        invalid = request.key == INVALID_KEY and parts != ("apikey", "validate")
        known = bool(request.key) and not invalid
        window = self.store.arrive(self._limits, counts=known)
        self._note_post(request, parts)
        try:
            if not known:
                reason = (
                    "the API key is invalid or expired" if invalid else "the API key is missing"
                )
                raise Refused(401, f"Authentication failed: {reason}")
            answer = self._admitted(request, parts, window)
        except Refused as refused:
            answer = refused.answer
        if answer.status == 429:
            self.store.count("refused")
        return answer.with_headers(self._window_headers(window))

    def _note_post(self, request: Request, parts: tuple[str, ...]) -> None:
        if request.method == "POST":
            with suppress(Refused):
                self.store.count(f"posts {find_model(parts)[0].slug}")

    def _admitted(self, request: Request, parts: tuple[str, ...], window: Window) -> Answer:
        if not window.admitted:
            wait = max(1, ceil(window.reset - self._clock.now()))
            allowed = self._limits.requests_per_window
            detail = f"{allowed} requests in {self._limits.window_seconds:g} s are used up"
            raise Refused(429, f"Rate limit exceeded: {detail}", (("Retry-After", str(wait)),))
        return self._route(request, parts)

    def _window_headers(self, window: Window) -> Headers:
        if self._limits.requests_per_window == 0:
            return ()
        return (
            ("X-RateLimit-Limit", str(self._limits.requests_per_window)),
            ("X-RateLimit-Remaining", str(window.remaining)),
            ("X-RateLimit-Reset", str(ceil(window.reset))),
        )

    def _route(self, request: Request, parts: tuple[str, ...]) -> Answer:
        match (request.method, *parts):
            case ("GET", "models"):
                return self._models(request)
            case ("GET", "apikey", "validate"):
                return success({"is_valid": request.key != INVALID_KEY})
            case ("GET", "team", "balance"):
                broke = request.key == BROKE_KEY
                return success({"balance": 0.0 if broke else self.store.balance() / MICRO})
            case ("GET", "tasks", *rest):
                return self._task("/".join(rest))
            case ("POST", "media", "files"):
                return upload(self.store, request, self._clock.now(), self.media_base)
            case ("DELETE", "media", "files", file_id):
                return delete(self.store, file_id)
            case (_, "models") | (_, "apikey", "validate") | (_, "team", "balance"):
                raise not_allowed(request, "GET")
            case (_, "media", "files"):
                raise not_allowed(request, "POST")
            case (_, "media", "files", _):
                raise not_allowed(request, "DELETE")
        model, typed = find_model(parts)
        if request.method != "POST":
            raise not_allowed(request, "POST")
        now = self._clock.now()
        return submit(self.store, self._limits, request, model, now=now, typed=typed)

    def _models(self, request: Request) -> Answer:
        featured = request.query.get("featured", "").lower() == "true"
        chosen = [model.entry() for model in MODELS.values() if model.featured or not featured]
        listing = {"code": 0, "message": "success", "total": len(chosen), "models": chosen}
        return as_json(200, listing)

    def _task(self, task_id: str) -> Answer:
        task = self.store.task(task_id)
        model = MODELS.get(task.slug) if task else None
        if task is None or model is None:
            raise Refused(404, f"Resource not found: task {quoted(task_id)}")
        if model.fault.stumbles:
            read = self.store.count(f"met read {task_id}")
            if read == 1:
                raise Refused(500, "Internal error: something went wrong")
            if read == 2:
                raise Refused(429, "Rate limit exceeded: slow down", (("Retry-After", "1"),))
        return success(document(task, model, self._clock.now(), self.media_base))

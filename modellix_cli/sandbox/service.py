"""The embedded Modellix: one WSGI app for the API, its public pages and its media.

It behaves as docs/spec/service.md says, keeps what it knows in a `Store`, and computes how tasks
progress from the clock.

Any Bearer key is accepted but two: `sandbox-invalid` is refused, `sandbox-broke` has no money.
Keys that begin with `other` are of another team, with tasks, files and a balance of its own.
Where a fault calls for a broken connection the app raises `ConnectionResetError`, at once or while
its body is read; a server then drops the connection.

For test code, without key and outside the limits:

- `GET /__sandbox__/stats` returns `{"posts": {slug: n}, "tasks_created": n, "requests": n,
  "refused": n, "tasks": {slug: n}, "duplicates": n, "billed": usd}`: submissions that arrived,
  accepted or not, tasks created, API requests that arrived, and answers with status 429; then the
  tasks by model, those of them that repeat the model and the bytes of an earlier one, and what all
  cost. With `?bodies=1` also `"bodies": [{"slug", "sha256", "body", "tasks": [id]}]`; a body of
  over 4 KiB is "".
- `POST /__sandbox__/reset` forgets everything.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from math import ceil
from typing import TYPE_CHECKING, Final

from modellix_cli.clock import Clock
from modellix_cli.sandbox.catalog import MODELS
from modellix_cli.sandbox.limits import Limits, Window
from modellix_cli.sandbox.media_files import serve_media
from modellix_cli.sandbox.model_list import model_list
from modellix_cli.sandbox.pages import page
from modellix_cli.sandbox.prices import MICRO
from modellix_cli.sandbox.store import Store
from modellix_cli.sandbox.submit import BROKE_KEY, Submission, find_model, submit
from modellix_cli.sandbox.tasks import document
from modellix_cli.sandbox.uploads import UploadSlots, delete, listing, upload
from modellix_cli.sandbox.webhooks import Courier
from modellix_cli.sandbox.wire import (
    API_PREFIX,
    Answer,
    Headers,
    Refused,
    Request,
    as_json,
    error,
    not_allowed,
    plain,
    quoted,
    success,
)

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

__all__ = ["Limits", "Sandbox"]

INVALID_KEY: Final = "sandbox-invalid"


class Sandbox:
    """A WSGI app over `store`. URLs in its answers begin with the address it was asked at.

    Webhooks are sent while a task is read that has ended, or by `courier.start()` in the
    background.
    """

    def __init__(self, store: Store, clock: Clock, limits: Limits) -> None:
        self.store = store
        self.courier = Courier(store, clock)
        self._clock = clock
        self._limits = limits
        self._uploading = UploadSlots()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
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
            return serve_media(self.store, request, self._clock.now())
        match (request.method, request.path):
            case ("GET", "/__sandbox__/stats"):
                asked = {"bodies": self.store.bodies()} if "bodies" in request.query else {}
                return as_json(200, self.store.stats() | asked)
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
        window = self.store.arrive(team_of(request.key), self._limits, counts=known)
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
        team, now = team_of(request.key), self._clock.now()
        match (request.method, *parts):
            case ("GET", "models"):
                return model_list(request)
            case ("GET", "apikey", "validate"):
                return success({"is_valid": request.key != INVALID_KEY})
            case ("GET", "team", "balance"):
                broke = request.key == BROKE_KEY
                return success({"balance": 0.0 if broke else self.store.balance(team) / MICRO})
            case ("GET", "tasks", *rest):
                return self._task(request, "/".join(rest))
            case ("POST", "media", "files"):
                with self._uploading.slot(team):
                    return upload(self.store, request, team, now)
            case ("GET", "media", "files"):
                return listing(self.store, request, team, now)
            case ("DELETE", "media", "files", file_id):
                return delete(self.store, team, file_id)
            case (_, "models") | (_, "apikey", "validate") | (_, "team", "balance"):
                raise not_allowed(request, "GET")
            case (_, "media", "files"):
                raise not_allowed(request, "GET, POST")
            case (_, "media", "files", _):
                raise not_allowed(request, "DELETE")
        model, typed = find_model(parts)
        if request.method != "POST":
            raise not_allowed(request, "POST")
        return submit(self.store, self._limits, Submission(request, model, team, now, typed))

    def _task(self, request: Request, task_id: str) -> Answer:
        task = self.store.task(task_id)
        model = MODELS.get(task.slug) if task else None
        if task is None or model is None or task.team != team_of(request.key):
            raise Refused(404, f"Resource not found: task {quoted(task_id)}")
        if model.fault.reads and (failed := self._failed_read(task_id, model.fault.reads)):
            return failed
        now = self._clock.now()
        if task.webhook and now >= task.ended:
            self.courier.send_due(task_id)
        return success(document(task, model, now, request.origin))

    def _failed_read(self, task_id: str, statuses: tuple[int, ...]) -> Answer | None:
        """Return what one of a task's first reads is answered with, None for later ones."""
        read = self.store.count(f"met read {task_id}")
        if read > len(statuses):
            return None
        match statuses[read - 1]:
            case 0:
                return plain(200, "<html><body>Sign in to go on.</body></html>", "text/html")
            case 429:
                return error(429, "Rate limit exceeded: slow down", (("Retry-After", "1"),))
            case status:
                return error(status, "Internal error: something went wrong")


def team_of(key: str) -> str:
    """Return the team that a key belongs to."""
    return "other" if key.startswith("other") else "main"

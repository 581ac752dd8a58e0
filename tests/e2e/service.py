"""A fake Modellix as its own process: fast, strict about limits, able to fail on purpose.

    python tests/e2e/service.py --port 0 --rate 20 --window 5 --running 3 --task-time 1-3
    curl -s $URL/__stats__?bodies=1          what it counted, see `Service.stats`
    curl -s $URL/__reset__ -d ''             forget every task and count
    curl -s $URL/__set__ -d '{"post_status": 402, "post_good": 5}'    change any setting,
                                             and begin a new search for the busiest second

The settings are the fields of `Settings`, as options with dashes. Bodies may steer too:
{"_status": 402} is answered so, {"_fail": true} ends failed, {"_seconds": 9} takes that long,
{"_media": 404} has a result that is answered so.
A key that begins with "other" belongs to another team: it does not see the tasks of the rest.
What was paid for is kept in memory only. `served.py` starts it for tests and benchmarks.
It uses the standard library only, and answers over 3,000 requests a second on one core.
"""

import argparse
import asyncio
import base64
import contextlib
import heapq
import json
import math
import os
import random
import time
from collections import Counter, deque
from dataclasses import dataclass, fields
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

CUT = "cut"  # in the place of a status: drop the connection, send nothing
Answer = tuple[int | str, Any, dict[str, str]]
CATEGORIES = {
    400: "Invalid parameters: steered", 401: "Authentication failed: steered",
    402: "Insufficient balance: steered", 404: "Resource not found: steered",
    500: "Internal error: steered", 503: "Unavailable: circuit breaker open",
}  # fmt: skip
PNG = base64.b64decode(  # one grey pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)
MODELS = [
    {"slug": "a/b", "type": "text-to-image", "price": {"fixed": 0.04, "unit": "$/img"}},
    {"slug": "a/range", "type": "text-to-image", "price": {"min": 1, "max": 2, "unit": "$/img"}},
    {"slug": "a/video", "type": "text-to-video", "price": {"fixed": 0.5, "unit": "$/sec"}},
    {"slug": "a/unpriced", "type": "text-to-image"},
]  # fmt: skip


FIELDS = {"prompt": {"type": "string"}}
CONTENT = {"schema": {"type": "object", "required": ["prompt"], "properties": FIELDS}}
SCHEMA = {
    "servers": [{"url": "https://api.modellix.ai/api/v1/a/b/async"}],
    "post": {"requestBody": {"content": {"application/json": CONTENT}}, "responses": {}},
}


@dataclass
class Settings:
    """How the service behaves; 0 lifts a limit. Times are in seconds, rates from 0 to 1."""

    port: int = 0
    rate: int = 0  # API requests in `window`, whatever they ask
    window: float = 5.0  # begins with its first request, unless `sliding`
    sliding: bool = False
    bare: bool = False  # no X-RateLimit-* and no Retry-After
    running: int = 0  # unfinished tasks
    running_retry_after: float = 0.0
    task_time: str = "1-1"
    seed: int = 1
    no_duration: bool = False
    latency: float = 0.0  # between doing what a request asks and answering it
    cut_rate: float = 0.0  # POSTs that make their task and get no answer
    refuse503_rate: float = 0.0  # POSTs that make nothing
    flaky_read_rate: float = 0.0  # GETs that get 500 or no answer, in turns
    expire_keepalive: float = 0.0  # idle connections are closed
    post_status: int = 0  # the answer to every POST after the first `post_good`
    post_good: int = 0
    lost_posts: int = 0  # so many POSTs from now on make their task and get no answer
    named_posts: int = 0  # so many POSTs from now on are answered with `named_*` instead
    named_status: int = 500
    named_body: str = ""  # {id} and {url} stand for the task's
    named_makes: bool = True  # else the id is of a task that was never made
    hidden_polls: int = 0  # so many GETs of tasks from now on are answered 404
    missing_media: bool = False  # results are answered 404
    price: int = 0  # thousandths of a dollar; every second task costs half of it
    listed: str = ""  # slugs that are listed with that price, separated by commas
    post_tail: str = ""  # bytes behind every answer to a POST, in the same write
    connection_requests: int = 0  # a connection is closed at the request after so many
    with_parent: bool = False  # end when the process that started this one is gone

    def update(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            setattr(self, name, type(getattr(self, name))(value))

    def spend(self, name: str) -> bool:
        """Take one of what is counted down in the setting `name`; whether there was one."""
        left: int = getattr(self, name)
        setattr(self, name, max(0, left - 1))
        return left > 0


@dataclass(slots=True)
class Task:
    id: str
    slug: str
    begun: float
    ended: float
    failed: bool
    media: int = 200  # the status of its result
    bill: int = 0  # thousandths of a dollar
    team: str = ""
    polls: int = 0
    lateness: float | None = None  # of the first poll that saw it ended


class Rate:
    """Counts requests against the limit; a refused one takes no place in the window."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.taken: deque[float] = deque()

    def admit(self, now: float) -> bool:
        self.forget(now)
        if len(self.taken) >= self.settings.rate:
            return False
        self.taken.append(now)
        return True

    def forget(self, now: float) -> None:
        begin = now - self.settings.window
        if not self.settings.sliding and self.taken and self.taken[0] <= begin:
            self.taken.clear()
        while self.taken and self.taken[0] <= begin:
            self.taken.popleft()

    def reset(self, now: float) -> float:
        """Seconds until a place is free again."""
        return (self.taken[0] if self.taken else now) + self.settings.window - now


class Service:
    """What the API does, without HTTP. `now` is a monotonic clock's time."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.url = ""
        self.made = 0  # tasks ever: ids stay unique across resets
        self.unix = time.time() - time.monotonic()
        self.reset()

    def reset(self) -> None:
        self.rate = Rate(self.settings)
        self.random = random.Random(self.settings.seed)
        self.lengths = random.Random(self.settings.seed)
        self.tasks: dict[str, Task] = {}
        self.bodies: dict[str, list[str]] = {}
        self.running: list[float] = []  # a heap of the moments at which tasks end
        self.counts: Counter[str] = Counter()
        self.second: deque[float] = deque()

    def answer(self, method: str, path: str, body: bytes, key: str) -> Answer:
        """Answer one API request: the limit first, then what it asks."""
        now = time.monotonic()
        self.count_second(now)
        self.counts["requests"] += 1
        self.counts["posts"] += method == "POST"
        if self.settings.rate and not self.rate.admit(now):
            self.counts["refused_rate"] += 1
            wait = {"Retry-After": str(max(1, math.ceil(self.rate.reset(now))))}
            answer: Answer = (*problem(429, "Rate limit exceeded: too many requests"), wait)
        elif not key:
            answer = (*problem(401, "Authentication failed: no API key"), {})
        else:
            team = "other" if key.startswith("other") else ""
            answer = self.route(method, path, body, now, team)
        status, data, headers = answer
        return status, data, {} if self.settings.bare else headers | self.limit_headers(now)

    def limit_headers(self, now: float) -> dict[str, str]:
        if not self.settings.rate:
            return {}
        return {
            "X-RateLimit-Limit": str(self.settings.rate),
            "X-RateLimit-Remaining": str(self.settings.rate - len(self.rate.taken)),
            "X-RateLimit-Reset": str(math.ceil(now + self.rate.reset(now) + self.unix)),
        }

    def count_second(self, now: float) -> None:
        self.second.append(now)
        while self.second[0] <= now - 1.0:
            self.second.popleft()
        self.counts["max_second"] = max(self.counts["max_second"], len(self.second))

    def route(self, method: str, path: str, body: bytes, now: float, team: str) -> Answer:
        parts = path.partition("?")[0].removeprefix("/api/v1/").split("/")
        if method == "POST" and len(parts) in (3, 4) and parts[-1] == "async":
            return self.submit("/".join(parts[-3:-1]), body, now, team)
        if method == "GET" and self.random.random() < self.settings.flaky_read_rate:
            self.counts["flaky"] += 1
            bad = self.counts["flaky"] % 2
            return (*problem(500, "Internal error: flaky"), {}) if bad else (CUT, None, {})
        if method == "GET" and len(parts) == 2 and parts[0] == "tasks":
            return self.poll(parts[1], now, team)
        if (method, parts) == ("GET", ["models"]):
            return 200, {"models": MODELS + self.listed()}, {}
        if (method, parts) == ("GET", ["team", "balance"]):
            return 200, success({"balance": 100.0}), {}
        if (method, parts) == ("GET", ["apikey", "validate"]):
            return 200, success({"is_valid": True}), {}
        return *problem(404, f"Resource not found: {path}"), {}

    def listed(self) -> list[dict[str, Any]]:
        price = {"fixed": self.settings.price / 1000, "unit": "$/img"}
        return [{"slug": slug, "price": price} for slug in self.settings.listed.split(",") if slug]

    def submit(self, slug: str, body: bytes, now: float, team: str) -> Answer:
        try:
            asked = json.loads(body)
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            return *problem(400, "Invalid format: the body is not a JSON object"), {}
        settings = self.settings
        late = self.counts["posts"] > settings.post_good
        if status := asked.get("_status") or (settings.post_status if late else 0):
            return *problem(status, CATEGORIES.get(status, "Steered: so")), {}
        while self.running and self.running[0] <= now:
            heapq.heappop(self.running)
        if settings.running and len(self.running) >= settings.running:
            self.counts["refused_running"] += 1
            after = settings.running_retry_after
            headers = {"Retry-After": str(math.ceil(after))} if after else {}
            return *problem(429, "Concurrent limit exceeded: too many running tasks"), headers
        if self.random.random() < settings.refuse503_rate:
            self.counts["refused_503"] += 1
            return *problem(503, CATEGORIES[503]), {}
        named = settings.spend("named_posts")
        if named and not settings.named_makes:
            return settings.named_status, self.named("task-never-made"), {}
        task = self.create(slug, asked, now, team)
        if named:
            return settings.named_status, self.named(task.id), {}
        if self.random.random() < settings.cut_rate or settings.spend("lost_posts"):
            self.counts["cut"] += 1
            return CUT, None, {}
        link = {"method": "GET", "url": self.link(task.id)}
        data = {"status": "pending", "task_id": task.id, "model_id": slug, "get_result": link}
        return 200, success(data), {}

    def named(self, task_id: str) -> bytes:
        body = self.settings.named_body
        return body.replace("{id}", task_id).replace("{url}", self.link(task_id)).encode()

    def link(self, task_id: str) -> str:
        return f"{self.url}/api/v1/tasks/{task_id}"

    def create(self, slug: str, asked: dict[str, Any], now: float, team: str) -> Task:
        shortest, _, longest = self.settings.task_time.partition("-")
        seconds = self.lengths.uniform(float(shortest), float(longest or shortest))
        seconds = float(asked.get("_seconds", seconds))
        self.made += 1
        task = Task(f"task-{self.made:06d}", slug, now, now + seconds, bool(asked.get("_fail")),
                    int(asked.get("_media", 200)), team=team)  # fmt: skip
        task.bill = self.settings.price // (1 + self.made % 2)
        self.tasks[task.id] = task
        self.bodies.setdefault(f"{slug} {json.dumps(asked, sort_keys=True)}", []).append(task.id)
        heapq.heappush(self.running, task.ended)
        self.counts["max_running"] = max(self.counts["max_running"], len(self.running))
        return task

    def poll(self, task_id: str, now: float, team: str) -> Answer:
        self.counts["polls"] += 1
        task = self.tasks.get(task_id)
        if task is None or task.team != team or self.settings.spend("hidden_polls"):
            return *problem(404, f"Resource not found: task {task_id}"), {}
        task.polls += 1
        data: dict[str, Any] = {"status": "processing", "task_id": task.id, "model_id": task.slug}
        if now < task.ended:
            return 200, success(data), {}
        if task.lateness is None:
            task.lateness = now - task.ended
        if not self.settings.no_duration:
            data["duration"] = round((task.ended - task.begun) * 1000)
        if self.settings.price:
            data["billing"] = {"amount": task.bill / 1000}
        if task.failed:
            data |= {"status": "failed", "error": {"code": "steered", "message": "It failed."}}
            return 200, success(data), {}
        image = {"url": f"{self.url}/media/{task.id}.png", "type": "image", "format": "png"}
        metadata = {"image_count": 1, "request_id": f"req-{task.id}"}
        result = {"resources": [image], "metadata": metadata, "extensions": {}}
        return 200, success(data | {"status": "success", "result": result}), {}

    def media(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        self.counts["media"] += 1
        task = self.tasks.get(path.removeprefix("/media/").removesuffix(".png"))
        status = 404 if self.settings.missing_media or not task else task.media
        if status != 200:
            return status, b"gone", {"Content-Type": "text/plain"}
        return 200, PNG, {"Content-Type": "image/png"}

    def control(self, path: str, body: bytes) -> Any:
        """What tests ask; never counted or limited."""
        if path == "/__reset__":
            self.reset()
        elif path == "/__set__":
            self.settings.update(json.loads(body))
            self.counts["max_second"] = 0
            self.second.clear()
        return self.stats(bodies=path.endswith("?bodies=1"))

    def stats(self, *, bodies: bool) -> dict[str, Any]:
        polls = [task.polls for task in self.tasks.values()]
        late = [task.lateness for task in self.tasks.values() if task.lateness is not None]
        names = ["requests", "posts", "refused_rate", "refused_running", "refused_503",
                 "polls", "max_running", "cut", "flaky", "media", "connections",
                 "max_posts_of_a_connection"]  # fmt: skip
        counts = {name: self.counts[name] for name in names}
        shown = [self.shown(body, ids) for body, ids in self.bodies.items()] if bodies else None
        return counts | {
            "refused": self.counts["refused_rate"] + self.counts["refused_running"],
            "tasks_created": len(self.tasks),
            "duplicates": sum(len(ids) > 1 for ids in self.bodies.values()),
            "poll_counts": {"max": max(polls, default=0), "mean": mean(polls)},
            "lateness": {"max": max(late, default=0.0), "mean": mean(late)},
            "max_requests_in_any_second": self.counts["max_second"],
            "bodies": shown,
            "bills": {task.id: task.bill for task in self.tasks.values()} if bodies else None,
        }

    def shown(self, body: str, ids: list[str]) -> dict[str, Any]:
        slug, _, text = body.partition(" ")
        lateness = [self.tasks[task_id].lateness for task_id in ids]
        polls = [self.tasks[task_id].polls for task_id in ids]
        asked = json.loads(text)
        return {"slug": slug, "body": asked, "tasks": ids, "lateness": lateness, "polls": polls}


class Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive: requests out of the bytes, answers into them, in order."""

    transport: asyncio.Transport

    def __init__(self, service: Service) -> None:
        self.service = service
        self.buffer = b""
        self.idle: asyncio.TimerHandle | None = None
        self.loop = asyncio.get_running_loop()
        self.requests = self.posts = 0
        self.used = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.idle:
            self.idle.cancel()
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end]
            body_end = end + 4 + content_length(head)
            if len(self.buffer) < body_end:
                return
            body, self.buffer = self.buffer[end + 4 : body_end], self.buffer[body_end:]
            self.requests += 1
            if 0 < self.service.settings.connection_requests < self.requests:
                self.transport.close()
                return
            self.handle(head, body)

    def handle(self, head: bytes, body: bytes) -> None:
        method, path, _ = head.partition(b"\r\n")[0].decode("latin-1").split(" ", 2)
        if path.startswith("/__"):
            self.send(200, json.dumps(self.service.control(path, body)).encode(), {})
        elif path.startswith("/media/"):
            self.send(*self.service.media(path))
        elif path.startswith("/models/") and path.endswith("/api_schema"):
            self.send(200, json.dumps(SCHEMA).encode(), {})
        else:
            self.count(method)
            status, data, headers = self.service.answer(method, path, body, bearer(head))
            content = data if isinstance(data, bytes) else json.dumps(data).encode()
            settings = self.service.settings
            tail = settings.post_tail if method == "POST" else ""
            if latency := settings.latency:
                self.loop.call_later(latency, self.send, status, content, headers, tail)
            else:
                self.send(status, content, headers, tail)

    def count(self, method: str) -> None:
        """Count connections that ask the API, and paid POSTs on one of them."""
        counts = self.service.counts
        counts["connections"] += not self.used
        self.used = True
        self.posts += method == "POST"
        counts["max_posts_of_a_connection"] = max(counts["max_posts_of_a_connection"], self.posts)

    def send(
        self, status: int | str, content: bytes, headers: dict[str, str], tail: str = ""
    ) -> None:
        if isinstance(status, str):
            self.transport.abort()
            return
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Date: {date()}"]
        lines.append(f"Content-Length: {len(content)}")
        everything = {"Content-Type": "application/json"} | headers
        lines += [f"{name}: {value}" for name, value in everything.items()]
        head = "\r\n".join(lines).encode() + b"\r\n\r\n"
        self.transport.write(head + content + tail.encode("latin-1"))
        if seconds := self.service.settings.expire_keepalive:
            self.idle = self.loop.call_later(seconds, self.transport.close)


def content_length(head: bytes) -> int:
    at = head.lower().find(b"\r\ncontent-length:")
    return int(head[at + 17 :].partition(b"\r\n")[0]) if at >= 0 else 0


def bearer(head: bytes) -> str:
    """Return the key that a request came with; none is empty."""
    at = head.lower().find(b"\r\nauthorization: bearer ")
    return head[at + 24 :].partition(b"\r\n")[0].decode("latin-1") if at >= 0 else ""


def success(data: dict[str, Any]) -> dict[str, Any]:
    return {"code": 0, "message": "success", "data": data}


def problem(status: int, message: str) -> tuple[int, dict[str, Any]]:
    return status, {"code": status, "message": message}


def mean(values: list[int] | list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def date(cache: list[Any] = [0, ""]) -> str:  # noqa: B006 - the cache is the point
    if cache[0] != (now := int(time.time())):
        cache[:] = now, formatdate(now, usegmt=True)
    return str(cache[1])


async def serve(settings: Settings) -> None:
    service, parent = Service(settings), os.getppid()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(service), "127.0.0.1", settings.port, backlog=512
    )
    service.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    print(service.url, flush=True)
    while not settings.with_parent or os.getppid() == parent:
        await asyncio.sleep(0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for field in fields(Settings):
        name = "--" + field.name.replace("_", "-")
        if field.type is bool:
            parser.add_argument(name, action="store_true")
        else:
            parser.add_argument(name, type=type(field.default), default=field.default)
    settings = Settings(**vars(parser.parse_args()))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(settings))


if __name__ == "__main__":
    main()

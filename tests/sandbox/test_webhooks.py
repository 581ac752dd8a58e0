"""Webhooks: which addresses are taken, what is delivered, what is delivered again."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from modellix_cli.sandbox.limits import Limits
from modellix_cli.sandbox.webhooks import ATTEMPTS
from tests.sandbox.harness import Service

ONCE = Limits(requests_per_window=0, running_tasks=0, repeat_webhooks=0)
TWICE = Limits(requests_per_window=0, running_tasks=0, repeat_webhooks=1)


@dataclass
class Listener:
    """Takes deliveries on this machine; answers with the next of `statuses`, then 204."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    heard = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.headers.append(dict(self.headers))
            heard.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(heard.statuses.pop(0) if heard.statuses else 204)
            self.end_headers()

        def log_message(self, *parts: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        heard.url = f"http://127.0.0.1:{server.server_port}/hook?a=b"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield heard
        server.shutdown()
        thread.join()


def submit(service: Service, url: str, slug: str = "sandbox/image") -> tuple[int, str]:
    """Return the status of a submission, and the task's id or the error."""
    headers = {"X-Webhook-URL": url}
    reply = service.ask(
        "POST", f"/api/v1/{slug}/async", b'{"prompt": "a cat"}', headers=headers
    ).json
    return (200, reply["data"]["task_id"]) if reply["code"] == 0 else (400, reply["message"])


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook",
        "https://8.8.8.8/",
        "http://127.0.0.1:8080/hook",
        "https://localhost:8443/",
        "http://[::1]:8080/",
    ],
)
def test_public_https_and_this_machine_are_taken(service: Service, url: str) -> None:
    assert submit(service, url)[0] == 200


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "https://192.168.1.5/",
        "https://10.0.0.1/",
        "https://[fe80::1]/",
        "https://printer.local/",
        "https://intranet/",
        "https://user:pass@example.com/",
        "https://exa mple.com/",
        "https://example.com:99999/",
        "https://[::1/",
        "ftp://127.0.0.1/",
        "nonsense",
    ],
)
def test_other_addresses_are_refused_and_nothing_is_charged(service: Service, url: str) -> None:
    status, message = submit(service, url)
    assert (status, message.partition(":")[0]) == (400, "Invalid parameters")
    assert "X-Webhook-URL" in message
    assert service.balance == 10


def test_a_delivery_is_the_task_with_its_headers(listener: Listener) -> None:
    service = Service(ONCE)
    _, task_id = submit(service, listener.url)
    assert service.app.courier.send_due() == 0
    service.clock.time += 2
    assert service.app.courier.send_due() == 1
    assert json.loads(listener.bodies[0]) == service.get(f"tasks/{task_id}").json
    headers = listener.headers[0]
    assert headers["X-Modellix-Event"] == "prediction.task.succeeded"
    assert headers["X-Modellix-Task-ID"] == task_id
    assert headers["X-Modellix-Delivery-ID"]
    assert headers["X-Modellix-Retry-Count"] == "0"
    assert service.app.courier.send_due() == 0


@pytest.mark.parametrize(
    ("slug", "event"), [("sandbox/fails", "failed"), ("sandbox/canceled", "canceled")]
)
def test_the_event_says_how_the_task_ended(listener: Listener, slug: str, event: str) -> None:
    service = Service(ONCE)
    submit(service, listener.url, slug)
    service.clock.time += 2
    service.app.courier.send_due()
    assert listener.headers[0]["X-Modellix-Event"] == f"prediction.task.{event}"


def test_reading_a_task_that_has_ended_sends_its_webhook_once(listener: Listener) -> None:
    service = Service(ONCE)
    _, task_id = submit(service, listener.url)
    service.task(task_id)
    assert listener.bodies == []
    service.clock.time += 2
    for _ in range(3):
        service.task(task_id)
    assert len(listener.bodies) == 1


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_delivery_that_is_not_taken_comes_again_under_the_same_id(
    listener: Listener, status: int
) -> None:
    service = Service(ONCE)
    listener.statuses = [status, status]
    submit(service, listener.url)
    for _ in range(10):
        service.clock.time += 2
        service.app.courier.send_due()
    assert len({headers["X-Modellix-Delivery-ID"] for headers in listener.headers}) == 1
    counts = [headers["X-Modellix-Retry-Count"] for headers in listener.headers]
    assert counts == ["0", "1", "2"]


def test_it_is_given_up_in_the_end(listener: Listener) -> None:
    service = Service(ONCE)
    listener.statuses = [500] * 50
    submit(service, listener.url)
    for _ in range(50):
        service.clock.time += 60
        service.app.courier.send_due()
    assert len(listener.bodies) == ATTEMPTS


@pytest.mark.parametrize("status", [400, 404, 410])
def test_another_refusal_is_final(listener: Listener, status: int) -> None:
    service = Service(ONCE)
    listener.statuses = [status]
    submit(service, listener.url)
    for _ in range(3):
        service.clock.time += 60
        service.app.courier.send_due()
    assert len(listener.bodies) == 1


def test_nobody_listening_is_tried_again(listener: Listener) -> None:
    service = Service(ONCE)
    _, task_id = submit(service, "http://127.0.0.1:1/")
    service.clock.time += 2
    assert service.app.courier.send_due(task_id) == 1
    service.clock.time += 1
    assert service.app.courier.send_due(task_id) == 1


def test_some_deliveries_are_repeated_though_they_were_taken(listener: Listener) -> None:
    service = Service(TWICE)
    submit(service, listener.url)
    for _ in range(5):
        service.clock.time += 2
        service.app.courier.send_due()
    assert [one["X-Modellix-Retry-Count"] for one in listener.headers] == ["0", "1"]
    assert len({one["X-Modellix-Delivery-ID"] for one in listener.headers}) == 1
    assert listener.bodies[0] == listener.bodies[1]


def test_nothing_is_sent_to_public_addresses(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modellix_cli.sandbox.webhooks._post", lambda *parts: pytest.fail())
    submit(service, "https://example.com/hook")
    service.clock.time += 2
    assert service.app.courier.send_due() == 1
    assert service.app.courier.send_due() == 0


def test_a_reset_forgets_what_was_to_be_delivered(service: Service, listener: Listener) -> None:
    submit(service, listener.url)
    service.store.reset()
    service.clock.time += 2
    assert service.app.courier.send_due() == 0


def test_the_courier_sends_in_the_background(listener: Listener) -> None:
    service = Service(Limits(task_seconds=0.0, repeat_webhooks=0))
    service.app.courier.start()
    submit(service, listener.url)
    for _ in range(100):
        if listener.bodies:
            break
        threading.Event().wait(0.05)
    service.app.courier.stop()
    assert len(listener.bodies) == 1

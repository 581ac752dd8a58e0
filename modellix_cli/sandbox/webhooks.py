"""Webhooks: which addresses are taken, and telling them that a task has ended.

The service takes public HTTPS only (docs/spec/service.md, section 8). The sandbox takes
addresses of this machine too, http and https, and delivers to these alone: nothing leaves this
machine. Webhooks of public addresses are accepted and not sent.
"""

import json
import re
from contextlib import suppress
from threading import Event, Thread
from typing import Final
from urllib.parse import SplitResult, urlsplit

from modellix_cli.clock import Clock
from modellix_cli.sandbox.catalog import MODELS
from modellix_cli.sandbox.records import Delivery, TaskRecord
from modellix_cli.sandbox.store import Store
from modellix_cli.sandbox.tasks import document
from modellix_cli.sandbox.wire import Refused

ATTEMPTS: Final = 6
"""How often a delivery that is not acknowledged is sent."""

_TIMEOUT_SECONDS: Final = 5.0
_HOLD_SECONDS: Final = 2 * _TIMEOUT_SECONDS
_POLL_SECONDS: Final = 0.1
_REPEAT_SECONDS: Final = 0.5
_EVENTS: Final = {"success": "succeeded", "failed": "failed", "canceled": "canceled"}
_LOCAL_NAME: Final = re.compile(r"(?:.*\.)?(?:local|internal|lan|home\.arpa)\.?")
_REFUSAL: Final = "Invalid parameters: header 'X-Webhook-URL' must be a public HTTPS URL"


def check_webhook(url: str) -> None:
    """Refuse (400) an address that is neither public HTTPS nor on this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise Refused(400, _REFUSAL) from None
    if re.search(r"[\x00-\x20\x7f-\uffff]", url) or "@" in parts.netloc:
        raise Refused(400, _REFUSAL)
    if is_this_machine(host) and parts.scheme in ("http", "https"):
        return
    if parts.scheme != "https" or not _may_be_public(host):
        raise Refused(400, _REFUSAL)


def is_this_machine(host: str) -> bool:
    """Whether a host of a URL is a loopback address or a name of it."""
    from ipaddress import ip_address

    if host == "localhost" or host.endswith(".localhost"):
        return True
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return False


def _may_be_public(host: str) -> bool:
    from ipaddress import ip_address

    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host.strip(".") and not _LOCAL_NAME.fullmatch(host)


class Courier:
    """Sends what is due to the webhooks of this machine; several processes may do so at once."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._stopped = Event()

    def run(self) -> None:
        """Send what becomes due, until `stop`."""
        while not self._stopped.wait(_POLL_SECONDS):
            # Whatever is wrong with the store, the API says so; the next round tries again.
            with suppress(Exception):
                self.send_due()

    def start(self) -> None:
        """Call `run` in a thread, which does not keep the program alive."""
        Thread(target=self.run, name="webhooks", daemon=True).start()

    def stop(self) -> None:
        """Let `run` end."""
        self._stopped.set()

    def send_due(self, task_id: str = "") -> int:
        """Send all deliveries that are due, or that of one task; return how many were sent."""
        sent = 0
        while not self._stopped.is_set():
            delivery = self._store.claim_delivery(self._clock.now(), _HOLD_SECONDS, task_id)
            if delivery is None:
                break
            sent += 1
            self._send(delivery)
        return sent

    def _send(self, delivery: Delivery) -> None:
        task = self._store.task(delivery.task_id)
        parts = urlsplit(task.webhook) if task else None
        if task is None or parts is None or not is_this_machine(parts.hostname or ""):
            self._store.end_delivery(delivery)
            return
        status = _post(parts, *self._message(delivery, task))
        now = self._clock.now()
        if status is not None and 200 <= status < 300 and delivery.repeats:
            self._store.put_off_delivery(delivery, now + _REPEAT_SECONDS, delivery.repeats - 1)
        elif (status is None or status == 429 or status >= 500) and delivery.sent + 1 < ATTEMPTS:
            later = now + 2.0**delivery.sent
            self._store.put_off_delivery(delivery, later, delivery.repeats)
        else:
            self._store.end_delivery(delivery)

    def _message(self, delivery: Delivery, task: TaskRecord) -> tuple[bytes, dict[str, str]]:
        model = MODELS[task.slug]
        data = document(task, model, max(self._clock.now(), task.ended), task.origin)
        body = json.dumps({"code": 0, "message": "success", "data": data}).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "modellix-sandbox",
            "X-Modellix-Event": f"prediction.task.{_EVENTS[data['status']]}",
            "X-Modellix-Task-ID": task.task_id,
            "X-Modellix-Delivery-ID": delivery.delivery_id,
            "X-Modellix-Retry-Count": str(delivery.sent),
        }
        return body, headers


def _post(parts: SplitResult, body: bytes, headers: dict[str, str]) -> int | None:
    """POST to an address of this machine; return the HTTP status, None if there is no answer."""
    import ssl
    from http.client import HTTPConnection, HTTPException, HTTPSConnection

    host = parts.hostname or ""
    if parts.scheme == "https":
        # A server on this machine can only have a certificate that it gave itself.
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        connection: HTTPConnection = HTTPSConnection(
            host, parts.port, timeout=_TIMEOUT_SECONDS, context=trusting
        )
    else:
        connection = HTTPConnection(host, parts.port, timeout=_TIMEOUT_SECONDS)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target, body, headers)
        return int(connection.getresponse().status)
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()

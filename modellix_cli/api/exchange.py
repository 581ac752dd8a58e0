"""Requests that may be repeated: paced, tried again where that may help, learned from."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from modellix_cli.api import failures
from modellix_cli.api.connecting import NotSent
from modellix_cli.api.retry import Pacer, RetryPolicy, with_retries
from modellix_cli.api.transport import ConnectionLost, Reply, Transport
from modellix_cli.clock import Clock
from modellix_cli.domain.jsontext import Json

T = TypeVar("T")


class Exchange:
    """Sends what one client has to send, in its name.

    `notice` is told, in a sentence, about every pause before a retry; `pacer` decides when a
    request may leave, and learns from the answers.
    """

    def __init__(
        self,
        transport: Transport,
        base_url: str,
        api_key: str | None,
        *,
        clock: Clock,
        policy: RetryPolicy,
        notice: Callable[[str], None],
        pacer: Pacer,
    ) -> None:
        self.transport = transport
        self.base_url = base_url
        self.headers = {"Accept": "application/json"}
        if api_key is not None:
            self.headers["Authorization"] = f"Bearer {api_key}"
        self.clock = clock
        self.policy = policy
        self.notice = notice
        self.pacer = pacer

    def get(self, path: str, read: Callable[[Json], T], policy: RetryPolicy | None = None) -> T:
        """Read the JSON at `path`; a reply that `read` cannot use is asked for again."""
        return self.ask(
            "GET", path, lambda reply: read(failures.read_document(reply, self.clock)), policy
        )

    def ask(
        self,
        method: str,
        path: str,
        read: Callable[[Reply], T],
        policy: RetryPolicy | None = None,
        accept: str = "application/json",
    ) -> T:
        """Send a request that may be repeated, until `read` accepts the reply.

        All its tries together may take as long as one exchange; pauses between them do not count.
        """
        policy = policy or self.policy
        headers = self.headers | {"Accept": accept}
        left = self.transport.seconds

        def once(attempt: int) -> T:
            nonlocal left
            tries = f"{attempt}/{policy.retries + 1}"
            if policy.paced:
                self.pacer.enter()
            began = self.clock.monotonic()
            try:
                reply = self._reply(method, path, headers, tries, left)
            finally:
                left -= self.clock.monotonic() - began
            self.learn(reply)
            return read(reply)

        return with_retries(once, policy, self.clock, self.notice, lambda: left > 0)

    def once(self, method: str, path: str, read: Callable[[Reply], T]) -> T:
        """Send a request once, at once, and let nobody learn from it."""
        return read(self._reply(method, path, self.headers, "1/1"))

    def _reply(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        tries: str,
        seconds: float | None = None,
    ) -> Reply:
        try:
            return self.transport.send(
                method, path, headers=headers, attempt=tries, seconds=seconds
            )
        except NotSent as error:
            raise failures.unreachable(error, self.base_url) from error
        except ConnectionLost as error:
            raise failures.interrupted_read(error) from error

    def upload(self, path: str, content_type: str, body: bytes, read: Callable[[Reply], T]) -> T:
        """POST what is not paid for, again only where it never left or was refused for a time.

        After that its outcome is unknown, and raises `UPLOAD_UNKNOWN`.
        """
        headers = self.headers | {"Content-Type": content_type}

        def once(attempt: int) -> T:
            tries = f"{attempt}/{self.policy.retries + 1}"
            self.pacer.enter()
            try:
                reply = self.transport.send(
                    "POST", path, headers=headers, body=body, attempt=tries, own_connection=True
                )
            except NotSent as error:
                raise failures.unreachable(error, self.base_url) from error
            except ConnectionLost as error:
                raise failures.upload_unknown(f"The connection failed: {error.reason}.") from error
            if not failures.is_full_quota(reply):
                self.learn(reply)
            return read(reply)

        return with_retries(once, self.policy, self.clock, self.notice)

    def learn(self, reply: Reply) -> None:
        """Let the pacer learn from an answer."""
        self.pacer.answered(failures.limits_of(reply, self.clock))

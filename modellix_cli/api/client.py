"""The routes of api.md as methods. Each returns a typed document or raises `ModellixError`."""

from collections.abc import Callable
from typing import Final, TypeVar
from urllib.parse import quote

from modellix_cli.api import failures
from modellix_cli.api.documents import Submission, Task, read_submission, read_task
from modellix_cli.api.retry import NO_RETRIES, RetryPolicy, with_retries
from modellix_cli.api.transport import Cut, NotSent, Reply, Trace, Transport, WsgiApp
from modellix_cli.clock import Clock
from modellix_cli.errors import Code, ModellixError
from modellix_cli.jsontext import Json
from modellix_cli.values import Slug

API_PREFIX: Final = "/api/v1"
T = TypeVar("T")

_CREATED_NOTHING: Final = {Code.RATE_LIMITED, Code.SERVICE_UNAVAILABLE, Code.NETWORK}
"""How a submission fails when it is certain that no task exists and another try may succeed."""


class Client:
    """The Modellix API for one key; safe to use from several threads.

    `notice` is told, in a sentence, about every pause before a retry.
    """

    def __init__(
        self,
        transport: Transport,
        base_url: str,
        api_key: str,
        *,
        clock: Clock,
        policy: RetryPolicy,
        notice: Callable[[str], None],
    ) -> None:
        self._transport = transport
        self._base_url = base_url
        self._headers = {"Authorization": f"Bearer {api_key}", "Accept": "application/json"}
        self._clock = clock
        self._policy = policy
        self._notice = notice

    def submit(
        self,
        slug: Slug,
        body: bytes,
        *,
        resend_unknown: bool = False,
        guard: Callable[[Callable[[], Submission]], Submission] = lambda send: send(),
    ) -> Submission:
        """Submit a paid task: `POST /{provider}/{model}/async` with `body` as it is.

        Sent again only where nothing can have been created; with `resend_unknown` also where the
        outcome is unknown, which may pay twice. Raises `SUBMISSION_UNKNOWN` for that case.
        `guard` runs each single POST and may record its outcome.
        """

        def once(attempt: int) -> Submission:
            tries = f"{attempt}/{self._policy.retries + 1}"
            try:
                return guard(lambda: self._submit_once(slug, body, tries))
            except ModellixError as error:
                allowed = _CREATED_NOTHING | (
                    {Code.SUBMISSION_UNKNOWN} if resend_unknown else set()
                )
                error.retryable = error.code in allowed
                raise

        return with_retries(once, self._policy, self._clock, self._notice)

    def _submit_once(self, slug: Slug, body: bytes, tries: str) -> Submission:
        path = f"{API_PREFIX}/{slug.path}/async"
        headers = self._headers | {"Content-Type": "application/json"}
        try:
            reply = self._transport.send("POST", path, headers=headers, body=body, attempt=tries)
        except NotSent as error:
            raise failures.unreachable(error, self._base_url) from error
        except Cut as error:
            raise failures.submission_unknown(
                f"The connection failed after the submission started: {error.reason}."
            ) from error
        return self._created(reply)

    def _created(self, reply: Reply) -> Submission:
        document = failures.read_paid_document(reply, self._clock)
        try:
            return read_submission(document)
        except ModellixError as error:
            given = failures.task_id_words(document)
            raise failures.submission_unknown(error.message + given, status=reply.status) from error

    def task(self, task_id: str, *, patient: bool = True) -> Task:
        """Ask how a task stands: `GET /tasks/{task_id}`. Without `patient`, one try only."""
        path = f"{API_PREFIX}/tasks/{quote(task_id, safe='')}"
        return self._read(path, lambda document: read_task(document, task_id), patient)

    def _read(self, path: str, read: Callable[[Json], T], patient: bool = True) -> T:
        policy = self._policy if patient else NO_RETRIES

        def once(attempt: int) -> T:
            tries = f"{attempt}/{policy.retries + 1}"
            try:
                reply = self._transport.send("GET", path, headers=self._headers, attempt=tries)
            except NotSent as error:
                raise failures.unreachable(error, self._base_url) from error
            except Cut as error:
                raise failures.interrupted_read(error) from error
            return read(failures.read_document(reply, self._clock))

        return with_retries(once, policy, self._clock, self._notice)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


def connect(
    base_url: str,
    api_key: str,
    *,
    clock: Clock,
    policy: RetryPolicy,
    notice: Callable[[str], None],
    trace: Trace | None = None,
    wsgi: WsgiApp | None = None,
) -> Client:
    """Return a client for `base_url`; nothing is sent yet.

    With `wsgi` every request goes to that app in this process. Raises `TLS` or `NETWORK` when
    the certificates or the proxy that the environment names cannot be used.
    """
    try:
        transport = Transport(base_url, clock=clock, trace=trace, wsgi=wsgi)
    except NotSent as error:
        raise failures.unreachable(error, base_url) from error
    return Client(transport, base_url, api_key, clock=clock, policy=policy, notice=notice)

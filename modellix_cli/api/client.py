"""The routes of the API (docs/spec/service.md 2) as methods.

Each returns a typed document or raises `ModellixError`.
"""

from collections.abc import Callable
from typing import Final, TypeVar
from urllib.parse import quote

from modellix_cli.api import failures
from modellix_cli.api.catalog import ModelList, Page, read_models, read_schema
from modellix_cli.api.documents import read_balance, read_submission, read_task, read_validity
from modellix_cli.api.files import UploadedFile, multipart_file
from modellix_cli.api.retry import (
    NO_RETRIES,
    PROBING,
    Pacer,
    RetryPolicy,
    read_limits,
    with_retries,
)
from modellix_cli.api.transport import ConnectionLost, NotSent, Reply, Trace, Transport, WsgiApp
from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.task import Submission, Task
from modellix_cli.domain.values import Slug

API_PREFIX: Final = "/api/v1"
T = TypeVar("T")

_CREATED_NOTHING: Final = {ErrorCode.RATE_LIMITED, ErrorCode.SERVICE_UNAVAILABLE, ErrorCode.NETWORK}
"""How a submission fails when it is certain that no task exists and another try may succeed."""


class Client:
    """The Modellix API for one key, or its public pages without; safe to use from several threads.

    `notice` is told, in a sentence, about every pause before a retry. `pacer` decides when a read
    may leave; when a submission may is for the caller's `guard` to decide.
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
        pacer: Pacer | None = None,
    ) -> None:
        self._transport = transport
        self._pacer = pacer or Pacer()
        self._base_url = base_url
        self._headers = {"Accept": "application/json"}
        if api_key is not None:
            self._headers["Authorization"] = f"Bearer {api_key}"
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
        `guard` runs each single POST: it waits for its turn and records its outcome.
        """

        def once(attempt: int) -> Submission:
            tries = f"{attempt}/{self._policy.retries + 1}"
            return self.submit_once(slug, body, guard=guard, tries=tries)

        codes = _CREATED_NOTHING | ({ErrorCode.SUBMISSION_UNKNOWN} if resend_unknown else set())
        return with_retries(once, self._policy, self._clock, self._notice, frozenset(codes))

    def submit_once(
        self,
        slug: Slug,
        body: bytes,
        *,
        guard: Callable[[Callable[[], Submission]], Submission] = lambda send: send(),
        tries: str = "1/1",
    ) -> Submission:
        """As `submit`, in one try. Whatever else follows from the answer comes after `guard`."""
        replies: list[Reply] = []
        try:
            return guard(lambda: self._post_task(slug, body, tries, replies))
        finally:
            for reply in replies:
                self._learn(reply)

    def _post_task(self, slug: Slug, body: bytes, tries: str, replies: list[Reply]) -> Submission:
        path = f"{API_PREFIX}/{slug.path}/async"
        headers = self._headers | {"Content-Type": "application/json"}
        try:
            reply = self._transport.send("POST", path, headers=headers, body=body, attempt=tries)
        except NotSent as error:
            raise failures.unreachable(error, self._base_url) from error
        except ConnectionLost as error:
            raise failures.submission_unknown(
                f"The connection failed after the submission started: {error.reason}.", error.body
            ) from error
        replies.append(reply)
        try:
            return self._created(reply)
        except ModellixError:
            raise
        except Exception as error:
            raise failures.submission_unknown(
                f"The reply could not be read ({type(error).__name__}).", reply.body
            ) from error

    def _created(self, reply: Reply) -> Submission:
        document = failures.read_paid_document(reply, self._clock)
        try:
            return read_submission(document)
        except ModellixError as error:
            raise failures.submission_unknown(
                error.message, reply.body, status=reply.status
            ) from error

    def task(self, task_id: str, *, patient: bool = True) -> Task:
        """Ask how a task stands: `GET /tasks/{task_id}`. Without `patient`, one try only."""
        path = f"{API_PREFIX}/tasks/{quote(task_id, safe='')}"
        policy = self._policy if patient else NO_RETRIES
        try:
            return self._get(path, lambda document: read_task(document, task_id), policy)
        except ModellixError as error:
            if error.code is ErrorCode.NOT_FOUND:
                hint = "Check the task id and the account: tasks belong to a team."
                raise error.copy_with(hint=hint) from error.__cause__
            raise

    def models(self, *, featured: bool = False, patient: bool = True) -> ModelList:
        """List the models: `GET /models`, with `?featured=true` the featured ones.

        Without `patient`, one try only.
        """
        query = "?featured=true" if featured else ""
        policy = self._policy if patient else RetryPolicy(retries=0)
        return self._get(f"{API_PREFIX}/models{query}", read_models, policy)

    def schema(self, slug: Slug) -> Json:
        """Return a model's parameters: `GET /models/{provider}/{model}/api_schema`, public."""
        path = f"/models/{Slug(slug.provider, slug.model).path}/api_schema"
        return self._get(path, read_schema)

    def page(self, slug: Slug) -> Page:
        """Return a model's page as Markdown: `GET /{provider}/{model}.md`, public."""
        path = f"/{Slug(slug.provider, slug.model).path}.md"
        text = self._ask(
            "GET",
            path,
            lambda reply: failures.read_text(reply, self._clock),
            accept="text/markdown, text/plain;q=0.9",
        )
        return Page(self._base_url + path, text)

    def validate_key(self) -> bool:
        """Ask whether the key is valid and active: `GET /apikey/validate`, free."""
        return self._get(f"{API_PREFIX}/apikey/validate", read_validity)

    def probe(self, seen: Callable[[Reply], None]) -> bool:
        """As `validate_key`, for finding out how things stand: with less patience.

        `seen` is given every reply that comes, whatever it says, for its headers.
        """

        def read(reply: Reply) -> bool:
            seen(reply)
            return read_validity(failures.read_document(reply, self._clock))

        return self._ask("GET", f"{API_PREFIX}/apikey/validate", read, PROBING)

    def balance(self, *, patient: bool = True) -> float:
        """Return the team's balance in USD: `GET /team/balance`."""
        policy = self._policy if patient else PROBING
        return self._get(f"{API_PREFIX}/team/balance", read_balance, policy)

    def delete_file(self, file_id: str) -> None:
        """Delete an uploaded file: `DELETE /media/files/{file_id}`, any 2xx.

        Sent once: after a reply that was lost, a second try would report a deleted file as missing.
        """
        path = f"{API_PREFIX}/media/files/{quote(file_id, safe='')}"
        self._ask(
            "DELETE", path, lambda reply: failures.check_deleted(reply, self._clock), NO_RETRIES
        )

    def upload(self, name: str, media_type: str, content: bytes) -> UploadedFile:
        """Upload an input: `POST /media/files`, multipart, field `file`.

        Sent again only where it never left or was refused for a time; after that its outcome is
        unknown, and raises `UPLOAD_UNKNOWN`.
        """
        body, content_type = multipart_file(name, media_type, content)
        headers = self._headers | {"Content-Type": content_type}

        def once(attempt: int) -> UploadedFile:
            tries = f"{attempt}/{self._policy.retries + 1}"
            self._pacer.enter()
            try:
                reply = self._send("POST", f"{API_PREFIX}/media/files", headers, tries, body)
            except NotSent as error:
                raise failures.unreachable(error, self._base_url) from error
            except ConnectionLost as error:
                raise failures.upload_unknown(f"The connection failed: {error.reason}.") from error
            return failures.read_upload(reply, self._clock)

        return with_retries(once, self._policy, self._clock, self._notice)

    def _get(self, path: str, read: Callable[[Json], T], policy: RetryPolicy | None = None) -> T:
        """Read the JSON at `path`; a reply that `read` cannot use is asked for again."""
        return self._ask(
            "GET", path, lambda reply: read(failures.read_document(reply, self._clock)), policy
        )

    def _ask(
        self,
        method: str,
        path: str,
        read: Callable[[Reply], T],
        policy: RetryPolicy | None = None,
        accept: str = "application/json",
    ) -> T:
        """Send a request that may be repeated, until `read` accepts the reply."""
        policy = policy or self._policy
        headers = self._headers | {"Accept": accept}

        def once(attempt: int) -> T:
            tries = f"{attempt}/{policy.retries + 1}"
            if policy.paced:
                self._pacer.enter()
            try:
                reply = self._send(method, path, headers, tries)
            except NotSent as error:
                raise failures.unreachable(error, self._base_url) from error
            except ConnectionLost as error:
                raise failures.interrupted_read(error) from error
            return read(reply)

        return with_retries(once, policy, self._clock, self._notice)

    def _send(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        tries: str,
        body: bytes | None = None,
    ) -> Reply:
        """Send one request and let the pacer learn from the answer."""
        reply = self._transport.send(method, path, headers=headers, body=body, attempt=tries)
        self._learn(reply)
        return reply

    def _learn(self, reply: Reply) -> None:
        concurrency_limited = reply.status == 429 and failures.is_concurrency_limit(reply)
        self._pacer.answered(
            read_limits(
                reply.status, reply.headers, self._clock, concurrency_limited=concurrency_limited
            )
        )

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


def connect(
    base_url: str,
    api_key: str | None,
    *,
    clock: Clock,
    policy: RetryPolicy,
    notice: Callable[[str], None],
    trace: Trace | None = None,
    wsgi: WsgiApp | None = None,
    pacer: Pacer | None = None,
) -> Client:
    """Return a client for `base_url`; nothing is sent yet.

    With `wsgi` every request goes to that app in this process. Raises `TLS` or `NETWORK` when
    the certificates or the proxy that the environment names cannot be used.
    """
    try:
        transport = Transport(base_url, clock=clock, trace=trace, wsgi=wsgi)
    except NotSent as error:
        raise failures.unreachable(error, base_url) from error
    return Client(
        transport, base_url, api_key, clock=clock, policy=policy, notice=notice, pacer=pacer
    )

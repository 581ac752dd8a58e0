"""The routes of the API (docs/spec/service.md 2) as methods.

Each returns a typed document or raises `ModellixError`.
"""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from modellix_cli.api import failures
from modellix_cli.api.connecting import NotSent
from modellix_cli.api.documents import read_balance, read_task, read_validity
from modellix_cli.api.exchange import Exchange
from modellix_cli.api.retry import (
    NO_RETRIES,
    PROBING,
    Limits,
    Pacer,
    RetryPolicy,
)
from modellix_cli.api.routes import API_PREFIX, task_path
from modellix_cli.api.transport import EXCHANGE_SECONDS, Reply, Trace, Transport
from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.task import Task
from modellix_cli.domain.values import SANDBOX_KEY, Slug

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from modellix_cli.api.catalog import ModelList
    from modellix_cli.api.files import FileList, UploadedFile
    from modellix_cli.api.pages import DocsEntry, Page
    from modellix_cli.api.paid import PaidRequests

MAX_LISTED: Final = 100
"""How many uploaded files a page of their list has at most."""


@frozen
class Polled:
    """What one poll of a task told: the task, or why it could not be read.

    `limits` is what the reply said about the key's limits, None without a reply.
    """

    outcome: Task | ModellixError
    limits: Limits | None


class Client:
    """The Modellix API for one key, or its public pages without; safe to use from several threads.

    `notice` is told, in a sentence, about every pause before a retry. `pacer` decides when a read
    may leave; when a paid request may is for the engine to decide. Without `async_route` tasks are
    submitted to the address without `/async`.
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
        async_route: bool = True,
    ) -> None:
        self._async_route = async_route
        self._exchange = Exchange(
            transport,
            base_url,
            api_key,
            clock=clock,
            policy=policy,
            notice=notice,
            pacer=pacer or Pacer(),
        )
        self._transport = transport
        self._base_url = base_url
        self._headers = self._exchange.headers
        self._clock = clock
        self._policy = policy

    @cached_property
    def paid(self) -> "PaidRequests":
        """What sends paid requests; see there what is certain after one."""
        from modellix_cli.api.paid import PaidRequests

        return PaidRequests(
            self._transport,
            self._base_url,
            self._headers,
            clock=self._clock,
            async_route=self._async_route,
        )

    def poll_task(self, task_id: str) -> Polled:
        """Ask once for a task's status: `GET /tasks/{task_id}`, at once; never raises an error."""
        limits: Limits | None = None

        def read(reply: Reply) -> Task:
            nonlocal limits
            limits = failures.limits_of(reply, self._clock)
            return read_task(failures.read_document(reply, self._clock), task_id)

        try:
            outcome: Task | ModellixError = self._exchange.once("GET", task_path(task_id), read)
        except ModellixError as error:
            outcome = _about_a_task(error, task_id)
        return Polled(outcome, limits)

    def task(self, task_id: str, *, patient: bool = True) -> Task:
        """Ask for a task's status: `GET /tasks/{task_id}`. Without `patient`, one try only."""
        policy = self._policy if patient else NO_RETRIES
        try:
            return self._exchange.get(
                task_path(task_id), lambda document: read_task(document, task_id), policy
            )
        except ModellixError as error:
            raise _about_a_task(error, task_id) from error.__cause__

    def models(self, *, featured: bool = False, patient: bool = True) -> "ModelList":
        """List the models: `GET /models`, with `?featured=true` the featured ones.

        Without `patient`, one try only.
        """
        from modellix_cli.api.catalog import read_models

        query = "?featured=true" if featured else ""
        policy = self._policy if patient else RetryPolicy(retries=0)
        return self._exchange.get(f"{API_PREFIX}/models{query}", read_models, policy)

    def schema(self, slug: Slug, *, patient: bool = True) -> Json:
        """Return a model's parameters: `GET /models/{provider}/{model}/api_schema`, public.

        Without `patient`, one try only.
        """
        from modellix_cli.api.catalog import read_schema

        path = f"/models/{Slug(slug.provider, slug.model).path}/api_schema"
        return self._exchange.get(path, read_schema, self._policy if patient else NO_RETRIES)

    def public_models(self, *, patient: bool = True) -> "ModelList":
        """List the models without a key: `GET /portal/v1/models` of www.modellix.ai, all pages.

        Without `patient`, each page is asked for once.
        """
        from modellix_cli.api.public import read_public_models

        policy = self._policy if patient else RetryPolicy(retries=0)
        return read_public_models(self._exchange, policy)

    def docs_index(self) -> "tuple[DocsEntry, ...]":
        """List the pages of the documentation: `GET /llms.txt` of docs.modellix.ai."""
        from modellix_cli.api.public import read_docs_index

        return read_docs_index(self._exchange)

    def docs_page(self, where: str) -> "Page":
        """Return a page of the documentation as Markdown, by its path or a model's `docs_url`.

        Raises `USAGE` for an address of another host.
        """
        from modellix_cli.api.public import read_docs_page

        return read_docs_page(self._exchange, where)

    def validate_key(self) -> bool:
        """Ask whether the key is valid and active: `GET /apikey/validate`, free."""
        return self._check_key(lambda reply: None)

    def probe(self, seen: Callable[[Reply], None]) -> bool:
        """As `validate_key`, for finding out how things stand: with less patience.

        `seen` is given every reply that comes, whatever it says, for its headers.
        """
        return self._check_key(seen, PROBING)

    def _check_key(self, seen: Callable[[Reply], None], policy: RetryPolicy | None = None) -> bool:
        def read(reply: Reply) -> bool:
            seen(reply)
            return read_validity(failures.read_key_check(reply, self._clock))

        return self._exchange.ask("GET", f"{API_PREFIX}/apikey/validate", read, policy)

    def balance(self, *, patient: bool = True) -> float:
        """Return the team's balance in USD: `GET /team/balance`."""
        policy = self._policy if patient else PROBING
        return self._exchange.get(f"{API_PREFIX}/team/balance", read_balance, policy)

    def list_files(self, limit: int = MAX_LISTED, offset: int = 0) -> "FileList":
        """List uploaded inputs: `GET /media/files`, `limit` (at most 100) after `offset` others."""
        from modellix_cli.api.files import read_file_list

        query = f"limit={min(limit, MAX_LISTED)}&offset={offset}"
        return self._exchange.get(f"{API_PREFIX}/media/files?{query}", read_file_list)

    def delete_file(self, file_id: str) -> None:
        """Delete an uploaded file: `DELETE /media/files/{file_id}`, any 2xx.

        Sent once: after a reply that was lost, a second try would report a deleted file as missing.
        """
        path = f"{API_PREFIX}/media/files/{quote(file_id, safe='')}"
        self._exchange.ask(
            "DELETE", path, lambda reply: failures.check_deleted(reply, self._clock), NO_RETRIES
        )

    def upload(self, name: str, media_type: str, content: bytes) -> "UploadedFile":
        """Upload an input: `POST /media/files`, multipart, field `file`. At most 16 MiB.

        Sent again only where it never left or was refused for a time; after that its outcome is
        unknown, and raises `UPLOAD_UNKNOWN`. `FILE_QUOTA_FULL`: others have to be deleted first.
        """
        from modellix_cli.api.files import multipart_file

        body, content_type = multipart_file(name, media_type, content)
        return self._exchange.upload(
            f"{API_PREFIX}/media/files",
            content_type,
            body,
            lambda reply: failures.read_upload(reply, self._clock),
        )

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


def _about_a_task(error: ModellixError, task_id: str) -> ModellixError:
    """Return the error, with the task and advice where that was not found."""
    if error.code is not ErrorCode.NOT_FOUND:
        return error
    hint = "Check the task id and the account: tasks belong to a team."
    return error.copy_with(hint=hint, task_id=task_id)


def connect(
    base_url: str,
    api_key: str | None,
    *,
    clock: Clock,
    policy: RetryPolicy,
    notice: Callable[[str], None],
    trace: Trace | None = None,
    wsgi: "WSGIApplication | None" = None,
    pacer: Pacer | None = None,
    seconds: float | None = None,
    async_route: bool = True,
) -> Client:
    """Return a client for `base_url`; nothing is sent yet.

    With `wsgi` every request goes to that app in this process. `seconds` is the longest that one
    exchange may take, None for what suits most. Raises `TLS` or `NETWORK` when
    the certificates or the proxy that the environment names cannot be used.
    """
    try:
        secrets = (api_key,) if api_key and api_key != SANDBOX_KEY else ()
        transport = Transport(
            base_url,
            clock=clock,
            trace=trace,
            wsgi=wsgi,
            secrets=secrets,
            seconds=seconds or EXCHANGE_SECONDS,
        )
    except NotSent as error:
        raise failures.unreachable(error, base_url) from error
    return Client(
        transport,
        base_url,
        api_key,
        clock=clock,
        policy=policy,
        notice=notice,
        pacer=pacer,
        async_route=async_route,
    )

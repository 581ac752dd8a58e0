"""The paid request: one POST, and what is certain after it (docs/spec/service.md 3 and 9).

This is the one place that says which replies prove that no task was created.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from modellix_cli.api import failures
from modellix_cli.api.connecting import NotSent
from modellix_cli.api.documents import read_submission
from modellix_cli.api.named_tasks import is_usable, named_tasks, promises_result
from modellix_cli.api.retry import Limits, asked_wait
from modellix_cli.api.routes import submission_path
from modellix_cli.api.transport import ConnectionLost, Reply, Transport
from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.task import Submission, also_named
from modellix_cli.domain.values import Slug

REFUSALS: Final = frozenset({400, 401, 402, 403, 404, 405, 413, 415, 422, 429})
"""Statuses after which it is certain that nothing was created, unless the reply names a task."""
_MOST_OTHERS: Final = 20


@frozen
class Posted:
    """What came of one paid POST: the task, or why there is none or nobody knows.

    An error other than `SUBMISSION_UNKNOWN` means that no task was created. `limits` is what the
    reply said about the key's limits, None without a reply.
    """

    outcome: Submission | ModellixError
    limits: Limits | None


class PaidRequests:
    """Sends paid requests in a client's name, with its `headers`.

    Without `async_route` they go to the address without `/async`.
    """

    def __init__(
        self,
        transport: Transport,
        base_url: str,
        headers: Mapping[str, str],
        *,
        clock: Clock,
        async_route: bool = True,
    ) -> None:
        self._transport = transport
        self._base_url = base_url
        self._headers = {**headers, "Content-Type": "application/json"}
        self._clock = clock
        self._async_route = async_route

    def post(self, slug: Slug, body: bytes, webhook: str | None = None) -> Posted:
        """Send one paid POST: `POST /{provider}/{model}/async` with `body` as it is.

        Once, on a connection of its own, at once; never raises `ModellixError`. A defect of ours,
        too, leaves the outcome unknown: the request may have left. `webhook` is a URL that
        `parse_webhook_url` accepted.
        """
        path = submission_path(slug, async_route=self._async_route)
        headers = self._headers | ({} if webhook is None else {"X-Webhook-URL": webhook})
        try:
            reply = self._transport.send(
                "POST", path, headers=headers, body=body, own_connection=True
            )
        except NotSent as error:
            return Posted(_caused_by(failures.unreachable(error, self._base_url), error), None)
        except ConnectionLost as error:
            what = f"The connection failed after the submission started: {error.reason}."
            return Posted(_caused_by(unknown(what, Reply(0, {}, error.body), body), error), None)
        except Exception as error:  # noqa: BLE001
            what = f"The submission broke off ({type(error).__name__})."
            return Posted(_caused_by(unknown(what, Reply(0, {}, b""), body), error), None)
        return self._posted(reply, body)

    def _posted(self, reply: Reply, body: bytes) -> Posted:
        """Return what a reply says about the request with this body."""
        limits: Limits | None = None
        try:
            limits = failures.limits_of(reply, self._clock)
            return Posted(_created(reply, body, self._clock), limits)
        except ModellixError as error:
            return Posted(error, limits)
        except Exception as error:  # noqa: BLE001
            what = f"The reply could not be read ({type(error).__name__})."
            return Posted(_caused_by(unknown(what, reply, body), error), limits)


def _caused_by(error: ModellixError, cause: Exception) -> ModellixError:
    error.__cause__ = cause
    return error


def _created(reply: Reply, sent: bytes, clock: Clock) -> Submission:
    document = read_paid_document(reply, clock, sent)
    try:
        submission = read_submission(document)
    except ModellixError as error:
        raise unknown(error.message, reply, sent) from error
    named = named_tasks(reply, sent, bare=False)
    return replace(submission, others=_others(named, submission.task_id))


def read_paid_document(reply: Reply, clock: Clock, sent: bytes = b"") -> Json:
    """As `failures.read_document`, for the reply to a paid request with the body `sent`.

    A definite refusal raises its error. Anything that leaves room for a created task raises
    `SUBMISSION_UNKNOWN`, except 503 in the API's own JSON, which created nothing.
    """
    document = failures.json_of(reply)
    status = failures.effective_status(reply, document)
    if status == 200 and document is not None:
        return document
    refused = status in REFUSALS or (status == 503 and failures.is_own(document))
    if refused and not named_tasks(reply, sent) and not promises_result(reply):
        return failures.read_document(reply, clock)
    raise unknown(
        failures.described(reply, document),
        reply,
        sent,
        retry_after=asked_wait(status, reply.headers, clock),
        category=failures.category_of(document),
        rate_limit=failures.rate_limit_of(reply),
    )


def unknown(
    what: str,
    reply: Reply,
    sent: bytes = b"",
    *,
    retry_after: float | None = None,
    category: str | None = None,
    rate_limit: Mapping[str, int] | None = None,
) -> ModellixError:
    """Return the error for a paid submission that may or may not have created a task.

    An id that the reply, or what there is of it, names is told, and usable if it is a valid one;
    further ids are told too.
    """
    message = f"{what} The outcome is unknown: a task may have been created and charged."
    named = named_tasks(reply, sent)
    task_id = next(filter(is_usable, named), None)
    if named:
        told = reply.excerpt(task_id or named[0], 600)
        message += f" The reply names the task id {told}."
    others = _others(named_tasks(reply, sent, bare=False), task_id)
    message += f" {also_named(others)}" if task_id is not None and others else ""
    return ModellixError(
        ErrorCode.SUBMISSION_UNKNOWN,
        message,
        status=reply.status or None,
        task_id=task_id,
        retry_after=retry_after,
        category=category,
        rate_limit=rate_limit,
        other_tasks=others,
    )


def _others(named: list[str], task_id: str | None) -> tuple[str, ...]:
    """Return the usable ids besides the one that is taken, which belong to no earlier task."""
    others = [name for name in named if name != task_id and is_usable(name)]
    return tuple(others[:_MOST_OTHERS])

"""Submitting a paid task once, with its intent and outcome in the journal."""

from collections.abc import Callable
from typing import Final

from modellix_cli.api.client import Client
from modellix_cli.clock import clock_time
from modellix_cli.domain.errors import REGISTRY, ErrorCode, ModellixError, interrupted
from modellix_cli.domain.task import Submission
from modellix_cli.domain.values import DAY, Slug
from modellix_cli.engine.rate_governor import Gate
from modellix_cli.engine.worker_pool import Interrupted, shielded
from modellix_cli.ledger.journal import Journal

_GRACE_SECONDS: Final = 0.7
"""How long after Ctrl-C a reply on its way may still arrive; the whole exit stays under 1 s."""


class Submitter:
    """Submits one paid task, when `gate` lets it leave.

    `resume` makes the command that continues with a task id.
    """

    def __init__(
        self,
        client: Client,
        journal: Journal,
        gate: Gate,
        *,
        now: Callable[[], float],
        warn: Callable[[str], None],
        resume: Callable[[str], str],
    ) -> None:
        self._client = client
        self._journal = journal
        self._gate = gate
        self._now = now
        self._warn = warn
        self._resume = resume
        self._number: int | None = None
        self._slug = ""
        self._body = b""
        self._resend = False
        self._accepted: Submission | None = None
        self._in_doubt = False
        """Whether a POST that may have created a task has no certain outcome."""

    def submit(self, slug: Slug, body: bytes, *, resend_unknown: bool = False) -> Submission:
        """Submit; when this returns, the task's id is on disk (or a warning said why not).

        Raises what `Client.submit` raises, and `INTERRUPTED` saying what is known.
        """
        self._slug, self._body, self._resend = str(slug), body, resend_unknown
        self._warn_of_repeat(body)
        try:
            return self._client.submit(
                slug, body, resend_unknown=resend_unknown, guard=self._guarded
            )
        except KeyboardInterrupt as stop:
            if self._number is not None and self._accepted is None and not self._in_doubt:
                said = "Interrupted before another try."
                self._journal.settle(self._number, "rejected", slug=self._slug, detail=said)
            raise self._stopped(stop) from stop
        except ModellixError as error:
            concluded = self._concluded(error)
            if concluded is error:
                raise
            raise concluded from error

    def _guarded(self, send: Callable[[], Submission]) -> Submission:
        """Run one POST where Ctrl-C cannot tear it, and record an id before anything else.

        The intent is recorded when its turn has come: what only waited was never sent.
        """
        ticket = self._gate.enter_submit()
        if self._number is None:
            self._number = self._journal.intend(self._slug, self._body)

        def send_and_record() -> Submission:
            try:
                self._accepted = submission = send()
            except ModellixError as error:
                self._gate.governor.failed(ticket, error)
                raise
            task_id = submission.task_id
            if not self._journal.settle(self._number, "accepted", slug=self._slug, task_id=task_id):
                self._warn(f"Task {task_id} was submitted; note its id, it is not in the journal.")
            usual = max(self._journal.durations(self._slug), default=None)
            self._gate.governor.accepted(ticket, task_id, usual)
            return submission

        doubted, self._in_doubt = self._in_doubt, True
        try:
            submitted = shielded(send_and_record, _GRACE_SECONDS)
            self._in_doubt = doubted
            return submitted
        except Interrupted as interrupt:
            failure = interrupt.done.error if interrupt.done else None
            self._in_doubt = doubted or not _created_nothing(failure)
            raise self._stopped(interrupt.stop) from interrupt.stop
        except ModellixError as error:
            self._in_doubt = doubted or not _created_nothing(error)
            if self._resend and error.code is ErrorCode.SUBMISSION_UNKNOWN:
                self._warn(error.message)  # the next try must not make this one forgotten
            raise

    def _concluded(self, error: ModellixError) -> ModellixError:
        """Record a failure for what it is; an earlier unknown outcome is not forgotten by it."""
        if error.code is ErrorCode.INTERRUPTED:
            return error
        if self._in_doubt and error.code is not ErrorCode.SUBMISSION_UNKNOWN:
            error = ModellixError(
                ErrorCode.SUBMISSION_UNKNOWN,
                f"An earlier try may have created a task. The last one: {error.message}",
                status=error.status,
            )
        state = "unknown" if self._in_doubt else "rejected"
        self._journal.settle(
            self._number, state, slug=self._slug, task_id=error.task_id, detail=error.message
        )
        if error.task_id is not None:
            error = error.copy_with(resume=self._resume(error.task_id))
        return error

    def _stopped(self, stop: KeyboardInterrupt) -> ModellixError:
        """Say what is known about a submission during which Ctrl-C came.

        Nothing is recorded here: while a POST is under way, `intent` in the journal says the same,
        and waiting for its lock would keep the user.
        """
        if self._accepted is not None:
            task_id = self._accepted.task_id
            return interrupted(
                stop,
                f"Interrupted. Task {task_id} was submitted and may still run.",
                charged="yes",
                task_id=task_id,
                resume=self._resume(task_id),
            )
        if not self._in_doubt:
            return interrupted(stop, "Interrupted before a task was accepted; nothing was charged.")
        return interrupted(
            stop,
            "Interrupted while the submission was under way: its outcome is unknown, "
            "a task may have been created.",
            charged="unknown",
            hint=REGISTRY[ErrorCode.SUBMISSION_UNKNOWN].hint,
        )

    def _warn_of_repeat(self, body: bytes) -> None:
        earlier = self._journal.earlier(self._slug, body, self._now() - DAY)
        if earlier is not None and earlier.state in ("intent", "unknown"):
            self._warn(
                f"The same request was sent at {clock_time(earlier.created_at)} and its outcome "
                "is unknown; this is a second paid submission."
            )


def _created_nothing(failure: BaseException | None) -> bool:
    """Whether a POST that failed so is certain to have created no task."""
    return isinstance(failure, ModellixError) and failure.code is not ErrorCode.SUBMISSION_UNKNOWN

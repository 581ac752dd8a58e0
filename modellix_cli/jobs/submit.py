"""Submitting a paid task once, with its intent and outcome in the journal."""

from collections.abc import Callable
from typing import Final

from modellix_cli.api.client import Client
from modellix_cli.api.documents import Submission
from modellix_cli.clock import clock_time
from modellix_cli.errors import Code, ModellixError, interrupted
from modellix_cli.jobs.pool import Interrupted, shielded
from modellix_cli.local.journal import Journal
from modellix_cli.values import DAY, Slug

_GRACE_SECONDS: Final = 0.7
"""How long after Ctrl-C a reply on its way may still arrive; the whole exit stays under 1 s."""

_DO_NOT_RESEND: Final = (
    "Do not submit the same request again until you have checked whether a task was created: "
    "look at the usage page of https://modellix.ai/console."
)


class Submitter:
    """Submits paid tasks. `resume` makes the command that continues with a task id."""

    def __init__(
        self,
        client: Client,
        journal: Journal,
        *,
        now: Callable[[], float],
        warn: Callable[[str], None],
        resume: Callable[[str], str],
    ) -> None:
        self._client = client
        self._journal = journal
        self._now = now
        self._warn = warn
        self._resume = resume

    def submit(self, slug: Slug, body: bytes, *, resend_unknown: bool = False) -> Submission:
        """Submit one task; when this returns, its id is on disk (or a warning said why not).

        Raises what `Client.submit` raises, and `INTERRUPTED` saying what is known.
        """
        self._warn_of_repeat(slug, body)
        number = self._journal.intend(str(slug), body)
        try:
            return self._client.submit(
                slug,
                body,
                resend_unknown=resend_unknown,
                guard=lambda send: self._guarded(send, number, str(slug)),
            )
        except KeyboardInterrupt as stop:  # between two tries: the last one was refused
            raise interrupted(stop, "Interrupted before the task was accepted.") from stop

    def _guarded(self, send: Callable[[], Submission], number: int | None, slug: str) -> Submission:
        def send_and_record() -> Submission:
            try:
                submission = send()
            except ModellixError as error:
                state = "unknown" if error.code is Code.SUBMISSION_UNKNOWN else "rejected"
                self._journal.settle(number, state, slug=slug, detail=error.message)
                raise
            task_id = submission.task_id
            if not self._journal.settle(number, "accepted", slug=slug, task_id=task_id):
                self._warn(f"Task {task_id} was submitted; note its id, it is not in the journal.")
            return submission

        try:
            return shielded(send_and_record, _GRACE_SECONDS)
        except Interrupted as interrupt:
            raise self._stopped(interrupt, number, slug) from interrupt.stop

    def _stopped(self, interrupt: Interrupted, number: int | None, slug: str) -> ModellixError:
        """Say what is known about a submission during which Ctrl-C came."""
        done = interrupt.done
        if done is not None and isinstance(done.result, Submission):
            task_id = done.result.task_id
            return interrupted(
                interrupt.stop,
                f"Interrupted. Task {task_id} was submitted and may still run.",
                charged="yes",
                task_id=task_id,
                resume=self._resume(task_id),
            )
        error = done.error if done is not None else None
        if isinstance(error, ModellixError) and error.code is not Code.SUBMISSION_UNKNOWN:
            return interrupted(interrupt.stop, f"Interrupted. {error.message}")
        if done is None:
            self._journal.settle(number, "unknown", slug=slug, detail="interrupted")
        return interrupted(
            interrupt.stop,
            "Interrupted while the submission was under way: its outcome is unknown, "
            "a task may have been created.",
            charged="unknown",
            hint=_DO_NOT_RESEND,
        )

    def _warn_of_repeat(self, slug: Slug, body: bytes) -> None:
        earlier = self._journal.earlier(str(slug), body, self._now() - DAY)
        if earlier is not None and earlier.state in ("intent", "unknown"):
            self._warn(
                f"The same request was sent at {clock_time(earlier.created_at)} and its outcome "
                "is unknown; this is a second paid submission."
            )

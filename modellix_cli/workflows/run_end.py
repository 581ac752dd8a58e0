"""How a single run ends: what went wrong, what is known about money, how to go on."""

from typing import TYPE_CHECKING, Final

from modellix_cli.api.routes import task_path
from modellix_cli.clock import clock_time
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ExitStatus, ModellixError, interrupted
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.task import Submission, Task
from modellix_cli.domain.wait_limit import WaitLimit
from modellix_cli.engine.core.earlier import SENT_ELSEWHERE, STILL_SENT_ELSEWHERE
from modellix_cli.engine.core.following import TIMED_OUT
from modellix_cli.engine.core.lines import LineOutcome

if TYPE_CHECKING:
    from modellix_cli.api.client import Client

UNKNOWN_HINT: Final = (
    "Do not submit the same request again until you have checked whether a task was created: see "
    "the usage page of https://modellix.ai/console. If one was: modellix-cli task resolve {number} "
    "--task-id ID. If not: modellix-cli task resolve {number} --not-created. To send it once more, "
    "and perhaps be charged twice, pass --resend-unknown."
)
_SAME_COMMAND: Final = "To go on, run the same command with --resume, or the next line."
_ASK_AGAIN: Final = "The same command, run again, tells what became of it."
_ACCEPTED: Final = SubmissionState.ACCEPTED


def not_accepted(
    session: Session, outcome: LineOutcome, stopped_by: ModellixError | None
) -> ModellixError:
    """Return why there is no task, with what is known about money."""
    error = outcome.error or stopped_by
    if outcome.state is SubmissionState.UNKNOWN:
        assert error is not None
        return unknown(session, outcome, error)
    if error is None:
        error = ModellixError(ErrorCode.INTERNAL, outcome.detail or "The request was not sent.")
    return error.copy_with(charged="no")


def unknown(session: Session, outcome: LineOutcome, error: ModellixError) -> ModellixError:
    """Return the error for a request of unknown outcome: one that was sent now, or before."""
    resume = session.resume(outcome.task_id) if outcome.task_id else None
    if not outcome.reused:
        hint = error.hint
        if outcome.number:
            hint = UNKNOWN_HINT.format(number=outcome.number)
        return error.copy_with(
            exit_status=8,
            charged="unknown",
            retryable=False,
            resume=resume,
            hint=hint,
            request=outcome.number or None,
        )
    if outcome.detail == STILL_SENT_ELSEWHERE:
        return error.copy_with(charged="no", hint=_ASK_AGAIN, request=outcome.number or None)
    attempt = session.stores.submissions.attempt(outcome.number)
    return unknown_before(
        outcome.number,
        None if attempt is None else attempt.created_at,
        outcome.detail,
        outcome.task_id,
        error.other_tasks,
        resume,
    )


def unknown_before(
    number: int,
    created_at: float | None,
    detail: str | None,
    task_id: str | None = None,
    other_tasks: tuple[str, ...] = (),
    resume: str | None = None,
) -> ModellixError:
    """Return why a request is not sent of which an earlier attempt has an unknown outcome.

    `number` is that of the attempt, `created_at` its Unix time.
    """
    when = "" if created_at is None else f" at {clock_time(created_at)}"
    return ModellixError(
        ErrorCode.SUBMISSION_UNKNOWN,
        f"The same request was sent{when} and its outcome is unknown, so it was not sent again. "
        f"{detail or ''}".strip(),
        hint=UNKNOWN_HINT.format(number=number),
        task_id=task_id,
        request=number,
        other_tasks=other_tasks,
        charged="no",
        resume=resume,
    )


def stopped(session: Session, outcome: LineOutcome, stop: KeyboardInterrupt) -> ModellixError:
    """Return the error that ends the run after a signal, saying what is known."""
    for_people = session.out.talk_is_terminal and not session.out.envelope
    if outcome.state is _ACCEPTED and outcome.task_id is not None:
        return interrupted(
            stop,
            f"Interrupted. Task {outcome.task_id} was submitted and may still be running.",
            task_id=outcome.task_id,
            resume=session.resume(outcome.task_id),
            charged="no" if outcome.reused else "yes",
            hint=_SAME_COMMAND if for_people else None,
        )
    if outcome.detail == SENT_ELSEWHERE:
        ended = interrupted(stop, SENT_ELSEWHERE, charged="no", hint=_ASK_AGAIN)
        return ended.copy_with(request=outcome.number or None)
    if outcome.state is SubmissionState.UNKNOWN:
        error = unknown(session, outcome, outcome.error or _no_outcome())
        return interrupted(
            stop,
            "Interrupted while the submission was under way: its outcome is unknown, a task may "
            "have been created.",
            task_id=outcome.task_id,
            charged=error.charged,
            hint=error.hint,
            resume=error.resume,
        ).copy_with(request=error.request)
    return interrupted(stop, "Interrupted before a task was accepted.", charged="no")


def _no_outcome() -> ModellixError:
    return ModellixError(ErrorCode.SUBMISSION_UNKNOWN, "No reply came.")


def unfinished(outcome: LineOutcome, limit: WaitLimit) -> ModellixError:
    """Return the error for a task that was not followed to its end."""
    if outcome.waiting == TIMED_OUT:
        return ModellixError(
            ErrorCode.TASK_WAIT_TIMEOUT,
            f"Task {outcome.task_id} did not end within {limit.words}; it may still be running.",
            task_id=outcome.task_id,
        )
    assert outcome.error is not None
    message = (
        f"Task {outcome.task_id} was submitted, but status polling failed: {outcome.error.message}"
    )
    return outcome.error.copy_with(message=message, task_id=outcome.task_id)


def submission_of(outcome: LineOutcome) -> Submission:
    """Return the reply to the submission; for a task that is known otherwise, one in its form."""
    if outcome.submission is not None:
        return outcome.submission
    assert outcome.task_id is not None
    status = outcome.status or "submitted"
    data: JsonObject = {
        "status": status,
        "task_id": outcome.task_id,
        "model_id": outcome.slug.rpartition("/")[2],
        "get_result": {"method": "GET", "url": task_path(outcome.task_id)},
    }
    document: JsonObject = {"code": 0, "message": "success", "data": data}
    document |= {"reused": True} if outcome.reused else {}
    return Submission(outcome.task_id, status, document)


def failed_task(session: Session, client: "Client", outcome: LineOutcome) -> Task:
    """Return a task that is known to have failed, with the service's reason if it can be had."""
    from modellix_cli.workflows.results import record_status

    known = submission_of(outcome)
    try:
        task = client.task(known.task_id, patient=False)
        record_status(session, task)
        return task
    except ModellixError as error:
        reason = f"the reason could not be asked for: {error.message}"
        return Task(known.task_id, known.status, (), reason, None, None, known.document)


def ended_errors(outcome: LineOutcome) -> list[ModellixError]:
    """Return what went wrong with a task that ended: it failed, or files were not saved."""
    from modellix_cli.downloads.downloader import task_failed

    if outcome.task is not None and outcome.task.failed:
        return [task_failed(outcome.task)]
    if outcome.saved is not None:
        errors = outcome.saved.errors
    else:
        errors = [] if outcome.error is None else [outcome.error]
    return [error.copy_with(exit_status=int(ExitStatus.NOT_SAVED)) for error in errors]

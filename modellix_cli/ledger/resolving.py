"""What the user may say of an attempt: how one of unknown outcome ended, and corrections of it."""

import sqlite3
from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError, usage
from modellix_cli.domain.submission_state import RejectedBy, SubmissionState
from modellix_cli.ledger.attempt import Attempt
from modellix_cli.ledger.records import Outcome
from modellix_cli.ledger.tasks import SUBMITTED

BY_THE_USER: Final = "Not created, by the user's word."
"""What is told of an attempt that nobody but the user called rejected."""
_SENT_SINCE: Final = """
SELECT later.number FROM submissions AS s JOIN submissions AS later
  ON later.number <> s.number AND later.state <> 'rejected'
WHERE s.number = ? AND (later.replaces = s.number OR later.base_url = s.base_url
  AND later.identity = s.identity AND later.created_at >= s.updated_at)
ORDER BY later.number LIMIT 1"""


def check_resolvable(
    db: sqlite3.Connection, number: int, attempt: Attempt | None, task_id: str | None
) -> None:
    """Refuse what the user says of an attempt where it cannot be or does not count any more.

    The word that no task was created may be taken back by naming the task, as long as nothing was
    sent instead; a task that was named may be another one, or none if nothing was heard of it here.
    Raises `NOT_FOUND` and `USAGE`.
    """
    if attempt is None:
        raise not_found(str(number))
    if task_id is not None and attempt.rejected_by is RejectedBy.USER:
        _check_not_sent_since(db, number)
    elif not attempt.accepted_by_user:
        _check_unknown(attempt)
    if task_id is None:
        _check_not_known(db, attempt)
    else:
        _check_unused(db, number, task_id)


def outcome_by_user(before: Attempt, task_id: str | None) -> Outcome:
    """Return how an attempt ended by the user's word; a task that the service named stays known.

    An id that the service named, by its reply or by knowing it, is only confirmed: it is final.
    """
    others = before.others
    if task_id is None:
        by = RejectedBy.USER
        return Outcome(SubmissionState.REJECTED, None, BY_THE_USER, others, rejected_by=by)
    if before.task_id is not None and (not before.accepted_by_user or _is_heard(before.status)):
        others = (*others, before.task_id)
    by_user = task_id not in others
    others = tuple(one for one in others if one != task_id)
    return Outcome(SubmissionState.ACCEPTED, task_id, None, others, accepted_by_user=by_user)


def not_found(text: str) -> ModellixError:
    """Return the error for a request that the ledger does not know."""
    return ModellixError(
        ErrorCode.NOT_FOUND,
        f"There is no request {text} in the ledger.",
        hint="See those of unknown outcome: modellix-cli task history",
    )


def _check_not_sent_since(db: sqlite3.Connection, number: int) -> None:
    row = db.execute(_SENT_SINCE, (number,)).fetchone()
    if row is not None:
        raise usage(
            f"Request {number} was recorded as not created, and sent again as request {row[0]}.",
            hint="If both were created, both are charged. Follow the other with: "
            "modellix-cli task wait ID",
        )


def _check_not_known(db: sqlite3.Connection, attempt: Attempt) -> None:
    """Refuse that no task was created where the service knows one that was named for it."""
    for task_id in (attempt.task_id, *attempt.others):
        row = db.execute(
            "SELECT t.status FROM tasks AS t JOIN submissions AS s ON s.base_url = t.base_url"
            " WHERE s.number = ? AND t.task_id = ? ORDER BY t.updated_at DESC LIMIT 1",
            (attempt.number, task_id),
        ).fetchone()
        if row is not None and _is_heard(row[0]):
            raise usage(
                f"Task {task_id} was named for request {attempt.number}, and the service knows it.",
                hint="If that is the task of another request, name its own with --task-id.",
            )


def _is_heard(status: str | None) -> bool:
    """Whether the service has said anything of a task."""
    return status not in (None, SUBMITTED)


def _check_unknown(attempt: Attempt) -> None:
    number = attempt.number
    if attempt.in_flight:
        raise usage(f"Request {number} is being sent just now.", hint="Try again in a moment.")
    if attempt.state is not SubmissionState.UNKNOWN:
        task = f" as task {attempt.task_id}" if attempt.task_id else ""
        raise usage(
            f"Request {number} is not of unknown outcome: it was {attempt.state}{task}.",
            hint="See those that are: modellix-cli task history",
        )


def _check_unused(db: sqlite3.Connection, number: int, task_id: str) -> None:
    row = db.execute(
        "SELECT number FROM submissions WHERE task_id = :task AND state = 'accepted'"
        " AND number <> :number"
        " AND base_url = (SELECT base_url FROM submissions WHERE number = :number)",
        {"task": task_id, "number": number},
    ).fetchone()
    if row is not None:
        raise usage(f"Task {task_id} is that of request {row[0]} already.")

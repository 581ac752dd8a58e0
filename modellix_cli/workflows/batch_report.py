"""The result of a batch: one entry for each line, as official-cli.md 4.14 shapes them."""

from array import array
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from tempfile import SpooledTemporaryFile
from typing import Final

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import REGISTRY, Charged, ErrorCode, ExitStatus, ModellixError
from modellix_cli.domain.jsontext import JsonObject, dumps, loads
from modellix_cli.domain.submission_state import NOT_SENT, RejectedBy, SubmissionState
from modellix_cli.domain.task import has_failed
from modellix_cli.domain.text import count
from modellix_cli.engine.core.following import INTERRUPTED, LOST, RUN_INTERRUPTED, TIMED_OUT
from modellix_cli.engine.core.lines import LineOutcome
from modellix_cli.ledger.attempt import Attempt
from modellix_cli.ledger.records import BatchLine
from modellix_cli.models.pricing.values import json_amount
from modellix_cli.output.batch_lines import ShownLine

_IN_MEMORY: Final = 1024 * 1024
_REFUSALS: Final = {
    RejectedBy.SERVICE: ErrorCode.API_ERROR,
    RejectedBy.NETWORK: ErrorCode.NETWORK,
    RejectedBy.CHECK: ErrorCode.LINE_SKIPPED,
    RejectedBy.INTERRUPT: ErrorCode.INTERRUPTED,
    RejectedBy.USER: ErrorCode.LINE_SKIPPED,
}
_IN_FLIGHT: Final = "It is being submitted right now."
_SUBMITTED: Final = "submitted"
_TIMED_OUT_ERROR: Final = "Timed out while waiting for Modellix tasks."
_ACCEPTED: Final = SubmissionState.ACCEPTED

Entry = JsonObject


def entry_of(outcome: LineOutcome, session: Session) -> Entry:
    """Return a line as an element of `tasks`; what is not known is left out.

    `id` is there where the line has one, `files` where results were saved, `errorInfo` beside
    `error`; `reused` where an earlier attempt answered for it; `billedUsd` is what the service
    charged for the task; `request` is the number by which `task resolve` takes it, if it does.
    """
    state = "skipped" if outcome.state is None else str(outcome.state)
    error, command = error_and_command(outcome, session)
    if command is not None:
        error = f"{error} {command}"
    ended = outcome.status is not None and outcome.waiting is None
    parts: Entry = {
        "billedUsd": json_amount(outcome.billed),
        "error": error,
        "errorInfo": None if error is None else _error_info(outcome, pays=session.pays),
        "files": None if outcome.files is None else list(outcome.files),
        "id": outcome.name,
        "index": outcome.ref,
        "modelSlug": outcome.slug,
        "ok": error is None,
        "otherTaskIds": _other_tasks(outcome),
        "request": (outcome.number or None) if _may_be_settled(outcome, command) else None,
        "resourceUrls": list(outcome.urls) if ended else None,
        "reused": True if outcome.reused else None,
        "status": _status(outcome),
        "submissionState": state,
        "taskId": outcome.task_id,
    }
    return {name: value for name, value in parts.items() if value is not None}


def _may_be_settled(outcome: LineOutcome, command: str | None) -> bool:
    """Whether `task resolve` takes the request: nobody knows its task, or the user named it."""
    unknown = outcome.state is SubmissionState.UNKNOWN
    return unknown or (outcome.waiting == LOST and command is not None)


def _other_tasks(outcome: LineOutcome) -> list[str] | None:
    others = outcome.others or (() if outcome.error is None else outcome.error.other_tasks)
    return list(others) or None


def _status(outcome: LineOutcome) -> str:
    if outcome.state is not _ACCEPTED:
        return "skipped" if outcome.state is None else "error"
    if outcome.waiting in (TIMED_OUT, INTERRUPTED):
        return TIMED_OUT if outcome.waiting == TIMED_OUT else _SUBMITTED
    return outcome.status or _SUBMITTED


def error_and_command(outcome: LineOutcome, session: Session) -> tuple[str | None, str | None]:
    """Return why a line did not go well, and the sentence with the command for it, if any."""
    task_id = outcome.task_id or ""
    if outcome.state is not _ACCEPTED:
        error = outcome.detail or "It was not submitted."
        shows = task_id and outcome.state is SubmissionState.UNKNOWN
        see = f"See it with: {session.commands.line('task get', task_id)}" if shows else None
        return error, see
    if outcome.waiting in (TIMED_OUT, INTERRUPTED):
        timed_out = outcome.waiting == TIMED_OUT
        what = _TIMED_OUT_ERROR if timed_out else "Interrupted while waiting."
        return what, f"Resume with: {session.resume(task_id)}"
    if outcome.detail is None and has_failed(outcome.status):
        see = f"See why with: {session.commands.line('task get', task_id)}" if task_id else None
        return f"Task reached terminal status {outcome.status}.", see
    if outcome.error is not None and outcome.error.code is ErrorCode.NOT_FOUND:
        return outcome.detail, session.correction(task_id)
    return outcome.detail, None


def _error_info(outcome: LineOutcome, *, pays: bool) -> JsonObject:
    """Return the facts of a line's failure; `charged` is this run's own doing, if it can pay."""
    error = outcome.error or _implied(outcome)
    exit_status = error.exit_status
    if outcome.state is _ACCEPTED and outcome.waiting is None and not has_failed(outcome.status):
        exit_status = int(ExitStatus.NOT_SAVED)
    paid = outcome.state is not None and outcome.state is not SubmissionState.REJECTED
    info = {
        "code": str(error.code),
        "exitCode": exit_status,
        "retryable": error.retryable and not paid,
        "charged": _charged(outcome) if pays else None,
        "retryAfterSeconds": error.retry_after,
    }
    return {name: value for name, value in info.items() if value is not None}


def _implied(outcome: LineOutcome) -> ModellixError:
    detail = outcome.detail or ""
    if outcome.waiting == TIMED_OUT:
        return ModellixError(ErrorCode.TASK_WAIT_TIMEOUT, detail)
    if outcome.state is SubmissionState.UNKNOWN:
        return ModellixError(ErrorCode.SUBMISSION_UNKNOWN, detail)
    if outcome.state is _ACCEPTED and outcome.waiting is None:
        failed = has_failed(outcome.status)
        return ModellixError(ErrorCode.TASK_FAILED if failed else ErrorCode.DOWNLOAD_FAILED, detail)
    if outcome.waiting == INTERRUPTED or detail.startswith((RUN_INTERRUPTED, NOT_SENT)):
        return ModellixError(ErrorCode.INTERRUPTED, detail, retryable=True)
    return ModellixError(ErrorCode.LINE_SKIPPED, detail)


def _charged(outcome: LineOutcome) -> Charged:
    if outcome.reused or outcome.state in (None, SubmissionState.REJECTED):
        return "no"
    return "yes" if outcome.state is _ACCEPTED else "unknown"


def outcome_of(line: BatchLine) -> LineOutcome:
    """Return a recorded line of a batch in the form in which a run tells it."""
    attempt = line.attempt
    state = None if attempt is None else attempt.state
    detail = line.detail
    if attempt is not None and attempt.in_flight:
        state, detail = SubmissionState.UNKNOWN, _IN_FLIGHT
    elif detail is None and attempt is not None and state is not _ACCEPTED:
        detail = attempt.detail
    return LineOutcome(
        line.line,
        line.slug,
        line.name,
        state,
        number=0 if attempt is None else attempt.number,
        task_id=None if attempt is None else attempt.task_id,
        others=() if attempt is None else attempt.others,
        status=line.status,
        detail=detail,
        urls=line.urls,
        files=line.files,
        billed=None if attempt is None else attempt.billed,
        error=None if attempt is None else _refusal(attempt, detail or ""),
    )


def _refusal(attempt: Attempt, detail: str) -> ModellixError | None:
    """Return why an attempt created nothing as an error, None for one that may have."""
    if attempt.rejected_by is None:
        return None
    return ModellixError(_REFUSALS[attempt.rejected_by], detail)


def recorded_line(session: Session, line: BatchLine, attempt: Attempt) -> ShownLine:
    """Return a line as it is known now, also where another command saw its task end.

    What was refused cost nothing.
    """
    outcome = outcome_of(line)
    outcome = replace(outcome, status=outcome.status or attempt.status)
    estimated = attempt.estimated if attempt.state.may_be_charged else None
    return ShownLine(entry_of(outcome, session), estimated, attempt.billed)


@dataclass(slots=True)
class Tally:
    """How many lines ended how; `needs_resume` says that a further run has something to do.

    `interrupted` are accepted, and were not followed to their end because the run was stopped.

    `newly_submitted` were sent by this run and accepted, `reused` answered for by earlier ones.
    """

    total: int
    succeeded: int = 0
    timeouts: int = 0
    failed_tasks: int = 0
    unsaved: int = 0
    unfollowed: int = 0
    interrupted: int = 0
    accepted: int = 0
    rejected: int = 0
    unknown: int = 0
    skipped: int = 0
    newly_submitted: int = 0
    newly_unknown: int = 0
    reused: int = 0
    needs_resume: bool = False
    statuses: set[int] = field(default_factory=set)

    def add(self, outcome: LineOutcome, entry: Entry) -> None:
        """Count a line."""
        self.needs_resume = self.needs_resume or outcome.needs_resume
        self.succeeded += entry["ok"]
        self.reused += outcome.reused
        state = entry["submissionState"]
        setattr(self, state, getattr(self, state) + 1)
        if not outcome.reused:
            self.newly_submitted += state == "accepted"
            self.newly_unknown += state == "unknown"
        if not entry["ok"]:
            self._add_failure(outcome, entry)

    def _add_failure(self, outcome: LineOutcome, entry: Entry) -> None:
        if outcome.state is not None or outcome.error is not None:
            self.statuses.add(entry["errorInfo"]["exitCode"])
        if outcome.state is not _ACCEPTED:
            return
        if outcome.waiting == TIMED_OUT:
            self.timeouts += 1
        elif outcome.waiting in (INTERRUPTED, LOST):
            self.unfollowed += 1
            self.interrupted += outcome.waiting == INTERRUPTED
        elif has_failed(outcome.status):
            self.failed_tasks += 1
        else:
            self.unsaved += 1

    @property
    def unsuccessful(self) -> int:
        """The lines that are not all right."""
        return self.total - self.succeeded

    @property
    def failed(self) -> int:
        """The lines that went wrong; what was not sent, or just not waited for, did not."""
        return self.unsuccessful - self.skipped - self.interrupted

    @property
    def charged(self) -> Charged:
        """What this run did about money."""
        return "unknown" if self.newly_unknown else "yes" if self.newly_submitted else "no"

    @property
    def words(self) -> str:
        """`38 of 40 lines accepted, 1 rejected, 1 unknown.`, with what else there is to tell."""
        others = (
            (self.rejected, "rejected"),
            (self.unknown, "unknown"),
            (self.skipped, "skipped"),
            (self.timeouts, "still running when the time was over"),
            (self.unfollowed, "not followed to the end"),
            (self.failed_tasks, "failed"),
            (self.unsaved, "not saved"),
        )
        counted = [f"{number} {what}" for number, what in others if number]
        lines = f"{self.accepted} of {count(self.total, 'line')} accepted"
        return ", ".join([lines, *counted]) + "."

    @property
    def done(self) -> bool:
        """Whether nothing is left that a further run could do."""
        return self.accepted == self.total and not self.needs_resume


class EntryFile(AbstractContextManager["EntryFile"]):
    """Entries in the order in which they came, to be read in the order of the lines.

    They are kept in a temporary file, so that memory does not grow with their number.
    """

    def __init__(self, total: int) -> None:
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        self._places = array("q", [-1]) * total
        self._end = 0

    def __exit__(self, *_details: object) -> None:
        self._file.close()

    def add(self, entry: Entry) -> None:
        """Keep an entry; the last one of a line counts. Raises `OUTPUT_UNWRITABLE`."""
        text = dumps(entry, indent=None).encode() + b"\n"
        try:
            self._file.seek(self._end)
            self._file.write(text)
        except OSError as error:
            raise ModellixError(
                ErrorCode.OUTPUT_UNWRITABLE,
                f"No room for the results in the folder for temporary files: {error.strerror}.",
                hint=REGISTRY[ErrorCode.OUTPUT_UNWRITABLE].hint,
            ) from error
        self._places[entry["index"] - 1] = self._end
        self._end += len(text)

    def entries(self) -> Iterator[Entry]:
        """Yield the entries in the order of the lines."""
        for place in self._places:
            if place >= 0:
                self._file.seek(place)
                entry: Entry = loads(self._file.readline())
                yield entry

"""How lines end that are not sent, or whose request nobody knows more about."""

from dataclasses import replace

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.engine.core.lines import Active, Known
from modellix_cli.engine.core.outbox import Outbox


class Ends:
    """Emits the ends of lines; an earlier attempt of unknown outcome is never forgotten in one."""

    def __init__(self, out: Outbox) -> None:
        self._out = out

    def skipped(self, line: Active, why: str, error: ModellixError | None = None) -> None:
        """Emit a line that is not sent, or not once more; `error` is what stopped it.

        One that the server refused in this run stays refused, as the ledger has it.
        """
        if line.doubt is not None:
            self.doubtful(line, f"{line.doubt} {why}")
            return
        known = line.line.known
        before = None if line.refusal is None else line.refusal.message
        if before is None and known is not None and known.state is SubmissionState.REJECTED:
            before = known.detail
        told = not before or why.endswith(before)  # all of them may have been refused alike
        refused = "" if told else f" It was refused before: {before}"
        state = None if line.refusal is None else SubmissionState.REJECTED
        end = line.outcome(state, detail=why + refused, error=error, needs_resume=True)
        self._out.emit(end)

    def not_ready(self, line: Active, error: ModellixError) -> None:
        """Emit a line that could not be made ready to be sent."""
        if line.doubt is not None:
            self.doubtful(line, f"{line.doubt} {error.message}", error)
        else:
            self._out.emit(line.outcome(None, detail=error.message, error=error, needs_resume=True))

    def rejected(self, line: Active, error: ModellixError) -> None:
        """Emit a line whose request the server refused for good."""
        if line.tries > 1:
            error = error.copy_with(message=f"{error.message} Tried {line.tries} times.")
        if line.doubt is not None:
            self.doubtful(line, f"{line.doubt} Sent again: {error.message}", error)
        else:
            rejected = SubmissionState.REJECTED
            end = line.outcome(rejected, detail=error.message, error=error, needs_resume=True)
            self._out.emit(end)

    def doubtful(self, line: Active, detail: str, error: ModellixError | None = None) -> None:
        """Emit a line that may have created a task."""
        error = error or ModellixError(ErrorCode.SUBMISSION_UNKNOWN, detail)
        unknown = SubmissionState.UNKNOWN
        self._out.emit(line.outcome(unknown, detail=detail, error=error, needs_resume=True))

    def failed(self, line: Active, known: Known) -> None:
        """Emit a line whose task is known to have failed; why, only the service can tell."""
        end = line.outcome(SubmissionState.ACCEPTED)
        self._out.emit(replace(end, status=known.last_status, billed=known.billed))

    def known(self, line: Active, known: Known) -> None:
        """Emit a line of which earlier runs did everything."""
        self._out.emit(
            replace(
                line.outcome(SubmissionState.ACCEPTED, detail=known.detail),
                status=known.status,
                urls=known.urls,
                files=known.files,
                billed=known.billed,
            )
        )

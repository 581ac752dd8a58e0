"""How a batch ends: the summary, the failures, how to continue, the exit status."""

from typing import Final

import typer

from modellix_cli.context.sandbox_advice import in_sandbox
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ExitStatus, ModellixError, interrupted
from modellix_cli.domain.exit_status import worst
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.text import count
from modellix_cli.output.sink import Output
from modellix_cli.output.streams import ReaderGone
from modellix_cli.workflows.batch_plan import BatchOptions
from modellix_cli.workflows.batch_report import Tally

_ABOUT_UNKNOWN: Final = (
    "of unknown outcome: check the usage page of https://modellix.ai/console. Say what became of "
    "each with modellix-cli task resolve, by its number in modellix-cli task history. To submit "
    "them once more, add --resend-unknown to the command below."
)
_MAY_CHARGE: Final = "You may be charged twice."
_ABOUT_REJECTED: Final = (
    "A resume sends rejected lines again. To change them, edit the file: lines that were paid for "
    "are recognised and cost nothing."
)
_ABOUT_CHAINS: Final = (
    "Lines that use the result of a failed task wait for it. To pay again for lines whose task "
    "failed, add --retry-failed to the command below."
)
_ABOUT_FAILED: Final = (
    "A resume pays for no task again that failed. To do so, add --retry-failed to the command "
    "below."
)
_OF_A_BATCH: Final = frozenset(
    {
        *(ExitStatus.AUTH, ExitStatus.BALANCE, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
        *(ExitStatus.OUTCOME_UNKNOWN, ExitStatus.NOT_SAVED, ExitStatus.OVER_BUDGET),
        ExitStatus.TIMEOUT,
    }
)
"""Statuses that are true of a batch if they are of one line; of others it just failed."""


def of_a_batch(status: int) -> int:
    """Return what the exit status of one line, or of a fault, is for the whole batch."""
    return status if status in _OF_A_BATCH else ExitStatus.FAILED


@frozen
class BatchEnd:
    """What is known when a run of batch number `batch` is over.

    `resume` is the command line that continues it, `trouble` what made results unwritable,
    `stopped_by` the failure that let no more lines be sent.
    """

    session: Session
    batch: int
    options: BatchOptions
    resume: list[str]
    tally: Tally
    faults: tuple[ModellixError, ...]
    trouble: Exception | None
    stopped_by: ModellixError | None
    chained: bool = False
    """Whether lines use what others make."""

    def conclude(self, stop: KeyboardInterrupt | None) -> None:
        """Say how the batch ended and how to continue; end the command with its status."""
        tally, summary = self.tally, f"Batch {self.batch}: {self.tally.words}"
        if stop is not None:
            for fault in self.faults:
                self.session.out.alert(fault.message)
            if tally.unknown:
                self._tell_unknown()
            raise interrupted(
                stop,
                f"Interrupted. {summary}",
                charged=tally.charged,
                resume=self.session.commands.join(self.resume),
            )
        self.session.out.envelope = False  # the result is on stdout already
        for error in dict.fromkeys([self.trouble, *self.faults]):
            if isinstance(error, ModellixError):
                self.session.out.error(self.session.explain(error))
        if isinstance(self.trouble, ReaderGone) and tally.skipped:
            self.session.out.alert("stdout was closed, so no further line was started.")
        if tally.unsuccessful or self.trouble:
            self.session.out.alert(summary)
        elif self.session.out.mode is not Output.QUIET:
            self.session.out.note(summary)
        self.say_how_to_continue()
        if isinstance(self.trouble, ReaderGone):
            raise self.trouble
        status = self._status()
        if status:
            raise typer.Exit(status)

    def _status(self) -> int:
        """Return the exit status: of all that is true, the one that counts most."""
        tally = self.tally
        lost = bool(self.session.unrecorded)
        lost |= any(fault.code is ErrorCode.LEDGER_LOST for fault in self.faults)
        statuses: set[int] = {of_a_batch(fault.exit_status) for fault in self.faults}
        statuses |= {of_a_batch(status) for status in tally.statuses}
        if self.trouble is not None:
            statuses.add(ExitStatus.FAILED)
        if not statuses and tally.unsuccessful:
            statuses.add(ExitStatus.FAILED)
        if statuses == {ExitStatus.TIMEOUT} and tally.unsuccessful != tally.timeouts:
            statuses.add(ExitStatus.FAILED)
        return worst(statuses, ledger_lost=lost)

    def say_how_to_continue(self) -> None:
        """Name what is left to do, and the command that does it."""
        tally = self.tally
        if tally.unknown:
            self._tell_unknown()
        if tally.rejected and self.stopped_by is None:
            self.session.out.alert(_ABOUT_REJECTED)
        if self.chained and tally.failed_tasks and tally.skipped:
            self.session.out.alert(_ABOUT_CHAINS)
        elif tally.failed_tasks and not tally.done and self.session.out.mode is not Output.QUIET:
            self.session.out.note(_ABOUT_FAILED)
        if tally.done:
            if tally.failed_tasks and self.session.out.mode is not Output.QUIET:
                again = self.session.commands.join([*self.resume, "--retry-failed"])
                lines = "the line" if tally.failed_tasks == 1 else "those lines"
                self.session.out.note(f"To pay again for {lines} whose task failed: {again}")
            if self.trouble is not None:
                show_it = self.session.commands.line(f"batch show {self.batch}")
                self.session.out.alert(f"See every line with: {show_it}")
            elif (
                self.options.saving.output_dir is None
                and tally.succeeded
                and self.session.out.mode is not Output.QUIET
                and self._has_unsaved()
            ):
                command = self.session.commands.line("task download", options=["--pending"])
                self.session.out.note(f"Results are kept for 7 days. Save them with: {command}")
            return
        if self.options.source == "-":
            self.session.out.alert("To resume, pipe the same tasks to stdin again.")
        resume = self.session.commands.join(self.resume)
        self.session.out.alert(f"Resume with: {resume}", exact=True)

    def _has_unsaved(self) -> bool:
        """Whether a result of this batch is not saved, as far as the ledger can tell.

        What this run submitted is not: it saves nothing. So the ledger's list, which may be long,
        is read for earlier tasks only.
        """
        if self.tally.newly_submitted > self.tally.failed_tasks:
            return True
        from modellix_cli.workflows.pending import pending_tasks

        try:
            pending = set(pending_tasks(self.session))
            lines = self.session.stores.batches.lines(self.batch)
            return any(line.attempt and line.attempt.task_id in pending for line in lines)
        except ModellixError:
            return True

    def _tell_unknown(self) -> None:
        free = self.session.settings.sandbox
        about = in_sandbox(_ABOUT_UNKNOWN) if free else f"{_ABOUT_UNKNOWN} {_MAY_CHARGE}"
        self.session.out.alert(f"{count(self.tally.unknown, 'line')} {about}")

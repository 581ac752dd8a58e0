"""What became of a batch's lines, as they end: counted, kept and written."""

from contextlib import ExitStack
from typing import TYPE_CHECKING

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ModellixError
from modellix_cli.engine.core.events import Stop
from modellix_cli.engine.core.lines import LineOutcome
from modellix_cli.engine.notices import Notice, SameTask, Sending, TaskAwaited
from modellix_cli.engine.progress import Progress
from modellix_cli.output.sink import Output
from modellix_cli.output.streams import ReaderGone
from modellix_cli.workflows.batch_closing import BatchClosing
from modellix_cli.workflows.batch_report import Entry, EntryFile, Tally, entry_of, error_and_command
from modellix_cli.workflows.batch_source import BatchSource
from modellix_cli.workflows.line_details import about, line_ended, with_about
from modellix_cli.workflows.odd_replies import RepeatedTasks, warn_of_reply

if TYPE_CHECKING:
    from modellix_cli.output.results_file import ResultsFile


def open_results_file(session: Session, path: str | None, stack: ExitStack) -> "ResultsFile | None":
    """Open the file of `--results` before anything is paid; `stack` closes it."""
    if path is None:
        return None
    from modellix_cli.output.results_file import ResultsFile

    return stack.enter_context(ResultsFile(session.settings.path(path), session.out))


class BatchResults:
    """Takes each line's end, and what is told meanwhile.

    `file` is that of `--results`. What cannot be written any more is kept as `trouble`, once; then
    no further line is started. Before lines end, `source` and `progress` are to be set.
    """

    def __init__(
        self, session: Session, batch: int, total: int, file: "ResultsFile | None"
    ) -> None:
        self._session = session
        self._out = session.out
        self._file = file
        self._jsonl = session.out.mode is Output.JSONL
        self.tally = Tally(total)
        self.entries = EntryFile(total)
        self.closing = BatchClosing(session.runtime.clock.monotonic())
        self.repeated = RepeatedTasks(batch)
        self.trouble: Exception | None = None
        self._abouts: dict[int, str | None] = {}
        self.progress = Progress()
        self.source: BatchSource | None = None

    def emit(self, outcome: LineOutcome) -> Stop | None:
        """Count, keep and write a line's end."""
        entry = entry_of(outcome, self._session)
        self.tally.add(outcome, entry)
        self.closing.add(outcome, entry)
        if self.progress.wants_details:
            text = self._about(outcome.ref)
            self._abouts.pop(outcome.ref, None)
            error, command = error_and_command(outcome, self._session)
            self.progress.tell(line_ended(outcome, text, error, command))
        if self.source is not None:
            self.source.release(outcome)
        return self._write(entry)

    def _write(self, entry: Entry) -> Stop | None:
        stop: Stop | None = None
        try:
            self.entries.add(entry)
        except ModellixError as error:
            stop = self._cannot_write(error)
        try:
            if self._file is not None:
                self._file.add(entry)
        except ModellixError as error:
            self._file = None
            stop = self._cannot_write(error)
        try:
            if self._jsonl:
                self._out.json_line(entry)
        except (ReaderGone, ModellixError) as error:
            self._jsonl = False
            stop = self._cannot_write(error)
        return stop

    def _cannot_write(self, error: Exception) -> Stop:
        if self.trouble is None:
            self.trouble = error
        if isinstance(error, ModellixError):
            return Stop(f"Skipped: {error.message}", error, follow=True)
        return Stop("Skipped: stdout was closed.")

    def tell(self, notice: Notice) -> None:
        """Show progress; keep and tell what is odd about replies."""
        if isinstance(notice, SameTask):
            self.repeated.add(notice)
        else:
            warn_of_reply(self._session, notice)
        if self.progress.wants_details and isinstance(notice, Sending | TaskAwaited):
            notice = with_about(notice, self._about(notice.ref))
        self.progress.tell(notice)

    def _about(self, ref: int) -> str | None:
        """Return the start of a line's prompt, where it is shown."""
        if self.source is None or not self.progress.wants_details:
            return None
        if ref not in self._abouts:
            self._abouts[ref] = about(self.source.request(ref).body)
        return self._abouts[ref]

"""Records in the book what the core asks for; a ledger that fails ends paid work, not the rest."""

from collections import deque

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.task import Task
from modellix_cli.engine.core import effects, events
from modellix_cli.engine.core.lines import Known
from modellix_cli.engine.notices import Notice
from modellix_cli.engine.ports import Book


@frozen
class Unrecorded:
    """A task of request `number` that is not in the ledger, which was `locked` to the end or lost.

    Where `state` is not that it was accepted, it may have been created.
    """

    number: int
    task_id: str
    state: SubmissionState
    locked: bool


class Recorder:
    """Writes to `book` from any thread; the first failure is added to `happened`, once."""

    def __init__(self, book: Book, happened: deque[events.Event]) -> None:
        self._book = book
        self._happened = happened
        self._failed = False
        self._unrecorded: list[effects.RecordOutcome] = []
        self._locked = False
        self._notices: deque[Notice] = deque()

    @property
    def unrecorded(self) -> list[Unrecorded]:
        """The tasks that could not be recorded, not even in the end; each once."""
        states = {(one.number, one.task_id): one.state for one in self._unrecorded}
        return [
            Unrecorded(number, task_id, state, locked=self._locked)
            for (number, task_id), state in states.items()
            if task_id is not None
        ]

    def lost(self, error: ModellixError) -> None:
        """Let the core know that the ledger cannot be relied on."""
        if not self._failed:
            self._failed = True
            self._happened.append(events.LedgerLost(error))

    def claim(self, intents: tuple[effects.Intent, ...]) -> events.Event:
        """Record that lines are about to be sent."""
        try:
            return events.Recorded(self._book.claim(intents))
        except ModellixError as error:
            refs = tuple(intent.ref for intent in intents)
            return events.NotRecorded(refs, error)

    def watch(self, effect: effects.WatchAttempt) -> events.Event:
        """Return how an attempt of another process stands."""
        known: Known | None = None
        try:
            known = self._book.attempt(effect.number)
        except ModellixError as error:
            self.lost(error)
            known = Known(effect.number, SubmissionState.UNKNOWN, None, error.message)
        return events.AttemptSeen(effect.ref, known)

    def outcome(self, record: effects.RecordOutcome) -> bool:
        """Record how an attempt ended; return whether that is on disk."""
        return self._failure(record) is None

    def _failure(self, record: effects.RecordOutcome) -> ModellixError | None:
        try:
            self._note(self._book.record(record))
        except ModellixError as error:
            self.lost(error)
            return error
        return None

    def keep(self, record: effects.RecordOutcome) -> None:
        """Keep what could not be recorded, to be tried again in the end."""
        self._unrecorded.append(record)

    def status(self, task: Task) -> None:
        """Record what the server said about a task."""
        try:
            self._book.record_status(task)
        except ModellixError as error:
            self.lost(error)

    def carry_out(self, effect: effects.Effect) -> None:
        """Record what nothing waits for."""
        try:
            match effect:
                case effects.RecordOutcome():
                    self._record_or_keep(effect)
                case effects.RecordEnd():
                    self._book.record_end(effect.outcome)
                case effects.RecordDuration():
                    self._book.record_duration(effect.slug, effect.age, effect.seconds)
        except ModellixError as error:
            self.lost(error)

    def record_again(self) -> None:
        """Record what could not be recorded when it came, if that is possible now."""
        pending, self._unrecorded = self._unrecorded, []
        self._locked = False
        for record in pending:
            self._record_or_keep(record)

    def _record_or_keep(self, record: effects.RecordOutcome) -> None:
        """Record an outcome, or keep it for the end; a lock is waited for once, not by each."""
        error = None if self._locked else self._failure(record)
        if error is not None:
            self._locked = error.code is ErrorCode.LEDGER_BUSY
        if self._locked or error is not None:
            self.keep(record)

    def _note(self, notice: Notice | None) -> None:
        """Keep what is to be told for the driver's own thread."""
        if notice is not None:
            self._notices.append(notice)

    def take_notices(self) -> list[Notice]:
        """Return what is to be told since the last time."""
        told = []
        while self._notices:  # other threads may add to them meanwhile
            told.append(self._notices.popleft())
        return told

"""Running the engine for a command: the driver put together, signals held back, ends collected."""

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from modellix_cli.context.session import Session
from modellix_cli.deferred_signals import DeferredSignals
from modellix_cli.domain.errors import ModellixError, interrupted
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.engine.core.config import EngineConfig, Follow
from modellix_cli.engine.core.engine import Engine
from modellix_cli.engine.core.events import Stop
from modellix_cli.engine.core.lines import LineOutcome
from modellix_cli.engine.driver import Driver
from modellix_cli.engine.notices import Notice, OtherTasks, SameTask, Sending, TaskAwaited
from modellix_cli.engine.ports import Book, Observer, Saver, Source
from modellix_cli.engine.progress import Progress
from modellix_cli.engine.recorder import Unrecorded
from modellix_cli.garbage import search_as_usual

if TYPE_CHECKING:
    from modellix_cli.api.client import Client


class Collector:
    """Keeps every line's end, and shows progress; for a few lines.

    `bodies` returns what a line sends, or sent, as far as it is known.
    """

    def __init__(
        self,
        session: Session,
        progress: Progress,
        bodies: Callable[[int], bytes | None],
        *,
        paying: bool,
    ) -> None:
        self._session = session
        self._progress = progress
        self._bodies = bodies
        self._paying = paying
        self.outcomes: dict[int, LineOutcome] = {}

    def emit(self, outcome: LineOutcome) -> Stop | None:
        """Keep a line's end; from here on no end of the command leaves a paid id untold."""
        self.outcomes[outcome.ref] = outcome
        accepted = outcome.state is SubmissionState.ACCEPTED and not outcome.reused
        if self._paying and accepted:
            self._session.submitted = outcome.task_id
        if self._progress.wants_details:
            from modellix_cli.workflows.line_details import line_ended, trouble_of

            self._progress.tell(line_ended(outcome, None, trouble_of(outcome)))
        return None

    def tell(self, notice: Notice) -> None:
        """Show progress."""
        if self._paying and isinstance(notice, TaskAwaited) and not notice.reused:
            self._session.submitted = notice.task_id
        if isinstance(notice, OtherTasks | SameTask):
            from modellix_cli.workflows.odd_replies import warn_of_reply

            warn_of_reply(self._session, notice)
        if self._progress.wants_details and isinstance(notice, Sending | TaskAwaited):
            from modellix_cli.workflows.line_details import about, with_about

            notice = with_about(notice, about(self._bodies(notice.ref)))
        self._progress.tell(notice)


def run_engine(
    session: Session,
    client: "Client",
    config: EngineConfig,
    source: Source,
    book: Book,
    observer: Observer,
    signals: DeferredSignals,
    *,
    saver: Saver | None = None,
    submit_anyway: bool = False,
) -> Engine:
    """Run an engine to its end and return it; a first signal ends it early, see `signals.stop`.

    With `submit_anyway` a request that waited for room as long as patience lasts is sent.
    """
    search_as_usual()
    engine = Engine(config, random.randrange(2**32))
    driver = Driver(
        engine,
        source,
        book,
        client,
        session.connections.governor,
        observer,
        session.runtime.clock,
        saver=saver,
        threads=config.concurrency + config.polls + config.saves,
        submit_anyway=submit_anyway,
        patience=config.patience,
        deliveries=None if config.follow is Follow.NOT else _deliveries(session),
    )
    signals.then = driver.interrupt
    if signals.stop is not None:  # it came before there was anything to interrupt
        driver.interrupt()
    try:
        driver.run()
    except KeyboardInterrupt as stop:
        if not engine.in_flight:
            raise
        raise interrupted(
            stop,
            "Interrupted at once while a submission was under way: its outcome is unknown. The "
            "ledger knows it.",
            charged="unknown",
            hint="See it with: modellix-cli task history",
        ) from stop
    finally:
        session.unrecorded = [_tell_unrecorded(session, task) for task in driver.unrecorded]
    return engine


def _tell_unrecorded(session: Session, task: Unrecorded) -> str:
    """Tell the id of a task that only this run knows, and how to record it; return the id."""
    known = task.state is SubmissionState.ACCEPTED
    words = f"Task {task.task_id} {'was submitted' if known else 'may have been created'}"
    words += "; note its id, it is not recorded."
    if task.locked or _is_left_open(session, task.number):
        options = ["--task-id", task.task_id]
        line = session.commands.line("task resolve", str(task.number), options=options)
        free = "Once the ledger can be written to again"
        words += f" {free}{', if it was' * (not known)}, record it with: {line}"
    session.out.alert(words)
    return task.task_id


def _is_left_open(session: Session, number: int) -> bool:
    """Whether the ledger, that of a full disk for one, still has a request to be settled."""
    try:
        attempt = session.stores.submissions.attempt(number)
    except ModellixError:  # it is gone, or another one is in its place
        return False
    return attempt is not None and attempt.state.is_open


def _deliveries(session: Session) -> Callable[[], Sequence[str]]:
    """Return what tells of the tasks that webhooks said have ended."""
    from modellix_cli.ledger.deliveries import DeliveryWatch

    return DeliveryWatch(session.stores.ledger_file).news

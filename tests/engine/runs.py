"""An engine run by its driver without network, threads or time: scripted answers, a real ledger."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

from modellix_cli.api.client import Client
from modellix_cli.api.documents import read_task
from modellix_cli.api.paid import Posted
from modellix_cli.api.retry import Limits
from modellix_cli.domain.account import account_of
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.domain.saved import Saved
from modellix_cli.domain.task import FAILED, Submission, Task
from modellix_cli.domain.values import Slug, parse_slug
from modellix_cli.engine.batch_book import BatchBook
from modellix_cli.engine.core import effects, events
from modellix_cli.engine.core.config import EngineConfig, Follow
from modellix_cli.engine.core.engine import Engine
from modellix_cli.engine.core.lines import LineOutcome
from modellix_cli.engine.driver import Driver
from modellix_cli.engine.notices import Notice
from modellix_cli.engine.rate_governor import Governor
from modellix_cli.engine.worker_pool import Done
from modellix_cli.inputs.batch_file import BatchInput, Line
from modellix_cli.ledger.batches import BatchStore
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.files import FileStore
from modellix_cli.ledger.rate_state import RateStateStore
from modellix_cli.ledger.records import StartedBatch
from modellix_cli.ledger.submissions import SubmissionStore
from modellix_cli.ledger.tasks import TaskStore
from modellix_cli.workflows.batch_links import LineLinks, LineResults
from modellix_cli.workflows.batch_source import BatchKeys, BatchSource
from modellix_cli.workflows.costs import Costs
from tests.support import BASE, KEY, FakeClock, task_reply

SLUG = parse_slug("a/b")
Answer = Exception | str | Callable[[], Exception | str]
"""What a submission comes to: an error, a task's id, or what decides that when it is sent."""


class InlineWorkers:
    """Does each piece of work when it is waited for; what `stuck` says never ends."""

    def __init__(self, clock: FakeClock, stuck: Callable[[effects.Effect], bool]) -> None:
        self.clock = clock
        self.stuck = stuck
        self.queue: list[tuple[effects.Effect, Callable[[], Any]]] = []
        self.most_posts = 0

    def start(self, key: effects.Effect, work: Callable[[], Any]) -> None:
        self.queue.append((key, work))
        posts = sum(isinstance(key, effects.Post) for key, _ in self.queue)
        self.most_posts = max(self.most_posts, posts)

    def next(self, timeout: float) -> Done[effects.Effect, events.Event] | None:
        for place, (key, work) in enumerate(self.queue):
            if not self.stuck(key):
                del self.queue[place]
                try:
                    return Done(key, work(), None)
                except BaseException as error:
                    return Done(key, None, error)
        self.clock.sleep(max(timeout, 0.01))
        return None

    def wake(self) -> None:
        """Nothing waits while an inline one works."""

    def close(self) -> None:
        """There are no threads."""


class Service(Client):
    """Answers the submissions of each line in turn, then with `task-N`; tasks end after a while."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.answers: dict[int, list[Answer]] = {}
        self.always: Answer | None = None
        self.posts: list[int] = []
        self.on_post: Callable[[int], None] = lambda index: None
        self.runs_for = 5.0
        self.made_at: dict[str, float] = {}
        self.polls: list[str] = []
        self.poll_trouble: Callable[[str], Exception | None] = lambda task_id: None
        self.end: dict[str, Any] = {"status": "success"}
        self.paid: Any = self

    def post(self, slug: Slug, body: bytes, webhook: str | None = None) -> Posted:
        index = int(body.split(b":")[1].strip(b" }"))
        self.posts.append(index)
        self.on_post(index)
        queued = self.answers.get(index)
        answer = queued.pop(0) if queued else self.always or f"task-{index}"
        if callable(answer):
            answer = answer()
        if isinstance(answer, ModellixError):
            limited = answer.concurrency_limited
            limits = Limits(answer.status or 200, wait=answer.retry_after)
            return Posted(answer, None if limited or answer.status is None else limits)
        if isinstance(answer, Exception):
            raise answer
        self.made_at[answer] = self.clock.time
        return Posted(Submission(answer, "pending", {}), Limits(200))

    def poll_task(self, task_id: str) -> Any:
        from modellix_cli.api.client import Polled

        self.polls.append(task_id)
        trouble = self.poll_trouble(task_id)
        if isinstance(trouble, ModellixError):
            return Polled(trouble, None)
        if trouble is not None:
            raise trouble
        over = self.clock.time - self.made_at.get(task_id, 0.0) >= self.runs_for
        end = self.end if over else {"status": "processing"}
        return Polled(read_task(task_reply(task_id, **end), task_id), None)


class Lines:
    """The lines of a batch, without a file."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.uses = 0

    def lines(self) -> Iterator[Line]:
        for index in range(1, self.total + 1):
            yield Line(index, index, SLUG, b'{"line":%d}' % index, None)


class Saves:
    """Saves what `save` says of the line and its task."""

    def __init__(self, save: Callable[[int, Task], Saved]) -> None:
        self._save = save
        self.stops = 0

    def save(self, effect: effects.Save) -> events.Saved:
        saved = self._save(effect.ref, effect.task)
        files = tuple(file.as_dict() for file in saved.files)
        final = all(error.code is ErrorCode.RESULT_EXPIRED for error in saved.errors)
        return events.Saved(effect.ref, files, tuple(saved.errors), final, saved)

    def stop(self) -> None:
        self.stops += 1


class Bench:
    """A batch of `total` lines, run as often as wanted."""

    def __init__(self, folder: Path, clock: FakeClock, total: int = 4) -> None:
        self.clock = clock
        self.file = LedgerFile(folder / "state", clock, 5.0)
        account = account_of(BASE, "default", KEY)
        self.submissions = SubmissionStore(self.file, account)
        self.tasks = TaskStore(self.file, account)
        self.files = FileStore(self.file, BASE)
        self.batches = BatchStore(self.file, account, FAILED)
        self.governor = Governor(RateStateStore(self.file, "key"), clock)
        self.service = Service(clock)
        self.total = total
        self.batch = 0
        self.outcomes: list[LineOutcome] = []
        self.notices: list[Notice] = []
        self.deliveries: Callable[[], list[str]] = list
        self.on_emit: Callable[[LineOutcome], events.Stop | None] = lambda outcome: None
        self.saves: Saves | None = None
        self.stuck: Callable[[effects.Effect], bool] = lambda key: False
        self.on_book: Callable[[BatchBook], None] = lambda book: None
        self.source: BatchSource | None = None
        self.engine: Engine | None = None
        self.driver: Driver | None = None
        self.workers = InlineWorkers(clock, self.stuck)

    def run(self, **config: Any) -> list[LineOutcome]:
        """Run it, or go on with it; return the ends of its lines, each told once."""
        self.prepare(**config).run()
        self.batches.finish(self.batch, "stopped")
        assert sorted(outcome.ref for outcome in self.outcomes) == list(range(1, self.total + 1))
        return sorted(self.outcomes, key=lambda outcome: outcome.ref)

    def prepare(self, *, wait: bool = False, resend_unknown: bool = False, **config: Any) -> Driver:
        self.outcomes, self.notices = [], []
        lines = cast(BatchInput, Lines(self.total))
        links = LineLinks(lines)
        keys = BatchKeys(lines, BASE, links)
        started = self.batches.begin(
            keys, digest="d", source="f", total=self.total, on_paid=OnPaid.RESUME
        )
        assert isinstance(started, StartedBatch)
        self.batch = started.batch.number
        self.source = BatchSource(
            lines, keys, self.batches, self.batch, self.tasks, self.clock,
            LineResults(links, self.service.task, self.clock, 1000, lambda _, use: use.shown),
            Costs(),
            folder=None, resend_unknown=resend_unknown, retry_failed=False,
        )  # fmt: skip
        book = BatchBook(
            self.batches, self.batch, self.submissions, self.tasks, self.files, self.clock,
            self.source, str,
        )  # fmt: skip
        self.on_book(book)
        follow = Follow.TO_THE_END if wait else Follow.NOT
        chosen = EngineConfig(follow=follow, save=self.saves is not None, **config)
        self.engine = Engine(chosen, 1)
        self.driver = Driver(
            self.engine, self.source, book, self.service, self.governor, self, self.clock,
            saver=self.saves, patience=chosen.patience, deliveries=lambda: self.deliveries(),
        )  # fmt: skip
        self.workers = InlineWorkers(self.clock, self.stuck)
        self.driver._workers = self.workers  # type: ignore[assignment]
        return self.driver

    def interrupt(self, *_about: object) -> None:
        assert self.driver is not None
        self.driver.interrupt()

    def emit(self, outcome: LineOutcome) -> events.Stop | None:
        self.outcomes.append(outcome)
        return self.on_emit(outcome)

    def tell(self, notice: Notice) -> None:
        self.notices.append(notice)

    def on_disk(self) -> list[tuple[int, str | None, str | None]]:
        """Return line, state and task id as the ledger has them, also while the run goes on."""
        return [
            (
                line.line,
                None if line.attempt is None else str(line.attempt.state),
                None if line.attempt is None else line.attempt.task_id,
            )
            for line in self.batches.lines(self.batch)
        ]

    @property
    def stopped_by(self) -> ModellixError:
        assert self.engine is not None
        assert self.engine.stopped_by is not None
        return self.engine.stopped_by


def states(outcomes: Iterable[LineOutcome]) -> list[str]:
    return ["skipped" if o.state is None else str(o.state) for o in outcomes]


def refused() -> ModellixError:
    return ModellixError(ErrorCode.INVALID_REQUEST, "no prompt.", status=400)


def unavailable() -> ModellixError:
    return ModellixError(ErrorCode.SERVICE_UNAVAILABLE, "later.", status=503)


def concurrency_limited(wait: float | None = None) -> ModellixError:
    message = "too many tasks run."
    return ModellixError(
        ErrorCode.RATE_LIMITED, message, status=429, concurrency_limited=True, retry_after=wait
    )


def busy(wait: float | None = None) -> ModellixError:
    return ModellixError(ErrorCode.RATE_LIMITED, "busy.", status=429, retry_after=wait)


def unknown(task_id: str | None = None) -> ModellixError:
    return ModellixError(ErrorCode.SUBMISSION_UNKNOWN, "cut.", task_id=task_id)

"""A batch run without network, threads or time: scripted answers, a real journal."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from modellix_cli.engine.batch import BatchRun
from modellix_cli.engine.batch_means import Means, Orders
from modellix_cli.engine.durations import DurationEstimator
from modellix_cli.engine.poll_schedule import PollScheduler
from modellix_cli.ledger.batch_facts import Fate
from modellix_cli.ledger.journal import Account
from modellix_cli.ledger.journal_file import JournalFile

from modellix_cli.api.client import Client
from modellix_cli.api.documents import read_task
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.task import Submission, Task
from modellix_cli.domain.values import Slug, parse_slug
from modellix_cli.downloads.downloader import Saved
from modellix_cli.engine.progress import Progress
from modellix_cli.engine.rate_governor import Governor
from modellix_cli.engine.worker_pool import Done
from modellix_cli.inputs.batch_file import Line
from modellix_cli.ledger.batches import BatchBook
from modellix_cli.ledger.rate_state import RateStateStore
from tests.support import FakeClock, task_reply

SLUG = parse_slug("a/b")
Key = tuple[str, Any]
Answer = Exception | str | Callable[[], Exception | str]
"""What a submission comes to: an error, a task's id, or what decides that when it is sent."""


class InlineWorkers:
    """Does each piece of work when it is waited for; what `stuck` says never ends."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.queue: list[tuple[Key, Callable[[], Any]]] = []
        self.most_submissions = 0
        self.stuck: Callable[[Key], bool] = lambda key: False

    def start(self, key: Key, work: Callable[[], Any]) -> None:
        self.queue.append((key, work))
        flying = sum(key[0] == "submit" for key, _ in self.queue)
        self.most_submissions = max(self.most_submissions, flying)

    def next(self, timeout: float) -> Done[Key, Any] | None:
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
        self.looks: list[str] = []
        self.look_trouble: Callable[[str], Exception | None] = lambda task_id: None
        self.end: dict[str, Any] = {"status": "success"}

    def submit_once(
        self,
        slug: Slug,
        body: bytes,
        *,
        guard: Callable[[Callable[[], Submission]], Submission] = lambda send: send(),
        tries: str = "1/1",
    ) -> Submission:
        index = int(body)

        def send() -> Submission:
            self.posts.append(index)
            self.on_post(index)
            queued = self.answers.get(index)
            answer = queued.pop(0) if queued else self.always or f"task-{index}"
            if callable(answer):
                answer = answer()
            if isinstance(answer, Exception):
                raise answer
            self.made_at[answer] = self.clock.time
            return Submission(answer, "pending", {})

        return guard(send)

    def task(self, task_id: str, *, patient: bool = True) -> Task:
        self.looks.append(task_id)
        trouble = self.look_trouble(task_id)
        if trouble is not None:
            raise trouble
        over = self.clock.time - self.made_at.get(task_id, 0.0) >= self.runs_for
        end = self.end if over else {"status": "processing"}
        return read_task(task_reply(task_id, **end), task_id)


class Bench:
    """A batch of `total` lines, run as often as wanted."""

    def __init__(self, folder: Path, clock: FakeClock, total: int = 4) -> None:
        self.clock = clock
        self.warnings: list[str] = []
        self.file = JournalFile(folder / "state", clock, self.warnings.append)
        self.book = BatchBook(self.file, Account("https://x", "default"), clock, str)
        self.governor = Governor(RateStateStore(self.file, "key"), clock)
        self.service = Service(clock)
        self.lines = [Line(n, n, SLUG, b"%d" % n, None) for n in range(1, total + 1)]
        found, _ = self.book.begin("d", "f", total, anew=False, resume=False, since=clock.time)
        self.batch = found.id
        self.told: list[Fate] = []
        self.on_emit: Callable[[Fate], None] = lambda fate: None
        self.save: Callable[[Fate, Task], Saved] | None = None
        self.saves_stopped = 0
        self.stuck: Callable[[Key], bool] = lambda key: False
        self.fates: Iterable[Fate] | None = None
        self.current: BatchRun | None = None
        self.workers = InlineWorkers(clock)

    def run(self, **orders: Any) -> list[Fate]:
        """Run it, or go on with it; return what was told, which is each line once."""
        self.told = []
        self.book.doubt(self.batch)
        fates = self.book.fates(self.batch) if self.fates is None else self.fates
        self.prepare(**orders).run(self.lines, fates)
        assert sorted(fate.index for fate in self.told) == [line.index for line in self.lines]
        return sorted(self.told, key=lambda fate: fate.index)

    def prepare(self, **orders: Any) -> BatchRun:
        expectations = DurationEstimator(lambda model: (), lambda model, seconds: None, self.clock)

        def stop_saving() -> None:
            self.saves_stopped += 1

        means = Means(
            self.service,
            self.governor,
            PollScheduler(expectations, self.clock, interval=None, reached=True),
            self.book,
            self.clock,
            Progress(),
            self.governor.saw,
            lambda model: None,
            self.warnings.append,
            self.save,
            stop_saving,
        )

        def workers(size: int, clock: object) -> InlineWorkers:
            self.workers = InlineWorkers(self.clock)
            self.workers.stuck = self.stuck
            return self.workers

        self.current = BatchRun(
            self.batch, len(self.lines), Orders(**orders), means, self._emit, workers
        )
        return self.current

    def interrupt(self, *_about: object) -> None:
        assert self.current is not None
        self.current.interrupt()

    def _emit(self, fate: Fate) -> None:
        self.told.append(fate)
        self.on_emit(fate)

    def on_disk(self) -> list[tuple[int, str, str | None]]:
        return [(fate.index, fate.state, fate.task_id) for fate in self.book.fates(self.batch)]


def states(fates: Iterable[Fate]) -> list[str]:
    return [fate.state for fate in fates]


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

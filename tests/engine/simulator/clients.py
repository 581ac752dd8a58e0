"""A service with limits and its clients in simulated time, to see how the governor does.

Each client is a process of its own: it shares nothing with the others but the ledger's file.
"""

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from modellix_cli.api.documents import read_task
from modellix_cli.api.retry import Limits, asked_wait, read_limits
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.engine.core.durations import DurationEstimator
from modellix_cli.engine.core.poll_schedule import PolledTask, PollScheduler
from modellix_cli.engine.rate_governor import Governor, Ticket
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.rate_state import RateStateStore
from tests.support import FakeClock, task_reply

MODEL = "a/b"


class World(FakeClock):
    """Time that goes from one planned event to the next; chance has a seed."""

    def __init__(self, folder: Path, seed: int = 1) -> None:
        super().__init__()
        self.folder = folder
        self.start = self.time
        self.random = random.Random(seed)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def jitter(self, span: float) -> float:
        return self.random.uniform(0.0, span)

    def later(self, seconds: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.time + max(0.0, seconds), next(self._order), event))

    def run(self, longest: float = 600.0) -> None:
        """Let everything happen; what takes longer than `longest` seconds does not."""
        while self._events and self._events[0][0] <= self.start + longest:
            self.time, _, event = heapq.heappop(self._events)
            event()

    @property
    def age(self) -> float:
        return self.time - self.start


@dataclass
class Answer:
    """What a request is answered: the task's id and whether it ended, unless it was refused."""

    limits: Limits
    task_id: str = ""
    ended: bool = False
    seconds: float = 0.0
    error: ModellixError | None = None


@dataclass
class Service:
    """Answers requests within limits; counts them.

    `windows` is fixed (from the full second) or sliding; `tells` whether headers tell the limits,
    in whole seconds rounded up where `whole`; `running` how many tasks may run, 0 any number.
    """

    world: World
    limit: int = 40
    window: float = 5.0
    windows: str = "fixed"
    tells: bool = True
    retry_after: bool = False
    whole: bool = True
    running: int = 0
    latency: float = 0.1
    requests: int = 0
    refusals: list[tuple[float, str]] = field(default_factory=list)
    admitted: deque[float] = field(default_factory=deque)
    ends: dict[str, tuple[float, float]] = field(default_factory=dict)

    def submit(self, seconds: float, then: Callable[[Answer], None]) -> None:
        self._request(lambda: self._create(seconds), then)

    def poll(self, task_id: str, then: Callable[[Answer], None]) -> None:
        def status() -> Answer:
            end, seconds = self.ends[task_id]
            return Answer(self._limits(), task_id, self.world.time >= end, seconds)

        self._request(status, then)

    def _request(self, work: Callable[[], Answer], then: Callable[[Answer], None]) -> None:
        def arrive() -> None:
            self.requests += 1
            answer = work() if self._admit() else self._refuse("Rate limit exceeded", False)
            self.world.later(self._way(), lambda: then(answer))

        self.world.later(self._way(), arrive)

    def _way(self) -> float:
        return self.latency / 2 * self.world.random.uniform(0.7, 1.3)

    def _create(self, seconds: float) -> Answer:
        now = self.world.time
        running = sum(end > now for end, _ in self.ends.values())
        if self.running and running >= self.running:
            return self._refuse("Concurrent limit exceeded", True)
        task_id = f"task-{len(self.ends) + 1}"
        self.ends[task_id] = (now + seconds, seconds)
        return Answer(self._limits(), task_id)

    def _admit(self) -> bool:
        now = self.world.time
        opened = self._opened()
        while self.admitted and self.admitted[0] <= opened:
            self.admitted.popleft()
        if len(self.admitted) >= self.limit:
            return False
        self.admitted.append(now)
        return True

    def _opened(self) -> float:
        now = self.world.time
        if self.windows == "sliding":
            return now - self.window
        return math.floor(now / self.window) * self.window - 1e-9

    def _headers(self, status: int) -> dict[str, str]:
        headers: dict[str, str] = {}
        reset = (self.admitted[0] if self.windows == "sliding" else self._opened()) + self.window
        reset = math.ceil(reset) if self.whole else reset
        left = self.limit - len(self.admitted)
        if self.tells:
            headers["x-ratelimit-limit"] = str(self.limit)
            headers["x-ratelimit-remaining"] = str(left)
            headers["x-ratelimit-reset"] = str(reset)
        if self.retry_after and status == 429 and not left:
            headers["retry-after"] = str(max(1, math.ceil(reset - self.world.time)))
        return headers

    def _limits(self, status: int = 200, concurrency_limited: bool = False) -> Limits:
        return read_limits(
            status, self._headers(status), self.world, concurrency_limited=concurrency_limited
        )

    def _refuse(self, message: str, concurrency_limited: bool) -> Answer:
        self.refusals.append((self.world.age, message))
        wait = asked_wait(429, self._headers(429), self.world)
        error = ModellixError(
            ErrorCode.RATE_LIMITED,
            message,
            status=429,
            retry_after=wait,
            concurrency_limited=concurrency_limited,
        )
        return Answer(self._limits(429, concurrency_limited), error=error)


class Client:
    """A process that submits tasks of the given lengths and polls them until they end."""

    def __init__(self, world: World, service: Service, lengths: Sequence[float]) -> None:
        self.world = world
        self.service = service
        self.todo = deque(lengths)
        self.total = len(lengths)
        self.lateness: list[float] = []
        self.ended_at = 0.0
        self.longest_wait = 0.0
        self._waiting_since: float | None = None
        self._file = LedgerFile(world.folder, world)
        self.governor = Governor(RateStateStore(self._file, "scope"), world)
        self.estimator = DurationEstimator(world.random)
        self.polls = PollScheduler(self.estimator, world.random, interval=None, reached=False)
        self._wakes_at = math.inf

    def begin(self, after: float) -> None:
        self.world.later(after, self._step)

    def _step(self) -> None:
        """Send what may be sent now, and come back when more may be."""
        again = math.inf
        while self.todo:
            leave = self.governor.ask_submit()
            if not isinstance(leave, Ticket):
                self._held()
                again = leave
                break
            self._left()
            self._submit(leave, self.todo.popleft())
        while (moment := self.polls.next_moment()) is not None and moment <= self.world.time:
            if held := self.governor.ask():
                self._held()
                again = min(again, held)
                break
            self._left()
            task_id = self.polls.pop(self.world.time)
            self.service.poll(task_id, lambda answer, i=task_id: self._polled(i, answer))  # type: ignore[misc]
        else:
            if moment is not None:
                again = min(again, moment - self.world.time)
        self._wake(again)

    def _wake(self, seconds: float) -> None:
        """Step again after `seconds` and a little, as the gate does."""
        if seconds == math.inf:
            return
        moment = self.world.time + seconds + self.world.jitter(seconds / 10)
        if moment >= self._wakes_at:
            return
        self._wakes_at = moment

        def wake() -> None:
            if self._wakes_at == moment:
                self._wakes_at = math.inf
                self._step()

        self.world.later(moment - self.world.time, wake)

    def _held(self) -> None:
        if self._waiting_since is None:
            self._waiting_since = self.world.time

    def _left(self) -> None:
        if self._waiting_since is not None:
            self.longest_wait = max(self.longest_wait, self.world.time - self._waiting_since)
        self._waiting_since = None

    def _submit(self, ticket: Ticket, seconds: float) -> None:
        def answered(answer: Answer) -> None:
            if answer.error:
                self.governor.failed(ticket, answer.error)
                self.todo.appendleft(seconds)
            else:
                self.governor.accepted(ticket, answer.task_id, self.estimator.usual(MODEL))
                now = self.world.time
                task = PolledTask(answer.task_id, math.inf, MODEL, now, ours=True)
                self.polls.add(task, now, just_submitted=True)
            self.governor.answered(answer.limits)
            self._step()

        self.service.submit(seconds, answered)

    def _polled(self, task_id: str, answer: Answer) -> None:
        now = self.world.time
        self.governor.answered(answer.limits)
        if answer.error:
            self.polls.failed(task_id, answer.error, now)
            self._step()
            return
        status = "success" if answer.ended else "processing"
        reply = task_reply(task_id, status, duration=answer.seconds * 1000)
        self.governor.saw(read_task(reply, task_id))
        if answer.ended:
            self.polls.ended(task_id, now, succeeded=True, told=answer.seconds)
            self.lateness.append(now - self.service.ends[task_id][0])
            self.ended_at = self.world.age
        else:
            self.polls.still_running(task_id, now)
        self._step()

    def close(self) -> None:
        self._file.close()


@dataclass
class Outcome:
    """What came of it. Times are in seconds."""

    done: bool
    refusals: list[tuple[float, str]]
    requests: int
    took: float
    longest_wait: float
    lateness: list[float]

    def __str__(self) -> str:
        late = sorted(self.lateness) or [0.0]
        return (
            f"done={self.done} refusals={len(self.refusals)} requests={self.requests} "
            f"took={self.took:.1f} wait={self.longest_wait:.1f} "
            f"late={late[len(late) // 2]:.2f}/{late[-1]:.2f}"
        )


def simulate(
    world: World,
    service: Service,
    work: Sequence[Sequence[float]],
    *,
    apart: float = 0.02,
    longest: float = 600.0,
) -> Outcome:
    """Let one client for each list of task lengths work, started `apart` seconds apart."""
    clients = [Client(world, service, lengths) for lengths in work]
    for number, client in enumerate(clients):
        client.begin(number * apart)
    world.run(longest)
    for client in clients:
        client.close()
    lateness = [late for client in clients for late in client.lateness]
    return Outcome(
        done=len(lateness) == sum(client.total for client in clients),
        refusals=service.refusals,
        requests=service.requests,
        took=max(client.ended_at for client in clients),
        longest_wait=max(client.longest_wait for client in clients),
        lateness=lateness,
    )

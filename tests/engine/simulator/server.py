"""A service that loses, delays, repeats, refuses and lies."""

from dataclasses import dataclass
from decimal import Decimal

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.money import Money
from modellix_cli.engine.core import events
from tests.engine.simulator.world import World
from tests.engine.tasks import task_of

NEVER = float("inf")
_PARTS = (Decimal(0), Decimal("0.5"), Decimal(1), Decimal(1))
"""Which part of its estimate a task costs."""


@dataclass(slots=True)
class ServedTask:
    """A task that the server made, for the attempt of that number."""

    task_id: str
    number: int
    begun: float
    ends: float
    failed: bool
    bill: Money | None
    """What it costs; None where that was not to be known before."""
    tells_bill: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What a POST comes to at the client: an id, or an error; nothing if the reply is lost."""

    task_id: str | None = None
    error: ModellixError | None = None


@dataclass(frozen=True)
class Nature:
    """How bad the server is: weights of what a POST and a poll come to.

    `calm_at` is the virtual time after which it behaves; `cap` how many tasks may run.
    """

    posts: dict[str, float]
    polls: dict[str, float]
    calm_at: float
    latency: float
    lengths: tuple[float, ...]
    endless: float = 0.0
    failing: float = 0.1
    cap: int = 0


POSTS = [
    *("made", "lost", "never", "network", "tls", "rate", "rate_wait", "crowded", "unavailable"),
    *("unavailable_wait", "unavailable_0", "payment", "unauthorized", "invalid", "named"),
    *("named_lie", "same"),
]
POLLS = [
    *("true", "network", "unavailable", "rate", "bad_reply", "missing", "invalid"),
    *("unauthorized", "odd", "tls"),
]


def error(code: ErrorCode, status: int | None = None, wait: float | None = None) -> ModellixError:
    return ModellixError(code, f"{code} {status or ''}.", status=status, retry_after=wait)


class Server:
    """Answers POSTs and polls by chance."""

    def __init__(self, world: World, nature: Nature) -> None:
        self.world = world
        self.nature = nature
        self.tasks: dict[str, ServedTask] = {}
        self.running_seen = 0
        self._posts = list(nature.posts), list(nature.posts.values())
        self._polls = list(nature.polls), list(nature.polls.values())

    def latency(self) -> float:
        return self.nature.latency * self.world.random.uniform(0.2, 2.0)

    def _choose(self, weighted: tuple[list[str], list[float]], honest: str) -> str:
        if self.world.time - 1000.0 > self.nature.calm_at:
            return honest
        return self.world.random.choices(*weighted)[0]

    def billing(self, task_id: str) -> Money | None:
        """Return what the reply about a task that ended says of its cost."""
        task = self.tasks.get(task_id)
        return task.bill if task is not None and task.tells_bill else None

    def post(self, number: int, cost: Money | None) -> Answer:
        """Take a POST and return what its sender will hear."""
        kind = self._choose(self._posts, "made")
        self.world.say("server", f"POST of attempt {number}: {kind}")
        if kind == "never" or kind == "network" or kind == "tls":
            return _REFUSALS[kind]
        if kind in _REFUSALS:
            return _REFUSALS[kind]
        if kind == "named_lie":
            return _unknown(f"ghost-{number}")
        if kind == "same" and self.tasks:
            return Answer(next(iter(self.tasks)))
        if self.nature.cap and self._running() >= self.nature.cap:
            return _REFUSALS["crowded"]
        task = self._make(number, cost)
        if kind == "lost":
            return _unknown(None)
        return _unknown(task.task_id) if kind == "named" else Answer(task.task_id)

    def _running(self) -> int:
        return sum(task.ends > self.world.time for task in self.tasks.values())

    def _make(self, number: int, cost: Money | None) -> ServedTask:
        random, now = self.world.random, self.world.time
        length = random.choice(self.nature.lengths) * random.uniform(0.8, 1.2)
        ends = NEVER if self.world.chance(self.nature.endless) else now + length
        failed = self.world.chance(self.nature.failing)
        bill = cost and cost.times(random.choice(_PARTS))
        tells = self.world.chance(0.8)
        task = ServedTask(f"t{len(self.tasks) + 1}", number, now, ends, failed, bill, tells)
        self.tasks[task.task_id] = task
        return task

    def poll(self, task_id: str) -> events.Event:
        """Take a poll and return what its sender will hear."""
        kind = self._choose(self._polls, "true")
        task = self.tasks.get(task_id)
        if kind in _TROUBLES:
            return events.PollFailed(task_id, _TROUBLES[kind])
        if task is None:
            return events.PollFailed(task_id, error(ErrorCode.NOT_FOUND, 404))
        if self.world.time < task.ends:
            return events.Polled(task_of(task_id))
        status = "failed" if task.failed else "success"
        seconds = task.ends - task.begun if self.world.chance(0.5) else None
        reason = "It went wrong." if task.failed else None
        urls = (f"https://x/{task_id}",)
        return events.Polled(task_of(task_id, status, reason=reason, seconds=seconds, urls=urls))


def _unknown(task_id: str | None) -> Answer:
    return Answer(
        error=ModellixError(ErrorCode.SUBMISSION_UNKNOWN, "No usable reply.", task_id=task_id)
    )


_CROWDED = ModellixError(
    ErrorCode.RATE_LIMITED, "Too many tasks.", status=429, concurrency_limited=True
)
_REFUSALS = {
    "never": _unknown(None),
    "network": Answer(error=error(ErrorCode.NETWORK)),
    "tls": Answer(error=error(ErrorCode.TLS)),
    "rate": Answer(error=error(ErrorCode.RATE_LIMITED, 429)),
    "rate_wait": Answer(error=error(ErrorCode.RATE_LIMITED, 429, 7.0)),
    "crowded": Answer(error=_CROWDED),
    "unavailable": Answer(error=error(ErrorCode.SERVICE_UNAVAILABLE, 503)),
    "unavailable_wait": Answer(error=error(ErrorCode.SERVICE_UNAVAILABLE, 503, 1.0)),
    "unavailable_0": Answer(error=error(ErrorCode.SERVICE_UNAVAILABLE, 503, 0.0)),
    "payment": Answer(error=error(ErrorCode.PAYMENT_REQUIRED, 402)),
    "unauthorized": Answer(error=error(ErrorCode.UNAUTHORIZED, 401)),
    "invalid": Answer(error=error(ErrorCode.INVALID_REQUEST, 400)),
}
_TROUBLES = {
    "network": error(ErrorCode.NETWORK),
    "unavailable": error(ErrorCode.SERVICE_UNAVAILABLE, 503),
    "rate": error(ErrorCode.RATE_LIMITED, 429, 5.0),
    "bad_reply": error(ErrorCode.BAD_REPLY, 200),
    "missing": error(ErrorCode.NOT_FOUND, 404),
    "invalid": error(ErrorCode.INVALID_REQUEST, 400),
    "unauthorized": error(ErrorCode.UNAUTHORIZED, 403),
    "odd": error(ErrorCode.API_ERROR, 302),
    "tls": error(ErrorCode.TLS),
}

"""What happens in a world, drawn from its seed: who runs what, and what goes wrong."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random

from modellix_cli.domain.budget import NO_LIMITS, Budget, CostLimits
from modellix_cli.domain.money import Money
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.engine.core.config import EngineConfig, Follow
from tests.engine.simulator.server import POLLS, POSTS, Nature

AMOUNTS = tuple(Money(Decimal(amount)) for amount in ("0.3", "1", "1.25", "3"))


@dataclass(frozen=True)
class PlannedLine:
    """A line of a batch, or a single run."""

    ref: int
    identity: str
    name: str | None = None
    request_key: str | None = None
    needs: tuple[int, ...] = ()
    prepare: bool = False


@dataclass(frozen=True)
class Job:
    """One command: its lines, what the user said, and what befalls it. Times in seconds."""

    lines: tuple[PlannedLine, ...]
    config: EngineConfig
    single: bool = False
    resume: bool = False
    on_paid: OnPaid = OnPaid.RESUME
    resend: bool = False
    retry_failed: bool = False
    durations: tuple[float, ...] = ()
    crash_after: int | None = None
    """After how many effects the process dies."""
    stop_after: float | None = None
    stop_follows: bool = False
    stop_on_emit: bool = False
    grace: float = 0.7
    lose_ledger_after: float | None = None
    lose_ledger_while_asking: bool = False
    ledger_faults: float = 0.0
    prepare_faults: float = 0.0
    save_faults: float = 0.0
    holds: float = 0.0
    delivered: float = 0.0
    lingers: bool = False
    """Whether what is under way at the end still comes in."""

    @property
    def digest(self) -> str:
        return repr([(line.identity, line.name, line.request_key) for line in self.lines])


@dataclass(frozen=True)
class Prices:
    """What each request may cost, and the limits that all jobs of a world have."""

    costs: dict[str, Money | None]
    limits: CostLimits = NO_LIMITS


@dataclass(frozen=True)
class Plan:
    """A world."""

    nature: Nature
    jobs: tuple[tuple[float, Job], ...]
    """Each with the time at which it starts."""
    reruns: int
    sleeps: tuple[tuple[float, float], ...] = ()
    clock_steps: tuple[tuple[float, float], ...] = ()
    real_ledger: bool = False
    prices: Prices = field(default_factory=lambda: Prices({}))
    extra: dict[str, float] = field(default_factory=dict)


def draw(random: Random) -> Plan:
    """Draw a world."""
    jobs = [(0.0, draw_job(random))]
    while random.random() < 0.35 and len(jobs) < 4:
        like = jobs[0][1] if random.random() < 0.6 else None
        job = draw_job(random) if like is None else redraw(random, like)
        jobs.append((random.choice((0.0, 0.5, 3.0, 30.0)), job))
    sleeps = [(random.uniform(0, 60), random.choice((20.0, 400.0, 4000.0)))] * _often(random, 0.1)
    steps = [(random.uniform(0, 60), random.uniform(-4000, 4000))] * _often(random, 0.1)
    plan = Plan(
        draw_nature(random),
        tuple(jobs),
        random.choice((0, 0, 1, 2)),
        tuple(sleeps),
        tuple(steps),
        prices=draw_prices(random),
    )
    return stopped_while_saving(random, plan) if random.random() < 0.05 else plan


def stopped_while_saving(random: Random, plan: Plan) -> Plan:
    """Let commands be stopped while they save results and requests are under way for long."""

    def stopped(job: Job) -> Job:
        config = replace(job.config, save=True, follow=Follow.TO_THE_END, saves=4)
        after = random.uniform(3, 20)
        return replace(
            job, config=config, save_faults=0.6, stop_after=after, stop_follows=False, grace=10.0
        )

    jobs = tuple((moment, stopped(job)) for moment, job in plan.jobs)
    return replace(plan, nature=replace(plan.nature, latency=3.0), jobs=jobs)


def draw_prices(random: Random) -> Prices:
    """Draw what the three requests may cost, and often a budget."""
    costs = {name: random.choice((*AMOUNTS, AMOUNTS[0], None)) for name in "abc"}
    if random.random() < 0.6:
        return Prices(costs)
    budget = Budget(random.choice(AMOUNTS), random.choice((5.0, 60.0, 1e6)))
    return Prices(costs, CostLimits(budget=budget, allow_unpriced=random.random() < 0.5))


def _often(random: Random, probability: float) -> int:
    return int(random.random() < probability)


def draw_nature(random: Random) -> Nature:
    trouble = random.choice((0.0, 0.2, 1.0, 4.0))
    posts = {"made": 4.0} | _weights(random, POSTS[1:], trouble)
    polls = {"true": 4.0} | _weights(random, POLLS[1:], random.choice((0.0, 0.2, 1.0, 4.0)))
    return Nature(
        posts,
        polls,
        calm_at=random.choice((20.0, 60.0, 1e9)),
        latency=random.choice((0.05, 0.5, 3.0)),
        lengths=random.choice(((1.0,), (0.3, 5.0), (2.0, 8.0, 40.0))),
        endless=random.choice((0.0, 0.0, 0.2)),
        failing=random.choice((0.0, 0.3)),
        cap=random.choice((0, 0, 0, 1, 2)),
    )


def _weights(random: Random, kinds: list[str], trouble: float) -> dict[str, float]:
    """Choose some kinds of trouble, so that each is often the only one."""
    some = random.sample(kinds, random.choice((1, 2, len(kinds))))
    return {kind: trouble / len(some) for kind in some}


def draw_job(random: Random) -> Job:
    """Draw a command of its own."""
    single = random.random() < 0.25
    count = 1 if single else random.choice((1, 2, 3, 3, 4, 6))
    lines = tuple(_draw_line(random, ref, single) for ref in range(1, count + 1))
    return befall(random, Job(lines, draw_config(random), single))


def _draw_line(random: Random, ref: int, single: bool) -> PlannedLine:
    identity = random.choice(("a", "a", "b", "c"))
    chance = random.random
    needs: tuple[int, ...] = (random.randrange(1, ref),) if ref > 1 and chance() < 0.12 else ()
    if ref > 2 and chance() < 0.03:
        needs = (1, 2)
    prepare = chance() < (0.7 if needs else 0.25)
    return PlannedLine(
        ref,
        identity,
        name=random.choice((None, f"n{ref}", "x")) if not single and chance() < 0.3 else None,
        request_key=f"key-{identity}" if chance() < 0.14 else None,
        needs=needs,
        prepare=prepare,
    )


def draw_config(random: Random) -> EngineConfig:
    choice = random.choice
    return EngineConfig(
        concurrency=choice((1, 1, 2, 3, 4)),
        follow=choice((Follow.NOT, Follow.ONCE, Follow.TO_THE_END, Follow.TO_THE_END)),
        save=random.random() < 0.5,
        timeout=choice((5.0, 40.0, 300.0)),
        interval=choice((None, None, 2.0)),
        patience=choice((5.0, 30.0, 120.0)),
        tries=choice((None, None, 3)),
        continue_on_unknown=random.random() < 0.4,
        polls=choice((1, 2, 8)),
        saves=choice((1, 4)),
        most_followed=choice((1, 2, 1000)),
        most_to_save=choice((1, 20)),
    )


def redraw(random: Random, job: Job) -> Job:
    """Draw a command with the lines of another, as a user does who runs it again."""
    if not job.single and random.random() < 0.3:
        lines = list(job.lines)
        if random.random() < 0.5:
            extra = replace(random.choice(lines), ref=len(lines) + 1, needs=(), name=None)
            lines.append(extra)
        else:
            random.shuffle(lines)
            lines = [replace(line, ref=n, needs=()) for n, line in enumerate(lines, 1)]
        job = replace(job, lines=tuple(lines))
    fresh = replace(Job(job.lines, draw_config(random), job.single))
    return befall(random, fresh)


def befall(random: Random, job: Job) -> Job:
    """Draw what the user says and what goes wrong."""
    chance, choice = random.random, random.choice
    return replace(
        job,
        resume=chance() < 0.5,
        on_paid=choice((OnPaid.RESUME,) * 6 + (OnPaid.REFUSE, OnPaid.NEW)),
        resend=chance() < 0.35,
        retry_failed=chance() < 0.35,
        durations=choice(((), (), (1.0, 1.2), (5.0, 9.0, 40.0))),
        crash_after=random.randrange(1, 60) if chance() < 0.25 else None,
        stop_after=random.uniform(0, choice((1, 20))) if chance() < 0.2 else None,
        stop_follows=chance() < 0.3,
        stop_on_emit=chance() < 0.04,
        grace=choice((0.0, 0.7, 10.0)),
        lose_ledger_after=random.uniform(0, 10) if chance() < 0.08 else None,
        lose_ledger_while_asking=chance() < 0.02,
        ledger_faults=choice((0.02, 0.2)) if chance() < 0.15 else 0.0,
        prepare_faults=choice((0.0, 0.5)),
        save_faults=choice((0.0, 0.0, 0.4)),
        holds=choice((0.0, 0.0, 0.1, 0.4)),
        delivered=choice((0.0, 0.5)),
        lingers=chance() < 0.5,
    )

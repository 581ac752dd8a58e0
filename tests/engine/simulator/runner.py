"""Runs worlds, one for each seed."""

import tempfile
import traceback
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from random import Random

from modellix_cli.domain.money import NOTHING
from modellix_cli.domain.submission_state import SubmissionState
from tests.engine.simulator.coverage import Coverage
from tests.engine.simulator.ledger_api import Ledger
from tests.engine.simulator.model_ledger import ModelLedger
from tests.engine.simulator.plan import Job, Plan, draw, redraw
from tests.engine.simulator.process import Process
from tests.engine.simulator.real_ledger import RealLedger, as_processes
from tests.engine.simulator.server import Server
from tests.engine.simulator.truth import Truth
from tests.engine.simulator.world import Violation, World

COVERED_EVERY = 1
"""In every how many runs transitions are counted: it takes a tenth of the time."""


@dataclass
class Figures:
    """What runs came to."""

    runs: int = 0
    real: int = 0
    processes: int = 0
    crashes: int = 0
    posts: int = 0
    tasks: int = 0
    steps: int = 0

    def add(self, other: "Figures") -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


class Universe:
    """One world with its processes."""

    def __init__(
        self, seed: int, ledger: Ledger | None, coverage: Coverage | None, tracing: bool
    ) -> None:
        random = Random(seed)
        self.plan: Plan = draw(random)
        self.world = World(seed, tracing=tracing)
        self.server = Server(self.world, self.plan.nature)
        self.truth = Truth()
        self.coverage = coverage
        self.ledger: Ledger = ledger or ModelLedger(self.world)
        self.processes: list[Process] = []
        self._reruns = self.plan.reruns
        self._random = random
        self._restarts = 6

    def run(self) -> None:
        """Let everything happen, then look at what is left."""
        plan, world = self.plan, self.world
        world.say("", f"server {plan.nature}")
        for moment, job in plan.jobs:
            world.later(moment, lambda job=job: self._start(job))  # type: ignore[misc]
        for moment, seconds in plan.sleeps:
            world.later(moment, lambda seconds=seconds: self._sleep(seconds))  # type: ignore[misc]
        for moment, seconds in plan.clock_steps:
            world.later(moment, lambda seconds=seconds: world.step_wall_clock(seconds))  # type: ignore[misc]
        world.run()
        self._check_end()

    def _sleep(self, seconds: float) -> None:
        self.world.say("", f"the machine sleeps for {seconds} s")
        self.world.sleep(seconds)

    def _start(self, job: Job) -> None:
        process = Process(
            len(self.processes) + 1,
            job,
            self.world,
            self.server,
            self.ledger,
            self.truth,
            self.coverage,
            self.plan.prices,
        )
        self.processes.append(process)
        process.ended = lambda: self._ended(process)
        process.start()

    def _ended(self, process: Process) -> None:
        """A user starts what crashed again, and sometimes what did not."""
        if self._restarts <= 0:
            return
        if process.crashed or (self._reruns > 0 and process.started):
            self._restarts -= 1
            self._reruns -= not process.crashed
            job = redraw(self._random, process.job)
            self.world.later(self.world.random.choice((0.1, 2.0, 60.0)), lambda: self._start(job))

    def _check_end(self) -> None:
        for process in self.processes:
            if not process.crashed and process.checks.steps:
                process.checks.at_end()
        rows = {row.number: row for row in self.ledger.rows()}
        for task in self.server.tasks.values():
            row = rows.get(task.number)
            if row is None:
                raise Violation(f"task {task.task_id} belongs to attempt {task.number}: unknown")
            known = row.task_id == task.task_id
            if not known and row.state not in (SubmissionState.INTENT, SubmissionState.UNKNOWN):
                raise Violation(f"task {task.task_id} is lost: its attempt is {row}")
        self._check_budget()

    def _check_budget(self) -> None:
        """Check that within no period more was billed than the budget allows."""
        budget = self.plan.prices.limits.budget
        if budget is None:
            return
        bills = sorted(
            (self.truth.attempts[task.number].claimed_at, task.bill)
            for task in self.server.tasks.values()
            if task.bill is not None
        )
        for end, _ in bills:
            within = (bill for at, bill in bills if end - budget.period < at <= end)
            total = sum(within, NOTHING)
            if total > budget.limit:
                raise Violation(f"{total} USD are billed in {budget}")

    def figures(self) -> Figures:
        return Figures(
            1,
            0,
            len(self.processes),
            sum(process.crashed for process in self.processes),
            sum(attempt.posted for attempt in self.truth.attempts.values()),
            len(self.server.tasks),
            sum(process.checks.steps for process in self.processes),
        )


class Failure(Exception):
    """A world in which an invariant did not hold; its seed reproduces it."""

    def __init__(self, seed: int, why: str) -> None:
        super().__init__(f"seed {seed}: {why}")


class Simulator:
    """Runs many worlds; `real_share` of them on the real ledger in a file."""

    def __init__(self, real_every: int = 0) -> None:
        self.coverage = Coverage()
        self.figures = Figures()
        self._real_every = real_every
        self._stack = ExitStack()
        self._real: RealLedger | None = None
        self._clock = _Clock()

    def __enter__(self) -> "Simulator":
        return self

    def __exit__(self, *about: object) -> None:
        self._stack.close()

    def run(self, seed: int) -> None:
        """Run the world of a seed. Raises `Failure` with a trace."""
        real = bool(self._real_every) and seed % self._real_every == 0
        try:
            universe = self._run(seed, real=real, tracing=False)
        except Exception as error:
            raise self._failure(seed, error, real=real) from error
        self.figures.add(universe.figures())
        self.figures.real += real

    def trace(self, seed: int) -> list[str]:
        """Run the world of a seed and return all that happens in it."""
        real = bool(self._real_every) and seed % self._real_every == 0
        universe = self._universe(seed, real=real, tracing=True)
        trace = universe.world.trace
        assert trace is not None
        try:
            with self._as(universe.ledger):
                universe.run()
        except Exception as error:
            trace.append("".join(traceback.format_exception(error)[-6:]))
            trace.append(f"FAILED {type(error).__name__}: {error}")
        return trace

    def _failure(self, seed: int, error: Exception, *, real: bool) -> Failure:
        why = f"{type(error).__name__}: {error}" + (" (real ledger)" if real else "")
        return Failure(seed, why)

    def _run(self, seed: int, *, real: bool, tracing: bool) -> Universe:
        universe = self._universe(seed, real=real, tracing=tracing)
        with self._as(universe.ledger):
            universe.run()
        return universe

    def _universe(self, seed: int, *, real: bool, tracing: bool) -> Universe:
        ledger = self._cleared() if real else None
        coverage = None if seed % COVERED_EVERY else self.coverage
        universe = Universe(seed, ledger, coverage, tracing)
        self._clock.world = universe.world
        return universe

    def _cleared(self) -> RealLedger:
        if self._real is None:
            shm = Path("/dev/shm")
            where = self._stack.enter_context(
                tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None)
            )
            self._real = RealLedger(Path(where) / "state", self._clock)
            self._stack.callback(self._real.file.close)
        self._real.clear()
        self._real.processes.alive = {0}
        return self._real

    def _as(self, ledger: Ledger) -> AbstractContextManager[None]:
        if isinstance(ledger, RealLedger):
            return as_processes(ledger.processes)
        return nullcontext()


class _Clock(World):
    """The clock of whichever world runs on the real ledger."""

    def __init__(self) -> None:
        super().__init__(0)
        self.world: World = self

    def now(self) -> float:
        world = self.world
        return world.time + world.offset

    def uptime(self) -> float:
        return self.world.time

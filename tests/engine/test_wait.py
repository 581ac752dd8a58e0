"""Waiting: schedules, tolerance, and what is known at any moment."""

from collections.abc import Callable

import pytest
from modellix_cli.engine.durations import DurationEstimator
from modellix_cli.engine.poll_schedule import PollScheduler
from modellix_cli.engine.wait import Schedule, Waited, Waiter, new_waited
from modellix_cli.ledger.journal import Begun

from modellix_cli.api.documents import read_task
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.task import Task
from modellix_cli.engine.progress import Progress
from modellix_cli.engine.worker_pool import Done
from tests.support import FakeClock, task_reply


class InlineWorkers:
    """Does each piece of work at once; waiting moves the clock. Requests take `latency` s."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.done: list[Done[str, Task]] = []
        self.most = 0

    def start(self, key: str, work: Callable[[], Task]) -> None:
        try:
            self.done.append(Done(key, work(), None))
        except Exception as error:
            self.done.append(Done(key, None, error))
        self.most = max(self.most, len(self.done))

    def next(self, timeout: float) -> Done[str, Task] | None:
        if self.done:
            return self.done.pop(0)
        self.clock.sleep(timeout)
        return None


class Service:
    """Tasks that end at given times; keeps when each was looked at."""

    def __init__(self, clock: FakeClock, **ends_after: float) -> None:
        self.clock = clock
        self.start = clock.time
        self.ends_after = ends_after
        self.looks: dict[str, list[float]] = {}
        self.troubles: dict[str, list[ModellixError]] = {}
        self.begun: dict[str, Begun] = {}
        self.took: list[float] = []
        self.held: list[float] = []
        self.last_status = "success"
        self.status_before = "processing"

    def look(self, task_id: str) -> Task:
        elapsed = round(self.clock.time - self.start, 3)
        self.looks.setdefault(task_id, []).append(elapsed)
        if self.troubles.get(task_id):
            raise self.troubles[task_id].pop(0)
        over = elapsed >= self.ends_after[task_id]
        status = self.last_status if over else self.status_before
        return read_task(task_reply(task_id, status), task_id)


def wait(service: Service, schedule: Schedule, reached: bool = False) -> Waited:
    waited = new_waited(service.ends_after)
    workers = InlineWorkers(service.clock)
    clock = service.clock
    expectations = DurationEstimator(lambda model: service.took, lambda model, seconds: None, clock)
    Waiter(
        service.look,
        workers,
        schedule,
        PollScheduler(expectations, clock, interval=schedule.interval, reached=reached),
        clock=clock,
        progress=Progress(),
        ask=lambda: service.held.pop() if service.held else 0.0,
        seen=lambda task: None,
    ).run(waited, lambda task_id: service.begun.get(task_id))
    assert workers.most <= schedule.concurrency
    return waited


def busy(retry_after: float | None = None) -> ModellixError:
    return ModellixError(ErrorCode.RATE_LIMITED, "busy.", status=429, retry_after=retry_after)


def refused() -> ModellixError:
    return ModellixError(ErrorCode.NETWORK, "Cannot reach it: refused.")


def test_looks_back_off_to_ten_seconds(clock: FakeClock) -> None:
    service = Service(clock, a=40)
    wait(service, Schedule(timeout=300))
    assert service.looks["a"] == [0, 1, 3, 7, 15, 25, 35, 45]


def test_an_interval_is_kept(clock: FakeClock) -> None:
    service = Service(clock, a=5)
    wait(service, Schedule(timeout=300, interval=2))
    assert service.looks["a"] == [0, 2, 4, 6]


def test_each_task_has_its_own_schedule(clock: FakeClock) -> None:
    service = Service(clock, a=2, b=6)
    waited = wait(service, Schedule(timeout=300))
    assert service.looks == {"a": [0, 1, 3], "b": [0, 1, 3, 7]}
    assert [task.task_id for task in waited.finished] == ["a", "b"]


def test_no_more_requests_at_a_time_than_allowed(clock: FakeClock) -> None:
    service = Service(clock, **{f"t{n}": 3.0 for n in range(30)})
    waited = wait(service, Schedule(timeout=300, concurrency=4))
    assert len(waited.finished) == 30


def test_a_last_look_is_taken_when_the_time_is_over(clock: FakeClock) -> None:
    service = Service(clock, a=9.5)
    waited = wait(service, Schedule(timeout=10))
    assert service.looks["a"][-1] == 10
    assert waited.unfinished == []


def test_what_is_unfinished_at_the_end_is_known(clock: FakeClock) -> None:
    service = Service(clock, a=1, b=100)
    waited = wait(service, Schedule(timeout=10))
    assert [task.task_id for task in waited.finished] == ["a"]
    assert waited.unfinished == ["b"]


def test_an_unknown_status_is_polled_on(clock: FakeClock) -> None:
    service = Service(clock, a=5)
    service.status_before = "teleporting"
    assert wait(service, Schedule(timeout=60)).finished[0].status == "success"


@pytest.mark.parametrize("status", ["failed", "ERROR", "canceled", "Cancelled"])
def test_a_failed_or_cancelled_task_has_ended(clock: FakeClock, status: str) -> None:
    service = Service(clock, a=1)
    service.last_status = status
    assert wait(service, Schedule(timeout=60)).finished[0].failed


def test_one_bad_id_neither_stops_nor_hides_the_others(clock: FakeClock) -> None:
    service = Service(clock, a=2, bad=0, c=2)
    service.troubles["bad"] = [ModellixError(ErrorCode.NOT_FOUND, "no such task", status=404)]
    waited = wait(service, Schedule(timeout=60))
    assert [task.task_id for task in waited.finished] == ["a", "c"]
    assert waited.errors["bad"].code is ErrorCode.NOT_FOUND
    assert waited.unfinished == []


def test_passing_trouble_is_tolerated(clock: FakeClock) -> None:
    service = Service(clock, a=20)
    service.troubles["a"] = [busy(), refused(), refused(), refused(), refused(), refused()]
    assert wait(service, Schedule(timeout=300)).finished


def test_a_server_never_reached_is_given_up_after_four_tries(clock: FakeClock) -> None:
    service = Service(clock, a=20)
    service.troubles["a"] = [refused() for _ in range(50)]
    waited = wait(service, Schedule(timeout=300))
    assert waited.errors["a"].exit_status == 7
    assert service.looks["a"] == [0, 1, 3, 7]


def test_a_server_that_took_the_submission_counts_as_reached(clock: FakeClock) -> None:
    service = Service(clock, a=60)
    service.troubles["a"] = [refused() for _ in range(6)]
    assert wait(service, Schedule(timeout=300), reached=True).finished


def test_what_the_server_asks_to_wait_holds_every_look(clock: FakeClock) -> None:
    service = Service(clock, a=50, b=50)
    service.troubles["a"] = [busy(retry_after=30)]
    wait(service, Schedule(timeout=300))
    assert not [moment for moment in service.looks["b"] if 0 < moment < 30]


def test_the_last_trouble_is_remembered_for_the_time_out(clock: FakeClock) -> None:
    service = Service(clock, a=500)
    service.troubles["a"] = [busy() for _ in range(500)]
    waited = wait(service, Schedule(timeout=30))
    assert waited.troubles["a"].message == "busy."
    assert waited.unfinished == ["a"]


def test_ids_given_twice_are_waited_for_once() -> None:
    assert new_waited(["a", "b", "a"]).task_ids == ["a", "b"]

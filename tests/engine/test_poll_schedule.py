"""Which task to look at, and when; which failures are tolerated."""

import math

import pytest

from modellix_cli.api.documents import read_task
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.engine.durations import DurationEstimator
from modellix_cli.engine.poll_schedule import PolledTask, PollScheduler
from tests.support import FakeClock, task_reply

MODEL = "a/b"


class Watcher(PollScheduler):
    """PollScheduler at tasks of one model; `learned` keeps what its tasks taught."""

    def __init__(
        self, clock: FakeClock, *known: float, interval: float | None = None, reached: bool = True
    ) -> None:
        self.clock = clock
        self.start = clock.time
        self.learned: list[float] = []
        expectations = DurationEstimator(
            lambda model: known, lambda model, seconds: self.learned.append(seconds), clock
        )
        super().__init__(expectations, clock, interval=interval, reached=reached)

    def submitted(self, task_id: str, timeout: float = math.inf) -> None:
        """Watch a task that was submitted just now."""
        now = self.clock.time
        self.watch(PolledTask(task_id, now + timeout, MODEL, now))

    def next(self) -> tuple[str, float]:
        """Go to the next look; return at which task and when that is."""
        moment = self.moment()
        assert moment is not None
        self.clock.time = max(moment, self.clock.time)
        return self.pop(), round(self.clock.time - self.start, 2)

    def answer(self, task_id: str, status: str, **data: int) -> bool:
        return self.answered(read_task(task_reply(task_id, status, **data), task_id))


def trouble(wait: float | None = None) -> ModellixError:
    return ModellixError(ErrorCode.RATE_LIMITED, "busy.", status=429, retry_after=wait)


def test_a_task_just_submitted_is_looked_at_when_it_may_have_ended(clock: FakeClock) -> None:
    looks = Watcher(clock, 5.0, 5.0)
    looks.submitted("a")
    assert looks.next() == ("a", 5.08)


def test_a_task_of_unknown_age_is_looked_at_at_once(clock: FakeClock) -> None:
    looks = Watcher(clock, 5.0)
    looks.watch(PolledTask("a", math.inf))
    assert looks.next() == ("a", 0)


def test_with_an_interval_the_first_look_at_a_new_task_comes_after_it(clock: FakeClock) -> None:
    looks = Watcher(clock, 5.0, interval=2)
    looks.submitted("a")
    assert looks.next() == ("a", 2)
    looks.answer("a", "processing")
    assert looks.next() == ("a", 4)


def test_the_task_that_is_due_first_comes_first(clock: FakeClock) -> None:
    looks = Watcher(clock, 5.0)
    looks.submitted("a")
    clock.sleep(1)
    looks.submitted("b")
    looks.watch(PolledTask("c", math.inf))
    assert [looks.next()[0] for _ in range(3)] == ["c", "a", "b"]


def test_the_last_look_is_at_the_deadline_and_none_comes_later(clock: FakeClock) -> None:
    looks = Watcher(clock, 60.0)
    looks.submitted("a", timeout=10)
    assert looks.next() == ("a", 10)
    assert not looks.answer("a", "processing")
    assert looks.moment() is None


def test_a_look_held_back_at_the_deadline_is_not_tried_again(clock: FakeClock) -> None:
    looks = Watcher(clock)
    looks.submitted("a", timeout=0)
    looks.next()
    looks.postpone("a", 5)
    assert looks.moment() is None


def test_looks_held_back_keep_their_order(clock: FakeClock) -> None:
    looks = Watcher(clock, 5.0)
    for task_id in ("a", "b", "c"):
        looks.submitted(task_id)
        clock.sleep(0.1)
    looks.postpone(looks.next()[0], 3)
    order = [looks.next() for _ in range(3)]
    assert [task_id for task_id, _ in order] == ["a", "b", "c"]
    assert order[0][1] == 8.08


def test_what_the_server_asks_to_wait_is_not_shortened_by_a_later_refusal(
    clock: FakeClock,
) -> None:
    looks = Watcher(clock)
    looks.submitted("a")
    looks.submitted("b")
    looks.failed(looks.next()[0], trouble(30))
    looks.failed(looks.pop(), trouble(1))
    assert looks.next()[1] == 31


def test_a_task_that_ended_teaches_its_length(clock: FakeClock) -> None:
    looks = Watcher(clock)
    looks.submitted("a")
    looks.next()
    assert looks.answer("a", "success", duration=900)
    assert looks.learned == [0.9]


@pytest.mark.parametrize("status", ["failed", "canceled", "error"])
def test_a_task_that_failed_teaches_nothing(clock: FakeClock, status: str) -> None:
    looks = Watcher(clock)
    looks.submitted("a")
    looks.next()
    assert looks.answer("a", status, duration=900)
    assert looks.learned == []


def test_passing_trouble_plans_another_look_and_any_other_ends_them(clock: FakeClock) -> None:
    looks = Watcher(clock)
    looks.submitted("a")
    assert looks.failed(looks.next()[0], trouble())
    assert not looks.failed(looks.next()[0], ModellixError(ErrorCode.NOT_FOUND, "none", status=404))
    assert looks.moment() is None


def test_a_server_never_reached_is_given_up_after_four_tries(clock: FakeClock) -> None:
    looks = Watcher(clock, reached=False)
    looks.watch(PolledTask("a", math.inf))
    tolerated = [
        looks.failed(looks.next()[0], ModellixError(ErrorCode.NETWORK, "refused")) for _ in range(4)
    ]
    assert tolerated == [True, True, True, False]


def test_pauses_after_trouble_begin_anew_when_it_is_over(clock: FakeClock) -> None:
    looks = Watcher(clock, 1000.0)
    looks.watch(PolledTask("a", math.inf))
    for _ in range(3):
        looks.failed(looks.next()[0], trouble())
    looks.answer(looks.next()[0], "processing")
    before = looks.next()[1]
    looks.failed("a", trouble())
    assert looks.next()[1] - before == 1


def test_a_task_that_is_forgotten_is_not_looked_at(clock: FakeClock) -> None:
    looks = Watcher(clock, 5.0)
    looks.watch(PolledTask("a", math.inf))
    looks.forget("a")
    assert looks.moment() is None
    assert looks.known("a") is None


def test_a_task_that_is_watched_already_is_planned_once(clock: FakeClock) -> None:
    looks = Watcher(clock, 5.0)
    looks.watch(PolledTask("a", math.inf))
    looks.watch(PolledTask("a", math.inf))
    looks.next()
    assert looks.moment() is None

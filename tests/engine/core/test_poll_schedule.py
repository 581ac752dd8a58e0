"""Which task to poll, and when; which failures are tolerated. Times are seconds from 0."""

from math import inf
from random import Random

import pytest

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.engine.core.durations import DurationEstimator
from modellix_cli.engine.core.poll_schedule import FOREIGN_TRIES, PolledTask, PollScheduler

MODEL = "a/b"
NETWORK = ModellixError(ErrorCode.NETWORK, "refused")
MISSING = ModellixError(ErrorCode.NOT_FOUND, "none", status=404)
FOREIGN = [
    ModellixError(ErrorCode.BAD_REPLY, "a web page", status=200),
    MISSING,
    ModellixError(ErrorCode.INVALID_REQUEST, "bad request", status=400),
    ModellixError(ErrorCode.UNAUTHORIZED, "forbidden", status=403),
    ModellixError(ErrorCode.API_ERROR, "found", status=302),
    ModellixError(ErrorCode.TLS, "certificate"),
]


class NoChance(Random):
    """Adds no jitter."""

    def uniform(self, a: float, b: float) -> float:
        return a


class Polls(PollScheduler):
    """A schedule for tasks of one model, with a time that goes on."""

    def __init__(self, *known: float, interval: float | None = None, reached: bool = True) -> None:
        self.now = 0.0
        estimator = DurationEstimator(NoChance())
        estimator.learn(MODEL, known)
        super().__init__(estimator, NoChance(), interval=interval, reached=reached)

    def submitted(self, task_id: str, timeout: float = inf) -> None:
        task = PolledTask(task_id, self.now + timeout, MODEL, self.now, ours=True)
        self.add(task, self.now, just_submitted=True)

    def known(
        self, task_id: str, age: float | None = None, *, ours: bool = True, timeout: float = inf
    ) -> None:
        """Follow a task that was submitted before."""
        since = None if age is None else self.now - age
        task = PolledTask(task_id, self.now + timeout, MODEL, since, ours=ours)
        self.add(task, self.now, just_submitted=False)

    def next(self) -> tuple[str, float]:
        """Go to the next poll; return of which task and when that is."""
        moment = self.next_moment()
        assert moment is not None
        self.now = max(moment, self.now)
        return self.pop(self.now), round(self.now, 2)

    def fail(self, task_id: str, error: ModellixError) -> bool:
        return self.failed(task_id, error, self.now)

    def runs(self, task_id: str) -> bool:
        return self.still_running(task_id, self.now)


def busy(wait: float | None = None) -> ModellixError:
    return ModellixError(ErrorCode.RATE_LIMITED, "busy.", status=429, retry_after=wait)


def test_a_task_just_submitted_is_polled_when_it_may_have_ended() -> None:
    polls = Polls(5.0, 5.0)
    polls.submitted("a")
    assert polls.next() == ("a", 5.08)


@pytest.mark.parametrize("interval", [None, 2.0])
def test_a_task_of_unknown_age_is_polled_at_once(interval: float | None) -> None:
    polls = Polls(5.0, interval=interval)
    polls.known("a")
    assert polls.next() == ("a", 0)


@pytest.mark.parametrize("interval", [None, 2.0])
def test_a_task_that_may_have_ended_is_polled_at_once(interval: float | None) -> None:
    polls = Polls(5.0, interval=interval)
    polls.known("a", age=5.0)
    assert polls.next() == ("a", 0)


def test_a_task_that_cannot_have_ended_is_polled_when_it_may_have() -> None:
    polls = Polls(5.0)
    polls.known("a", age=1.0)
    assert polls.next() == ("a", 4.08)


def test_a_reply_that_names_a_task_which_is_polled_already_shows_that_the_server_is_there() -> None:
    """Found by the simulator: the task was given up after four failures."""
    polls = Polls(reached=False)
    polls.known("t-1", age=5.0)
    polls.submitted("t-1")
    for _ in range(9):
        polls.next()
        assert polls.fail("t-1", NETWORK)


def test_with_an_interval_a_new_task_is_polled_after_it_and_then_evenly() -> None:
    polls = Polls(5.0, interval=2)
    polls.submitted("a")
    assert polls.next() == ("a", 2)
    polls.runs("a")
    assert polls.next() == ("a", 4)


def test_the_task_that_is_due_first_comes_first() -> None:
    polls = Polls(5.0)
    polls.submitted("a")
    polls.now += 1
    polls.submitted("b")
    polls.known("c")
    assert [polls.next()[0] for _ in range(3)] == ["c", "a", "b"]


def test_the_last_poll_is_at_the_deadline_and_none_comes_later() -> None:
    polls = Polls(60.0)
    polls.submitted("a", timeout=10)
    assert polls.next() == ("a", 10)
    assert not polls.runs("a")
    assert polls.next_moment() is None


def test_a_poll_that_left_before_the_deadline_is_not_the_last() -> None:
    polls = Polls()
    polls.known("a", timeout=1)
    polls.next()
    polls.now = 1.5
    assert polls.runs("a")
    assert polls.next() == ("a", 1.5)
    assert not polls.runs("a")


def test_after_a_long_sleep_one_more_poll_comes() -> None:
    polls = Polls()
    polls.known("a", timeout=100)
    polls.next()
    polls.runs("a")
    polls.now = 5000.0
    assert polls.next() == ("a", 5000)
    assert not polls.runs("a")


def test_a_poll_that_fails_after_a_long_sleep_is_tried_again() -> None:
    polls = Polls()
    polls.known("a", timeout=100)
    polls.next()
    polls.now = 5000.0
    assert polls.fail("a", NETWORK)
    assert polls.next() == ("a", 5001)
    assert polls.fail("a", NETWORK)
    moments = []
    while polls.next_moment() is not None:
        moments.append(polls.next()[1])
        polls.fail("a", NETWORK)
    assert moments[-1] == 5010


def test_polls_held_back_keep_their_order() -> None:
    polls = Polls(5.0)
    for task_id in ("a", "b", "c"):
        polls.submitted(task_id)
        polls.now += 0.1
    first, _ = polls.next()
    polls.postpone(first, 3, polls.now)
    order = [polls.next() for _ in range(3)]
    assert [task_id for task_id, _ in order] == ["a", "b", "c"]
    assert order[0][1] == 8.08


def test_what_the_server_asks_to_wait_is_not_shortened_by_a_later_refusal() -> None:
    polls = Polls()
    polls.submitted("a")
    polls.submitted("b")
    polls.fail(polls.next()[0], busy(30))
    polls.fail(polls.pop(polls.now), busy(1))
    assert polls.next()[1] == 31


def test_passing_trouble_of_a_server_that_is_there_is_tolerated_for_ever() -> None:
    polls = Polls()
    polls.submitted("a")
    for error in [NETWORK, busy(), NETWORK] * 30:
        assert polls.fail(polls.next()[0], error)


@pytest.mark.parametrize("error", FOREIGN, ids=lambda error: str(error.code))
@pytest.mark.parametrize("interval", [None, 2.0])
def test_one_foreign_reply_does_not_end_the_wait_for_a_task_of_ours(
    error: ModellixError, interval: float | None
) -> None:
    polls = Polls(interval=interval)
    polls.submitted("a")
    for _ in range(10):
        assert polls.fail(polls.next()[0], error)
        assert polls.runs(polls.next()[0])


def test_foreign_replies_for_ever_end_the_wait_after_a_few_tries() -> None:
    polls = Polls()
    polls.submitted("a")
    tolerated = []
    while polls.next_moment() is not None:
        tolerated.append(polls.fail(polls.next()[0], MISSING))
    assert tolerated == [True] * (FOREIGN_TRIES - 1) + [False]
    assert polls.get("a") is None


@pytest.mark.parametrize("interval", [0.1, 1.0])
def test_foreign_replies_are_not_used_up_by_a_short_interval(interval: float) -> None:
    polls = Polls(interval=interval)
    polls.submitted("a")
    while polls.next_moment() is not None:
        polls.fail(polls.next()[0], MISSING)
    assert polls.now >= 15


def test_passing_trouble_between_foreign_replies_uses_up_no_tries() -> None:
    polls = Polls()
    polls.submitted("a")
    for _ in range(FOREIGN_TRIES - 1):
        assert polls.fail(polls.next()[0], MISSING)
        assert polls.fail(polls.next()[0], busy())


def test_a_task_of_somebody_else_that_is_not_found_is_given_up_at_once() -> None:
    polls = Polls()
    polls.known("a", ours=False)
    assert not polls.fail(polls.next()[0], MISSING)


def test_a_web_page_instead_of_somebody_elses_task_is_tolerated() -> None:
    polls = Polls()
    polls.known("a", ours=False)
    assert polls.fail(polls.next()[0], FOREIGN[0])


def test_a_server_never_reached_is_given_up_after_four_tries() -> None:
    polls = Polls(reached=False)
    polls.known("a")
    tries = []
    while polls.next_moment() is not None:
        task_id, moment = polls.next()
        tries.append((moment, polls.fail(task_id, NETWORK)))
    assert tries == [(0, True), (1, True), (3, True), (7, False)]


def test_a_server_that_took_the_submission_counts_as_reached() -> None:
    polls = Polls(reached=False)
    polls.submitted("a")
    assert all(polls.fail(polls.next()[0], NETWORK) for _ in range(20))


def test_a_server_that_answers_503_counts_as_reached() -> None:
    polls = Polls(reached=False)
    polls.known("a")
    away = ModellixError(ErrorCode.SERVICE_UNAVAILABLE, "later", status=503)
    assert polls.fail(polls.next()[0], away)
    assert all(polls.fail(polls.next()[0], NETWORK) for _ in range(20))


def test_pauses_after_trouble_start_over_when_it_has_passed() -> None:
    polls = Polls(1000.0)
    polls.known("a")
    for _ in range(3):
        polls.fail(polls.next()[0], busy())
    polls.runs(polls.next()[0])
    before = polls.next()[1]
    polls.fail("a", busy())
    assert polls.next()[1] - before == 1


def test_a_task_that_was_removed_is_not_polled() -> None:
    polls = Polls(5.0)
    polls.known("a")
    polls.remove("a")
    assert polls.next_moment() is None
    assert polls.get("a") is None


def test_a_task_that_is_known_already_is_planned_once_with_the_later_deadline() -> None:
    polls = Polls(5.0)
    polls.known("a", timeout=10)
    polls.now = 5
    polls.known("a", timeout=10)
    polls.next()
    assert polls.next_moment() is None
    task = polls.get("a")
    assert task is not None
    assert task.deadline == 15


def test_a_task_that_is_said_to_have_ended_is_polled_at_once() -> None:
    polls = Polls(60.0)
    polls.submitted("a")
    polls.now = 3
    polls.poll_now("a", polls.now)
    assert polls.next() == ("a", 3)


def test_news_during_a_poll_lead_to_another_one_at_once() -> None:
    polls = Polls(60.0)
    polls.known("a")
    polls.next()
    polls.poll_now("a", polls.now)
    polls.now = 0.5
    polls.runs("a")
    assert polls.next() == ("a", 0.5)
    polls.runs("a")
    assert polls.next()[1] > 1


def test_a_task_that_ended_teaches_its_length_unless_it_failed() -> None:
    polls = Polls()
    polls.submitted("a")
    polls.submitted("b")
    polls.next()
    assert polls.ended("a", polls.now, succeeded=True, told=0.9) == 0.9
    assert polls.ended("b", polls.now, succeeded=False, told=0.9) is None

"""When a task is likely to end: few polls, none much too late, and quick to learn."""

import random
from collections.abc import Iterable
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.engine.core.durations import MAX_BACKOFF, DurationEstimator, next_poll

MODEL = "a/b"
LENGTHS = st.lists(st.floats(min_value=0.001, max_value=1e5), min_size=1, max_size=20)


class NoChance(random.Random):
    """Adds no jitter."""

    def uniform(self, a: float, b: float) -> float:
        return a


class Watch:
    """Polls one task after another, as estimated, and counts. `late` submits tasks in a burst."""

    def __init__(self, *samples: float, tells: bool = True) -> None:
        self.tells = tells
        self.estimator = DurationEstimator(NoChance())
        self.estimator.learn(MODEL, samples)
        self.submitted = 0.0

    def task(self, seconds: float) -> tuple[int, float]:
        """Return how many polls a task of that length took, and how late its end was seen."""
        age, running_at, polls = 0.0, 0.0, 0
        while True:
            age += self.estimator.pause(MODEL, age, polls)
            polls += 1
            if age >= seconds:
                break
            running_at = age
        told = seconds if self.tells else None
        self.submitted += 1
        self.estimator.ended(MODEL, self.submitted, running_at=running_at, seen_at=age, told=told)
        return polls, age - seconds

    def tasks(self, lengths: Iterable[float]) -> tuple[float, float]:
        """Return the polls a task took on average, and the longest lateness."""
        seen = [self.task(seconds) for seconds in lengths]
        return sum(polls for polls, _ in seen) / len(seen), max(late for _, late in seen)


def test_a_model_of_which_nothing_is_known_is_polled_less_and_less_often() -> None:
    nothing = Watch().estimator
    assert [nothing.pause(MODEL, 0.0, polls) for polls in range(6)] == [1, 2, 4, 8, 10, 10]


def test_a_task_of_unknown_age_or_model_is_too() -> None:
    known = Watch(5.0).estimator
    assert known.pause(MODEL, None, 1) == 2
    assert known.pause(None, 3.0, 1) == 2


@pytest.mark.parametrize("seconds", [0.2, 0.5, 1, 3, 10, 60, 120])
def test_tasks_of_one_length_take_one_poll_and_are_seen_at_once(seconds: float) -> None:
    polls, late = Watch(seconds, seconds).tasks([seconds] * 10)
    assert polls == 1
    assert late <= 0.03 + seconds / 99


def test_polls_begin_when_the_quickest_ends_and_close_in() -> None:
    assert next_poll([4, 8, 9], 0) == pytest.approx(4.777)
    assert next_poll([4, 8, 9], 4.777) == pytest.approx(7.1655)
    assert next_poll([4, 8, 9], 7.1655) == pytest.approx(8.817)


@pytest.mark.parametrize(
    ("shortest", "longest"), [(1, 3), (3, 7), (9, 11), (25, 35), (28, 32), (55, 65), (90, 130)]
)
@pytest.mark.parametrize("tells", [True, False])
def test_tasks_of_a_known_model_take_few_polls_and_are_seen_within_1_s_or_10_percent(
    shortest: float, longest: float, tells: bool
) -> None:
    chance = random.Random(7)
    lengths = [chance.uniform(shortest, longest) for _ in range(300)]
    watch = Watch(*lengths[:20], tells=tells)
    seen = [watch.task(seconds) for seconds in lengths]
    late = sorted(late for _, late in seen)
    target = max(1.0, longest / 10)
    assert sum(polls for polls, _ in seen) / len(seen) <= (2.6 if tells else 4.4)
    assert late[len(late) * 9 // 10] <= (target if tells else 1.3 * target)
    assert late[-1] <= (1.5 if tells else 2) * target


def test_tasks_of_30_to_120_s_are_seen_within_25_s() -> None:
    chance = random.Random(7)
    watch = Watch(*[chance.uniform(30, 120) for _ in range(20)])
    for _ in range(200):
        polls, late = watch.task(chance.uniform(30, 120))
        assert polls <= 12
        assert late <= 25


def test_a_model_that_became_quicker_is_learned() -> None:
    watch = Watch(*[60.0] * 20)
    watch.tasks([5.0] * 2)
    polls, late = watch.tasks([5.0] * 20)
    assert polls == 1
    assert late <= 6.2
    assert watch.task(5.0)[1] == pytest.approx(0.08)


def test_a_model_that_became_slower_is_learned() -> None:
    watch = Watch(*[0.5] * 20)
    polls, late = watch.task(30.0)
    assert polls <= 25
    assert late <= 6
    watch.tasks([30.0] * 20)
    polls, late = watch.task(30.0)
    assert polls == 1
    assert late == pytest.approx(0.33)


def test_one_task_that_was_quick_costs_the_others_few_polls() -> None:
    polls, late = Watch(0.5, *[60.0] * 19).tasks([60.0] * 5)
    assert polls <= 8
    assert late <= 7


def test_the_lengths_of_the_tasks_submitted_last_count() -> None:
    """Not those that ended last: in a burst the slowest ends last and would hide the others."""
    estimator = Watch().estimator
    estimator.ended(MODEL, 100.0, running_at=1, seen_at=2, told=2)
    for since in range(20):
        estimator.ended(MODEL, float(since), running_at=60, seen_at=65, told=65)
    assert estimator.usual(MODEL) == 65
    for since in range(101, 120):
        estimator.ended(MODEL, float(since), running_at=1, seen_at=2, told=2)
    assert estimator.usual(MODEL) == 2


def test_a_burst_whose_lengths_grow_is_seen_in_time() -> None:
    """65 s of lateness were seen where lengths came from the last to end."""
    watch = Watch(*[2.0] * 20)
    late = [watch.task(2.0 + n * 0.5)[1] for n in range(40)]
    assert max(late) <= 4


def test_what_this_run_learned_outlives_what_was_recorded() -> None:
    estimator = Watch().estimator
    estimator.ended(MODEL, 5.0, running_at=3, seen_at=4, told=3.5)
    estimator.learn(MODEL, [60.0] * 30)
    for since in range(6, 25):
        estimator.ended(MODEL, float(since), running_at=3, seen_at=4, told=3.5)
    assert estimator.usual(MODEL) == 3.5


def test_a_length_that_cannot_be_true_is_not_believed() -> None:
    estimator = Watch().estimator
    for told in (0.009, 9000):
        found = estimator.ended(MODEL, 1.0, running_at=3, seen_at=7, told=told)
        assert found == 5


def test_without_a_told_length_polls_find_it_all_the_same() -> None:
    watch = Watch(tells=False)
    watch.tasks([5.0] * 10)
    polls, late = watch.tasks([5.0] * 10)
    assert polls <= 3
    assert late <= 1.5


def test_a_task_polled_long_after_its_end_teaches_what_the_server_tells_only() -> None:
    estimator = Watch(5.0).estimator
    assert estimator.ended(MODEL, 1.0, running_at=0, seen_at=86400, told=None) is None
    assert estimator.ended(MODEL, 1.0, running_at=0, seen_at=86400, told=4.5) == 4.5


def test_the_usual_length_is_the_longest_of_the_last() -> None:
    assert Watch(3.0, 5.0, 4.0).estimator.usual(MODEL) == 5
    assert Watch().estimator.usual(MODEL) is None


def test_recorded_lengths_that_cannot_be_are_left_out() -> None:
    assert Watch(inf, nan, -1.0, 4.0).estimator.usual(MODEL) == 4


@given(LENGTHS, st.floats(min_value=0, max_value=1e6))
def test_the_next_poll_is_ahead_and_not_far(samples: list[float], elapsed: float) -> None:
    moment = next_poll(samples, elapsed)
    assert elapsed < moment
    if elapsed > max(samples):
        assert moment <= elapsed + MAX_BACKOFF
    elif elapsed >= min(samples):
        assert moment <= elapsed + max(elapsed / 2, 2 * max(1.0, max(samples) / 10)) + 1e-6
    else:
        assert moment <= max(samples) * 1.01 + 0.04


@given(LENGTHS, st.floats(min_value=0.01, max_value=1e4))
def test_every_task_is_found_with_a_bounded_number_of_polls(
    samples: list[float], seconds: float
) -> None:
    polls, _ = Watch(*samples).task(seconds)
    assert polls <= 30 + seconds / MAX_BACKOFF

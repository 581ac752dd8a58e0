"""When a task is likely to end: few looks, none much too late, and quick to learn anew."""

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.engine.durations import MAX_BACKOFF, DurationEstimator, next_look
from tests.support import FakeClock

MODEL = "a/b"
LENGTHS = st.lists(st.floats(min_value=0.001, max_value=1e5), min_size=1, max_size=20)


class Watch:
    """PollScheduler at one task after another, as expected, and counts."""

    def __init__(self, *samples: float, tells: bool = True) -> None:
        self.kept: list[float] = []
        self.tells = tells
        self.expectations = DurationEstimator(
            lambda model: samples, lambda model, seconds: self.kept.append(seconds), FakeClock()
        )

    def task(self, seconds: float) -> tuple[int, float]:
        """Return how many looks a task of that length took, and how late its end was seen."""
        age, running_at, looks = 0.0, 0.0, 0
        while True:
            age += self.expectations.pause(MODEL, age, looks)
            looks += 1
            if age >= seconds:
                break
            running_at = age
        told = seconds if self.tells else None
        self.expectations.ended(MODEL, running_at=running_at, seen_at=age, told=told)
        return looks, age - seconds

    def tasks(self, lengths: Iterable[float]) -> tuple[float, float]:
        """Return the looks a task took on average, and the longest lateness."""
        seen = [self.task(seconds) for seconds in lengths]
        return sum(looks for looks, _ in seen) / len(seen), max(late for _, late in seen)


def test_a_model_of_which_nothing_is_known_is_looked_at_less_and_less_often() -> None:
    nothing = Watch().expectations
    assert [nothing.pause(MODEL, 0.0, looks) for looks in range(6)] == [1, 2, 4, 8, 10, 10]


def test_a_task_of_unknown_age_or_model_is_too() -> None:
    known = Watch(5.0).expectations
    assert known.pause(MODEL, None, 1) == 2
    assert known.pause(None, 3.0, 1) == 2


@pytest.mark.parametrize("seconds", [0.2, 0.5, 1, 3, 10, 60, 120])
def test_tasks_of_one_length_take_one_look_and_are_seen_at_once(seconds: float) -> None:
    looks, late = Watch(seconds, seconds).tasks([seconds] * 10)
    assert looks == 1
    assert late <= 0.03 + seconds / 99


def test_looks_begin_when_the_quickest_ends_and_close_in() -> None:
    assert next_look([4, 8, 9], 0) == pytest.approx(5.08)
    assert next_look([4, 8, 9], 5.08) == pytest.approx(7.62)
    assert next_look([4, 8, 9], 7.62) == pytest.approx(9.12)


def test_tasks_of_1_to_3_s_take_few_looks_and_are_seen_in_time() -> None:
    chance = random.Random(7)
    lengths = [chance.uniform(1, 3) for _ in range(300)]
    watch = Watch(*lengths[:20])
    looks, late = watch.tasks(lengths)
    assert looks <= 2.5
    assert late <= 1.4


def test_tasks_of_30_to_120_s_are_seen_within_25_s() -> None:
    chance = random.Random(7)
    watch = Watch(*[chance.uniform(30, 120) for _ in range(20)])
    for _ in range(200):
        seconds = chance.uniform(30, 120)
        looks, late = watch.task(seconds)
        assert looks <= 12
        assert late <= 25


def test_a_model_that_became_quicker_is_learned_anew() -> None:
    watch = Watch(*[60.0] * 20)
    watch.tasks([5.0] * 2)
    looks, late = watch.tasks([5.0] * 20)
    assert looks == 1
    assert late <= 6.2
    assert watch.task(5.0)[1] == pytest.approx(0.08)


def test_a_model_that_became_slower_is_learned_anew() -> None:
    watch = Watch(*[0.5] * 20)
    looks, late = watch.task(30.0)
    assert looks <= 25
    assert late <= 6
    watch.tasks([30.0] * 20)
    looks, late = watch.task(30.0)
    assert looks == 1
    assert late == pytest.approx(0.33)


def test_one_task_that_was_quick_costs_the_others_few_looks() -> None:
    looks, late = Watch(0.5, *[60.0] * 19).tasks([60.0] * 5)
    assert looks <= 8
    assert late <= 7


def test_a_length_that_cannot_be_true_is_not_believed() -> None:
    watch = Watch()
    watch.expectations.ended(MODEL, running_at=3, seen_at=7, told=0.009)
    watch.expectations.ended(MODEL, running_at=3, seen_at=7, told=9000)
    assert watch.kept == [5, 5]


def test_without_a_told_length_looks_find_it_all_the_same() -> None:
    watch = Watch(tells=False)
    watch.tasks([5.0] * 10)
    looks, late = watch.tasks([5.0] * 10)
    assert looks <= 3
    assert late <= 1.5


def test_a_task_looked_at_long_after_its_end_teaches_nothing() -> None:
    watch = Watch(5.0)
    watch.expectations.ended(MODEL, running_at=0, seen_at=86400, told=None)
    assert watch.kept == []


def test_a_task_looked_at_long_after_its_end_teaches_what_the_server_tells() -> None:
    watch = Watch()
    watch.expectations.ended(MODEL, running_at=0, seen_at=86400, told=4.5)
    assert watch.kept == [4.5]


def test_the_usual_length_is_the_longest_of_the_last() -> None:
    assert Watch(3.0, 5.0, 4.0).expectations.usual(MODEL) == 5
    assert Watch().expectations.usual(MODEL) is None


def test_kept_lengths_that_cannot_be_are_left_out() -> None:
    watch = Watch(float("inf"), float("nan"), -1.0, 4.0)
    assert watch.expectations.usual(MODEL) == 4


@given(LENGTHS, st.floats(min_value=0, max_value=1e6))
def test_the_next_look_is_ahead_and_not_far(samples: list[float], elapsed: float) -> None:
    moment = next_look(samples, elapsed)
    assert elapsed < moment
    if elapsed > max(samples):
        assert moment <= elapsed + MAX_BACKOFF
    elif elapsed >= min(samples):
        assert moment <= elapsed + max(elapsed / 2, 2 * max(1.0, max(samples) / 10)) + 1e-6
    else:
        assert moment <= max(samples) * 1.01 + 0.04


@given(LENGTHS, st.floats(min_value=0.01, max_value=1e4))
def test_every_task_is_found_with_a_bounded_number_of_looks(
    samples: list[float], seconds: float
) -> None:
    looks, _ = Watch(*samples).task(seconds)
    assert looks <= 30 + seconds / MAX_BACKOFF

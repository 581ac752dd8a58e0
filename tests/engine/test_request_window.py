"""Requests within a limit: what answers tell, and what refusals teach where they tell nothing."""

import pytest

from modellix_cli.api.retry import Limits
from modellix_cli.engine.request_window import learn, take
from modellix_cli.ledger.rate_state import RateState

NOW = 1_800_000_000.0


def told(remaining: int, reset_in: float, *, limit: int = 100, status: int = 200) -> Limits:
    wait = reset_in if status == 429 and not remaining else None
    return Limits(status, limit=limit, remaining=remaining, reset_in=reset_in, wait=wait)


def refused(wait: float | None = None) -> Limits:
    return Limits(429, wait=wait)


def taken(pace: RateState, now: float, most: int = 1000) -> int:
    """Return how many requests may leave at once."""
    count = 0
    while count < most and not take(pace, now):
        count += 1
    return count


@pytest.fixture
def pace() -> RateState:
    return RateState()


def test_where_nothing_is_known_everything_leaves(pace: RateState) -> None:
    assert taken(pace, NOW) == 1000


def test_what_a_refusal_asks_to_wait_is_waited_in_full(pace: RateState) -> None:
    learn(pace, refused(wait=30), NOW)
    assert take(pace, NOW) == 30
    assert take(pace, NOW + 29.5) == 0.5
    assert take(pace, NOW + 30) == 0


@pytest.mark.parametrize("hours", [1, 3, 24 * 365])
def test_a_hold_that_a_clock_ahead_told_of_holds_nothing(pace: RateState, hours: int) -> None:
    learn(pace, refused(wait=30), NOW + hours * 3600)
    assert take(pace, NOW) == 0


def test_a_refusal_after_the_clock_was_set_right_holds_as_long_as_it_asks(pace: RateState) -> None:
    learn(pace, refused(wait=30), NOW + 3 * 3600)
    learn(pace, refused(wait=20), NOW)
    assert take(pace, NOW) == 20


def test_a_later_refusal_that_asks_less_does_not_shorten_the_wait(pace: RateState) -> None:
    learn(pace, refused(wait=30), NOW)
    learn(pace, refused(wait=1), NOW + 1)
    assert take(pace, NOW + 1) == 29


def test_when_none_remain_the_reset_is_waited_for(pace: RateState) -> None:
    learn(pace, told(0, 12), NOW)
    assert take(pace, NOW) == 12


def test_the_first_half_of_a_window_leaves_freely_and_the_rest_is_spread_more_and_more(
    pace: RateState,
) -> None:
    learn(pace, told(100, 60), NOW)
    assert taken(pace, NOW) >= 50
    pauses = []
    for remaining in (40, 25, 10, 1):
        pace.remaining = remaining
        pauses.append(round(take(pace, NOW), 2))
    assert pauses == [0.06, 0.58, 3.49, 28.81]


def test_the_whole_limit_is_used_within_the_window(pace: RateState) -> None:
    learn(pace, told(100, 60), NOW)
    now, count = NOW, 0
    while now < NOW + 60:
        wait = take(pace, now)
        now, count = now + wait, count + (not wait)
    assert 95 <= count <= 110, "the last ones are of the next window"


def test_a_pause_that_only_spreads_requests_has_its_limit(pace: RateState) -> None:
    learn(pace, told(1, 60), NOW)
    pace.last_at = NOW
    assert take(pace, NOW) > 28
    assert take(pace, NOW, patience=5) == 0
    assert take(pace, NOW, patience=5) == 60


def test_no_patience_is_needed_where_the_server_asked_nothing(pace: RateState) -> None:
    learn(pace, told(0, 60), NOW)
    assert [take(pace, NOW + 60, patience=0) for _ in range(20)] == [0] * 20


def test_requests_under_way_count_though_the_answers_do_not_know_them_yet(pace: RateState) -> None:
    learn(pace, told(100, 60), NOW)
    assert taken(pace, NOW, most=40) == 40
    learn(pace, told(99, 60), NOW)
    assert pace.remaining == 60


def test_a_new_window_is_presumed_when_the_old_one_is_over(pace: RateState) -> None:
    learn(pace, told(0, 60), NOW)
    assert take(pace, NOW + 60) == 0
    learn(pace, told(99, 60), NOW + 60.1)
    assert taken(pace, NOW + 60.2) >= 49


def test_a_presumed_window_is_tried_with_a_few_until_an_answer_tells_of_it(pace: RateState) -> None:
    learn(pace, told(0, 60), NOW)
    assert taken(pace, NOW + 60) == 10
    assert taken(pace, NOW + 60.5) == 0
    assert taken(pace, NOW + 62) == 1, "an answer that never comes is not waited for"


def test_a_window_that_gave_little_is_presumed_to_give_little_again(pace: RateState) -> None:
    """So a sliding window, or one that others use too, does not refuse at every turn."""
    learn(pace, told(0, 5), NOW)
    assert take(pace, NOW + 5) == 0
    learn(pace, told(0, 0.5), NOW + 5.1)
    assert taken(pace, NOW + 5.6) == 1
    assert pace.remaining == 0


def test_an_answer_of_a_window_that_is_over_says_nothing_of_the_new_one(pace: RateState) -> None:
    learn(pace, told(5, 10), NOW)
    assert take(pace, NOW + 10) == 0
    learn(pace, told(0, 0), NOW + 10.1)
    learn(pace, told(99, 10), NOW + 10.2)
    learn(pace, told(3, 1), NOW + 10.3)
    assert pace.remaining == 99
    assert pace.reset_at == NOW + 20.2


def test_a_window_known_from_its_middle_is_corrected_by_the_next_answer(pace: RateState) -> None:
    learn(pace, told(0, 2), NOW)
    assert take(pace, NOW + 2) == 0
    learn(pace, told(99, 60), NOW + 2.1)
    assert pace.reset_at == NOW + 62.1


def test_a_clock_set_back_does_not_hold_requests(pace: RateState) -> None:
    learn(pace, told(0, 60), NOW)
    assert take(pace, NOW - 7200) == 0


def test_a_hold_beyond_belief_is_not_kept(pace: RateState) -> None:
    learn(pace, refused(wait=30), NOW)
    assert take(pace, NOW - 100 * 86400) == 0


def test_a_refusal_without_a_time_is_answered_by_longer_and_longer_pauses(pace: RateState) -> None:
    now, pauses = NOW, []
    for _ in range(6):
        assert take(pace, now) == 0
        learn(pace, refused(), now)
        pauses.append(take(pace, now))
        now += pauses[-1]
    assert pauses == [1, 2, 4, 8, 10, 10]


def test_refusals_of_one_burst_count_once(pace: RateState) -> None:
    assert taken(pace, NOW, most=8) == 8
    for _ in range(8):
        learn(pace, refused(), NOW + 0.1)
    assert take(pace, NOW + 0.1) == pytest.approx(1)


def test_after_a_refusal_one_at_a_time_leaves_until_one_goes_through(pace: RateState) -> None:
    taken(pace, NOW, most=8)
    learn(pace, refused(), NOW)
    assert taken(pace, NOW + 1) == 1
    learn(pace, Limits(200), NOW + 1.1)
    assert taken(pace, NOW + 20, most=1) == 1
    assert pace.troubles == 0


def test_the_pace_that_went_through_is_kept_and_quickens_slowly(pace: RateState) -> None:
    taken(pace, NOW, most=41)
    learn(pace, refused(wait=5), NOW)
    assert taken(pace, NOW + 5) == 1
    learn(pace, Limits(200), NOW + 5)
    assert pace.gap == pytest.approx(5 / 41)
    now, count = NOW + 5, 0
    while now < NOW + 10:
        wait = take(pace, now)
        now, count = now + wait, count + (not wait)
    assert 40 <= count <= 46


def test_a_learned_pace_is_forgotten(pace: RateState) -> None:
    taken(pace, NOW, most=2)
    learn(pace, refused(), NOW)
    take(pace, NOW + 1)
    learn(pace, Limits(200), NOW + 1)
    assert taken(pace, NOW + 1) == 0
    assert taken(pace, NOW + 700) == 1000


def test_a_server_that_begins_to_tell_is_taken_at_its_word(pace: RateState) -> None:
    taken(pace, NOW, most=4)
    learn(pace, refused(), NOW)
    take(pace, NOW + 1)
    learn(pace, told(99, 60), NOW + 1)
    assert taken(pace, NOW + 1) >= 49


def test_too_many_running_tasks_hold_no_other_request(pace: RateState) -> None:
    learn(pace, Limits(429, concurrency_limited=True, wait=30), NOW)
    assert take(pace, NOW) == 0

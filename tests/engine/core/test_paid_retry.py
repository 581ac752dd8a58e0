"""The one rule for sending a paid request once more."""

from random import Random

import pytest

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.engine.core.paid_retry import Again, GiveUp, PaidRetryPolicy


def policy(
    patience: float = 120.0, timeout: float = 300.0, tries: int | None = None, reached: bool = True
) -> PaidRetryPolicy:
    made = PaidRetryPolicy(Random(1), patience=patience, task_timeout=timeout, tries=tries)
    if reached:
        made.succeeded()
    return made


def unavailable(wait: float | None = None) -> ModellixError:
    return ModellixError(ErrorCode.SERVICE_UNAVAILABLE, "later.", status=503, retry_after=wait)


def rate_limited(wait: float | None = None) -> ModellixError:
    return ModellixError(ErrorCode.RATE_LIMITED, "busy.", status=429, retry_after=wait)


def crowded(wait: float | None = None) -> ModellixError:
    return ModellixError(
        ErrorCode.RATE_LIMITED, "many.", status=429, retry_after=wait, concurrency_limited=True
    )


NETWORK = ModellixError(ErrorCode.NETWORK, "refused.")


def pauses(retry: PaidRetryPolicy, error: ModellixError, until: float) -> list[float]:
    """Refuse one request again and again until a moment; return the pauses."""
    found: list[float] = []
    now, tries = 0.0, 1
    while now < until:
        decision = retry.refused(error, tries, now)
        assert isinstance(decision, Again), (now, decision)
        found.append(decision.pause)
        now += decision.pause + 0.1
        tries += 1
    return found


def test_pauses_double_up_to_ten_seconds() -> None:
    found = pauses(policy(), unavailable(), 45)
    expected = zip(found, (1, 2, 4, 8, 10, 10), strict=False)
    assert all(low <= pause <= low * 1.25 for pause, low in expected)


def test_a_service_away_for_25_seconds_that_asks_for_one_second_loses_nothing() -> None:
    found = pauses(policy(), unavailable(1.0), 25)
    assert all(1 <= pause <= 1.25 for pause in found)


def test_a_retry_after_of_zero_is_no_leave_to_hammer() -> None:
    found = pauses(policy(), unavailable(0.0), 25)
    assert found[0] >= 1
    assert found[3] >= 8


def test_patience_ends_and_then_no_other_request_has_a_chance() -> None:
    retry = policy(patience=60)
    now, tries = 0.0, 1
    while isinstance(decision := retry.refused(unavailable(), tries, now), Again):
        now += decision.pause
        tries += 1
    assert decision == GiveUp(stop=True)
    assert 45 <= now <= 60


def test_the_server_asks_for_more_than_the_patience() -> None:
    assert policy().refused(unavailable(121.0), 1, 0.0) == GiveUp(stop=True)
    assert policy().refused(rate_limited(3600.0), 1, 0.0) == GiveUp(stop=True)


def test_limits_are_known_to_the_governor_so_that_no_pause_is_added() -> None:
    assert policy().refused(rate_limited(7.0), 1, 0.0) == Again(0.0)
    assert policy().refused(crowded(), 1, 0.0) == Again(0.0)


def test_want_of_room_is_waited_out_as_long_as_tasks_may_run() -> None:
    retry = policy(patience=60, timeout=100)
    assert isinstance(retry.refused(crowded(), 1, 0.0), Again)
    assert isinstance(retry.refused(crowded(), 9, 159.0), Again)
    assert retry.refused(crowded(), 10, 161.0) == GiveUp(stop=True)


def test_a_success_ends_the_trouble() -> None:
    retry = policy(patience=60)
    retry.refused(unavailable(), 1, 0.0)
    retry.succeeded()
    assert isinstance(retry.refused(unavailable(), 1, 1000.0), Again)


def test_a_wrong_request_shows_that_the_service_is_available() -> None:
    retry = policy(patience=60)
    retry.refused(unavailable(), 1, 0.0)
    wrong = ModellixError(ErrorCode.INVALID_REQUEST, "no prompt.", status=400)
    assert retry.refused(wrong, 1, 30.0) == GiveUp(stop=False)
    assert isinstance(retry.refused(unavailable(), 1, 1000.0), Again)


def test_refusals_that_come_at_once_are_one_trouble() -> None:
    retry = policy()
    found = [retry.refused(unavailable(), 1, 0.0) for _ in range(4)]
    assert all(isinstance(one, Again) and one.pause <= 1.25 for one in found)


@pytest.mark.parametrize(
    "code",
    [
        *(ErrorCode.UNAUTHORIZED, ErrorCode.PAYMENT_REQUIRED, ErrorCode.TLS),
        *(ErrorCode.LEDGER_LOST, ErrorCode.LEDGER_BUSY, ErrorCode.LEDGER_UNUSABLE),
    ],
)
def test_what_no_other_request_can_escape_stops_all(code: ErrorCode) -> None:
    assert policy().refused(ModellixError(code, "no."), 1, 0.0) == GiveUp(stop=True)


@pytest.mark.parametrize("code", [ErrorCode.INVALID_REQUEST, ErrorCode.NOT_FOUND])
def test_what_is_wrong_with_one_request_stops_no_other(code: ErrorCode) -> None:
    assert policy().refused(ModellixError(code, "no."), 1, 0.0) == GiveUp(stop=False)


def test_a_server_never_reached_is_tried_four_times() -> None:
    retry = policy(reached=False)
    found = [retry.refused(NETWORK, tries, tries * 3.0) for tries in (1, 2, 3, 4)]
    assert [isinstance(one, Again) for one in found] == [True, True, True, False]


def test_a_server_that_answered_polls_is_there() -> None:
    retry = policy(reached=False)
    retry.reached()
    assert isinstance(retry.refused(NETWORK, 4, 10.0), Again)


def test_tries_bound_how_often_an_unavailable_service_is_asked() -> None:
    retry = policy(tries=3)
    assert isinstance(retry.refused(unavailable(), 2, 1.0), Again)
    assert retry.refused(unavailable(), 3, 5.0) == GiveUp(stop=True)
    assert isinstance(policy(tries=3).refused(rate_limited(), 9, 5.0), Again)


def test_very_many_refusals_end_in_no_defect() -> None:
    retry = policy(patience=1e9)
    for tries in range(3000):
        assert isinstance(retry.refused(unavailable(), tries, tries * 60.0), Again)


class Least(Random):
    """Draws the least of what is possible."""

    def uniform(self, a: float, b: float) -> float:
        return a


class Most(Random):
    """Draws the most of what is possible."""

    def uniform(self, a: float, b: float) -> float:
        return b


def exact(random: Random | None = None, *, patience: float = 120.0) -> PaidRetryPolicy:
    """Return a policy without chance, whose server was never reached."""
    return PaidRetryPolicy(random or Least(), patience=patience, task_timeout=300.0, tries=None)


def test_pauses_without_chance() -> None:
    least, most = exact(Least()), exact(Most())
    least.succeeded()
    most.succeeded()
    assert pauses(least, unavailable(), 45) == [1, 2, 4, 8, 10, 10, 10]
    assert pauses(most, unavailable(), 25) == [1.25, 2.5, 5, 10, 12.5]


def test_the_server_may_ask_for_as_much_as_the_patience() -> None:
    assert exact(patience=60).refused(unavailable(60.0), 1, 0.0) == Again(60.0)
    assert exact(patience=60).refused(unavailable(60.1), 1, 0.0) == GiveUp(stop=True)
    assert exact(patience=60).refused(rate_limited(60.0), 1, 0.0) == Again(0.0)
    assert exact(patience=0).refused(rate_limited(), 1, 0.0) == Again(0.0)


def test_patience_counts_from_the_first_refusal_to_the_end_of_the_pause() -> None:
    retry = exact(patience=60)
    assert retry.refused(unavailable(5.0), 1, 100.0) == Again(5.0)
    assert retry.refused(unavailable(5.0), 2, 155.0) == Again(5.0)
    assert retry.refused(unavailable(5.0), 3, 155.1) == GiveUp(stop=True)


def test_waiting_for_room_is_no_trouble_of_the_service() -> None:
    retry = exact(patience=60)
    retry.refused(unavailable(), 1, 0.0)
    retry.waited_for_room()
    assert isinstance(retry.refused(unavailable(), 2, 1000.0), Again)


def test_a_success_ends_the_want_of_room_and_makes_pauses_short_again() -> None:
    retry = exact()
    assert retry.refused(unavailable(), 1, 0.0) == Again(1)
    assert retry.refused(unavailable(), 2, 1.0) == Again(2)
    retry.refused(crowded(), 1, 3.0)
    retry.succeeded()
    assert retry.refused(unavailable(), 1, 9.0) == Again(1)
    assert isinstance(retry.refused(crowded(), 1, 1000.0), Again)


def test_a_wrong_request_makes_pauses_short_again_only_if_the_server_said_so() -> None:
    wrong = ModellixError(ErrorCode.INVALID_REQUEST, "no.", status=400)
    unsent = ModellixError(ErrorCode.INVALID_REQUEST, "no.")
    for error, pause in ((wrong, 1), (unsent, 4)):
        retry = exact()
        retry.refused(unavailable(), 1, 0.0)
        retry.refused(unavailable(), 2, 1.0)
        assert retry.refused(error, 1, 3.0) == GiveUp(stop=False)
        assert retry.refused(unavailable(), 3, 3.0) == Again(pause)


def test_what_was_never_sent_does_not_show_that_the_service_is_available() -> None:
    retry = exact(patience=60)
    retry.refused(unavailable(), 1, 0.0)
    retry.refused(ModellixError(ErrorCode.INVALID_REQUEST, "no."), 1, 30.0)
    assert retry.refused(unavailable(), 2, 1000.0) == GiveUp(stop=True)


@pytest.mark.parametrize("error", [unavailable(), rate_limited()])
def test_a_server_that_refused_or_took_a_request_is_there(error: ModellixError) -> None:
    refused, taken = exact(), exact()
    refused.refused(error, 1, 0.0)
    taken.succeeded()
    assert isinstance(refused.refused(NETWORK, 4, 2.0), Again)
    assert isinstance(taken.refused(NETWORK, 4, 2.0), Again)


def test_many_lines_that_reach_no_server_give_up_after_four_troubles() -> None:
    retry, now = exact(), 0.0
    for pause in (1, 2, 4):
        assert retry.refused(NETWORK, 1, now) == Again(pause)
        assert retry.refused(NETWORK, 1, now) == Again(pause)  # another line, at once
        now += pause
    assert retry.refused(NETWORK, 1, now) == GiveUp(stop=True)


def test_a_pause_that_is_under_way_is_not_shortened_by_a_shorter_one() -> None:
    retry = exact()
    assert retry.refused(unavailable(20.0), 1, 0.0) == Again(20)
    assert retry.refused(unavailable(), 1, 5.0) == Again(1)
    assert retry.refused(unavailable(), 1, 19.0) == Again(1)
    assert retry.refused(unavailable(), 1, 20.0) == Again(2)


def test_a_connection_that_fails_counts_as_trouble_with_tries_too() -> None:
    retry = policy(tries=3)
    assert isinstance(retry.refused(NETWORK, 2, 1.0), Again)
    assert retry.refused(NETWORK, 3, 5.0) == GiveUp(stop=True)

"""What to do after a failed try: decided without I/O, from what arrived and what failed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.downloads.response import Resume, Version
from modellix_cli.downloads.tries import (
    MAX_TRIES,
    FetchFailed,
    GiveUp,
    RefreshUrl,
    Remedy,
    TransferState,
    TryAgain,
    failed,
)

V1 = Version('"v1"')


@pytest.fixture
def state() -> TransferState:
    return TransferState(time_limit=600, deadline=600)


def after(state: TransferState, failure: FetchFailed | None = None, now: float = 0.0) -> object:
    return state.after(failure or failed("It broke off."), now, 0.0)


def test_the_pauses_grow_until_the_host_is_given_up(state: TransferState) -> None:
    steps = [after(state) for _ in range(4)]
    assert [step.pause for step in steps[:3] if isinstance(step, TryAgain)] == [1, 2, 4]
    assert isinstance(steps[3], GiveUp)
    assert steps[3].error.message == "It broke off. Tried 4 times."


def test_a_host_that_names_a_time_is_asked_again_then(state: TransferState) -> None:
    busy = failed("HTTP status 429.", status=429, retry_after=12.0)
    steps = [after(state, busy) for _ in range(6)]
    assert [step.pause for step in steps if isinstance(step, TryAgain)] == [12.0] * 6


def test_a_time_that_is_none_is_no_hot_loop(state: TransferState) -> None:
    steps = [after(state, failed("HTTP status 503.", retry_after=0.0)) for _ in range(4)]
    assert [step.pause for step in steps[:3] if isinstance(step, TryAgain)] == [1, 2, 4]
    assert isinstance(steps[3], GiveUp)


def test_a_time_beyond_the_limit_ends_it_at_once(state: TransferState) -> None:
    step = after(state, failed("HTTP status 429.", retry_after=700.0))
    assert isinstance(step, GiveUp)
    assert step.error.code is ErrorCode.RESOURCE_LIMIT
    assert "time limit of 10m. HTTP status 429." in step.error.message


def test_a_new_url_is_asked_for_once(state: TransferState) -> None:
    gone = failed("HTTP status 403.", Remedy.NEW_URL, status=403)
    assert after(state, gone) == RefreshUrl(gone.error)
    assert after(state, gone) == GiveUp(gone.error)


@pytest.mark.parametrize("status", [404, 410])
def test_a_file_that_is_kept_may_be_late(status: int) -> None:
    state = TransferState(time_limit=600, deadline=600, kept=True)
    missing = failed("HTTP status.", Remedy.NEW_URL, status=status)
    steps = [after(state, missing) for _ in range(5)]
    assert steps[0] == RefreshUrl(missing.error)
    assert [step.pause for step in steps[1:4] if isinstance(step, TryAgain)] == [1, 2, 4]
    assert isinstance(steps[4], GiveUp)


def test_a_file_that_is_kept_and_refused_is_not_late() -> None:
    state = TransferState(time_limit=600, deadline=600, kept=True)
    steps = [after(state, failed("HTTP.", Remedy.NEW_URL, status=403)) for _ in range(2)]
    assert isinstance(steps[1], GiveUp)


@pytest.mark.parametrize(
    ("new", "kept"),
    [("https://x/a.png?sig=2", True), ("https://x/b.png?sig=1", False), ("https://y/a.png", False)],
)
def test_a_new_signature_keeps_what_arrived_another_file_does_not(
    state: TransferState, new: str, kept: bool
) -> None:
    state.began(V1, 1000)
    state.received(300)
    state.moved("https://x/a.png?sig=1", new)
    assert state.resume == (Resume(300, V1, 1000) if kept else None)


def test_what_cannot_be_part_of_the_file_is_not_gone_on_with(state: TransferState) -> None:
    state.began(V1, 1000)
    state.received(1000)
    after(state, failed("The sha256 is wrong.", start_over=True))
    assert state.resume is None


def test_nothing_is_begun_when_the_time_is_over(state: TransferState) -> None:
    assert state.left(599.0) == 1.0
    with pytest.raises(ModellixError, match="time limit of 10m"):
        state.left(600.0)


steps = st.lists(
    st.tuples(st.integers(0, 500), st.sampled_from([None, 0.0, 5.0]), st.booleans()), max_size=60
)


@given(steps, st.floats(0, 1))
def test_every_transfer_ends(tries: list[tuple[int, float | None, bool]], chance: float) -> None:
    state, now = TransferState(600, 600), 0.0
    for number, (arrived, asked, start_over) in enumerate(tries, 1):
        if state.resume is None:
            state.began(V1, None)
        state.received(arrived)
        step = state.after(failed("x", retry_after=asked, start_over=start_over), now, chance)
        if isinstance(step, GiveUp):
            return
        assert isinstance(step, TryAgain)
        assert number < MAX_TRIES
        assert 0 < step.pause <= 600 - now
        now += step.pause

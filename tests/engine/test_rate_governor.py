"""The governor and the gate: when requests and submissions leave, for all processes together."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modellix_cli.api.documents import read_task
from modellix_cli.api.retry import Limits
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.engine.rate_governor import Gate, Governor, NoSlot, Ticket
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.rate_state import RateStateStore
from tests.support import FakeClock, task_reply

Open = Callable[[], Governor]


@pytest.fixture
def process(tmp_path: Path, clock: FakeClock) -> Iterator[Open]:
    """Open a governor as another process would have it."""
    files: list[LedgerFile] = []

    def opened() -> Governor:
        files.append(LedgerFile(tmp_path, clock))
        return Governor(RateStateStore(files[-1], "scope"), clock)

    yield opened
    for file in files:
        file.close()


@pytest.fixture
def governor(process: Open) -> Governor:
    return process()


def concurrency_limited(wait: float | None = None) -> ModellixError:
    return ModellixError(
        ErrorCode.RATE_LIMITED,
        "Too many run.",
        status=429,
        retry_after=wait,
        concurrency_limited=True,
    )


def submitted(governor: Governor) -> Ticket:
    ticket = governor.ask_submit()
    assert isinstance(ticket, Ticket)
    return ticket


def run(governor: Governor, *task_ids: str, seconds: float = 60) -> None:
    """Submit tasks that run for `seconds`."""
    for task_id in task_ids:
        governor.accepted(submitted(governor), task_id, seconds)


def see(governor: Governor, task_id: str, status: str) -> None:
    governor.saw(read_task(task_reply(task_id, status), task_id))


def refuse(governor: Governor) -> None:
    governor.failed(submitted(governor), concurrency_limited())


def leaves(governor: Governor) -> int:
    """Return how many submissions may leave before the first of them is answered."""
    count = 0
    while count < 100 and isinstance(governor.ask_submit(), Ticket):
        count += 1
    return count


def test_what_one_process_is_asked_to_wait_holds_the_others(
    process: Open, clock: FakeClock
) -> None:
    process().answered(Limits(429, wait=30))
    other = process()
    assert (other.ask(), other.ask_submit()) == (30, 30)
    clock.sleep(30)
    assert other.ask() == 0


def test_what_remains_is_shared(process: Open) -> None:
    process().answered(Limits(200, limit=4, remaining=1, reset_in=8))
    assert process().ask() == 0
    assert process().ask() > 0


def test_a_success_without_headers_ends_the_pauses_after_refusals(
    governor: Governor, clock: FakeClock
) -> None:
    governor.answered(Limits(429))
    clock.sleep(1)
    assert governor.ask() == 0
    governor.answered(Limits(200))
    clock.sleep(20)
    governor.answered(Limits(429))
    assert governor.ask() == 1


def test_three_submissions_leave_freely_then_one_at_a_time(governor: Governor) -> None:
    assert leaves(governor) == 3
    assert isinstance(governor.ask_submit(), NoSlot)


def test_while_nobody_refuses_more_and_more_leave_at_a_time(governor: Governor) -> None:
    run(governor, "a", "b", "c")
    tickets = [submitted(governor)]
    assert leaves(governor) == 0
    governor.accepted(tickets[0], "d", 60)
    assert leaves(governor) == 2


def test_a_refusal_tells_how_many_tasks_may_run(governor: Governor, clock: FakeClock) -> None:
    run(governor, "a", "b", "c")
    refuse(governor)
    assert isinstance(governor.ask_submit(), NoSlot)
    see(governor, "a", "success")
    assert leaves(governor) == 1


@pytest.mark.parametrize("status", ["success", "failed", "canceled"])
def test_a_task_that_ended_makes_room_in_every_process(process: Open, status: str) -> None:
    governor = process()
    run(governor, "a", "b", "c")
    refuse(governor)
    see(process(), "b", status)
    assert isinstance(process().ask_submit(), Ticket)


def test_a_refusal_frees_the_slot_that_it_took(governor: Governor) -> None:
    run(governor, "a", "b")
    error = ModellixError(ErrorCode.RATE_LIMITED, "Too many requests.", status=429)
    governor.failed(submitted(governor), error)
    assert leaves(governor) == 1


def test_what_may_have_created_a_task_takes_a_slot_for_a_while(
    governor: Governor, clock: FakeClock
) -> None:
    run(governor, "a", "b")
    governor.failed(submitted(governor), ModellixError(ErrorCode.SUBMISSION_UNKNOWN, "No answer."))
    refuse(governor)
    assert isinstance(governor.ask_submit(), NoSlot)
    see(governor, "a", "success")
    assert leaves(governor) == 1


def test_the_task_that_an_unusable_answer_named_frees_its_slot_when_it_ends(
    governor: Governor,
) -> None:
    run(governor, "a", "b")
    named = ModellixError(ErrorCode.SUBMISSION_UNKNOWN, "Odd.", task_id="c")
    governor.failed(submitted(governor), named)
    refuse(governor)
    see(governor, "c", "success")
    assert leaves(governor) == 1


def test_a_submission_that_was_given_up_takes_no_slot_for_long(
    governor: Governor, clock: FakeClock
) -> None:
    assert leaves(governor) == 3
    clock.sleep(46)
    assert leaves(governor) == 3


def test_now_and_then_one_more_than_may_run_is_tried(governor: Governor, clock: FakeClock) -> None:
    run(governor, "a", "b", "c", seconds=3600)
    pauses = []
    for _ in range(4):
        refuse(governor)
        before = clock.time
        while isinstance(held := governor.ask_submit(), float):
            clock.sleep(held)
        pauses.append(round(clock.time - before))
        governor.failed(held, ModellixError(ErrorCode.NETWORK, "Unreachable."))
    assert pauses == [10, 20, 40, 80]


def test_a_limit_that_was_raised_is_found_step_by_step(
    governor: Governor, clock: FakeClock
) -> None:
    run(governor, "a", "b", "c", seconds=600)
    refuse(governor)
    clock.sleep(10)
    run(governor, "d", "e", seconds=600)
    refuse(governor)
    see(governor, "d", "success")
    see(governor, "e", "success")
    assert leaves(governor) == 2


def test_submissions_under_way_do_not_raise_what_may_run(governor: Governor) -> None:
    run(governor, "a", "b", "c", "d", "e")
    see(governor, "d", "success")
    see(governor, "e", "success")
    under_way = [submitted(governor) for _ in range(4)]
    governor.failed(under_way[0], concurrency_limited())
    governor.accepted(under_way[1], "f", 60)
    for task_id in ("a", "b", "c"):
        see(governor, task_id, "success")
    assert leaves(governor) == 1, "four may run; one does, two are under way"


def test_when_others_use_the_team_up_each_try_waits_longer(
    governor: Governor, clock: FakeClock
) -> None:
    pauses = []
    for _ in range(5):
        refuse(governor)
        held = governor.ask_submit()
        assert isinstance(held, NoSlot)
        pauses.append(float(held))
        clock.sleep(held)
    assert pauses == [1, 2, 4, 8, 10]


def test_a_low_limit_learned_while_others_ran_is_corrected_as_soon_as_they_end(
    governor: Governor, clock: FakeClock
) -> None:
    for _ in range(5):
        refuse(governor)
        clock.sleep(10)
    run(governor, "a", "b", "c")


def test_what_a_refusal_for_running_tasks_asks_to_wait_is_waited_in_full(
    governor: Governor, clock: FakeClock
) -> None:
    run(governor, "a", "b")
    governor.failed(submitted(governor), concurrency_limited(wait=30))
    see(governor, "a", "success")
    assert governor.ask_submit(whatever_runs=True) == 30
    assert governor.ask() == 0


def test_a_refusal_that_asks_nothing_does_not_shorten_that_wait(governor: Governor) -> None:
    run(governor, "a")
    tickets = [submitted(governor), submitted(governor)]
    governor.failed(tickets[0], concurrency_limited(wait=30))
    governor.failed(tickets[1], concurrency_limited())
    assert governor.ask_submit() == 30


def test_a_submission_accepted_meanwhile_does_not_shorten_that_wait(governor: Governor) -> None:
    tickets = [submitted(governor), submitted(governor)]
    governor.failed(tickets[0], concurrency_limited(wait=30))
    governor.accepted(tickets[1], "a", 60)
    assert governor.ask_submit() == 30


def test_a_task_that_nobody_looks_at_frees_its_slot_when_it_should_have_ended(
    governor: Governor, clock: FakeClock
) -> None:
    run(governor, "a", "b", "c", seconds=10)
    refuse(governor)
    clock.sleep(9)
    assert leaves(governor) == 0
    clock.sleep(7)
    assert leaves(governor) == 3


def test_a_task_seen_running_keeps_its_slot(governor: Governor, clock: FakeClock) -> None:
    run(governor, "a", seconds=10)
    clock.sleep(14)
    see(governor, "a", "processing")
    clock.sleep(19)
    assert leaves(governor) == 2


def test_a_look_does_not_shorten_how_long_a_task_is_expected_to_run(
    governor: Governor, clock: FakeClock
) -> None:
    run(governor, "a", seconds=100)
    see(governor, "a", "processing")
    clock.sleep(50)
    assert leaves(governor) == 2


@pytest.fixture
def notices() -> list[str]:
    return []


def gate(governor: Governor, clock: FakeClock, notices: list[str], max_wait: float = 120.0) -> Gate:
    return Gate(governor, clock, notices.append, max_wait)


def test_the_gate_tells_once_of_a_wait_for_requests(
    governor: Governor, clock: FakeClock, notices: list[str]
) -> None:
    governor.answered(Limits(429, wait=30))
    gate(governor, clock, notices).enter()
    assert sum(clock.slept) == 30
    assert notices == ["Rate limit reached. Continuing in 30s."]


class Hurried(Governor):
    """Lets a request leave after forty short pauses."""

    def ask(self, *, patience: float = 0.0) -> float:
        assert isinstance(self._clock, FakeClock)
        return 0.1 if len(self._clock.slept) < 40 else 0.0


class LateClock(FakeClock):
    def jitter(self, span: float) -> float:
        return span


def test_short_pauses_that_add_up_are_told_of_for_what_they_are(
    tmp_path: Path, notices: list[str]
) -> None:
    clock = LateClock()
    file = LedgerFile(tmp_path, clock)
    gate(Hurried(RateStateStore(file, "scope"), clock), clock, notices).enter()
    file.close()
    assert notices == ["Rate limit reached. Continuing in 0.1s."]


def test_a_pause_that_nobody_notices_is_not_told_of(
    governor: Governor, clock: FakeClock, notices: list[str]
) -> None:
    governor.answered(Limits(429, wait=1))
    gate(governor, clock, notices).enter()
    assert notices == []


def test_a_wait_beyond_the_users_limit_is_an_error_and_nothing_is_sent(
    governor: Governor, clock: FakeClock, notices: list[str]
) -> None:
    governor.answered(Limits(429, wait=130))
    with pytest.raises(ModellixError) as caught:
        gate(governor, clock, notices).enter()
    assert (caught.value.code, caught.value.retry_after) == (ErrorCode.RATE_LIMITED, 130)
    assert clock.slept == []


def test_a_pause_that_only_spreads_requests_is_never_an_error(
    governor: Governor, clock: FakeClock, notices: list[str]
) -> None:
    governor.answered(Limits(200, limit=100, remaining=2, reset_in=60))
    strict = gate(governor, clock, notices, max_wait=1)
    strict.enter()
    strict.enter()
    assert clock.slept == []

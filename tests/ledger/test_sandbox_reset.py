"""The ledger after the sandbox was reset: its tasks are gone, and nothing else is touched."""

from collections.abc import Callable

import pytest

from modellix_cli.domain.account import account_of
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.ledger.records import Claimed
from modellix_cli.ledger.sandbox_reset import RESET, mark_gone
from modellix_cli.ledger.tasks import GONE
from tests.ledger.ledgers import (
    ACCEPTED,
    API,
    INTENT,
    REJECTED,
    SANDBOX,
    UNKNOWN,
    Ledger,
    Lines,
    bodies,
    end_process,
)

LINES = Lines(bodies("a", "b"))
TABLES = ("submissions", "tasks", "batches", "batch_lines", "rate_state", "running_tasks")
Opened = Callable[..., Ledger]


@pytest.fixture
def sandbox(opened: Opened) -> Ledger:
    return opened(account=account_of(SANDBOX, "default", "sandbox"))


def contents(ledger: Ledger) -> list[list[tuple[object, ...]]]:
    return [ledger.sql(f"SELECT * FROM {table}") for table in TABLES]


@pytest.mark.parametrize("address", [API, "http://127.0.0.1:8787", "https://invalid.example", ""])
def test_an_address_that_may_be_a_real_service_is_refused(ledger: Ledger, address: str) -> None:
    with pytest.raises(ValueError, match="may be a real service"):
        mark_gone(ledger.file, address)


def test_what_cost_money_is_left_as_it_is(ledger: Ledger, opened: Opened) -> None:
    served = opened(account=account_of("http://127.0.0.1:8787", "default", "any"))
    for real in (ledger, served):
        real.sent(state=UNKNOWN)
        real.run(Lines(bodies(f"at {real.account.base_url}")), digest=real.account.base_url)
        real.sql(
            "INSERT INTO running_tasks (scope, ref, since, until) VALUES (?, 'a', 1, 2)",
            real.account.key_mark,
        )
    before = contents(ledger)
    assert mark_gone(ledger.file, SANDBOX) == 0
    assert contents(ledger) == before


def test_a_request_counts_as_never_made(sandbox: Ledger) -> None:
    sandbox.sent()
    assert mark_gone(sandbox.file, SANDBOX) == 1
    assert isinstance(sandbox.claim(resume=True), Claimed)


@pytest.mark.parametrize("state", [UNKNOWN, INTENT])
def test_an_outcome_that_was_unknown_is_settled(sandbox: Ledger, state: SubmissionState) -> None:
    claimed = sandbox.claim()
    if state is UNKNOWN:
        sandbox.record(claimed.number, UNKNOWN)
    end_process(sandbox, claimed.number)
    mark_gone(sandbox.file, SANDBOX)
    attempt = sandbox.submissions.attempt(claimed.number)
    assert attempt is not None
    assert (attempt.state, attempt.detail) == (REJECTED, RESET)


def test_a_request_that_is_just_being_sent_is_left_to_its_process(sandbox: Ledger) -> None:
    sandbox.claim()
    mark_gone(sandbox.file, SANDBOX)
    assert sandbox.sql("SELECT state FROM submissions") == [("intent",)]


def test_lines_of_a_batch_are_sent_again_as_new_requests(sandbox: Ledger) -> None:
    assert sandbox.run(LINES) == 2
    mark_gone(sandbox.file, SANDBOX)
    assert sandbox.run(LINES) == 2


def test_tasks_are_gone_and_neither_the_last_nor_pending(sandbox: Ledger) -> None:
    sandbox.sent(task_id="old")
    mark_gone(sandbox.file, SANDBOX)
    assert sandbox.sql("SELECT status FROM tasks") == [(GONE,)]
    assert sandbox.tasks.recent(1) == []
    assert sandbox.tasks.unsaved(sandbox.clock.now(), 60.0) == []
    assert mark_gone(sandbox.file, SANDBOX) == 0


def test_the_slots_of_its_tasks_are_free(sandbox: Ledger) -> None:
    sandbox.sent(state=ACCEPTED)
    statement = "INSERT INTO running_tasks (scope, ref, since, until) VALUES (?, 'a', 1, 2)"
    sandbox.sql(statement, sandbox.account.key_mark)
    mark_gone(sandbox.file, SANDBOX)
    assert sandbox.sql("SELECT * FROM running_tasks") == []

"""The engine in simulated worlds; and that the simulator would notice what matters."""

import gc
from collections.abc import Iterator

import pytest

from modellix_cli.domain.errors import ErrorCode
from modellix_cli.domain.money import NOTHING, Money
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.engine.core import effects, paid_retry
from modellix_cli.engine.core.earlier import EarlierAttempts
from modellix_cli.engine.core.following import Following
from modellix_cli.engine.core.leaving import Leaving
from modellix_cli.engine.core.needs import Needs
from modellix_cli.engine.core.outbox import Outbox
from modellix_cli.engine.core.poll_schedule import PollScheduler
from modellix_cli.engine.core.posting import Posting
from modellix_cli.engine.core.submit_queue import SubmitQueue
from modellix_cli.engine.core.submitting import Submitting
from tests.engine.simulator import model_ledger
from tests.engine.simulator.runner import Failure, Simulator
from tests.engine.simulator.table import pairs, unseen

RUNS = 2000


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    """Engines are full of cycles and live for a moment: collecting them takes a third of it."""
    gc.disable()
    yield
    gc.enable()


def test_no_invariant_breaks_in_2000_worlds() -> None:
    with Simulator(real_every=100) as simulator:
        for seed in range(1, RUNS + 1):
            simulator.run(seed)
            if seed % 250 == 0:
                gc.collect()
        assert simulator.figures.runs == RUNS
        assert simulator.figures.real == RUNS // 100
        assert simulator.figures.crashes > 300
        missing = unseen(simulator.coverage)
        assert len(missing) < len(pairs()) / 3
        assert [pair for pair in missing if pair[1].startswith("Polled")] == []


def test_a_seed_makes_the_same_world_every_time() -> None:
    with Simulator() as simulator:
        assert simulator.trace(7) == simulator.trace(7)


def found(runs: int = 400) -> str:
    """Return the first violation that is found."""
    with Simulator() as simulator:
        for seed in range(1, runs + 1):
            try:
                simulator.run(seed)
            except Failure as failure:
                return str(failure)
    return ""


def test_it_notices_a_request_of_unknown_outcome_that_is_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passing = paid_retry.MAY_PASS | {ErrorCode.SUBMISSION_UNKNOWN}
    monkeypatch.setattr(paid_retry, "MAY_PASS", passing)
    monkeypatch.setattr(Posting, "_replied_unknown", Posting._refused)
    assert "may have" in found()


def test_it_notices_a_post_after_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SubmitQueue, "stop", lambda self, why, error: None)
    assert "after the stop" in found()


def test_it_notices_a_line_that_does_not_wait_for_what_it_uses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Needs, "block", lambda self, line: False)
    assert "has no result" in found()


def test_it_notices_a_body_that_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Submitting, "_advance", lambda self, line: self._leaving.ask(line))
    assert "has no result" in found() or "before its body is ready" in found()


def test_it_notices_a_line_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Needs, "freed", lambda self: [])
    assert "lines without an end" in found()


def test_it_notices_a_lost_end(monkeypatch: pytest.MonkeyPatch) -> None:
    emit = Outbox.emit

    def silent(self: Outbox, outcome: object) -> None:
        emit(self, outcome)  # type: ignore[arg-type]
        if outcome.waiting:  # type: ignore[attr-defined]
            self._effects.pop()

    monkeypatch.setattr(Outbox, "emit", silent)
    assert "says nothing of lines" in found()


def test_it_notices_too_many_requests_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Leaving, "__len__", lambda self: len(self._asking))
    assert "requests at a time" in found()


def test_it_notices_an_unknown_outcome_that_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    def forget(self: EarlierAttempts, line: object, known: object, now: float) -> None:
        self._ends._out.emit(line.outcome(None, needs_resume=True))  # type: ignore[attr-defined]

    monkeypatch.setattr(EarlierAttempts, "_unknown", forget)
    assert "is unknown" in found()


def test_it_notices_an_id_that_nobody_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Posting, "_record_reply", lambda self, line, event: None)
    why = found()
    assert "nobody records" in why or "which is not recorded" in why


def test_it_notices_a_wait_that_a_passing_failure_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PollScheduler, "_is_tolerated", lambda self, task, error: False)
    assert "after a passing failure" in found()


def test_it_notices_a_leave_that_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    add = Outbox.add

    def keep(self: Outbox, effect: effects.Effect) -> None:
        if not isinstance(effect, effects.ReturnLeave):
            add(self, effect)

    monkeypatch.setattr(Outbox, "add", keep)
    assert "leaves are lost" in found(2000)


def test_it_notices_a_ledger_that_lets_two_processes_send(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nothing = lambda self, batch, request, generation: None  # noqa: E731
    monkeypatch.setattr(model_ledger.ModelLedger, "_unlinked", nothing)
    assert "times and sent" in found(2000)


def test_it_notices_a_budget_that_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_ledger.ModelLedger, "_spent", lambda self, period: NOTHING)
    assert "USD are billed" in found()


def test_it_notices_a_budget_that_forgets_what_is_not_billed_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def billed_only(self: model_ledger.ModelLedger, period: float) -> Money:
        return sum(
            (self._billed.get(one.task_id or "", NOTHING) for one in self._submissions.values()),
            NOTHING,
        )

    monkeypatch.setattr(model_ledger.ModelLedger, "_spent", billed_only)
    assert "USD are billed" in found()


def test_it_notices_a_task_that_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    rejected = SubmissionState.REJECTED
    monkeypatch.setattr(
        Following,
        "_confirmed",
        lambda self, line: (
            self._out.add(effects.RecordOutcome(line.number, rejected)) if line.confirming else None
        ),
    )
    assert "becomes rejected" in found()

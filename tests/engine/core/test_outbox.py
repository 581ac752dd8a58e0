"""What a step comes to, and how far the work is."""

import pytest

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.engine.core import effects
from modellix_cli.engine.core.lines import LineOutcome
from modellix_cli.engine.core.outbox import Outbox

ACCEPTED = SubmissionState.ACCEPTED


def outcome(ref: int = 1, state: SubmissionState | None = ACCEPTED, **facts: object) -> LineOutcome:
    return LineOutcome(ref, "a/b", None, state, **facts)  # type: ignore[arg-type]


def test_effects_come_out_once_and_in_their_order() -> None:
    out = Outbox()
    out.add(effects.Prepare(1))
    out.emit(outcome())
    assert out.take() == [effects.Prepare(1), effects.Emit(outcome())]
    assert out.take() == []


def test_a_line_has_one_end() -> None:
    out = Outbox()
    out.emit(outcome())
    with pytest.raises(AssertionError):
        out.emit(outcome())


@pytest.mark.parametrize(
    ("end", "usable", "failed"),
    [
        (outcome(status="success"), True, False),
        (outcome(), False, False),
        (outcome(status="processing", needs_resume=True), False, False),
        (outcome(status="failed", detail="It failed."), False, True),
        (outcome(waiting="timeout"), False, True),
        (outcome(status="success", error=ModellixError(ErrorCode.NETWORK, "no")), False, True),
        (outcome(state=None), False, True),
        (outcome(state=SubmissionState.REJECTED), False, True),
        (outcome(state=SubmissionState.UNKNOWN), False, True),
    ],
)
def test_a_result_can_be_used_by_other_lines_once_its_task_succeeded(
    end: LineOutcome, usable: bool, failed: bool
) -> None:
    out = Outbox()
    out.emit(end)
    assert (out.ended(1), out.usable(1), out.failed) == (True, usable, int(failed))


def test_nothing_is_known_of_lines_that_did_not_end() -> None:
    out = Outbox()
    out.emit(outcome(3))
    assert [out.ended(ref) for ref in (1, 2, 3, 4)] == [False, False, True, False]
    assert (out.emitted, out.usable(99)) == (1, False)

"""The entries of a batch's result, their count, and their order."""

import io
import tempfile
from typing import Any

import pytest

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.submission_state import RejectedBy, SubmissionState
from modellix_cli.engine.core.following import INTERRUPTED, RUN_INTERRUPTED, TIMED_OUT
from modellix_cli.engine.core.lines import LineOutcome
from modellix_cli.ledger.attempt import Attempt
from modellix_cli.ledger.records import BatchLine
from modellix_cli.output.sink import Sink
from modellix_cli.runtime import Runtime
from modellix_cli.workflows.batch_report import EntryFile, Tally, entry_of, outcome_of
from tests.support import FakeClock


@pytest.fixture(scope="module")
def session() -> Session:
    out, err = io.StringIO(), io.StringIO()
    made = Session(Runtime(None, out, err, {}, None, FakeClock()), Sink(out, err, {}))
    made.pays = True
    return made


def outcome(state: str, task_id: str | None = None, **facts: Any) -> LineOutcome:
    known = None if state == "skipped" else SubmissionState(state)
    given = {"name": None} | facts
    return LineOutcome(1, "a/b", state=known, task_id=task_id, **given)


def test_an_accepted_line_has_the_official_keys_in_their_order(session: Session) -> None:
    assert list(entry_of(outcome("accepted", "t"), session).items()) == [
        ("index", 1), ("modelSlug", "a/b"), ("ok", True), ("status", "submitted"),
        ("submissionState", "accepted"), ("taskId", "t"),
    ]  # fmt: skip


def test_a_finished_task_has_its_status_and_its_urls(session: Session) -> None:
    found = entry_of(outcome("accepted", "t", status="success", urls=("https://x/a",)), session)
    assert (found["status"], found["resourceUrls"], found["ok"]) == (
        "success", ["https://x/a"], True,
    )  # fmt: skip


def test_a_failed_task_has_its_reason_and_no_urls(session: Session) -> None:
    found = entry_of(outcome("accepted", "t", status="Failed", detail="bad."), session)
    assert (found["error"], found["ok"], found["resourceUrls"]) == ("bad.", False, [])


def test_a_failure_without_words_still_has_an_error(session: Session) -> None:
    found = entry_of(outcome("accepted", "t", status="failed"), session)
    assert found["error"] == (
        "Task reached terminal status failed. See why with: modellix-cli task get t"
    )
    assert found["errorInfo"] == {
        "code": "TASK_FAILED", "exitCode": 1, "retryable": False, "charged": "yes",
    }  # fmt: skip


@pytest.mark.parametrize(("state", "status", "charged"), [
    ("rejected", "error", "no"), ("unknown", "error", "unknown"), ("skipped", "skipped", "no"),
])  # fmt: skip
def test_a_line_that_was_not_accepted_is_not_ok(
    session: Session, state: str, status: str, charged: str
) -> None:
    found = entry_of(outcome(state, detail="why."), session)
    assert (found["ok"], found["status"], found["submissionState"], found["error"]) == (
        False, status, state, "why.",
    )  # fmt: skip
    assert found["errorInfo"]["charged"] == charged


def test_what_an_earlier_run_paid_for_costs_this_one_nothing(session: Session) -> None:
    found = entry_of(outcome("unknown", detail="cut.", reused=True), session)
    assert (found["reused"], found["errorInfo"]["charged"]) == (True, "no")


@pytest.mark.parametrize(
    ("detail", "code"),
    [
        ("Skipped: stdout was closed.", "LINE_SKIPPED"),
        ("Skipped: the run was interrupted.", "INTERRUPTED"),
    ],
)
def test_a_skipped_line_that_the_ledger_remembers_has_a_code_that_is_true_of_it(
    session: Session, detail: str, code: str
) -> None:
    told = entry_of(outcome("skipped", detail=detail), session)["errorInfo"]
    assert (told["code"], told["charged"]) == (code, "no")


@pytest.mark.parametrize(
    ("by", "code"),
    [
        (RejectedBy.SERVICE, "API_ERROR"),
        (RejectedBy.NETWORK, "NETWORK"),
        (RejectedBy.CHECK, "LINE_SKIPPED"),
        (RejectedBy.INTERRUPT, "INTERRUPTED"),
        (RejectedBy.USER, "LINE_SKIPPED"),
    ],
)
def test_a_rejected_line_that_the_ledger_remembers_has_a_code_that_is_true_of_it(
    session: Session, by: RejectedBy, code: str
) -> None:
    attempt = Attempt(
        1, "id", SubmissionState.REJECTED, "a/b", None, "in any words.", 0.0, 1, 1, None, "default",
        rejected_by=by,
    )  # fmt: skip
    found = entry_of(outcome_of(BatchLine(1, "a/b", None, attempt)), session)
    assert (found["error"], found["errorInfo"]["code"]) == ("in any words.", code)
    assert found["errorInfo"]["charged"] == "no"


def test_a_command_that_cannot_pay_says_nothing_of_charges(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "pays", False)
    assert "charged" not in entry_of(outcome("rejected", detail="no."), session)["errorInfo"]


def test_a_line_under_way_is_of_unknown_outcome(session: Session) -> None:
    attempt = Attempt(
        1, "id", SubmissionState.INTENT, "a/b", None, None, 0.0, 1, 1, None, "default",
        in_flight=True,
    )  # fmt: skip
    found = entry_of(outcome_of(BatchLine(1, "a/b", None, attempt)), session)
    assert (found["submissionState"], found["ok"]) == ("unknown", False)
    assert found["error"]


def test_an_unknown_line_whose_id_is_known_says_how_to_see_it(session: Session) -> None:
    found = entry_of(outcome("unknown", "t", detail="cut."), session)
    assert found["error"] == "cut. See it with: modellix-cli task get t"


def test_a_task_that_still_runs_says_how_to_go_on(session: Session) -> None:
    found = entry_of(outcome("accepted", "t", waiting=TIMED_OUT), session)
    assert found["error"] == (
        "Timed out while waiting for Modellix tasks. Resume with: modellix-cli task wait t"
    )
    assert (found["status"], found["errorInfo"]["exitCode"]) == ("timeout", 124)
    found = entry_of(outcome("accepted", "t", waiting=INTERRUPTED), session)
    assert (found["status"], found["error"]) == (
        "submitted", "Interrupted while waiting. Resume with: modellix-cli task wait t",
    )  # fmt: skip


def test_a_result_that_was_not_saved_is_exit_9(session: Session) -> None:
    error = ModellixError(ErrorCode.DOWNLOAD_FAILED, "cut.")
    facts = {"status": "success", "detail": "cut.", "error": error, "files": ()}
    found = entry_of(outcome("accepted", "t", **facts), session)
    assert (found["ok"], found["files"], found["errorInfo"]["exitCode"]) == (False, [], 9)


def test_an_id_and_saved_files_are_told(session: Session) -> None:
    facts = {"name": "cover", "status": "success", "files": ({"path": "a.png"},)}
    found = entry_of(outcome("accepted", "t", **facts), session)
    assert (found["id"], found["files"]) == ("cover", [{"path": "a.png"}])


def tally(session: Session, *outcomes: LineOutcome) -> Tally:
    found = Tally(len(outcomes))
    for one in outcomes:
        found.add(one, entry_of(one, session))
    return found


def test_a_batch_is_done_when_every_line_is_accepted_and_nothing_is_left(session: Session) -> None:
    fine = outcome("accepted", "t")
    assert tally(session, fine).done
    assert not tally(session, outcome("accepted", "t", needs_resume=True)).done
    for state in ("rejected", "unknown", "skipped"):
        assert not tally(session, fine, outcome(state)).done


def test_a_failed_task_leaves_nothing_to_do(session: Session) -> None:
    assert tally(session, outcome("accepted", "t", status="failed")).done


def test_the_summary_counts_what_there_is(session: Session) -> None:
    found = tally(
        session,
        outcome("accepted", "t"), outcome("rejected"), outcome("unknown"), outcome("skipped"),
        outcome("accepted", "u", waiting=TIMED_OUT), outcome("accepted", "v", status="failed"),
    )  # fmt: skip
    assert (found.succeeded, found.failed, found.skipped) == (1, 4, 1)
    assert found.words == (
        "3 of 6 lines accepted, 1 rejected, 1 unknown, 1 skipped, "
        "1 still running when the time was over, 1 failed."
    )
    assert (found.newly_submitted, found.reused, found.charged) == (3, 0, "unknown")


def test_what_was_only_interrupted_did_not_fail(session: Session) -> None:
    not_sent = outcome("skipped", detail=RUN_INTERRUPTED)
    not_awaited = outcome("accepted", "t", waiting=INTERRUPTED)
    found = tally(session, not_sent, not_awaited)
    assert (found.failed, found.skipped, found.interrupted) == (0, 1, 1)
    infos = [entry_of(one, session)["errorInfo"] for one in (not_sent, not_awaited)]
    assert infos == [
        {"code": "INTERRUPTED", "exitCode": 130, "retryable": True, "charged": "no"},
        {"code": "INTERRUPTED", "exitCode": 130, "retryable": False, "charged": "yes"},
    ]


def test_what_is_reused_is_not_newly_submitted(session: Session) -> None:
    found = tally(session, outcome("accepted", "t", reused=True), outcome("rejected"))
    assert (found.newly_submitted, found.reused, found.charged) == (0, 1, "no")


def test_entries_are_read_in_the_order_of_the_lines() -> None:
    with EntryFile(3) as file:
        for index in (3, 1):
            file.add({"index": index, "error": "é\n" * index})
        assert list(file.entries()) == [
            {"index": 1, "error": "é\n"}, {"index": 3, "error": "é\n" * 3},
        ]  # fmt: skip


def test_many_entries_come_back_whole() -> None:
    with EntryFile(3000) as file:
        for index in range(3000, 0, -1):
            file.add({"index": index, "error": "x" * 1000})
        assert [one["index"] for one in file.entries()] == list(range(1, 3001))


def test_a_full_folder_for_temporary_files_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "write", full)
    with EntryFile(1) as file, pytest.raises(ModellixError) as caught:
        file.add({"index": 1})
    assert caught.value.code is ErrorCode.OUTPUT_UNWRITABLE

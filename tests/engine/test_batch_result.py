"""The entries of a batch's result, their count, and their order."""

import tempfile
from typing import Any

import pytest

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.engine.batch_follow import INTERRUPTED, TIMED_OUT
from modellix_cli.engine.batch_result import Entry, Ledger, Tally, entry_of
from modellix_cli.ledger.batch_facts import Fate


def entry(state: str, task_id: str | None = None, **facts: Any) -> Entry:
    return entry_of(Fate(1, "a/b", None, state, task_id, **facts), lambda task: f"wait {task}")


def test_an_accepted_line_has_the_official_keys_in_their_order() -> None:
    assert list(entry("accepted", "t").items()) == [
        ("index", 1), ("modelSlug", "a/b"), ("ok", True), ("status", "submitted"),
        ("submissionState", "accepted"), ("taskId", "t"),
    ]  # fmt: skip


def test_a_finished_task_has_its_status_and_its_urls() -> None:
    found = entry("accepted", "t", status="success", urls=("https://x/a",))
    assert (found["status"], found["resourceUrls"], found["ok"]) == (
        "success", ["https://x/a"], True,
    )  # fmt: skip


def test_a_failed_task_has_its_reason_and_no_urls() -> None:
    found = entry("accepted", "t", status="Failed", detail="bad.")
    assert (found["error"], found["ok"], found["resourceUrls"]) == ("bad.", False, [])


def test_a_failure_without_words_still_has_an_error() -> None:
    assert entry("accepted", "t", status="failed")["error"] == (
        "Task reached terminal status failed."
    )


@pytest.mark.parametrize(("state", "status"), [
    ("rejected", "error"), ("unknown", "error"), ("skipped", "skipped"),
])  # fmt: skip
def test_a_line_that_was_not_accepted_is_not_ok(state: str, status: str) -> None:
    found = entry(state, detail="why.")
    assert (found["ok"], found["status"], found["submissionState"], found["error"]) == (
        False, status, state, "why.",
    )  # fmt: skip


def test_a_line_under_way_is_of_unknown_outcome() -> None:
    found = entry("intent")
    assert (found["submissionState"], found["ok"]) == ("unknown", False)
    assert found["error"]


def test_an_unknown_line_whose_id_is_known_says_how_to_look_at_it() -> None:
    assert entry("unknown", "t", detail="cut.")["error"] == "cut. Look at it with: wait t"


def test_a_task_that_still_runs_says_how_to_go_on() -> None:
    assert entry("accepted", "t", status=TIMED_OUT)["error"] == (
        "Timed out while waiting for Modellix tasks. Resume with: wait t"
    )
    found = entry("accepted", "t", status=INTERRUPTED)
    assert (found["status"], found["error"]) == (
        "submitted", "Interrupted while waiting. Resume with: wait t",
    )  # fmt: skip


def test_an_id_and_saved_files_are_told() -> None:
    fate = Fate(1, "a/b", "cover", "accepted", "t", "success", files=({"path": "a.png"},))
    found = entry_of(fate, str)
    assert (found["id"], found["files"]) == ("cover", [{"path": "a.png"}])


def tally(*entries: Entry, again: bool = False) -> Tally:
    found = Tally(len(entries))
    for one in entries:
        found.add(one, again=again)
    return found


def test_a_batch_is_done_when_every_line_is_accepted_and_nothing_is_left() -> None:
    assert tally(entry("accepted", "t")).done
    assert not tally(entry("accepted", "t"), again=True).done
    for state in ("rejected", "unknown", "skipped"):
        assert not tally(entry("accepted", "t"), entry(state)).done


def test_a_failed_task_leaves_nothing_to_do() -> None:
    assert tally(entry("accepted", "t", status="failed")).done


def test_the_summary_counts_what_there_is() -> None:
    found = tally(
        entry("accepted", "t"), entry("rejected"), entry("unknown"), entry("skipped"),
        entry("accepted", "u", status=TIMED_OUT), entry("accepted", "v", status="failed"),
    )  # fmt: skip
    assert (found.succeeded, found.failed) == (1, 5)
    assert found.words == (
        "3 of 6 lines accepted, 1 rejected, 1 unknown, 1 skipped, "
        "1 still running when the time was over, 1 failed."
    )


def test_entries_are_read_in_the_order_of_the_lines() -> None:
    with Ledger(3) as ledger:
        for index in (3, 1):
            ledger.add({"index": index, "error": "é\n" * index})
        assert list(ledger.entries()) == [
            {"index": 1, "error": "é\n"}, {"index": 3, "error": "é\n" * 3},
        ]  # fmt: skip


def test_many_entries_come_back_whole() -> None:
    with Ledger(3000) as ledger:
        for index in range(3000, 0, -1):
            ledger.add({"index": index, "error": "x" * 1000})
        assert [one["index"] for one in ledger.entries()] == list(range(1, 3001))


def test_a_full_folder_for_temporary_files_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "write", full)
    with Ledger(1) as ledger, pytest.raises(ModellixError) as caught:
        ledger.add({"index": 1})
    assert caught.value.code is ErrorCode.OUTPUT_UNWRITABLE

"""`model batch --dry-run` tells what a run would send, price, warn of and fail with."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.commands.batches import Batches, batch
from tests.commands.test_batch_check import EDIT, IMAGE, Lines
from tests.commands.test_dry_run import codes
from tests.conftest import Cli
from tests.support import Result, problem, task_reply

__all__ = ["batch"]

DRY = ("--dry-run",)
ADDRESS = "https://example.com/a.png"


@pytest.fixture
def lines(cli: Cli, work: Path) -> Lines:
    cli("model", "list", "--sandbox")
    return Lines(cli, work)


# --- what the models' schemas say


@pytest.mark.parametrize(("slug", "body", "words"), [
    ("sandbox/imag", {"prompt": "a"}, "there is no such model. Did you mean sandbox/image"),
    (IMAGE, {"prompt": 7}, "body.prompt: 7 is not a string"),
])  # fmt: skip
def test_a_line_that_the_service_would_refuse_is_told_with_the_status_of_the_run(
    lines: Lines, slug: str, body: dict[str, Any], words: str
) -> None:
    tasks = ((IMAGE, {"prompt": "a"}), (slug, body))
    rehearsed = lines(*tasks, options=DRY)
    assert rehearsed.status == lines(*tasks, options=()).status == 1
    (fault,) = rehearsed.json["faults"]
    assert fault["message"] == "1 of 2 lines would be refused."
    assert f"Line 2 ({slug}): {words}" in fault["faults"][0]["message"]
    assert words in rehearsed.stderr


def test_a_path_for_an_address_refuses_the_rehearsal_as_it_does_the_run(lines: Lines) -> None:
    tasks = ((IMAGE, {"prompt": 7}), (EDIT, {"prompt": "a", "image": "../photo.png"}))
    rehearsed = lines(*tasks, options=DRY)
    assert rehearsed.status == lines(*tasks, options=()).status == 2
    (fault,) = rehearsed.json["faults"]
    assert fault["message"] == "2 of 2 lines would be refused."
    assert f"Line 2 ({EDIT}): image takes an address" in fault["faults"][1]["message"]


def test_with_a_check_such_a_line_refuses_the_rehearsal_and_shows_its_plan(lines: Lines) -> None:
    rehearsed = lines((IMAGE, {"prompt": 7}), options=("--dry-run", "--check"))
    assert (rehearsed.status, codes(rehearsed)) == (2, ["INVALID_BODY"])
    assert rehearsed.json["total"] == 1


def test_a_misspelt_column_is_warned_of_once_with_the_name_that_was_meant(
    cli: Cli, work: Path
) -> None:
    (work / "t.csv").write_text("prompt,sead\na,1\nb,2\n")
    options = ("--model", IMAGE, "--yes", "--sandbox")
    rehearsed = cli("model", "batch", "t.csv", *options, "--dry-run")
    (warning,) = rehearsed.json["warnings"]
    assert warning.startswith("column B (sead) is no parameter of sandbox/image")
    assert warning.endswith('Did you mean "seed"?')
    assert rehearsed.stderr.count("sead") == 1
    assert warning in cli("model", "batch", "t.csv", *options).stderr


def test_a_misspelt_name_in_a_body_is_a_warning(lines: Lines) -> None:
    rehearsed = lines((IMAGE, {"prompt": "a", "sead": 1}), options=DRY)
    assert rehearsed.status == 0
    assert 'Did you mean "seed"?' in rehearsed.json["warnings"][0]
    assert rehearsed.json["warnings"][0] in rehearsed.stderr


def test_lines_without_a_fault_have_no_warnings(lines: Lines) -> None:
    assert lines((IMAGE, {"prompt": "a"}), options=DRY).json["warnings"] == []


def test_lines_that_could_not_be_checked_are_told(batch: Batches) -> None:
    rehearsed = batch("--dry-run")
    assert rehearsed.status == 0
    (unchecked,) = rehearsed.json["unchecked"]
    assert unchecked["model"] == "a/b"
    assert unchecked["reason"]


def test_a_model_that_is_listed_and_publishes_no_schema_is_no_fault(batch: Batches) -> None:
    batch.service.schema.respond(404)
    rehearsed = batch("--dry-run")
    assert rehearsed.status == batch().status == 0
    assert rehearsed.json["unchecked"][0]["model"] == "a/b"


def test_a_model_that_cannot_be_looked_up_is_no_fault(batch: Batches) -> None:
    batch.service.schema.respond(404)
    batch.service.models.mock(side_effect=httpx.ConnectError("down"))
    assert batch("--dry-run").status == batch().status == 0


def test_lines_that_are_paid_for_are_not_checked_again(lines: Lines) -> None:
    good, bad = (IMAGE, {"prompt": "a"}), (IMAGE, {"prompt": 7})
    lines(good, options=())
    assert lines(good, bad, options=("--dry-run", "--resume")).status == 1
    assert lines(good, options=("--dry-run", "--resume")).status == 0


# --- what it may cost


@pytest.mark.parametrize("more", [{}, {"MODELLIX_API_KEY": None}])
def test_why_nothing_can_be_priced_is_told(batch: Batches, more: dict[str, str | None]) -> None:
    batch.service.models.mock(side_effect=httpx.ConnectError("down"))
    rehearsed = batch("--dry-run", env=more)
    assert rehearsed.status == 0
    estimate = rehearsed.json["estimate"]
    assert estimate["unpriced"] == 4
    assert "the price list cannot be had" in estimate["unpricedModels"][0]["reasons"][0]
    assert "4 of 4 tasks cannot be priced. a/b (4 lines): the price list" in rehearsed.stderr


def test_a_list_that_was_kept_prices_lines_without_network(batch: Batches) -> None:
    batch("--dry-run")
    batch.service.models.mock(side_effect=httpx.ConnectError("down"))
    estimate = batch("--dry-run").json["estimate"]
    assert (estimate["unpriced"], estimate["estimatedUsd"]) == (0, pytest.approx(0.16))


def test_prices_that_a_limit_needs_and_cannot_have_are_a_fault(batch: Batches) -> None:
    batch.service.models.mock(side_effect=httpx.ConnectError("down"))
    rehearsed, real = (batch(*extra, "--max-cost", "1") for extra in (DRY, ()))
    assert (rehearsed.status, codes(rehearsed)) == (real.status, ["NETWORK"])
    assert real.status == 7


def test_a_key_that_is_refused_is_a_fault(batch: Batches) -> None:
    batch.service.models.respond(401, json=problem(401, "Invalid API key"))
    rehearsed = batch("--dry-run")
    assert (rehearsed.status, codes(rehearsed)) == (3, ["UNAUTHORIZED"])


def test_without_a_key_it_is_told_that_payments_are_not_known(batch: Batches) -> None:
    (warning,) = batch("--dry-run", env={"MODELLIX_API_KEY": None}).json["warnings"]
    assert "not known which lines were paid for" in warning


# --- what earlier runs left


def resumed(batch: Batches, *options: str) -> tuple[Result, Result]:
    """A resume, rehearsed and then done."""
    return tuple(batch(*extra, "--resume", *options) for extra in (DRY, ()))  # type: ignore[return-value]


def test_a_line_of_unknown_outcome_ends_the_rehearsal_of_a_resume_with_8(batch: Batches) -> None:
    batch.service.replies[2] = httpx.ReadError("cut")
    batch()
    del batch.service.replies[2]
    rehearsed, real = resumed(batch)
    assert rehearsed.status == real.status == 8
    assert codes(rehearsed) == ["SUBMISSION_UNKNOWN"]
    assert "--resend-unknown" in rehearsed.stderr
    assert "you may pay twice" not in rehearsed.stderr
    rehearsed, real = resumed(batch, "--resend-unknown")
    assert rehearsed.status == real.status == 0
    warning = "1 line of unknown outcome would be sent once more: you may pay twice."
    assert warning in rehearsed.stderr
    assert warning in rehearsed.json["warnings"]


def test_an_unknown_outcome_whose_task_can_be_asked_about_is_no_fault(batch: Batches) -> None:
    batch.service.replies[2] = httpx.Response(
        500, json={"code": 500, "message": "no", "data": {"task_id": "task-2"}}
    )
    batch()
    rehearsed, real = resumed(batch)
    assert rehearsed.status == real.status


@pytest.mark.parametrize("waits", [(), ("--wait",), ("--wait", "--output-dir", "out")])
def test_a_line_whose_task_failed_ends_the_rehearsal_of_a_resume_with_1(
    batch: Batches, waits: tuple[str, ...]
) -> None:
    batch.service.tasks["task-2"] = task_reply("task-2", "failed")
    batch("--wait")
    rehearsed, real = resumed(batch, *waits)
    if waits[1:]:  # results cannot be fetched in this test
        assert real.status != 0
    else:
        assert rehearsed.status == real.status
    assert (rehearsed.status, codes(rehearsed)) == (1, ["TASK_FAILED"])
    assert batch(*DRY, "--resume", "--retry-failed").status == 0


def test_a_task_that_another_command_saw_fail_has_failed_here_too(batch: Batches) -> None:
    batch()
    batch.service.tasks["task-2"] = task_reply("task-2", "failed")
    batch.cli("task", "get", "task-2")
    for options in ((), ("--wait",)):
        rehearsed, real = resumed(batch, *options)
        assert rehearsed.status == real.status == 1
        assert [entry["status"] for entry in real.json["tasks"]].count("failed") == 1


def test_a_result_that_is_gone_for_good_ends_the_rehearsal_of_a_resume_with_9(lines: Lines) -> None:
    saved = ("--wait", "--output-dir", "out")
    tasks = (("sandbox/expired", {"prompt": "a"}), (IMAGE, {"prompt": "a"}))
    lines(*tasks, options=saved)
    for options in (("--resume", *saved), ("--resume",)):
        rehearsed = lines(*tasks, options=("--dry-run", *options))
        assert rehearsed.status == lines(*tasks, options=options).status == 9
        assert codes(rehearsed) == ["RESULT_EXPIRED"]


def test_a_refusal_counts_before_what_would_fail_later(batch: Batches) -> None:
    batch.service.replies[2] = httpx.ReadError("cut")
    batch()
    rehearsed = batch("--dry-run", "--resume", "--max-cost", "0.01")
    assert codes(rehearsed) == ["COST_LIMIT", "SUBMISSION_UNKNOWN"]
    assert rehearsed.status == batch("--resume", "--max-cost", "0.01").status == 10


# --- output


@pytest.mark.parametrize("words", [("--quiet",), ("--output", "quiet"), ("--json",)])
def test_stdout_is_data_only(batch: Batches, words: tuple[str, ...]) -> None:
    assert batch("--dry-run", *words).json["total"] == 4

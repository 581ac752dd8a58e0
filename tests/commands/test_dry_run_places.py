"""`--dry-run` tries the places that a real run would write to, and makes nothing there."""

from pathlib import Path

import pytest

from tests.commands.batches import Batches, batch
from tests.commands.test_budget import Runs
from tests.commands.test_dry_run import codes, run

__all__ = ["batch", "run"]

SAVE = ("--wait", "--output-dir")


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file with its size and time, to see that nothing was made or changed."""
    return {
        str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in folder.rglob("*")
    }


@pytest.mark.parametrize("options", [
    ("--results", "tasks.jsonl"),
    ("--results", "missing/results.jsonl"),
    ("--results", "."),
    (*SAVE, "tasks.jsonl"),
    (*SAVE, "tasks.jsonl/deeper"),
    (*SAVE, "gone/deeper"),
])  # fmt: skip
def test_a_place_that_cannot_be_written_refuses_the_rehearsal_as_the_run(
    batch: Batches, options: tuple[str, ...]
) -> None:
    (batch.work / "gone").symlink_to("nowhere")
    before = files(batch.work)
    rehearsed = batch("--dry-run", *options)
    assert files(batch.work) == before
    real = batch(*options)
    assert rehearsed.status == real.status != 0
    assert rehearsed.json["faults"][0]["message"] in real.stderr
    assert batch.service.posts == []


def test_places_that_can_be_written_are_not_made_by_a_rehearsal(batch: Batches) -> None:
    (batch.work / "results.jsonl").write_text("of an earlier run\n")
    before = files(batch.work)
    for results in ("results.jsonl", "new.jsonl"):
        options = (*SAVE, "pictures/of/cats", "--results", results)
        assert batch("--dry-run", *options).status == 0
    assert files(batch.work) == before


@pytest.mark.parametrize("extra", [(), ("--dry-run",)])
@pytest.mark.parametrize("link", [False, True])
def test_results_never_overwrite_the_ledger(
    batch: Batches, extra: tuple[str, ...], link: bool
) -> None:
    batch()
    batch.write(5)
    ledger = batch.state / "ledger.db"
    if link:
        (batch.work / "link").symlink_to(ledger)
    result = batch("--results", "link" if link else str(ledger), *extra)
    assert result.status == 2
    assert "--results names" in result.stderr
    assert batch.sql("SELECT count(*) FROM submissions") == [(4,)]


def test_a_run_whose_results_cannot_be_saved_is_refused_in_rehearsal_too(
    run: Runs, work: Path
) -> None:
    (work / "taken").write_text("")
    before = files(work)
    rehearsed = run(1, "--dry-run", *SAVE, "taken", env={})
    assert (rehearsed.status, codes(rehearsed)) == (2, ["USAGE"])
    assert rehearsed.json["faults"][0]["message"] in run(1, *SAVE, "taken", env={}).stderr
    assert run(1, "--dry-run", *SAVE, "pictures", env={}).status == 0
    assert (files(work), run.service.posts) == (before, [])


def test_a_file_is_not_uploaded_for_results_that_cannot_be_saved(run: Runs, work: Path) -> None:
    (work / "taken").write_text("")
    (work / "cat.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    options = ("-p", "image=@cat.png", *SAVE, "taken")
    assert run.cli("model", "run", "a/b", "a cat", *options).status == 2


def test_a_chain_that_would_not_wait_is_refused_in_rehearsal_too(batch: Batches) -> None:
    (batch.work / "tasks.jsonl").write_text(
        '{"id": "a", "modelSlug": "a/b", "body": {"line": 1}}\n'
        '{"modelSlug": "a/b", "body": {"line": 2, "image": "@line:a"}}\n'
    )
    assert batch("--dry-run").status == batch().status == 2
    assert batch("--dry-run", "--wait").status == 0


def test_a_rehearsal_needs_no_yes_and_says_that_the_run_does(batch: Batches) -> None:
    shown = batch.cli("model", "batch", "tasks.jsonl", "--dry-run")
    assert shown.status == 0
    assert any("A real run needs --yes" in warning for warning in shown.json["warnings"])
    assert batch.cli("model", "batch", "tasks.jsonl").status == 2


def test_faults_are_in_the_json_of_a_rehearsal_alone(batch: Batches) -> None:
    batch()
    shown = batch("--dry-run", "--json")
    assert (shown.status, shown.stderr) == (2, "")
    assert codes(shown) == ["ALREADY_PAID"]

"""The journal of earlier versions: what it knows is known, and it is left as it was."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.batches import Batches, batch, running_service
from tests.e2e.ledgers import state_folder
from tests.e2e.orders import again, end, ended, lines, prompts, run, task_ids, task_of

__all__ = ["batch", "running_service"]

SQL = Path(__file__).parent.parent / "data" / "journal-3.sql"


@pytest.fixture
def journal(batch: Batches) -> Path:
    """Two paid lines, a run, a run and a line of unknown outcome, as version 3 wrote them down."""
    text = SQL.read_text().replace("@BASE_URL@", batch.served.url)
    for number, name in enumerate(("paid 1", "paid 2", "run"), 1):
        text = text.replace(f"@TASK{number}@", batch.served.submit({"prompt": name}))
    path = state_folder(batch.shell) / "journal.db"
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as db:
        db.executescript("PRAGMA journal_mode = WAL;" + text)
    batch.path.write_text(lines(*prompts("paid 1", "paid 2")))
    return path


def test_lines_that_an_old_journal_knows_are_not_paid_for_again(
    batch: Batches, journal: Path
) -> None:
    assert end(again(batch)) == (2, "ALREADY_PAID")
    ran = again(batch, "--resume")
    assert ran.status == 0, ended(ran)
    made = batch.served.tasks_of()
    assert task_ids(ran) == [*made["paid 1"], *made["paid 2"]]
    assert batch.posts == 3


def test_lines_that_are_written_otherwise_since_are_known_too(
    batch: Batches, journal: Path
) -> None:
    text = batch.path.read_text()
    batch.path = batch.shell.cwd / "other.jsonl"
    batch.path.write_text("\r\n".join(reversed(text.splitlines())) + "\r\n")
    ran = again(batch, "--resume")
    assert ran.status == 0, ended(ran)
    assert batch.posts == 3


def test_a_run_that_an_old_journal_knows_is_resumed(batch: Batches, journal: Path) -> None:
    words = ("model", "run", "a/b", "--body", '{ "prompt": "run" }', "--resume", "--json")
    ran = batch.shell(*words)
    assert ran.status == 0, ended(ran)
    assert [task_of(ran)] == batch.served.tasks_of()["run"]
    assert batch.posts == 3


def test_a_run_of_unknown_outcome_in_an_old_journal_is_not_sent(
    batch: Batches, journal: Path
) -> None:
    ran = batch.shell("model", "run", "a/b", "--body", '{ "prompt": "unknown" }', "--json")
    assert end(ran) == (8, "SUBMISSION_UNKNOWN"), ended(ran)
    ran = run(batch, body="unknown line")
    assert end(ran) == (8, "SUBMISSION_UNKNOWN"), ended(ran)
    assert batch.posts == 3


def test_an_old_journal_is_left_as_it_was(batch: Batches, journal: Path) -> None:
    before = journal.read_bytes()
    again(batch, "--resume")
    run(batch)
    batch.shell("task", "history")
    assert journal.read_bytes() == before
    assert (state_folder(batch.shell) / "ledger.db").exists()


def test_an_old_journal_that_is_damaged_needs_an_answer(batch: Batches, journal: Path) -> None:
    journal.write_bytes(b"\x99" * 100 + journal.read_bytes()[100:])
    for _ in range(2):
        ran = again(batch, "--resume")
        assert end(ran) == (2, "LEDGER_INCOMPLETE"), ended(ran)
    assert batch.posts == 3

"""The journal as completion reads it: what is there, and no trace of the reading."""

import sqlite3
from pathlib import Path

import pytest

from modellix_cli.ledger.journal import Account, Journal
from modellix_cli.ledger.journal_file import JournalFile
from modellix_cli.ledger.recent import recent_task_ids
from tests.support import FakeClock

ACCOUNT = Account("https://api.modellix.ai", "default")


def journal_of(folder: Path, clock: FakeClock, account: Account = ACCOUNT) -> Journal:
    return Journal(JournalFile(folder, clock, pytest.fail), account, clock)


def written(folder: Path, clock: FakeClock, *task_ids: str) -> Journal:
    journal = journal_of(folder, clock)
    for task_id in task_ids:
        journal.saw(task_id, "success")
        clock.sleep(1)
    return journal


def test_the_task_submitted_last_comes_first(tmp_path: Path, clock: FakeClock) -> None:
    journal = written(tmp_path, clock, "task-1", "task-2", "task-3")
    journal.close()
    assert recent_task_ids(journal.path, ACCOUNT, 2) == ["task-3", "task-2"]


def test_a_journal_that_a_process_writes_to_is_read_too(tmp_path: Path, clock: FakeClock) -> None:
    journal = written(tmp_path, clock, "task-1")
    assert Path(f"{journal.path}-wal").exists()
    assert recent_task_ids(journal.path, ACCOUNT, 9) == ["task-1"]
    journal.saw("task-2", "pending")
    assert recent_task_ids(journal.path, ACCOUNT, 9) == ["task-2", "task-1"]
    journal.close()


def test_other_accounts_are_left_out(tmp_path: Path, clock: FakeClock) -> None:
    written(tmp_path, clock, "task-1").close()
    for other in (Account(ACCOUNT.base_url, "work"), Account("http://localhost:1", "default")):
        assert recent_task_ids(tmp_path / "journal.db", other, 9) == []


def test_reading_leaves_no_trace(tmp_path: Path, clock: FakeClock) -> None:
    missing = tmp_path / "nowhere" / "journal.db"
    assert recent_task_ids(missing, ACCOUNT, 9) == []
    assert not missing.parent.exists()
    journal = written(tmp_path, clock, "task-1")
    journal.close()
    recent_task_ids(journal.path, ACCOUNT, 9)
    assert [file.name for file in tmp_path.iterdir()] == ["journal.db"]


@pytest.mark.parametrize("content", [b"", b"not a database" * 100])
def test_a_broken_journal_is_none_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(content)
    assert recent_task_ids(path, ACCOUNT, 9) == []
    assert path.read_bytes() == content


def test_the_database_of_another_program_is_none(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE tasks (task_id, base_url, profile, created_at)")
    db.execute("INSERT INTO tasks VALUES ('x', ?, ?, 1)", (ACCOUNT.base_url, ACCOUNT.profile))
    db.commit()
    db.close()
    assert recent_task_ids(path, ACCOUNT, 9) == []

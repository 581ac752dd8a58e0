"""The journal as completion reads it: what is there, and no trace of the reading."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from modellix_cli.domain.account import account_of
from modellix_cli.ledger.recent import recent_task_ids
from tests.ledger.ledgers import API, HERE, Ledger
from tests.support import FakeClock

Open = Callable[..., Ledger]


def written(ledger: Ledger, *task_ids: str) -> Path:
    for task_id in task_ids:
        ledger.sent(task_id=task_id)
        ledger.clock.sleep(1)
    return ledger.path.parent


def test_the_task_submitted_last_comes_first(ledger: Ledger) -> None:
    folder = written(ledger, "task-1", "task-2", "task-3")
    ledger.close()
    assert recent_task_ids(folder, HERE, 2) == ["task-3", "task-2"]


def test_a_ledger_that_a_process_writes_to_is_read_too(ledger: Ledger) -> None:
    folder = written(ledger, "task-1")
    assert Path(f"{ledger.path}-wal").exists()
    assert recent_task_ids(folder, HERE, 9) == ["task-1"]
    written(ledger, "task-2")
    assert recent_task_ids(folder, HERE, 9) == ["task-2", "task-1"]


def test_no_key_is_needed_and_other_accounts_are_left_out(ledger: Ledger) -> None:
    folder = written(ledger, "task-1")
    assert recent_task_ids(folder, account_of(API, "default", None), 9) == ["task-1"]
    for other in (account_of(API, "work", None), account_of("http://localhost:1", "default", None)):
        assert recent_task_ids(folder, other, 9) == []


def test_reading_leaves_no_trace(tmp_path: Path, ledger: Ledger) -> None:
    missing = tmp_path / "nowhere"
    assert recent_task_ids(missing, HERE, 9) == []
    assert not missing.exists()
    folder = written(ledger, "task-1")
    ledger.close()
    before = sorted(file.name for file in folder.iterdir())
    recent_task_ids(folder, HERE, 9)
    assert sorted(file.name for file in folder.iterdir()) == before


@pytest.mark.parametrize("content", [b"", b"not a database" * 100])
def test_a_broken_ledger_is_none_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(content)
    assert recent_task_ids(tmp_path, HERE, 9) == []
    assert path.read_bytes() == content


def test_the_database_of_another_program_is_none(tmp_path: Path, clock: FakeClock) -> None:
    db = sqlite3.connect(tmp_path / "ledger.db")
    db.execute("CREATE TABLE tasks (task_id, base_url, profile, created_at)")
    db.execute("INSERT INTO tasks VALUES ('x', ?, ?, 1)", (HERE.base_url, HERE.profile))
    db.commit()
    db.close()
    assert recent_task_ids(tmp_path, HERE, 9) == []

"""How long a ledger that another program keeps locked is waited for, and by what."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.ledger import patience
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.patience import Patience
from modellix_cli.ledger.task_records import KeptFile, TaskReport
from tests.ledger.ledgers import Ledger
from tests.support import FakeClock

Open = Callable[..., Ledger]
DONE = TaskReport("t", "success")
BRIEF = 0.3


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "BRIEF", BRIEF)


@contextmanager
def locked(path: Path, mode: str = "NORMAL") -> Iterator[sqlite3.Connection]:
    """Keep the file as another program would; in the mode EXCLUSIVE also from those who read."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(f"PRAGMA locking_mode = {mode}")
        db.execute("BEGIN EXCLUSIVE")
        db.execute("UPDATE meta SET value = value")
        yield db


def seconds_of(work: Callable[[], object]) -> float:
    """How long work took that a lock let fail."""
    began = time.monotonic()
    with pytest.raises(ModellixError) as caught:
        work()
    assert caught.value.code is ErrorCode.LEDGER_BUSY
    return time.monotonic() - began


@pytest.fixture
def other(opened: Open) -> Ledger:
    """The ledger of a process that paid for nothing, where another has."""
    first = opened()
    first.sent()
    first.close()
    return opened(patience=60.0)


def test_what_is_only_noted_waits_briefly_and_once(other: Ledger) -> None:
    with locked(other.path):
        assert BRIEF <= seconds_of(lambda: other.tasks.record_status(DONE)) < 3
        assert seconds_of(lambda: other.tasks.record_status(DONE)) < 0.2
        assert seconds_of(lambda: other.tasks.record_duration("a/b", 0.0, 1.0)) < 0.2
        assert seconds_of(lambda: other.tasks.mark_saved("t")) < 0.2
        assert seconds_of(lambda: other.submissions.told(["t"])) < 0.2


def test_saved_files_are_only_noted(other: Ledger) -> None:
    from modellix_cli.ledger.files import FileStore

    files = FileStore(other.file, "https://api")
    with locked(other.path):
        assert seconds_of(lambda: files.record("t", [KeptFile(1, "/x", 1)])) < 3


def test_what_is_noted_after_the_lock_is_recorded(
    other: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "_NOT_TRIED", 0.1)
    with locked(other.path):
        seconds_of(lambda: other.tasks.record_status(DONE))
    time.sleep(0.2)
    other.tasks.record_status(DONE)
    assert other.sql("SELECT status FROM tasks WHERE task_id = 't'") == [("success",)]


def test_reading_goes_on_while_writing_waited_in_vain(other: Ledger) -> None:
    with locked(other.path):
        seconds_of(lambda: other.tasks.mark_saved("t"))
        assert other.tasks.durations("a/b") == []


def test_what_is_only_good_to_know_is_read_briefly_and_once(other: Ledger) -> None:
    with locked(other.path, "EXCLUSIVE"):
        assert BRIEF <= seconds_of(lambda: other.tasks.known_task("t")) < 3
        assert seconds_of(lambda: other.tasks.durations("a/b")) < 0.2


@pytest.mark.slow
def test_a_claim_keeps_its_patience_after_something_brief_waited_in_vain(opened: Open) -> None:
    opened().sent()
    other = opened(patience=1.5)
    with locked(other.path):
        seconds_of(lambda: other.tasks.mark_saved("t"))
        assert seconds_of(other.claim) >= 1.5


@pytest.mark.slow
def test_what_became_of_a_payment_is_noted_with_the_patience_of_payments(opened: Open) -> None:
    payer = opened(patience=1.5)
    payer.sent()
    with locked(payer.path):
        assert seconds_of(lambda: payer.tasks.record_status(DONE)) >= 1.5
        assert seconds_of(lambda: payer.tasks.record_status(DONE)) < 0.2  # but once


@pytest.mark.slow
def test_threads_wait_together_not_one_after_the_other(opened: Open) -> None:
    payer = opened(patience=1.0)
    numbers = [payer.sent() for _ in range(4)]
    with locked(payer.path):
        began = time.monotonic()
        threads = [threading.Thread(target=seconds_of, args=(payer.claim,)) for _ in numbers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() - began < 1.0 + len(threads) * 0.7


def test_the_patience_of_the_user_may_be_shorter(opened: Open) -> None:
    opened().sent()
    other = opened(patience=0.0)
    with locked(other.path):
        assert seconds_of(lambda: other.tasks.mark_saved("t")) < 0.9


def test_a_long_wait_is_told_once(
    other: Ledger, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "_TOLD_AFTER", 0.1)
    told: list[str] = []
    file = LedgerFile(other.path.parent, clock, 1.0, lambda: told.append("waits"))
    with locked(other.path):
        for _ in range(2):
            seconds_of(lambda: file.transact(lambda db: None))
    file.close()
    assert told == ["waits"]


def test_a_short_wait_is_not_told() -> None:
    told: list[str] = []
    waiting = Patience(1.0, lambda: told.append("waits"))
    now = time.monotonic()
    assert waiting.pause(now, now + 1.0)
    assert told == []

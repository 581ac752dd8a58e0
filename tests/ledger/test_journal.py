"""The journal: nothing lost, nothing secret, never fatal."""

import multiprocessing
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modellix_cli.clock import Clock
from modellix_cli.ledger import journal_file
from modellix_cli.ledger.journal import Account, Journal
from modellix_cli.ledger.journal_file import JournalFile
from tests.support import FakeClock

ACCOUNT = Account("https://api.modellix.ai", "default")


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def journal(tmp_path: Path, clock: FakeClock, warnings: list[str]) -> Iterator[Journal]:
    opened = Journal(JournalFile(tmp_path / "state", clock, warnings.append), ACCOUNT, clock)
    yield opened
    opened.close()


def test_a_submission_is_found_again_by_its_request(journal: Journal, clock: FakeClock) -> None:
    number = journal.intend("a/b", b"{}")
    first = journal.earlier("a/b", b"{}", 0)
    assert first is not None
    assert (first.state, first.task_id) == ("intent", None)
    journal.settle(number, "accepted", slug="a/b", task_id="task-1")
    second = journal.earlier("a/b", b"{}", 0)
    assert second is not None
    assert (second.state, second.task_id, second.created_at) == ("accepted", "task-1", clock.now())


@pytest.mark.parametrize(
    ("slug", "body", "since"),
    [
        ("a/c", b"{}", 0.0),
        ("a/b", b'{"x": 1}', 0.0),
        ("a/b", b"{}", 1e12),
    ],
)
def test_another_request_or_an_older_one_is_not_it(
    journal: Journal, slug: str, body: bytes, since: float
) -> None:
    journal.intend("a/b", b"{}")
    assert journal.earlier(slug, body, since) is None


def test_what_was_not_saved_is_listed_first_to_end_first(
    journal: Journal, clock: FakeClock
) -> None:
    now = clock.now()
    journal.saw("late", "success", now - 10)
    journal.saw("early", "success", now - 20)
    journal.saw("saved", "success", now - 30)
    journal.saved("saved")
    clock.time += 1
    journal.saw("running", "processing")
    assert journal.unsaved(now - 25) == [
        ("early", "success"),
        ("late", "success"),
        ("running", "processing"),
    ]


def test_what_ended_or_was_heard_of_before_is_not_listed(
    journal: Journal, clock: FakeClock
) -> None:
    journal.saw("ended", "success", clock.now() - 10)
    journal.saw("quiet", "submitted")
    clock.time += 100
    assert journal.unsaved(clock.now() - 50) == []


def test_what_another_account_did_not_save_is_not_listed(
    journal: Journal, tmp_path: Path, clock: FakeClock, warnings: list[str]
) -> None:
    journal.saw("task-1", "success")
    for account in (Account(ACCOUNT.base_url, "work"), Account("https://x.example", "default")):
        other = Journal(JournalFile(tmp_path / "state", clock, warnings.append), account, clock)
        assert other.unsaved(0) == []
        other.close()


def test_the_last_task_is_the_one_submitted_last(journal: Journal, clock: FakeClock) -> None:
    assert journal.last_task_id() is None
    for task_id in ("task-1", "task-2"):
        journal.settle(journal.intend("a/b", b"{}"), "accepted", slug="a/b", task_id=task_id)
        clock.sleep(1)
    journal.saw("task-1", "success")
    assert journal.last_task_id() == "task-2"


def test_accounts_do_not_see_each_others_tasks(journal: Journal, clock: FakeClock) -> None:
    journal.saw("task-1", "success")
    other = Journal(
        JournalFile(journal.path.parent, clock, print),
        Account("https://api.modellix.ai", "work"),
        clock,
    )
    assert other.last_task_id() is None
    other.close()


def test_the_file_is_the_users_alone_and_holds_no_body(journal: Journal) -> None:
    journal.intend("a/b", b'{"prompt": "a secret cat"}')
    assert journal.path.stat().st_mode & 0o777 == 0o600
    assert journal.path.parent.stat().st_mode & 0o777 == 0o700
    files = journal.path.parent.glob("journal.db*")
    assert not any(b"secret cat" in file.read_bytes() for file in files)


@pytest.mark.parametrize("content", [b"this is not a database at all" * 50, b"\0" * 4096])
def test_a_broken_file_is_set_aside_with_a_warning(
    journal: Journal, warnings: list[str], content: bytes
) -> None:
    journal.path.parent.mkdir()
    journal.path.write_bytes(content)
    journal.saw("task-1", "success")
    assert journal.last_task_id() == "task-1"
    assert len(warnings) == 1
    aside = next(journal.path.parent.glob("journal.db.unusable-*"))
    assert aside.read_bytes() == content
    assert aside.name in warnings[0]


def test_another_programs_database_is_set_aside_unharmed(
    journal: Journal, warnings: list[str]
) -> None:
    journal.path.parent.mkdir()
    with sqlite3.connect(journal.path) as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()
    journal.saw("task-1", "success")
    assert journal.last_task_id() == "task-1"
    aside = next(journal.path.parent.glob("journal.db.unusable-*"))
    with sqlite3.connect(aside) as db:
        assert db.execute("SELECT count(*) FROM theirs").fetchone() == (0,)
    db.close()


def test_a_file_damaged_inside_is_never_fatal(journal: Journal, warnings: list[str]) -> None:
    for number in range(300):
        journal.saw(f"task-{number}", "success")
    journal.close()
    data = bytearray(journal.path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    journal.path.write_bytes(data)
    journal.saw("task-1", "failed")
    journal.last_task_id()
    assert len(warnings) == 1


def test_a_folder_that_cannot_be_made_is_one_warning(
    tmp_path: Path, clock: FakeClock, warnings: list[str]
) -> None:
    (tmp_path / "file").write_text("")
    journal = Journal(
        JournalFile(tmp_path / "file" / "state", clock, warnings.append), ACCOUNT, clock
    )
    number = journal.intend("a/b", b"{}")
    assert not journal.settle(number, "accepted", slug="a/b", task_id="task-1")
    assert journal.last_task_id() is None
    assert len(warnings) == 1
    assert "Nothing is recorded" in warnings[0]


class Interleaved:
    """A connection that lets something happen after its first statement."""

    def __init__(self, db: sqlite3.Connection, meanwhile: Callable[[], None]) -> None:
        self._db = db
        self._meanwhile: list[Callable[[], None]] = [meanwhile]

    def execute(self, statement: str) -> Any:
        rows = self._db.execute(statement).fetchall()
        while self._meanwhile:
            self._meanwhile.pop()()
        return Rows(rows)


class Rows(list[Any]):
    def fetchone(self) -> Any:
        return self[0]


def test_a_file_that_another_process_creates_meanwhile_is_not_a_strangers(
    journal: Journal, clock: FakeClock
) -> None:
    journal.path.parent.mkdir()
    db = sqlite3.connect(journal.path, isolation_level=None)
    racing: Any = Interleaved(db, lambda: journal.saw("task-1", "success"))
    journal_file._prepare(racing, clock)
    db.close()
    assert journal.last_task_id() == "task-1"


def test_a_file_of_the_first_version_keeps_its_tasks_and_gets_the_newer_tables(
    journal: Journal, warnings: list[str]
) -> None:
    journal.saw("task-1", "success")
    journal.close()
    with sqlite3.connect(journal.path) as db:
        db.execute("DROP TABLE imports")
        db.execute("DROP TABLE cleared")
        db.execute("PRAGMA user_version = 0")
    db.close()
    assert journal.last_task_id() == "task-1"
    with sqlite3.connect(journal.path) as db:
        assert db.execute("SELECT count(*) FROM imports, cleared").fetchone() == (0,)
    db.close()
    assert warnings == []


def write_some(folder: Path, writer: int) -> None:
    journal = Journal(JournalFile(folder, Clock(), pytest.fail), ACCOUNT, Clock())
    number = journal.intend("a/b", b"%d" % writer)
    journal.settle(number, "accepted", slug="a/b", task_id=f"task-{writer}")
    journal.close()


def test_forty_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(8) as pool:
        pool.starmap(write_some, [(tmp_path, writer) for writer in range(40)], chunksize=1)
        pool.close()
        pool.join()
    assert not list(tmp_path.glob("*.unusable-*"))
    with sqlite3.connect(tmp_path / "journal.db") as db:
        count = db.execute("SELECT count(*) FROM tasks").fetchone()[0]
        accepted = db.execute(
            "SELECT count(*) FROM submissions WHERE state = 'accepted'"
        ).fetchone()[0]
    db.close()
    assert (count, accepted) == (40, 40)


@pytest.fixture
def locked(journal: Journal) -> Iterator[sqlite3.Connection]:
    """The journal while another process holds it."""
    journal.saw("task-0", "success")
    journal.close()
    other = sqlite3.connect(journal.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    yield other
    other.close()


def test_a_locked_journal_is_a_warning_and_is_used_again_when_free(
    monkeypatch: pytest.MonkeyPatch,
    journal: Journal,
    locked: sqlite3.Connection,
    warnings: list[str],
) -> None:
    monkeypatch.setattr("modellix_cli.ledger.journal_file._BUSY_SECONDS", 0.05)
    number = journal.intend("a/b", b"{}")
    assert number is None
    assert not journal.settle(number, "accepted", slug="a/b", task_id="task-1")
    assert "locked" in warnings[0]
    locked.execute("ROLLBACK")
    assert journal.settle(None, "accepted", slug="a/b", task_id="task-1")
    assert journal.last_task_id() == "task-1"


def test_what_was_accepted_stays_accepted(journal: Journal) -> None:
    number = journal.intend("a/b", b"{}")
    journal.settle(number, "accepted", slug="a/b", task_id="task-1")
    journal.settle(number, "unknown", slug="a/b")
    earlier = journal.earlier("a/b", b"{}", 0)
    assert earlier is not None
    assert (earlier.state, earlier.task_id) == ("accepted", "task-1")


def test_a_journal_without_its_tables_is_made_anew(journal: Journal, warnings: list[str]) -> None:
    journal.saw("task-1", "success")
    journal.close()
    with sqlite3.connect(journal.path) as db:
        db.execute("DROP TABLE tasks")
    db.close()
    journal.saw("task-2", "success")
    assert journal.last_task_id() == "task-2"
    assert "unusable" in warnings[0]


def test_a_journal_that_is_locked_when_opened_is_used_once_it_is_free(
    monkeypatch: pytest.MonkeyPatch, journal: Journal, warnings: list[str]
) -> None:
    monkeypatch.setattr("modellix_cli.ledger.journal_file._BUSY_SECONDS", 0.05)
    journal.saw("task-0", "success")
    journal.close()
    other = sqlite3.connect(journal.path, isolation_level=None)
    other.execute("PRAGMA journal_mode = DELETE")  # there, readers are shut out too
    other.execute("BEGIN EXCLUSIVE")
    assert journal.intend("a/b", b"{}") is None
    assert "locked" in warnings[0]
    other.execute("ROLLBACK")
    other.close()
    assert journal.settle(None, "accepted", slug="a/b", task_id="task-1")
    assert journal.last_task_id() == "task-1"

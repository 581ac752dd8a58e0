"""The ledger's file: opened by many, locked by others, lost under a run."""

import os
import shutil
import sqlite3
import stat
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.submission_state import RejectedBy, SubmissionState
from modellix_cli.ledger import creation, schema
from modellix_cli.ledger.database import connect
from modellix_cli.ledger.marks import LedgerMarks
from modellix_cli.ledger.records import Claimed
from tests.ledger.ledgers import (
    ACCEPTED,
    UNKNOWN,
    Ledger,
    Lines,
    bodies,
    in_processes,
    request,
    sql,
)
from tests.support import FakeClock

Open = Callable[..., Ledger]


def error_of(work: Callable[[], Any]) -> ModellixError:
    with pytest.raises(ModellixError) as caught:
        work()
    return caught.value


def test_the_files_are_for_the_user_alone(ledger: Ledger) -> None:
    before = os.umask(0)
    try:
        ledger.sent()
        for file in ledger.path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
    finally:
        os.umask(before)
    assert stat.S_IMODE(ledger.path.parent.stat().st_mode) == 0o700
    assert {file.name for file in ledger.path.parent.iterdir()} >= {"ledger.db", "ledger.db-wal"}


def test_nothing_but_the_ledger_is_left_in_the_end(ledger: Ledger) -> None:
    ledger.sent()
    ledger.close()
    assert sorted(f.name for f in ledger.path.parent.iterdir()) == ["ledger.db", "ledger.db.lock"]


def test_what_a_kill_left_of_a_ledger_in_the_making_is_removed(
    ledger: Ledger, tmp_path: Path
) -> None:
    left = tmp_path / "state" / ".ledger.db.1-abc.new"
    left.parent.mkdir()
    left.write_bytes(b"x")
    ledger.sent()
    assert not left.exists()


def open_in_process(folder: Path) -> bool:
    ledger = Ledger(folder)
    try:
        return isinstance(ledger.claim(request(request_key="one")), Claimed)
    finally:
        ledger.close()


def test_of_many_processes_that_create_it_all_use_the_same(tmp_path: Path) -> None:
    found = in_processes(open_in_process, [(tmp_path,)] * 8)
    assert sorted(found) == [False] * 7 + [True]


def test_a_newer_versions_ledger_is_refused_and_stays_as_it_is(opened: Open) -> None:
    first = opened()
    first.sent()
    first.sql(f"PRAGMA user_version = {schema.VERSION + 1}")
    first.close()
    before = first.path.read_bytes()
    error = error_of(lambda: opened().claim())
    assert error.code is ErrorCode.LEDGER_UNUSABLE
    assert "newer version" in error.message
    assert "Upgrade" in error.hint
    assert first.path.read_bytes() == before
    assert sorted(f.name for f in first.path.parent.iterdir()) == ["ledger.db", "ledger.db.lock"]


@pytest.mark.parametrize("mark", ["PRAGMA application_id = 7", "CREATE TABLE t (a)"])
def test_another_programs_file_is_refused_and_stays_as_it_is(
    ledger: Ledger, tmp_path: Path, mark: str
) -> None:
    (tmp_path / "state").mkdir()
    sql(ledger.path, mark)
    before = ledger.path.read_bytes()
    error = error_of(ledger.claim)
    assert error.code is ErrorCode.LEDGER_UNUSABLE
    assert "another program" in error.message
    assert ledger.path.read_bytes() == before


class TestLocked:
    @pytest.mark.slow
    def test_another_programs_lock_is_waited_for(self, ledger: Ledger) -> None:
        ledger.sent()
        db = sqlite3.connect(ledger.path, isolation_level=None, check_same_thread=False)
        db.execute("BEGIN EXCLUSIVE")
        timer = threading.Timer(0.8, lambda: db.execute("COMMIT"))
        timer.start()
        assert ledger.sent() == 2
        timer.join()
        db.close()

    @pytest.mark.parametrize("mode", ["NORMAL", "EXCLUSIVE"])
    @pytest.mark.slow
    def test_but_not_for_ever(self, opened: Open, mode: str) -> None:
        first = opened()
        first.sent()
        first.close()
        db = sqlite3.connect(first.path, isolation_level=None)
        db.execute(f"PRAGMA locking_mode = {mode}")
        db.execute("BEGIN EXCLUSIVE")
        db.execute("UPDATE meta SET value = value")
        began = time.monotonic()
        assert error_of(lambda: opened(patience=0.6).claim()).code is ErrorCode.LEDGER_BUSY
        assert 0.5 < time.monotonic() - began < 3
        db.close()
        assert not list(first.path.parent.glob("*damaged*"))

    def test_ctrl_c_ends_the_wait_quickly(self, opened: Open) -> None:
        import _thread

        first = opened()
        first.sent()
        db = sqlite3.connect(first.path, isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.2, _thread.interrupt_main)
        timer.start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            first.claim()
        assert time.monotonic() - began < 1.5
        db.close()

    def test_reading_waits_for_no_writer(self, opened: Open) -> None:
        first = opened()
        first.sent()
        db = sqlite3.connect(first.path, isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert opened().submissions.attempt(1) is not None
        assert time.monotonic() - began < 0.5
        db.close()


class TestLostUnderARun:
    def remove(self, ledger: Ledger) -> None:
        ledger.path.unlink()

    def remove_folder(self, ledger: Ledger) -> None:
        shutil.rmtree(ledger.path.parent)

    def replace(self, ledger: Ledger) -> None:
        copy = ledger.path.with_name("copy")
        shutil.copyfile(ledger.path, copy)
        copy.replace(ledger.path)

    def empty(self, ledger: Ledger) -> None:
        os.truncate(ledger.path, 0)

    @pytest.mark.parametrize("how", ["remove", "remove_folder", "replace", "empty"])
    def test_paid_work_ends_at_once_and_for_good(
        self, ledger: Ledger, opened: Open, how: str
    ) -> None:
        lines = Lines(bodies("a", "b"))
        number = ledger.begun(lines).batch.number
        ledger.claim_line(number, lines, 1)
        getattr(self, how)(ledger)
        for work in (
            lambda: ledger.claim_line(number, lines, 2),
            lambda: ledger.record(1, ACCEPTED),
            lambda: ledger.claim(),
            lambda: ledger.batches.find(1),
        ):
            assert error_of(work).code is ErrorCode.LEDGER_LOST
        other = opened()
        assert other.marks.incomplete() is not None
        assert error_of(lambda: other.begin(lines)).code is ErrorCode.LEDGER_INCOMPLETE

    def test_that_others_made_a_new_one_changes_nothing(self, ledger: Ledger, opened: Open) -> None:
        ledger.sent()
        shutil.rmtree(ledger.path.parent)
        opened().sent()
        assert error_of(ledger.claim).code is ErrorCode.LEDGER_LOST
        assert opened().marks.incomplete() is not None

    def test_closing_the_lost_one_leaves_the_new_one_alone(
        self, ledger: Ledger, opened: Open
    ) -> None:
        ledger.sent()
        for file in ledger.path.parent.iterdir():
            file.unlink()
        other = opened()
        other.sent()
        ledger.close()
        assert opened().submissions.attempt(1) is not None
        assert other.sent() == 2
        assert opened().submissions.attempt(2) is not None

    def test_who_recorded_nothing_yet_goes_on(self, opened: Open) -> None:
        first, second = opened(), opened()
        first.sent()
        assert second.submissions.attempt(1) is not None
        self.replace(first)
        assert isinstance(second.claim(), Claimed)
        assert second.marks.incomplete() is None

    def test_a_log_that_is_left_without_its_ledger_tells_of_the_loss(
        self, ledger: Ledger, opened: Open
    ) -> None:
        ledger.sent()
        ledger.path.unlink()
        other = opened()
        mark = other.marks.incomplete()
        assert mark is not None
        assert other.sql("SELECT count(*) FROM submissions") == [(0,)]

    @pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
    def test_a_read_only_one_cannot_be_used(self, opened: Open) -> None:
        first = opened()
        first.sent()
        first.close()
        first.path.chmod(0o400)
        assert error_of(lambda: opened().claim()).code is ErrorCode.LEDGER_UNUSABLE

    @pytest.mark.parametrize(
        "reason",
        ["attempt to write a readonly database", "database or disk is full", "disk I/O error"],
    )
    def test_what_cannot_be_written_is_not_claimed(
        self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, reason: str
    ) -> None:
        Breaking.reset(monkeypatch)
        ledger.sent()
        Breaking.at("COMMIT", sqlite3.OperationalError(reason))
        error = error_of(ledger.claim)
        assert error.code is ErrorCode.LEDGER_LOST
        assert reason in error.message
        Breaking.at("", None)
        assert ledger.sql("SELECT count(*) FROM submissions") == [(1,)]

    def test_a_folder_that_is_a_file_cannot_be_used(self, ledger: Ledger, tmp_path: Path) -> None:
        (tmp_path / "state").write_text("")
        assert error_of(ledger.claim).code is ErrorCode.LEDGER_UNUSABLE


class Breaking(sqlite3.Connection):
    """A connection that fails at its n-th statement, or at the first one that begins so."""

    wanted = ""
    count = 0
    error: BaseException | None = None

    def execute(self, statement: str, *values: Any) -> Any:
        cls = type(self)
        if cls.error is not None and statement.startswith(cls.wanted):
            cls.count -= 1
            if cls.count < 0:
                error, cls.error = cls.error, None
                raise error
        return super().execute(statement, *values)

    @classmethod
    def at(cls, wanted: str, error: BaseException | None, count: int = 0) -> None:
        cls.wanted, cls.error, cls.count = wanted, error, count

    @classmethod
    def reset(cls, monkeypatch: pytest.MonkeyPatch) -> None:
        cls.at("", None)

        def connected(path: Path) -> sqlite3.Connection:
            return sqlite3.connect(
                path, timeout=0.5, isolation_level=None, check_same_thread=False, factory=cls
            )

        monkeypatch.setattr(creation, "connect", connected)


def works(ledger: Ledger) -> dict[str, Callable[[], Any]]:
    lines = Lines(bodies("a", "b"))
    return {
        "claim": lambda: ledger.claim(request(request_key="k")),
        "record": lambda: ledger.record(1, ACCEPTED),
        "begin": lambda: ledger.begin(lines, digest="new"),
        "claim_lines": lambda: ledger.submissions.claim_lines(
            1, [lines.request(1), lines.request(2)]
        ),
        "resolve": lambda: ledger.submissions.resolve(2, "task-x"),
    }


@pytest.mark.parametrize("name", ["claim", "record", "begin", "claim_lines", "resolve"])
def test_a_crash_between_any_two_statements_leaves_all_or_nothing(
    opened: Open, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    Breaking.reset(monkeypatch)
    ledger = opened()
    lines = Lines(bodies("a", "b"))
    ledger.begun(lines)
    ledger.claim(request('{"n": 1}'))
    ledger.sent(request('{"n": 2}'), UNKNOWN)

    def everything() -> list[Any]:
        tables = ("submissions", "batches", "batch_lines", "tasks", "accounts", "bodies")
        return [ledger.sql(f"SELECT * FROM {table}") for table in tables]

    before, crashes = everything(), 0
    work = works(ledger)[name]
    while True:
        Breaking.at("", KeyboardInterrupt(), crashes)
        try:
            work()
            break
        except KeyboardInterrupt:
            assert everything() == before
            crashes += 1
    assert crashes > 4
    Breaking.at("", None)
    assert everything() != before


class TestOnADiskThatIsNearlyFull:
    """SQLite copies its log into a file as that is closed, and tells nobody if there is no room."""

    @pytest.fixture(autouse=True)
    def lost_logs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Closing(sqlite3.Connection):
            def close(self) -> None:
                [(_, _, name)] = self.execute("PRAGMA database_list").fetchall()
                path = Path(name)
                before = path.read_bytes()
                super().close()
                if path.suffix == ".new":
                    path.write_bytes(before)

        def connected(path: Path) -> sqlite3.Connection:
            return sqlite3.connect(
                path, timeout=0.5, isolation_level=None, check_same_thread=False, factory=Closing
            )

        monkeypatch.setattr(creation, "connect", connected)

    def test_a_new_ledger_is_whole(self, ledger: Ledger) -> None:
        assert ledger.sent() == 1
        assert ledger.marks.incomplete() is None
        assert not list(ledger.path.parent.glob("*damaged*"))
        assert ledger.sql("PRAGMA journal_mode") == [("wal",)]

    def test_rows_that_are_rescued_stay(self, ledger: Ledger, opened: Open) -> None:
        numbers = [ledger.sent(request(f'{{"n": {n}}}')) for n in range(50)]
        ledger.sql("ALTER TABLE submissions DROP COLUMN detail")
        ledger.close()
        rescued = opened()
        assert [rescued.submissions.attempt(n) is not None for n in numbers] == [True] * 50


class TestWithoutSharedMemory:
    @pytest.fixture(autouse=True)
    def no_wal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class NoLog(sqlite3.Connection):
            def execute(self, statement: str, *values: Any) -> Any:
                if statement == "PRAGMA journal_mode = WAL":
                    raise sqlite3.OperationalError("locking protocol")
                return super().execute(statement, *values)

        def connected(path: Path) -> sqlite3.Connection:
            return sqlite3.connect(
                path, timeout=0.5, isolation_level=None, check_same_thread=False, factory=NoLog
            )

        monkeypatch.setattr(creation, "connect", connected)

    def test_a_rollback_journal_does(self, ledger: Ledger, opened: Open) -> None:
        ledger.sent()
        assert ledger.sql("PRAGMA journal_mode") == [("delete",)]
        assert opened().sent() == 2
        assert opened().submissions.attempt(2) is not None

    def test_several_processes_too(self, tmp_path: Path) -> None:
        found = in_processes(open_in_process, [(tmp_path,)] * 4)
        assert sorted(found) == [False] * 3 + [True]

    @pytest.mark.slow
    def test_a_reader_that_is_slow_is_waited_for(self, ledger: Ledger) -> None:
        ledger.sent()
        db = sqlite3.connect(ledger.path, isolation_level=None, check_same_thread=False)
        db.execute("BEGIN")
        db.execute("SELECT * FROM submissions").fetchall()
        timer = threading.Timer(0.9, lambda: db.execute("ROLLBACK"))
        timer.start()
        assert ledger.sent() == 2
        timer.join()
        db.close()


def test_what_is_durable_reaches_the_disk(ledger: Ledger) -> None:
    modes: list[int] = []

    def look(db: sqlite3.Connection) -> None:
        modes.append(db.execute("PRAGMA synchronous").fetchone()[0])

    ledger.file.transact(look, durable=True)
    ledger.file.transact(look)
    ledger.file.transact(look, durable=True)
    assert modes == [2, 1, 2]


def test_the_mark_is_read_whatever_it_says(ledger: Ledger) -> None:
    marks = LedgerMarks(ledger.file)
    assert marks.incomplete() is None
    for text in ("", "[]", "{}", '{"since": 1, "reason": "r", "kept": Infinity}', '{"since": []}'):
        ledger.sql("INSERT OR REPLACE INTO meta VALUES ('incomplete', ?)", text)
        found = marks.incomplete()
        assert found is not None
        assert found.reason == "unknown"
    assert marks.acknowledge() is not None
    assert marks.incomplete() is None
    assert marks.acknowledge() is None


def test_a_connection_ends_waiting_soon_enough_for_ctrl_c(tmp_path: Path) -> None:
    db = connect(tmp_path / "x.db")
    assert db.execute("PRAGMA busy_timeout").fetchone()[0] <= 500
    db.close()


def test_the_clock_is_the_one_that_was_given(ledger: Ledger, clock: FakeClock) -> None:
    assert ledger.file.clock is clock


def test_a_file_of_an_older_version_gets_the_columns_that_it_lacks(
    ledger: Ledger, opened: Open
) -> None:
    ledger.sent(task_id="t")
    ledger.close()
    for statement in ("DROP INDEX submissions_uptime", "DROP INDEX submissions_created",
                      "ALTER TABLE submissions DROP COLUMN other_tasks",
                      "ALTER TABLE submissions DROP COLUMN uptime"):  # fmt: skip
        ledger.sql(statement)
    later = opened()
    assert later.run(Lines(bodies("x"))) == 1
    assert later.marks.incomplete() is None
    assert later.sql("SELECT task_id, uptime IS NULL FROM submissions ORDER BY number") == [
        ("t", 1),
        ("task-2", 0),
    ]
    names = later.sql("SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '%uptime%'")
    assert names == [("submissions_uptime",)]
    assert not [file for file in later.path.parent.iterdir() if "damaged" in file.name]


@pytest.mark.parametrize(
    ("detail", "by"),
    [
        ("Modellix API error (402 Payment Required). No balance.", RejectedBy.SERVICE),
        ("Cannot reach https://api.modellix.ai: refused.", RejectedBy.NETWORK),
        ("Not sent: it may cost more than --max-cost.", RejectedBy.CHECK),
        ("Interrupted before it was sent.", RejectedBy.INTERRUPT),
        ("Not created, by the user's word.", RejectedBy.USER),
    ],
)
def test_who_rejected_a_request_is_read_from_the_words_of_an_older_version(
    ledger: Ledger, opened: Open, detail: str, by: RejectedBy
) -> None:
    number = ledger.sent(state=SubmissionState.REJECTED)
    ledger.close()
    quoted = detail.replace("'", "''")
    ledger.sql(f"UPDATE submissions SET detail = '{quoted}'")
    ledger.sql("ALTER TABLE submissions DROP COLUMN rejected_by")
    later = opened()
    attempt = later.submissions.attempt(number)
    assert attempt is not None
    assert attempt.rejected_by is by
    assert later.marks.incomplete() is None


def test_many_processes_may_find_a_file_of_an_older_version(tmp_path: Path) -> None:
    first = Ledger(tmp_path)
    first.sent()
    first.close()
    first.sql("DROP INDEX submissions_uptime")
    first.sql("ALTER TABLE submissions DROP COLUMN other_tasks")
    first.sql("ALTER TABLE submissions DROP COLUMN uptime")

    def claim(number: int) -> bool:
        ledger = Ledger(tmp_path, FakeClock(), patience=60.0)
        claimed = ledger.claim(request(f'{{"n": {number}}}'))
        ledger.close()
        return isinstance(claimed, Claimed)

    assert in_processes(claim, [(number,) for number in range(8)]) == [True] * 8


def test_a_file_system_without_shared_memory_keeps_the_rollback_journal(tmp_path: Path) -> None:
    """SQLite switches to a log there without a word, and cannot read the file any more."""
    path = tmp_path / "fresh.db"
    (tmp_path / "fresh.db-shm").symlink_to("fresh.db-shm")  # a loop: no shared memory to be had
    with creation.new_database(path) as db:
        db.execute("INSERT INTO meta VALUES ('key', 'value')")
    assert path.read_bytes()[18:20] == b"\x01\x01"
    with closing(connect(path)) as db:
        assert db.execute("SELECT value FROM meta").fetchall() == [("value",)]

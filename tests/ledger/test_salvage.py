"""A damaged ledger: what can be read is kept, and that something may be missing is remembered."""

import os
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.ledger import creation, salvage
from modellix_cli.ledger.records import StartedBatch
from tests.ledger.ledgers import ACCEPTED, UNKNOWN, Ledger, Lines, bodies, in_processes, sql
from tests.support import FakeClock

Open = Callable[..., Ledger]
PAGE = 4096
LINES = Lines(bodies(*(f"{n} " + "x" * 60 for n in range(400))))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ledger = Ledger(tmp_path_factory.mktemp("whole"))
    number = ledger.begun(LINES).batch.number
    every = range(1, 401)
    claims = ledger.submissions.claim_lines(number, [LINES.request(line) for line in every])
    assert len(claims) == 400
    ledger.sql("UPDATE submissions SET state = 'accepted', task_id = 'task-' || number")
    ledger.batches.finish(number, "done")
    ledger.close()
    return ledger.path


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    """A ledger with a batch of 400 lines that are paid for, and nobody using it."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    os.close(os.open(folder / "ledger.db", os.O_CREAT, 0o600))
    (folder / "ledger.db").write_bytes(whole.read_bytes())
    return folder / "ledger.db"


def pages_of(path: Path, name: str) -> list[int]:
    """Return the numbers of the pages of a table or index that hold its rows, from 1."""
    root = sql(path, "SELECT rootpage FROM sqlite_master WHERE name = ?", name)[0][0]
    data = path.read_bytes()

    def below(page: int) -> list[int]:
        begin = (page - 1) * PAGE
        head = begin + (100 if page == 1 else 0)
        if data[head] in (10, 13):
            return [page]
        count = int.from_bytes(data[head + 3 : head + 5], "big")
        pointers = [
            int.from_bytes(data[head + 12 + 2 * n : head + 14 + 2 * n], "big") for n in range(count)
        ]
        children = [int.from_bytes(data[begin + p : begin + p + 4], "big") for p in pointers]
        children.append(int.from_bytes(data[head + 8 : head + 12], "big"))
        return [leaf for child in children for leaf in below(child)]

    return below(root)


def overwrite(path: Path, page: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(data)


ZEROS = bytes(PAGE)
NOISE = random.Random(7).randbytes(PAGE)


def refuses(opened: Open, on_paid: OnPaid = OnPaid.RESUME) -> None:
    """Whoever meets the damage first, no resume pays until the user has answered."""
    for _ in range(2):
        ledger = opened()
        with pytest.raises(ModellixError) as error:
            ledger.begin(LINES, on_paid)
        assert error.value.code is ErrorCode.LEDGER_INCOMPLETE
        ledger.close()


def damaged_beside(path: Path) -> list[Path]:
    """The damaged files that were set aside; whoever still had one open left its log with it."""
    beside = (file for file in path.parent.iterdir() if ".damaged-" in file.name)
    return [file for file in beside if not file.name.endswith(creation.LOGS)]


@pytest.mark.parametrize(
    "data", [bytes(100), NOISE[:100], b"not a database"], ids=["zeros", "noise", "text"]
)
def test_a_damaged_header_loses_no_row(path: Path, opened: Open, data: bytes) -> None:
    overwrite(path, 1, data)
    refuses(opened)
    assert sql(path, "SELECT count(*) FROM submissions WHERE state = 'accepted'") == [(400,)]
    assert len(damaged_beside(path)) == 1
    assert all(file.stat().st_mode & 0o077 == 0 for file in path.parent.iterdir())


@pytest.mark.parametrize("data", [ZEROS, NOISE], ids=["zeros", "noise"])
def test_a_damaged_first_page_loses_no_row(path: Path, opened: Open, data: bytes) -> None:
    overwrite(path, 1, data)
    refuses(opened)
    assert sql(path, "SELECT count(*) FROM submissions") == [(400,)]


@pytest.mark.parametrize("data", [ZEROS, NOISE], ids=["zeros", "noise"])
@pytest.mark.parametrize("which", ["first", "middle", "last", "some"])
@pytest.mark.slow
def test_a_damaged_page_of_rows_loses_those_rows_only(
    path: Path, opened: Open, data: bytes, which: str
) -> None:
    leaves = pages_of(path, "submissions")
    assert len(leaves) > 20
    hit = {
        "first": leaves[:1],
        "middle": leaves[9:10],
        "last": leaves[-1:],
        "some": [leaves[0], leaves[5], leaves[6], leaves[12], leaves[-1]],
    }[which]
    for page in hit:
        overwrite(path, page, data)
    refuses(opened)
    kept = sql(path, "SELECT count(*) FROM submissions")[0][0]
    assert kept >= 400 - 16 * len(hit)
    assert sql(path, "SELECT count(*) FROM batch_lines") == [(400,)]


@pytest.mark.parametrize("data", [ZEROS, NOISE], ids=["zeros", "noise"])
@pytest.mark.parametrize(
    "index", ["submissions_identity", "batch_lines_identity", "submissions_task", "bodies"]
)
def test_a_damaged_page_of_an_index_loses_no_submission(
    path: Path, opened: Open, data: bytes, index: str
) -> None:
    overwrite(path, pages_of(path, index)[1], data)
    refuses(opened)
    assert sql(path, "SELECT count(*) FROM submissions") == [(400,)]


def test_whoever_meets_the_damage_first_leaves_the_mark(path: Path, opened: Open) -> None:
    overwrite(path, pages_of(path, "submissions")[3], ZEROS)
    looking = opened()
    looking.tasks.recent(5)
    list(looking.batches.lines(1))
    looking.close()
    refuses(opened)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
@pytest.mark.slow
def test_a_file_that_is_cut_short_keeps_what_is_there(
    path: Path, opened: Open, part: float
) -> None:
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * part))
    refuses(opened)


def test_an_empty_file_is_a_lost_ledger(path: Path, opened: Open) -> None:
    path.write_bytes(b"")
    refuses(opened)


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE submissions DROP COLUMN tag",
        "ALTER TABLE submissions DROP COLUMN updated_at",
        "ALTER TABLE batches DROP COLUMN state",
        "ALTER TABLE submissions RENAME COLUMN account TO acount",
        "DROP TABLE durations",
        "DROP TABLE accounts",
        "DROP TABLE meta",
    ],
)
def test_a_column_or_table_that_is_gone_loses_no_submission(
    path: Path, opened: Open, change: str
) -> None:
    sql(path, change)
    ledger = opened()
    ledger.tasks.durations("a/b")
    with pytest.raises(ModellixError):
        ledger.begin(LINES, OnPaid.RESUME)
    ledger.close()
    assert sql(path, "SELECT count(*) FROM submissions WHERE state = 'accepted'") == [(400,)]
    refuses(opened)


def test_what_belongs_to_nobody_is_the_profiles(path: Path, opened: Open) -> None:
    sql(path, "DROP TABLE accounts")
    refuses(opened)
    ledger = opened()
    ledger.marks.acknowledge()
    assert ledger.run(LINES, OnPaid.RESUME) == 0


def test_a_state_that_no_version_knows_may_have_cost_money(path: Path, opened: Open) -> None:
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA ignore_check_constraints = 1")
        db.execute("UPDATE submissions SET state = 'acc#pted' WHERE number = 1")
    db.close()
    overwrite(path, 1, bytes(100))
    ledger = opened()
    ledger.marks.acknowledge()
    started = ledger.begin(LINES, OnPaid.RESUME)
    assert isinstance(started, StartedBatch)
    assert (started.earlier.accepted, started.earlier.unknown) == (399, 1)


class TestTheAnswer:
    def test_acknowledged_it_counts_what_is_left(self, path: Path, opened: Open) -> None:
        overwrite(path, pages_of(path, "submissions")[3], ZEROS)
        refuses(opened)
        ledger = opened()
        mark = ledger.marks.acknowledge()
        assert mark is not None
        assert mark.kept > 700
        sent = ledger.run(LINES, OnPaid.RESUME)
        assert 0 < sent <= 16

    def test_new_answers_for_its_lines_and_no_others(self, path: Path, opened: Open) -> None:
        overwrite(path, pages_of(path, "submissions")[3], ZEROS)
        refuses(opened, OnPaid.REFUSE)
        ledger, some = opened(), Lines(LINES.bodies[:3])
        assert ledger.run(some, OnPaid.NEW, "some") == 3
        assert ledger.run(some, OnPaid.RESUME, "some") == 0
        refuses(opened)

    @pytest.mark.slow
    def test_damage_that_comes_later_asks_again(self, path: Path, opened: Open) -> None:
        overwrite(path, 1, bytes(100))
        ledger, some = opened(), Lines(LINES.bodies[:3])
        assert ledger.run(some, OnPaid.NEW, "some") == 3
        ledger.close()
        overwrite(path, 1, bytes(100))
        with pytest.raises(ModellixError) as error:
            opened().begin(some, OnPaid.RESUME, "some")
        assert error.value.code is ErrorCode.LEDGER_INCOMPLETE

    def test_a_single_resume_asks_too_and_a_plain_run_does_not(
        self, path: Path, opened: Open
    ) -> None:
        overwrite(path, 1, bytes(100))
        ledger = opened()
        with pytest.raises(ModellixError) as error:
            ledger.claim(resume=True)
        assert error.value.code is ErrorCode.LEDGER_INCOMPLETE
        ledger.sent()
        assert ledger.claim(resume=True).number == 401


def meet(folder: Path) -> str:
    ledger = Ledger(folder, patience=30.0)
    try:
        ledger.begin(LINES, OnPaid.RESUME)
    except ModellixError as error:
        return str(error.code)
    finally:
        ledger.close()
    return "went on"


@pytest.mark.parametrize("how", ["header", "page", "column", "empty"])
@pytest.mark.slow
def test_of_eight_processes_that_meet_the_damage_one_replaces_it(path: Path, how: str) -> None:
    if how == "header":
        overwrite(path, 1, bytes(100))
    elif how == "page":
        overwrite(path, pages_of(path, "submissions")[3], ZEROS)
    elif how == "column":
        sql(path, "ALTER TABLE submissions DROP COLUMN tag")
    else:
        path.write_bytes(b"")
    assert in_processes(meet, [(path.parent,)] * 8) == ["LEDGER_INCOMPLETE"] * 8
    assert len(damaged_beside(path)) == 1


def test_who_relied_on_the_damaged_one_stops(path: Path, opened: Open) -> None:
    running, other = opened(), opened()
    running.sent()
    assert other.submissions.attempt(1) is not None
    overwrite(path, pages_of(path, "submissions")[3], ZEROS)
    meeting = opened()
    with pytest.raises(ModellixError):
        meeting.begin(LINES, OnPaid.RESUME)
    for work in (running.claim, lambda: running.record(401, ACCEPTED)):
        with pytest.raises(ModellixError) as error:
            work()
        assert error.value.code is ErrorCode.LEDGER_LOST
    # What it recorded in time is not lost.
    assert sql(path, "SELECT count(*) FROM submissions WHERE number = 401") == [(1,)]


def test_what_is_recorded_while_it_is_replaced_is_not_lost(
    path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = opened()
    claimed = running.claim()
    overwrite(path, pages_of(path, "submissions_identity")[1], ZEROS)
    set_aside = salvage._set_aside

    def slowly(old: Path, aside: Path) -> None:
        running.record(claimed.number, ACCEPTED)
        set_aside(old, aside)

    monkeypatch.setattr(salvage, "_set_aside", slowly)
    with pytest.raises(ModellixError):
        opened().begin(LINES, OnPaid.RESUME)
    assert sql(path, "SELECT state FROM submissions WHERE number = ?", claimed.number) == [
        ("accepted",)
    ]


def test_what_the_user_says_while_it_is_replaced_stays_the_users_word(
    path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = opened()
    number = running.claim().number
    overwrite(path, pages_of(path, "submissions_identity")[1], ZEROS)
    set_aside = salvage._set_aside

    def slowly(old: Path, aside: Path) -> None:
        running.record(number, UNKNOWN)
        running.submissions.resolve(number, "task-x")
        set_aside(old, aside)

    monkeypatch.setattr(salvage, "_set_aside", slowly)
    with pytest.raises(ModellixError):
        opened().begin(LINES, OnPaid.RESUME)
    found = opened().submissions.attempt(number)
    assert found is not None
    assert (found.task_id, found.accepted_by_user) == ("task-x", True)


def test_a_good_ledger_that_is_locked_is_not_moved_away(path: Path, opened: Open) -> None:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    db.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError):
        salvage.replace_damaged(path, "somebody thought so", opened().clock, 5.0)
    db.close()
    assert damaged_beside(path) == []


def test_a_good_ledger_is_not_moved_away(path: Path, opened: Open) -> None:
    before = path.stat().st_ino
    salvage.replace_damaged(path, "somebody thought so", opened().clock, 5.0)
    assert path.stat().st_ino == before
    assert damaged_beside(path) == []


@pytest.mark.parametrize("place", [8, 500, 40_000, -100])
def test_a_damaged_log_ends_nothing(tmp_path: Path, opened: Open, place: int) -> None:
    ledger = opened()
    ledger.begun(Lines(bodies("a")))
    for _ in range(30):
        ledger.sent()
    copy = tmp_path / "copy"
    copy.mkdir()
    for end in ("", "-wal"):
        data = bytearray(Path(f"{ledger.path}{end}").read_bytes())
        if end:
            data[place : place + 40] = b"\xff" * len(data[place : place + 40])
        Path(f"{copy / 'ledger.db'}{end}").write_bytes(data)
    other = Ledger(copy)
    assert isinstance(other.sent(), int)
    other.close()


def all_rows(path: Path) -> dict[str, list[Any]]:
    tables = sql(path, "SELECT name FROM sqlite_master WHERE type = 'table'")
    return {t: sorted(sql(path, f"SELECT * FROM {t}"), key=repr) for (t,) in tables}


def test_everything_that_can_be_read_is_kept(path: Path, opened: Open) -> None:
    before = all_rows(path)
    overwrite(path, 1, bytes(100))
    opened().submissions.attempt(1)
    after = all_rows(path)
    assert after.pop("meta") != before.pop("meta")
    assert after == before


def test_a_rescue_without_room_fails_and_leaves_all_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def small(file: Path) -> sqlite3.Connection:
        db = sqlite3.connect(file, isolation_level=None)
        db.execute("PRAGMA max_page_count = 75")  # as a disk that is full then
        return db

    overwrite(path, pages_of(path, "submissions")[0], NOISE)
    before = path.read_bytes()
    monkeypatch.setattr(creation, "connect", small)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        salvage.replace(path, "malformed", FakeClock())
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["ledger.db"]

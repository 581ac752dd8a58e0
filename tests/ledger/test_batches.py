"""What the journal keeps of batches."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.values import DAY, parse_slug
from modellix_cli.inputs.batch_file import BatchInput, Line
from modellix_cli.ledger.batch_facts import Batch, Fate
from modellix_cli.ledger.batches import BatchBook
from modellix_cli.ledger.history import Scope
from modellix_cli.ledger.journal import Account
from modellix_cli.ledger.journal_file import JournalFile
from tests.machine import API, SANDBOX, Machine
from tests.support import FakeClock

SLUG = parse_slug("a/b")
LINES = [Line(n, n, SLUG, b'{"n": %d}' % n, f"id-{n}") for n in range(1, 4)]


@contextmanager
def tasks(lines: list[Line]) -> Iterator[BatchInput]:
    """The input of which `lines` were read."""
    with BatchInput() as found:
        for line in lines:
            found.add(line.number, line.slug, line.body, line.name)
        yield found


class Books:
    """Journals over one file, one for each account."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self.clock = clock
        self.folder = folder
        self.warnings: list[str] = []
        self.file = JournalFile(folder, clock, self.warnings.append)
        self.book = self.of("default")

    def of(self, profile: str, base_url: str = API) -> BatchBook:
        clean = lambda text: text.replace("SECRET", "***")  # noqa: E731
        return BatchBook(self.file, Account(base_url, profile), self.clock, clean)

    def begin(
        self,
        digest: str = "d",
        source: str = "tasks.jsonl",
        *,
        resume: bool = False,
        anew: bool = False,
    ) -> tuple[Batch, Batch | None]:
        self.clock.time += 1
        since = self.clock.time
        return self.book.begin(digest, source, 3, anew=anew, resume=resume, since=since)

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        found = self.file.run(lambda db: db.execute(statement, values).fetchall())
        assert found is not None
        return found


@pytest.fixture
def books(tmp_path: Path, clock: FakeClock) -> Iterator[Books]:
    books = Books(tmp_path / "state", clock)
    yield books
    books.file.close()


def test_new_tasks_are_a_new_batch(books: Books) -> None:
    found, last = books.begin()
    assert (found.id, found.state, found.total, last) == (1, "running", 3, None)


def test_an_unfinished_batch_is_returned_itself(books: Books) -> None:
    first, _ = books.begin()
    books.book.finish(first.id, "stopped")
    found, last = books.begin(source="renamed.jsonl")
    assert found == last
    assert found.id == first.id


def test_tasks_that_were_done_are_a_new_batch(books: Books) -> None:
    first, _ = books.begin()
    books.book.finish(first.id, "done")
    found, last = books.begin()
    assert last is not None
    assert (found.id, last.id) == (2, 1)


def test_a_resume_takes_up_what_was_done(books: Books) -> None:
    first, _ = books.begin()
    books.book.finish(first.id, "done")
    assert books.begin(resume=True)[0].id == first.id


def test_anew_is_a_new_batch_whatever_there_was(books: Books) -> None:
    books.begin()
    found, last = books.begin(anew=True)
    assert last is not None
    assert (found.id, last.id) == (2, 1)


def test_other_accounts_batches_are_others(books: Books) -> None:
    books.begin()
    now = books.clock.time
    for book in (books.of("work"), books.of("default", SANDBOX)):
        assert book.begin("d", "f", 3, anew=False, resume=False, since=now)[1] is None


def test_tasks_that_another_process_just_finished_are_not_paid_for_again(books: Books) -> None:
    since = books.clock.time
    first, _ = books.begin()
    books.book.finish(first.id, "done")
    with pytest.raises(ModellixError, match="just now, as batch 1"):
        books.book.begin("d", "tasks.jsonl", 3, anew=False, resume=False, since=since)


def test_a_resume_after_the_file_changed_is_refused(books: Books) -> None:
    first, _ = books.begin()
    books.book.intend(first.id, LINES[:1])
    with (
        tasks(LINES) as changed,
        pytest.raises(ModellixError, match="has changed since batch 1"),
    ):
        books.book.check_resume(changed, "tasks.jsonl")


@pytest.mark.parametrize(
    ("lines", "source"),
    [(LINES, "other.jsonl"), (LINES, "-"), (LINES[1:], "tasks.jsonl")],
    ids=["another file", "a pipe", "other tasks"],
)
def test_a_resume_of_what_was_not_paid_for_is_a_first_run(
    books: Books, lines: list[Line], source: str
) -> None:
    for given in ("tasks.jsonl", "-"):
        first, _ = books.begin(digest=given, source=given)
        books.book.intend(first.id, LINES[:1])
    with tasks(lines) as found:
        books.book.check_resume(found, source)


def test_a_resume_of_known_tasks_is_never_refused(books: Books) -> None:
    with tasks(LINES) as found:
        first, _ = books.begin(digest=found.digest)
        books.book.intend(first.id, LINES[:1])
        books.book.check_resume(found, "tasks.jsonl")


def test_a_journal_that_was_just_lost_is_no_ground_to_pay_anew(books: Books) -> None:
    books.folder.mkdir(parents=True)
    (books.folder / "journal.db").write_bytes(b"no database" * 1000)
    with pytest.raises(ModellixError, match="journal was unusable"):
        books.book.check_journal()


def test_a_file_name_that_is_no_text_is_kept_as_far_as_it_is(books: Books) -> None:
    assert books.begin(source="a\udcffb\n.jsonl")[0].source == "a b .jsonl"


def test_what_is_known_of_a_line_comes_back(books: Books) -> None:
    batch, _ = books.begin()
    books.book.intend(batch.id, LINES)
    assert books.book.settle(batch.id, LINES[0], "accepted", "t-1", None)
    assert books.book.settle(batch.id, LINES[2], "rejected", None, "no SECRET.")
    files = ({"path": "a.png", "bytes": 1},)
    done = Fate(1, "a/b", "id-1", "accepted", "t-1", "success", None, ("https://x",), files)
    books.book.ended(batch.id, done)
    assert list(books.book.fates(batch.id)) == [
        done, Fate(2, "a/b", "id-2", "intent"),
        Fate(3, "a/b", "id-3", "rejected", None, None, "no ***."),
    ]  # fmt: skip


def test_what_a_task_made_is_kept_without_secrets(books: Books) -> None:
    batch, _ = books.begin()
    books.book.intend(batch.id, LINES[:1])
    books.book.ended(batch.id, Fate(1, "a/b", None, "accepted", "t", urls=("https://x?SECRET",)))
    assert "SECRET" not in str(books.sql("SELECT made FROM batch_lines"))


def test_a_task_of_a_batch_is_in_the_history(books: Books) -> None:
    batch, _ = books.begin()
    books.book.intend(batch.id, LINES[:1])
    books.book.settle(batch.id, LINES[0], "accepted", "t-1", None)
    assert books.sql("SELECT task_id, slug FROM tasks") == [("t-1", "a/b")]
    assert books.sql("SELECT state, task_id FROM submissions") == [("accepted", "t-1")]


def test_an_outcome_whose_line_is_gone_is_not_taken_for_recorded(books: Books) -> None:
    batch, _ = books.begin()
    assert not books.book.settle(batch.id, LINES[0], "accepted", "t-1", None)
    assert books.sql("SELECT task_id FROM tasks") == [("t-1",)]


def test_lines_of_a_batch_that_is_gone_must_not_be_sent(books: Books) -> None:
    with pytest.raises(ModellixError, match="not in the journal any more"):
        books.book.intend(7, LINES)
    assert books.sql("SELECT * FROM submissions") == []


def test_doubt_makes_unknown_what_has_no_outcome(books: Books) -> None:
    batch, _ = books.begin()
    books.book.intend(batch.id, LINES)
    books.book.settle(batch.id, LINES[0], "accepted", "t-1", None)
    books.book.doubt(batch.id)
    assert books.book.tally(batch.id) == {"accepted": 1, "unknown": 2}


def test_more_lines_than_one_portion_come_in_order(books: Books) -> None:
    batch, _ = books.begin()
    lines = [Line(n, n, SLUG, b"{}", None) for n in range(1, 1202)]
    books.book.intend(batch.id, lines)
    assert [fate.index for fate in books.book.fates(batch.id)] == list(range(1, 1202))


@pytest.mark.parametrize("made", [
    "{", "[]", "7", '{"urls": 7}', '{"files": {}}', '{"files": [7]}', '{"urls": [7]}',
    '{"files": [{"bytes": 1}]}', '"x"', "null",
])  # fmt: skip
def test_odd_words_about_what_was_made_do_no_harm(books: Books, made: str) -> None:
    batch, _ = books.begin()
    books.book.intend(batch.id, LINES[:1])
    books.sql("UPDATE batch_lines SET made = ?, state = 'accepted', task_id = 't'", made)
    (fate,) = books.book.fates(batch.id)
    assert (fate.state, fate.urls, fate.files or ()) == ("accepted", (), ())


@pytest.mark.parametrize("state", ["accepted", "queued", ""])
def test_an_odd_state_is_never_taken_for_unpaid(books: Books, state: str) -> None:
    batch, _ = books.begin()
    books.book.intend(batch.id, LINES[:1])
    books.sql("UPDATE batch_lines SET state = ?", state)
    assert [fate.state for fate in books.book.fates(batch.id)] == ["unknown"]


@pytest.mark.parametrize("number", [10**6, 10**30])
def test_a_number_of_no_batch_finds_none(books: Books, number: int) -> None:
    assert books.book.find(number) is None
    assert books.book.latest(number) == []


def test_done_batches_are_forgotten_after_a_month(books: Books) -> None:
    for digest, state in (("d", "done"), ("e", "stopped")):
        batch, _ = books.begin(digest=digest)
        books.book.intend(batch.id, LINES)
        books.book.finish(batch.id, state)
    books.clock.time += 31 * DAY
    books.begin(digest="new")
    assert [batch.id for batch in books.book.latest(9)] == [3, 2]
    assert books.sql("SELECT DISTINCT batch FROM batch_lines") == [(2,)]


def locked(folder: Path, batch: int) -> bool:
    """Whether another process finds the batch held."""
    script = (
        "import sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)\n"
        "db.execute('BEGIN EXCLUSIVE')"
    )
    path = str(folder / f"batch-{batch}.lock")
    ran = subprocess.run([sys.executable, "-c", script, path], capture_output=True, check=False)
    return ran.returncode != 0


def test_a_batch_is_held_by_one_process_at_a_time(books: Books) -> None:
    batch, _ = books.begin()
    with books.book.hold(batch.id):
        assert locked(books.folder, batch.id)
        with pytest.raises(ModellixError, match="run by another process"):
            books.of("default").hold(batch.id).__enter__()
    with books.book.hold(batch.id):
        pass


def test_a_lock_is_not_left_behind(books: Books) -> None:
    batch, _ = books.begin()
    with books.book.hold(batch.id):
        pass
    assert not list(books.folder.glob("*.lock*"))


def test_a_lock_that_a_killed_process_left_is_free(books: Books) -> None:
    batch, _ = books.begin()
    (books.folder / "batch-1.lock").touch()
    with books.book.hold(batch.id):
        pass


@pytest.mark.parametrize("odd", ["folder", "text"])
def test_a_lock_that_cannot_be_taken_is_no_other_process(books: Books, odd: str) -> None:
    batch, _ = books.begin()
    path = books.folder / "batch-1.lock"
    if odd == "folder":
        path.mkdir()
    else:
        path.write_text("no database" * 1000)
    with pytest.raises(ModellixError) as caught:
        books.book.hold(batch.id).__enter__()
    assert caught.value.code is ErrorCode.OUTPUT_UNWRITABLE
    assert books.warnings == []


def test_without_a_journal_no_batch_begins(books: Books) -> None:
    books.folder.parent.mkdir(parents=True, exist_ok=True)
    books.folder.write_text("a file, not a folder")
    with pytest.raises(ModellixError) as caught:
        books.begin()
    assert caught.value.code is ErrorCode.OUTPUT_UNWRITABLE


@pytest.fixture
def machine(tmp_path: Path, clock: FakeClock) -> Iterator[Machine]:
    machine = Machine(tmp_path, clock)
    yield machine
    machine.file.close()


def batch_of(machine: Machine, profile: str, state: str, base_url: str = API) -> int:
    book = BatchBook(machine.file, Account(base_url, profile), machine.clock, str)
    now = machine.clock.time
    batch, _ = book.begin(state, "f", 3, anew=True, resume=False, since=now)
    book.intend(batch.id, LINES[:1])
    book.settle(batch.id, LINES[0], "accepted", "t", None)
    book.finish(batch.id, state)
    return batch.id


def test_clearing_the_history_forgets_done_batches_in_scope_only(machine: Machine) -> None:
    batch_of(machine, "default", "done")
    kept = [
        batch_of(machine, "default", "stopped"),
        batch_of(machine, "work", "done"),
        batch_of(machine, "default", "done", SANDBOX),
    ]
    assert machine.history.clear(Scope("default", sandbox=False)).anything
    with sqlite3.connect(machine.file.path) as db:
        for table, column in (("batches", "id"), ("batch_lines", "batch")):
            rows = db.execute(f"SELECT {column} FROM {table} ORDER BY 1").fetchall()
            assert [row[0] for row in rows] == kept
    db.close()

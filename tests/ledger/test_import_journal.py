"""What versions before 0.2 recorded counts on."""

import sqlite3
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.identity import identity_of
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.domain.values import parse_slug
from modellix_cli.inputs.batch_file import read_batch
from modellix_cli.ledger.attempt import Attempt
from modellix_cli.ledger.import_journal import OWNER
from modellix_cli.ledger.records import Claimed, LineKey, PaidBefore, StartedBatch
from tests.ledger.ledgers import ACCEPTED, API, UNKNOWN, Ledger, request, sql

Open = Callable[..., Ledger]
SCHEMA = """
CREATE TABLE submissions (id INTEGER PRIMARY KEY, created_at REAL NOT NULL,
  updated_at REAL NOT NULL,
  base_url TEXT NOT NULL, profile TEXT NOT NULL, slug TEXT NOT NULL, body_sha256 TEXT NOT NULL,
  state TEXT NOT NULL, task_id TEXT, detail TEXT);
CREATE TABLE tasks (base_url TEXT NOT NULL, profile TEXT NOT NULL, task_id TEXT NOT NULL, slug TEXT,
  status TEXT, created_at REAL NOT NULL, updated_at REAL NOT NULL, ended_at REAL, saved_at REAL,
  PRIMARY KEY (base_url, profile, task_id));
CREATE TABLE imports (path TEXT PRIMARY KEY, fingerprint TEXT NOT NULL);
CREATE TABLE cleared (profile TEXT PRIMARY KEY, cleared_at REAL NOT NULL);
CREATE TABLE durations (id INTEGER PRIMARY KEY, base_url TEXT, slug TEXT, seconds REAL);
CREATE TABLE batches (id INTEGER PRIMARY KEY, created_at REAL NOT NULL, updated_at REAL NOT NULL,
  base_url TEXT NOT NULL, profile TEXT NOT NULL, digest TEXT NOT NULL, source TEXT NOT NULL,
  total INTEGER NOT NULL, state TEXT NOT NULL);
CREATE TABLE batch_lines (batch INTEGER NOT NULL, line INTEGER NOT NULL, submission INTEGER,
  slug TEXT NOT NULL, name TEXT, state TEXT NOT NULL, task_id TEXT, status TEXT, detail TEXT,
  made TEXT, PRIMARY KEY (batch, line)) WITHOUT ROWID;
"""
FILE = b"""{"modelSlug": "text-to-image/a/b", "body": {"prompt":  "one"}}
{"modelSlug": "a/b", "body": {"prompt": "two", "seed": 1.0}, "id": "second"}
{"modelSlug": "a/b", "body": {"prompt": "three"}}
"""


class OldLines:
    """A batch's input, read by the very code that made the digests of old batches."""

    def __init__(self, data: bytes = FILE) -> None:
        with read_batch("-", lambda: BytesIO(data), path=Path("-")) as read:
            self.lines = list(read.lines())
            self.digest = read.digest
            self.total = read.total

    def keys(self) -> Any:
        for line in self.lines:
            identity = identity_of(API, line.slug, line.body)
            yield LineKey(line.index, line.name, line.slug.name, identity, line.body)


class Journal:
    """A journal as version 0.1 wrote it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True, parents=True)
        self.path = folder / "journal.db"
        self.db = sqlite3.connect(self.path, isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.executescript(SCHEMA)
        self.db.execute(f"PRAGMA application_id = {OWNER}")
        self.db.execute("PRAGMA user_version = 3")

    def submission(self, body: bytes, state: str, task_id: str | None = None, **of: Any) -> int:
        facts = {
            "base_url": "https://API.modellix.ai:443",
            "profile": "default",
            "slug": "a/b",
        } | of
        number = self.db.execute(
            "INSERT INTO submissions (created_at, updated_at, base_url, profile, slug, body_sha256,"
            " state, task_id) VALUES (1, 2, ?, ?, ?, ?, ?, ?)",
            (*facts.values(), sha256(body).hexdigest(), state, task_id),
        ).lastrowid
        assert number is not None
        return number

    def batch(self, lines: OldLines, states: list[str], *, linked: bool = True) -> None:
        number = self.db.execute(
            "INSERT INTO batches (created_at, updated_at, base_url, profile, digest, source, total,"
            " state) VALUES (1, 2, ?, 'default', ?, 't.jsonl', ?, 'stopped')",
            (API, lines.digest, lines.total),
        ).lastrowid
        for line, state in zip(lines.lines, states, strict=False):
            task_id = f"task-{line.index}" if state == "accepted" else None
            submission = None
            if linked:
                submission = self.submission(line.body, state, task_id, slug=str(line.slug))
            self.db.execute(
                "INSERT INTO batch_lines VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL)",
                (number, line.index, submission, str(line.slug), line.name, state, task_id),
            )


@pytest.fixture
def journal(tmp_path: Path) -> Any:
    made = Journal(tmp_path / "state")
    yield made
    made.db.close()


def begin(ledger: Ledger, lines: OldLines, on_paid: OnPaid = OnPaid.RESUME) -> Any:
    return ledger.batches.begin(
        lines, digest=lines.digest, source="-", total=lines.total, on_paid=on_paid
    )


def test_an_unfinished_batch_is_gone_on_with(journal: Journal, ledger: Ledger) -> None:
    journal.batch(OldLines(), ["accepted", "intent"])
    started = begin(ledger, OldLines())
    assert isinstance(started, StartedBatch)
    assert (started.batch.number, started.resumed) == (1, True)
    assert (started.earlier.accepted, started.earlier.unknown) == (1, 1)
    lines = list(ledger.batches.lines(1))
    assert [line.attempt.state if line.attempt else None for line in lines] == [
        *(ACCEPTED, UNKNOWN, None),
    ]
    assert lines[0].slug == "a/b"


def test_a_line_that_it_had_not_begun_can_be_sent(journal: Journal, ledger: Ledger) -> None:
    journal.batch(OldLines(), ["accepted", "intent"])
    begin(ledger, OldLines())
    body = '{"prompt": "three"}'
    assert isinstance(ledger.submissions.claim_lines(1, [request(body, line=3)])[0], Claimed)


def test_it_is_not_gone_on_with_once_the_user_started_over(
    journal: Journal, ledger: Ledger
) -> None:
    journal.batch(OldLines(), ["accepted", "intent"])
    one = OldLines(FILE.splitlines(keepends=True)[0])
    assert isinstance(begin(ledger, one, OnPaid.NEW), StartedBatch)
    started = begin(ledger, OldLines())
    assert isinstance(started, StartedBatch)
    assert (started.batch.number, started.earlier.accepted) == (3, 0)


def test_its_lines_count_in_any_other_file(journal: Journal, ledger: Ledger) -> None:
    journal.batch(OldLines(), ["accepted"] * 3)
    other = OldLines(FILE + b'{"modelSlug": "a/b", "body": {"prompt": "four"}}\n')
    why = begin(ledger, other, OnPaid.REFUSE)
    assert isinstance(why, PaidBefore)
    assert (why.accepted, why.batches) == (3, ((1, 1.0),))


def test_lines_whose_submissions_are_gone_count_too(journal: Journal, ledger: Ledger) -> None:
    journal.batch(OldLines(), ["accepted", "unknown", "rejected"], linked=False)
    started = begin(ledger, OldLines())
    assert isinstance(started, StartedBatch)
    assert (started.earlier.accepted, started.earlier.unknown) == (1, 1)


def test_single_runs_are_known_by_their_bytes(journal: Journal, ledger: Ledger) -> None:
    body = b'{ "prompt":  "a cat" }'
    journal.submission(body, "accepted", "task-x")
    found = ledger.claim(request(body.decode()), resume=True)
    assert isinstance(found, Attempt)
    assert found.task_id == "task-x"
    again = ledger.claim(request('{"prompt": "a cat"}'), resume=True)  # once it is known
    assert isinstance(again, Attempt)


@pytest.mark.parametrize("state", ["intent", "unknown", "later version's word"])
def test_what_was_not_certain_is_unknown(journal: Journal, ledger: Ledger, state: str) -> None:
    journal.submission(b'{"a": 1}', state)
    found = ledger.claim(request('{"a": 1}'))
    assert isinstance(found, Attempt)
    assert found.state is UNKNOWN


def test_what_was_refused_may_be_sent(journal: Journal, ledger: Ledger) -> None:
    journal.submission(b'{"a": 1}', "rejected")
    assert isinstance(ledger.claim(request('{"a": 1}'), resume=True), Claimed)


@pytest.mark.parametrize(
    ("detail", "by"),
    [("Interrupted before it was sent.", "interrupt"), ("Modellix API error (400).", "service")],
)
def test_who_rejected_a_request_is_read_from_its_words(
    journal: Journal, ledger: Ledger, detail: str, by: str
) -> None:
    number = journal.submission(b'{"a": 1}', "rejected")
    journal.db.execute("UPDATE submissions SET detail = ?", (detail,))
    attempt = ledger.submissions.attempt(number)
    assert attempt is not None
    assert attempt.rejected_by == by


def test_another_model_with_the_same_body_is_another_request(
    journal: Journal, ledger: Ledger
) -> None:
    journal.submission(b"{}", "unknown", slug="a/c")
    assert isinstance(ledger.claim(request("{}")), Claimed)
    assert identity_of(API, parse_slug("a/c"), b"{}") != request("{}").identity


def test_tasks_durations_and_what_was_cleared_come_along(journal: Journal, ledger: Ledger) -> None:
    journal.db.execute(
        "INSERT INTO tasks VALUES ('https://api.modellix.ai', 'default', 't', 'a/b', 'success',"
        " 1, 2, 3, NULL)"
    )
    for seconds in (5.0, 6.0):
        journal.db.execute("INSERT INTO durations VALUES (NULL, ?, 'a/b', ?)", (API, seconds))
    journal.db.execute("INSERT INTO imports VALUES ('p', 'f')")
    journal.db.execute("INSERT INTO cleared VALUES ('*', 4.0)")
    assert ledger.tasks.recent(1) == ["t"]
    assert ledger.tasks.durations("a/b") == [5.0, 6.0]
    assert ledger.tasks.unsaved(4.0, 60.0) == [("t", "success")]
    assert ledger.sql("SELECT * FROM imports") == [("p", "f")]
    assert ledger.sql("SELECT * FROM cleared") == [("*", 4.0)]


def test_the_journal_is_left_alone_and_read_once(journal: Journal, opened: Open) -> None:
    journal.submission(b"{}", "accepted", "t")
    journal.db.close()
    before = journal.path.read_bytes()
    ledger = opened()
    assert ledger.submissions.attempt(1) is not None
    ledger.sql("DELETE FROM submissions")
    assert opened().submissions.attempt(1) is None
    assert journal.path.read_bytes() == before
    assert sorted(f.name for f in journal.path.parent.glob("journal*")) == ["journal.db"]


def test_columns_that_older_versions_did_not_have_are_empty(
    journal: Journal, ledger: Ledger
) -> None:
    journal.db.execute("DROP TABLE tasks")
    journal.db.execute("CREATE TABLE tasks (base_url, profile, task_id, slug, status, created_at,"
                       " updated_at)")  # fmt: skip
    journal.db.execute(
        "INSERT INTO tasks VALUES (?, 'default', 't', 'a/b', 'success', 1, 2)", (API,)
    )
    journal.db.execute("DROP TABLE batches")
    assert ledger.tasks.recent(1) == ["t"]
    assert ledger.marks.incomplete() is None


@pytest.mark.parametrize("damage", ["header", "page", "text"])
def test_a_damaged_journal_leaves_the_mark_and_what_can_be_read(
    journal: Journal, ledger: Ledger, damage: str
) -> None:
    for n in range(300):
        journal.submission(b'{"n": %d}' % n, "accepted", f"t-{n}")
    journal.db.close()
    root = sql(journal.path, "SELECT rootpage FROM sqlite_master WHERE name = 'submissions'")[0][0]
    data = bytearray(journal.path.read_bytes())
    if damage == "header":
        data[:100] = bytes(100)
    elif damage == "page":
        begin_ = (root - 1) * 4096
        child = int.from_bytes(data[begin_ + 12 + 2 : begin_ + 14 + 2], "big")
        leaf = int.from_bytes(data[begin_ + child : begin_ + child + 4], "big")
        data[(leaf - 1) * 4096 : leaf * 4096] = bytes(4096)
    else:
        data = bytearray(b"not a database" * 100)
    journal.path.write_bytes(data)
    mark = ledger.marks.incomplete()
    assert mark is not None
    assert "journal.db" in mark.reason
    with pytest.raises(ModellixError) as error:
        begin(ledger, OldLines())
    assert error.value.code is ErrorCode.LEDGER_INCOMPLETE
    if damage == "page":
        assert 200 < ledger.sql("SELECT count(*) FROM submissions")[0][0] < 300
    assert journal.path.read_bytes() == data


@pytest.mark.slow
def test_a_journal_that_is_locked_is_waited_for(journal: Journal, opened: Open) -> None:
    journal.submission(b"{}", "accepted", "t")
    journal.db.close()
    holder = sqlite3.connect(journal.path, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    holder.execute("UPDATE submissions SET detail = 'x'")
    ledger = opened(patience=0.7)
    with pytest.raises(ModellixError) as error:
        ledger.claim()
    assert error.value.code is ErrorCode.LEDGER_BUSY
    holder.close()
    assert ledger.submissions.attempt(1) is not None
    assert ledger.marks.incomplete() is None


@pytest.mark.parametrize("content", [b"", None])
def test_an_empty_or_foreign_journal_is_none(
    tmp_path: Path, ledger: Ledger, content: bytes | None
) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    if content is None:
        sql(folder / "journal.db", "CREATE TABLE submissions (id)")
    else:
        (folder / "journal.db").write_bytes(content)
    assert ledger.sent() == 1
    assert ledger.marks.incomplete() is None

"""One paid submission with the journal as witness."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modellix_cli.api.client import Client
from modellix_cli.api.retry import Limits
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.task import Submission
from modellix_cli.domain.values import parse_slug
from modellix_cli.engine import submit as module
from modellix_cli.engine.rate_governor import Gate, Governor
from modellix_cli.engine.submit import Submitter
from modellix_cli.engine.worker_pool import Done, Interrupted
from modellix_cli.ledger.journal import Account, Journal
from modellix_cli.ledger.journal_file import JournalFile
from modellix_cli.ledger.rate_state import RateStateStore
from tests.support import FakeClock

SLUG = parse_slug("a/b")
ACCEPTED = Submission("task-1", "pending", {})
Send = Callable[[], Submission]


class FakeClient(Client):
    """Answers a submission with `answer`, through the guard, like the real one."""

    def __init__(self, answer: Submission | ModellixError, journal: Path) -> None:
        self.answer = answer
        self.journal = journal
        self.states_when_sent: list[str] = []

    def submit(
        self,
        slug: object,
        body: bytes,
        *,
        resend_unknown: bool = False,
        guard: Callable[[Send], Submission] = lambda send: send(),
    ) -> Submission:
        def send() -> Submission:
            self.states_when_sent = states(self.journal)
            if isinstance(self.answer, ModellixError):
                raise self.answer
            return self.answer

        return guard(send)


def states(path: Path) -> list[str]:
    with sqlite3.connect(path) as db:
        rows = db.execute("SELECT state FROM submissions ORDER BY id").fetchall()
    db.close()
    return [row[0] for row in rows]


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def journal(tmp_path: Path, clock: FakeClock, warnings: list[str]) -> Iterator[Journal]:
    opened = Journal(
        JournalFile(tmp_path, clock, warnings.append), Account("https://x", "default"), clock
    )
    yield opened
    opened.close()


BOOKS: list[RateStateStore] = []


@pytest.fixture(autouse=True)
def closed_books() -> Iterator[None]:
    yield
    while BOOKS:
        BOOKS.pop().close()


def submitter(client: Client, journal: Journal, clock: FakeClock, warnings: list[str]) -> Submitter:
    BOOKS.append(RateStateStore(journal._file, "scope"))
    gate = Gate(Governor(BOOKS[-1], clock), clock, warnings.append, 120.0)
    return Submitter(
        client, journal, gate, now=clock.now, warn=warnings.append, resume=lambda i: f"wait {i}"
    )


def test_the_intent_is_on_disk_before_and_the_task_id_after(
    journal: Journal, clock: FakeClock, warnings: list[str]
) -> None:
    client = FakeClient(ACCEPTED, journal.path)
    assert submitter(client, journal, clock, warnings).submit(SLUG, b"{}") is ACCEPTED
    assert client.states_when_sent == ["intent"]
    assert states(journal.path) == ["accepted"]
    assert journal.last_task_id() == "task-1"
    assert warnings == []


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (ErrorCode.SUBMISSION_UNKNOWN, "unknown"),
        (ErrorCode.INVALID_REQUEST, "rejected"),
        (ErrorCode.NETWORK, "rejected"),
    ],
)
def test_a_failure_is_recorded_for_what_it_is(
    journal: Journal, clock: FakeClock, warnings: list[str], code: ErrorCode, state: str
) -> None:
    client = FakeClient(ModellixError(code, "no"), journal.path)
    with pytest.raises(ModellixError):
        submitter(client, journal, clock, warnings).submit(SLUG, b"{}")
    assert states(journal.path) == [state]


def test_repeating_a_request_of_unknown_outcome_is_warned_of(
    journal: Journal, clock: FakeClock, warnings: list[str]
) -> None:
    unknown = FakeClient(ModellixError(ErrorCode.SUBMISSION_UNKNOWN, "?"), journal.path)
    with pytest.raises(ModellixError):
        submitter(unknown, journal, clock, warnings).submit(SLUG, b"{}")
    fine = FakeClient(ACCEPTED, journal.path)
    submitter(fine, journal, clock, warnings).submit(SLUG, b'{"other": 1}')
    assert warnings == []
    submitter(fine, journal, clock, warnings).submit(SLUG, b"{}")
    assert "outcome is unknown; this is a second paid submission" in warnings[0]


def test_an_id_that_cannot_be_recorded_is_told(
    tmp_path: Path, clock: FakeClock, warnings: list[str]
) -> None:
    (tmp_path / "file").write_text("")
    journal = Journal(
        JournalFile(tmp_path / "file", clock, warnings.append), Account("x", "p"), clock
    )
    client = FakeClient(ACCEPTED, journal.path)
    client.journal = tmp_path / "none.db"
    with sqlite3.connect(client.journal) as db:
        db.execute("CREATE TABLE submissions (id, state)")
    db.close()
    submitter(client, journal, clock, warnings).submit(SLUG, b"{}")
    assert any("Nothing is recorded" in warning for warning in warnings)
    assert any("task-1" in warning for warning in warnings)


def interrupted_with(monkeypatch: pytest.MonkeyPatch, done: Done[str, Submission] | None) -> None:
    """Let Ctrl-C come during the POST, which ends as `done` says."""

    def shielded(work: Send, grace: float) -> Submission:
        if done is not None and done.result is not None:
            work()
        raise Interrupted(KeyboardInterrupt(), done)

    monkeypatch.setattr(module, "shielded", shielded)


def stopped(journal: Journal, clock: FakeClock, warnings: list[str]) -> ModellixError:
    client = FakeClient(ACCEPTED, journal.path)
    with pytest.raises(ModellixError) as caught:
        submitter(client, journal, clock, warnings).submit(SLUG, b"{}")
    assert caught.value.exit_status == 130
    return caught.value


def test_ctrl_c_after_the_answer_names_the_task_and_the_command_that_resumes(
    monkeypatch: pytest.MonkeyPatch, journal: Journal, clock: FakeClock, warnings: list[str]
) -> None:
    interrupted_with(monkeypatch, Done("", ACCEPTED, None))
    error = stopped(journal, clock, warnings)
    assert (error.task_id, error.resume, error.charged) == ("task-1", "wait task-1", "yes")
    assert states(journal.path) == ["accepted"]


def test_ctrl_c_before_the_answer_says_that_the_outcome_is_unknown(
    monkeypatch: pytest.MonkeyPatch, journal: Journal, clock: FakeClock, warnings: list[str]
) -> None:
    interrupted_with(monkeypatch, None)
    error = stopped(journal, clock, warnings)
    assert error.charged == "unknown"
    assert "Do not submit the same request again" in error.hint
    assert states(journal.path) == ["intent"]


def test_ctrl_c_at_a_refusal_says_that_nothing_was_charged(
    monkeypatch: pytest.MonkeyPatch, journal: Journal, clock: FakeClock, warnings: list[str]
) -> None:
    interrupted_with(
        monkeypatch, Done("", None, ModellixError(ErrorCode.RATE_LIMITED, "Too many."))
    )
    assert stopped(journal, clock, warnings).charged == "no"


class TwoTries(FakeClient):
    """Sends twice: the first try fails as told, then comes `second`."""

    def __init__(self, first: ModellixError, second: BaseException, journal: Path) -> None:
        super().__init__(ACCEPTED, journal)
        self.first, self.second = first, second

    def submit(
        self,
        slug: object,
        body: bytes,
        *,
        resend_unknown: bool = False,
        guard: Callable[[Send], Submission] = lambda send: send(),
    ) -> Submission:
        def fail() -> Submission:
            raise self.first

        with pytest.raises(ModellixError):
            guard(fail)
        self.states_when_sent = states(self.journal)
        raise self.second


UNKNOWN = ModellixError(ErrorCode.SUBMISSION_UNKNOWN, "No answer.")
REFUSED = ModellixError(ErrorCode.PAYMENT_REQUIRED, "No money.")


def test_between_two_tries_the_journal_still_says_intent(
    journal: Journal, clock: FakeClock, warnings: list[str]
) -> None:
    client = TwoTries(ModellixError(ErrorCode.RATE_LIMITED, "busy"), REFUSED, journal.path)
    with pytest.raises(ModellixError):
        submitter(client, journal, clock, warnings).submit(SLUG, b"{}")
    assert client.states_when_sent == ["intent"]
    assert states(journal.path) == ["rejected"]


def test_a_refusal_after_an_unknown_try_leaves_the_outcome_unknown(
    journal: Journal, clock: FakeClock, warnings: list[str]
) -> None:
    client = TwoTries(UNKNOWN, REFUSED, journal.path)
    with pytest.raises(ModellixError) as caught:
        submitter(client, journal, clock, warnings).submit(SLUG, b"{}", resend_unknown=True)
    assert (caught.value.code, caught.value.charged) == (ErrorCode.SUBMISSION_UNKNOWN, "unknown")
    assert "No money." in caught.value.message
    assert "No answer." in warnings[0]
    assert states(journal.path) == ["unknown"]


@pytest.mark.parametrize(
    ("first", "charged", "state"),
    [
        (UNKNOWN, "unknown", "intent"),
        (ModellixError(ErrorCode.RATE_LIMITED, "busy"), "no", "rejected"),
    ],
)
def test_ctrl_c_between_two_tries_says_what_is_known_of_the_first(
    journal: Journal,
    clock: FakeClock,
    warnings: list[str],
    first: ModellixError,
    charged: str,
    state: str,
) -> None:
    client = TwoTries(first, KeyboardInterrupt(), journal.path)
    with pytest.raises(ModellixError) as caught:
        submitter(client, journal, clock, warnings).submit(SLUG, b"{}")
    assert (caught.value.exit_status, caught.value.charged) == (130, charged)
    assert states(journal.path) == [state]


class Impatient(FakeClock):
    """Ctrl-C comes as soon as something waits."""

    def sleep(self, seconds: float) -> None:
        raise KeyboardInterrupt


def test_ctrl_c_while_a_submission_waits_for_its_turn_leaves_nothing_in_the_journal(
    journal: Journal, warnings: list[str]
) -> None:
    clock = Impatient()
    waiting = submitter(FakeClient(ACCEPTED, journal.path), journal, clock, warnings)
    waiting._gate.answered(Limits(429, wait=30))
    with pytest.raises(ModellixError) as caught:
        waiting.submit(SLUG, b"{}")
    assert (caught.value.exit_status, caught.value.charged) == (130, "no")
    assert "nothing was charged" in caught.value.message
    assert states(journal.path) == []


def test_a_task_accepted_during_ctrl_c_has_its_slot(
    monkeypatch: pytest.MonkeyPatch, journal: Journal, clock: FakeClock, warnings: list[str]
) -> None:
    interrupted_with(monkeypatch, Done("", ACCEPTED, None))
    stopped(journal, clock, warnings)
    with sqlite3.connect(journal.path) as db:
        assert db.execute("SELECT task_id FROM running").fetchall() == [("task-1",)]
    db.close()


def test_a_valid_id_in_an_unusable_answer_is_recorded_and_can_be_resumed(
    journal: Journal, clock: FakeClock, warnings: list[str]
) -> None:
    error = ModellixError(ErrorCode.SUBMISSION_UNKNOWN, "odd", task_id="task-9")
    with pytest.raises(ModellixError) as caught:
        submitter(FakeClient(error, journal.path), journal, clock, warnings).submit(SLUG, b"{}")
    assert caught.value.resume == "wait task-9"
    assert journal.last_task_id() == "task-9"

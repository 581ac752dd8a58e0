"""What processes share about a key's limits."""

import multiprocessing
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modellix_cli.clock import Clock
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.rate_state import RateState, RateStateStore, Slots
from tests.ledger.ledgers import sql
from tests.support import FakeClock

Open = Callable[..., RateStateStore]


@pytest.fixture
def process(tmp_path: Path, clock: FakeClock) -> Iterator[Open]:
    """Open the book as another process would."""
    files: list[LedgerFile] = []

    def opened(scope: str = "scope") -> RateStateStore:
        files.append(LedgerFile(tmp_path, clock))
        return RateStateStore(files[-1], scope)

    yield opened
    for file in files:
        file.close()


NEWER = '{"limit": 7, "window": 60, "mood": "good"}'


def count_one(pace: RateState, slots: Slots) -> None:
    pace.sent += 1


def known(book: RateStateStore) -> RateState:
    return book.change(lambda pace, slots: pace)


def taken(book: RateStateStore, now: float = 0.0) -> tuple[int, int]:
    return book.change(lambda pace, slots: slots.count(now))


def test_what_one_process_learns_the_others_know(process: Open) -> None:
    def learn(pace: RateState, slots: Slots) -> None:
        pace.limit, pace.reset_at, pace.presumed, pace.cap = 100, 12.5, True, 3
        slots.take("ref", 0, 10)

    process().change(learn)
    pace = known(process())
    assert (pace.limit, pace.reset_at, pace.presumed, pace.cap) == (100, 12.5, True, 3)
    assert taken(process()) == (1, 1)


def test_keys_do_not_share_their_limits(process: Open) -> None:
    process("one").change(count_one)
    process("one").change(lambda pace, slots: slots.take("ref", 0, 10))
    assert known(process("two")).sent == 0
    assert taken(process("two")) == (0, 0)


def test_a_slot_is_taken_by_a_submission_and_left_to_its_task(process: Open) -> None:
    book = process()
    book.change(lambda pace, slots: slots.take("ref", 0, 10))
    assert taken(book) == (1, 1)
    book.change(lambda pace, slots: slots.assign("ref", "task-1", 0, 20))
    assert taken(book, 15) == (1, 0)
    book.change(lambda pace, slots: slots.ended("task-1"))
    assert taken(book) == (0, 0)


def test_a_slot_that_nobody_renews_is_free_when_its_time_is_over(process: Open) -> None:
    book = process()
    book.change(lambda pace, slots: slots.assign("ref", "task-1", 0, 10))
    book.change(lambda pace, slots: slots.renew("task-1", 5, 15))
    assert taken(book, 19) == (1, 0)
    assert taken(book, 20) == (0, 0)


def test_renewing_never_shortens(process: Open) -> None:
    book = process()
    book.change(lambda pace, slots: slots.assign("ref", "task-1", 0, 100))
    book.change(lambda pace, slots: slots.renew("task-1", 5, 15))
    assert taken(book, 99) == (1, 0)


def test_what_fails_inside_changes_nothing(process: Open) -> None:
    book = process()

    def fail(pace: RateState, slots: Slots) -> None:
        slots.take("ref", 0, 10)
        count_one(pace, slots)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        book.change(fail)
    assert taken(book) == (0, 0)
    assert known(book).sent == 0


@pytest.mark.parametrize(
    "state",
    [
        "not JSON",
        "[]",
        "null",
        '{"limit": 0, "cap": 0, "remaining": -1, "window": NaN, "reset_at": Infinity}',
        '{"limit": "100", "sent": 1.5, "presumed": 1, "hold_until": -1, "cap": true}',
    ],
)
def test_stored_values_that_cannot_be_are_left_out(
    process: Open, tmp_path: Path, state: str
) -> None:
    process().change(count_one)
    with sqlite3.connect(tmp_path / "ledger.db") as db:
        db.execute("UPDATE rate_state SET state = ?", (state,))
    db.close()
    assert known(process()) == RateState()


def test_what_a_newer_version_stored_is_read_as_far_as_it_is_known(
    process: Open, tmp_path: Path
) -> None:
    process().change(count_one)
    with sqlite3.connect(tmp_path / "ledger.db") as db:
        db.execute("UPDATE rate_state SET state = ?", (NEWER,))
    db.close()
    assert known(process()) == RateState(limit=7, window=60.0)


def test_without_a_ledger_a_process_learns_for_itself(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "file").write_text("")
    book = RateStateStore(LedgerFile(tmp_path / "file" / "state", clock), "scope")
    book.change(count_one)
    book.change(count_one)
    book.change(lambda pace, slots: slots.take("ref", 0, 10))
    assert known(book).sent == 2
    assert taken(book) == (1, 1)


def test_without_a_ledger_threads_lose_nothing(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "file").write_text("")
    book = RateStateStore(LedgerFile(tmp_path / "file" / "state", clock), "scope")
    count_in_threads(book)
    assert known(book).sent == 200


def test_threads_lose_nothing(process: Open) -> None:
    book = process()
    count_in_threads(book)
    assert known(process()).sent == 200


def count_in_threads(book: RateStateStore) -> None:
    def work() -> None:
        for _ in range(25):
            book.change(count_one)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def count_some(folder: Path) -> None:
    file = LedgerFile(folder, Clock())
    book = RateStateStore(file, "scope")
    for _ in range(50):
        book.change(count_one)
    file.close()


@pytest.mark.slow
def test_processes_lose_nothing(process: Open, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=count_some, args=(tmp_path,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert known(process()).sent == 200


def test_a_submission_whose_process_is_dead_frees_its_slot_at_once(
    process: Open, tmp_path: Path
) -> None:
    book = process()
    book.change(lambda pace, slots: slots.take("flying", 0, 45))
    book.change(lambda pace, slots: slots.assign("created", "task-1", 0, 45))
    sql(tmp_path / "ledger.db", "UPDATE running_tasks SET pid = 2147483646, process_started = 1")
    assert taken(book, 1) == (1, 0)  # the task that it created goes on without it


@pytest.mark.parametrize("jump", [3600.0, 3 * 3600.0, 1e9])
def test_a_slot_that_a_clock_ahead_told_of_is_free(process: Open, jump: float) -> None:
    book = process()
    book.change(lambda pace, slots: slots.assign("ref", "task-1", jump, 45))
    assert taken(book, 1) == (0, 0)


def test_many_slots_are_kept(process: Open) -> None:
    def fill(pace: RateState, slots: Slots) -> None:
        for number in range(300):
            slots.take(f"ref-{number}", 0, 10)

    process().change(fill)
    assert taken(process()) == (300, 300)


def test_a_submission_costs_the_same_however_many_slots_are_taken(
    process: Open, tmp_path: Path
) -> None:
    book = process()

    def steps_of_one(number: int) -> int:
        """Count what SQLite does, by the hundred instructions."""
        steps = 0

        def count() -> None:
            nonlocal steps
            steps += 1

        def work(pace: RateState, slots: Slots) -> None:
            slots._db.set_progress_handler(count, 100)
            slots.take(f"new-{number}", 0, 10)
            slots.assign(f"new-{number}", f"new-{number}", 0, 10)
            slots.renew(f"new-{number}", 0, 20)
            slots.ended(f"new-{number}")
            slots._db.set_progress_handler(None, 0)

        book.change(work)
        return steps

    def fill(pace: RateState, slots: Slots) -> None:
        for number in range(2000):
            slots.assign(f"ref-{number}", f"task-{number}", 0, 10)

    few = steps_of_one(1)
    book.change(fill)
    assert steps_of_one(2) <= few + 5

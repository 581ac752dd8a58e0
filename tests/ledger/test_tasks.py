"""Tasks, how long they ran and what was saved of them."""

from collections.abc import Callable

import pytest

from modellix_cli.domain.account import account_of
from modellix_cli.domain.money import Money
from modellix_cli.ledger.files import FileStore
from modellix_cli.ledger.task_records import KeptFile, TaskReport
from modellix_cli.ledger.tasks import KEPT_DURATIONS
from tests.ledger.ledgers import API, OTHER, UNKNOWN, Ledger, Lines, bodies, request
from tests.support import FakeClock

Open = Callable[..., Ledger]
DAY = 86400.0
SAME_KEY = account_of(API, "second", "mk-one-0123456789")


def test_what_the_server_said_is_recorded_once(ledger: Ledger, clock: FakeClock) -> None:
    ledger.sent(task_id="t")
    report = TaskReport("t", "success", 5.0, 9.0, Money.parse("0.030"))
    ledger.tasks.record_status(report)
    clock.sleep(10)
    ledger.tasks.record_status(report)
    ledger.tasks.record_status(TaskReport("t", "success"))
    columns = "status, ended_at, expires_at, billed_cost, updated_at"
    assert ledger.sql(f"SELECT {columns} FROM tasks") == [
        ("success", 5.0, 9.0, "0.03", clock.now() - 10)
    ]
    assert ledger.sql("SELECT billed_cost FROM submissions") == [("0.03",)]


def test_news_about_a_task_reach_every_profile_that_saw_it(ledger: Ledger, opened: Open) -> None:
    ledger.run(Lines(bodies("a")))
    opened(account=SAME_KEY).tasks.record_status(TaskReport("task-1", "failed"))
    ledger.clock.sleep(1)
    attempt = ledger.submissions.attempt(1)
    assert attempt is not None
    assert attempt.status == "failed"
    assert ledger.sql("SELECT DISTINCT status FROM tasks") == [("failed",)]


@pytest.mark.parametrize("final", ["success", "Failed", "canceled", "completed", "expired"])
@pytest.mark.parametrize("late", ["processing", "pending", "something-new"])
def test_a_task_that_ended_stays_ended(ledger: Ledger, opened: Open, final: str, late: str) -> None:
    ledger.sent(task_id="t")
    ledger.tasks.record_status(TaskReport("t", final))
    then = ledger.clock.now()
    ledger.clock.sleep(10)
    ledger.tasks.record_status(TaskReport("t", late))
    assert ledger.sql("SELECT status, updated_at FROM tasks") == [(final, then)]
    opened(account=SAME_KEY).tasks.record_status(TaskReport("t", late))
    assert ledger.sql("SELECT DISTINCT status FROM tasks") == [(final,)]


def test_an_end_may_be_replaced_by_another_end(ledger: Ledger) -> None:
    ledger.sent(task_id="t")
    for status in ("failed", "success"):
        ledger.tasks.record_status(TaskReport("t", status))
        assert ledger.sql("SELECT status FROM tasks") == [(status,)]


class TestUnsaved:
    def test_what_was_not_saved_and_lives_is_told_first_to_expire_first(
        self, ledger: Ledger, clock: FakeClock
    ) -> None:
        now = clock.now()
        for task_id, ended, expires in (
            ("late", now, None),
            ("soon", now, now + 60),
            ("gone", now, now - 60),
            ("old", now - 8 * DAY, None),
            ("runs", None, None),
            ("kept", now, None),
        ):
            ledger.sent(task_id=task_id)
            ledger.tasks.record_status(TaskReport(task_id, "success", ended, expires))
        ledger.tasks.mark_saved("kept")
        found = ledger.tasks.unsaved(now, 7 * DAY)
        assert found == [("soon", "success"), ("late", "success"), ("runs", "success")]

    def test_of_the_whole_account_and_no_other(self, ledger: Ledger, opened: Open) -> None:
        ledger.sent(task_id="t")
        opened(account=OTHER).sent(task_id="u")
        second = opened(account=SAME_KEY)
        second.tasks.record_status(TaskReport("t", "success"))
        assert second.tasks.unsaved(ledger.clock.now(), DAY) == [("t", "success")]
        second.tasks.mark_saved("t")
        assert ledger.tasks.unsaved(ledger.clock.now(), DAY) == []


def test_the_task_submitted_last_comes_first(ledger: Ledger, clock: FakeClock) -> None:
    assert ledger.tasks.recent(1) == []
    for task_id in ("t-1", "t-2", "t-3"):
        ledger.sent(task_id=task_id)
        clock.sleep(1)
    assert ledger.tasks.recent(2) == ["t-3", "t-2"]
    assert ledger.tasks.recent(1) == ["t-3"]


def test_a_doubt_that_ends_late_does_not_make_a_task_the_last(
    ledger: Ledger, clock: FakeClock
) -> None:
    number = ledger.sent(request('{"n": 1}'), UNKNOWN)
    clock.sleep(1)
    ledger.sent(task_id="newer")
    clock.sleep(1)
    ledger.submissions.resolve(number, "older")
    assert ledger.tasks.recent(9) == ["newer", "older"]


def test_a_task_from_elsewhere_is_not_known(ledger: Ledger) -> None:
    ledger.tasks.record_status(TaskReport("t", "success"))
    assert ledger.tasks.known_task("t") is None


class TestDurations:
    def test_those_of_the_tasks_submitted_last_are_kept(
        self, ledger: Ledger, clock: FakeClock
    ) -> None:
        now = clock.now()
        for age in range(KEPT_DURATIONS + 5):
            ledger.tasks.record_duration("a/b", now - age, float(age))
        assert ledger.tasks.durations("a/b") == [float(n) for n in reversed(range(KEPT_DURATIONS))]
        assert ledger.tasks.durations("a/c") == []

    @pytest.mark.parametrize("jump", [3600.0, 1e9])
    def test_a_clock_that_was_ahead_does_not_keep_what_it_recorded_for_ever(
        self, ledger: Ledger, clock: FakeClock, jump: float
    ) -> None:
        for _ in range(KEPT_DURATIONS):
            ledger.tasks.record_duration("a/b", clock.now() + jump, 99.0)
        for _ in range(KEPT_DURATIONS):
            clock.sleep(1)
            ledger.tasks.record_duration("a/b", clock.now(), 1.0)
        assert ledger.tasks.durations("a/b") == [1.0] * KEPT_DURATIONS


def test_files_are_known_by_task_in_the_order_of_their_resources(
    ledger: Ledger, clock: FakeClock
) -> None:
    files = FileStore(ledger.file, API)
    one = KeptFile(1, "/x/1.png", 3, "ab", "image", "https://x/1")
    two = KeptFile(2, "/x/2.png", 4)
    files.record("t", [two, one])
    assert files.of_task("t") == [one, two]
    clock.sleep(1)
    moved = KeptFile(1, "/y/1.png", 3)
    files.record("t", [moved, KeptFile(2, "/x/2.png", 5)])
    assert files.of_task("t") == [one, moved, KeptFile(2, "/x/2.png", 5)]
    assert FileStore(ledger.file, "http://localhost:1").of_task("t") == []

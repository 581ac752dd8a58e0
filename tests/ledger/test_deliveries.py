"""Webhooks in the ledger: each once, harmless if false, and news for commands that wait."""

from collections.abc import Callable

import pytest

from modellix_cli.domain.money import Money
from modellix_cli.ledger.deliveries import DeliveryStore, DeliveryWatch, Received, Recorded
from modellix_cli.ledger.task_records import TaskReport
from tests.ledger.ledgers import API, SANDBOX, Ledger
from tests.support import FakeClock

Open = Callable[..., Ledger]
DAY = 86400.0


def store(ledger: Ledger, base_url: str = API) -> DeliveryStore:
    return DeliveryStore(ledger.tasks._file, base_url)


def received(number: int = 1, task_id: str = "t", report: TaskReport | None = None) -> Received:
    return Received(f"d-{number}", task_id, "prediction.task.succeeded", report)


def deliver(ledger: Ledger, report: TaskReport) -> list[tuple[object, ...]]:
    """Return status, expiry and cost of the task after a delivery."""
    store(ledger).record([received(report=report)])
    return ledger.sql("SELECT status, expires_at, billed_cost FROM tasks")


def test_a_delivery_is_new_once_also_for_another_process(ledger: Ledger, opened: Open) -> None:
    assert store(ledger).record([received(1), received(1), received(2)]) == [
        Recorded(new=True, known=False),
        Recorded(new=False, known=False),
        Recorded(new=True, known=False),
    ]
    assert store(opened()).record([received(2)]) == [Recorded(new=False, known=False)]


def test_a_task_of_this_ledger_is_known_at_its_own_address(ledger: Ledger) -> None:
    ledger.sent(task_id="t")
    assert store(ledger).record([received(1)])[0].known
    assert not store(ledger, SANDBOX).record([received(2)])[0].known


def test_success_and_expiry_are_noted_and_no_cost_that_would_free_a_budget(
    ledger: Ledger, clock: FakeClock
) -> None:
    ledger.sent(task_id="t")
    kept = clock.now() + 7 * DAY
    report = TaskReport("t", "success", None, kept, Money.parse("0.03"))
    assert deliver(ledger, report) == [("success", kept, None)]
    assert ledger.sql("SELECT billed_cost FROM submissions") == [(None,)]


@pytest.mark.parametrize("status", ["failed", "canceled", "processing", "expired"])
def test_nothing_else_is_noted_as_it_might_hide_a_result(ledger: Ledger, status: str) -> None:
    ledger.sent(task_id="t")
    assert deliver(ledger, TaskReport("t", status)) == [("submitted", None, None)]


@pytest.mark.parametrize("days", [-1, 0, 1, 5, 61])
def test_an_expiry_that_would_hide_a_result_is_not_believed(
    ledger: Ledger, clock: FakeClock, days: int
) -> None:
    ledger.sent(task_id="t")
    report = TaskReport("t", "success", None, clock.now() + days * DAY)
    assert deliver(ledger, report) == [("success", None, None)]


@pytest.mark.parametrize("status", ["success", "failed", "canceled"])
def test_what_the_api_said_of_an_end_stays(ledger: Ledger, clock: FakeClock, status: str) -> None:
    ledger.sent(task_id="t")
    ledger.tasks.record_status(TaskReport("t", status, None, 5.0, Money.parse("0.01")))
    report = TaskReport("t", "succeeded", None, clock.now() + 7 * DAY, Money.parse("9"))
    assert deliver(ledger, report) == [(status, 5.0, "0.01")]


def test_a_repeat_changes_nothing(ledger: Ledger) -> None:
    ledger.sent(task_id="t")
    store(ledger).record([received(1)])
    assert deliver(ledger, TaskReport("t", "success")) == [("submitted", None, None)]


def test_a_task_that_is_not_known_is_not_added(ledger: Ledger) -> None:
    assert deliver(ledger, TaskReport("t", "success")) == []


def test_old_deliveries_are_forgotten(ledger: Ledger, clock: FakeClock) -> None:
    store(ledger).record([received(1)])
    clock.sleep(31 * DAY)
    store(ledger).record([received(2)])
    assert ledger.sql("SELECT delivery_id FROM deliveries") == [("d-2",)]


class TestNews:
    def test_a_delivery_is_news_once(self, ledger: Ledger, opened: Open) -> None:
        watching = opened()
        watching.tasks.known_task("t")  # which opens the ledger
        watch = DeliveryWatch(watching.tasks._file)
        assert watch.news() == []
        store(ledger).record([received(1, "a"), received(2, "b"), received(3, "a")])
        assert watch.news() == ["a", "b"]
        assert watch.news() == []
        store(ledger).record([received(4, "c"), received(1, "a")])
        assert watch.news() == ["c"]

    def test_what_came_before_is_news_at_first(self, ledger: Ledger, opened: Open) -> None:
        store(ledger).record([received(1, "a")])
        watching = opened()
        watching.tasks.known_task("t")
        assert DeliveryWatch(watching.tasks._file).news() == ["a"]

    def test_a_clock_that_goes_back_hides_nothing(
        self, ledger: Ledger, opened: Open, clock: FakeClock
    ) -> None:
        store(ledger).record([received(1, "a")])
        watching = opened()
        watching.tasks.known_task("t")
        watch = DeliveryWatch(watching.tasks._file)
        watch.news()
        clock.time -= 1000.0
        store(ledger).record([received(2, "b")])
        assert watch.news() == ["b"]

    def test_a_ledger_that_is_not_open_is_left_alone(self, opened: Open) -> None:
        unopened = opened()
        assert DeliveryWatch(unopened.tasks._file).news() == []
        assert not unopened.path.exists()

    def test_a_ledger_in_use_by_another_thread_is_not_waited_for(self, ledger: Ledger) -> None:
        import threading

        ledger.tasks.known_task("t")
        file = ledger.tasks._file
        held, done = threading.Event(), threading.Event()

        def hold() -> None:
            with file._lock:
                held.set()
                done.wait(10)

        thread = threading.Thread(target=hold)
        thread.start()
        held.wait(10)
        assert file.peek(lambda db: "read") is None
        done.set()
        thread.join()
        assert file.peek(lambda db: "read") == "read"

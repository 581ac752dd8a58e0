"""Deliveries handled once: recorded, told, and given to the command; with and without a ledger."""

from collections.abc import Sequence

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.ledger.deliveries import Received, Recorded
from modellix_cli.webhooks.delivery import Delivery, read_delivery
from modellix_cli.webhooks.inbox import Inbox
from modellix_cli.workflows.webhook_listen import Listening, received
from tests.webhooks.deliveries import body, delivery, headers

BUSY = ModellixError(ErrorCode.LEDGER_BUSY, "it is locked.")


class FakeStore:
    """A ledger in memory; `trouble` is what it raises."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.trouble: ModellixError | None = None

    def record(self, deliveries: Sequence[Received]) -> list[Recorded]:
        if self.trouble is not None:
            raise self.trouble
        recorded = []
        for one in deliveries:
            recorded.append(Recorded(one.delivery_id not in self.seen, known=True))
            self.seen.append(one.delivery_id)
        return recorded


class FakeTeller:
    def __init__(self) -> None:
        self.told: list[str] = []
        self.errors: list[ModellixError] = []

    def delivery(self, delivery: Delivery, *, known: bool) -> None:
        self.told.append(delivery.delivery_id)

    def unrecorded(self, error: ModellixError) -> None:
        self.errors.append(error)


def listener() -> tuple[Listening, FakeStore, FakeTeller]:
    store, teller = FakeStore(), FakeTeller()
    return Listening(store, teller, None), store, teller


def some(*names: str) -> list[Delivery]:
    return [delivery(delivery_id=name) for name in names]


def test_a_repeat_is_counted_and_not_told() -> None:
    listening, _, teller = listener()
    listening.handle(some("a", "b", "a"))
    listening.handle(some("b", "c"))
    assert teller.told == ["a", "b", "c"]
    assert (listening.tally.told, listening.tally.repeats) == (3, 2)


def test_what_an_earlier_listener_recorded_is_not_told() -> None:
    listening, store, teller = listener()
    store.seen = ["a"]
    listening.handle(some("a", "b"))
    assert teller.told == ["b"]


def test_without_a_ledger_each_is_told_once_and_the_trouble_too() -> None:
    listening, store, teller = listener()
    store.trouble = BUSY
    listening.handle(some("a", "b"))
    listening.handle(some("b", "c"))
    assert teller.told == ["a", "b", "c"]
    assert teller.errors == [BUSY]


def test_what_could_not_be_recorded_is_recorded_later_and_not_told_again() -> None:
    listening, store, teller = listener()
    store.trouble = BUSY
    listening.handle(some("a"))
    store.trouble = None
    listening.handle(some("b"))
    assert store.seen == ["a", "b"]
    assert teller.told == ["a", "b"]


def test_what_was_acknowledged_before_the_end_is_still_told() -> None:
    listening, _, teller = listener()
    inbox = Inbox()
    for one in some(*map(str, range(500))):
        inbox.offer(one, 1)
    stops: list[str] = []
    listening.run(inbox, lambda: True, lambda: stops.append("stopped"))
    assert len(teller.told) == 500
    assert stops == ["stopped"]


def test_an_event_that_contradicts_the_body_says_nothing_of_the_end() -> None:
    failed = headers() | {"x-modellix-event": "prediction.task.failed"}
    assert received(read_delivery(failed, body(), 1.0)).report is None
    report = received(delivery(status="Success", result_expires_at=99)).report
    assert report is not None
    assert (report.status, report.expires_at) == ("success", 99.0)

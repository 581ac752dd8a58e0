"""The inbox: bounded, in order, woken."""

from modellix_cli.webhooks.inbox import Inbox
from tests.webhooks.deliveries import delivery


def test_deliveries_come_out_in_their_order() -> None:
    inbox = Inbox()
    for number in range(3):
        inbox.offer(delivery(delivery_id=f"d-{number}"), 1)
    assert [one.delivery_id for one in inbox.take(0)] == ["d-0", "d-1", "d-2"]
    assert inbox.take(0) == []


def test_there_is_room_for_so_many_and_so_much() -> None:
    inbox = Inbox(most=2, most_bytes=100)
    assert not inbox.offer(delivery(), 101)
    assert [inbox.offer(delivery(), 10) for _ in range(3)] == [True, True, False]
    inbox.take(0)
    assert inbox.offer(delivery(), 100)


def test_a_wait_can_be_ended() -> None:
    inbox = Inbox()
    inbox.wake()
    assert inbox.take(3600.0) == []

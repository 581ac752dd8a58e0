"""Waits between threads end in time, whatever signals come meanwhile."""

import signal
import threading
import time
from queue import Empty

import pytest

from modellix_cli.mailbox import Mailbox


def test_what_was_put_is_taken_in_its_order() -> None:
    box: Mailbox[int] = Mailbox()
    box.put(1)
    box.put(2)
    assert [box.get(0), box.get(0)] == [1, 2]
    with pytest.raises(Empty):
        box.get(0)


def test_what_another_thread_puts_ends_the_wait() -> None:
    box: Mailbox[str] = Mailbox()
    threading.Timer(0.02, box.put, ("came",)).start()
    assert box.get(60) == "came"


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers")
def test_a_handler_that_outlasts_the_wait_does_not_make_it_endless() -> None:
    box: Mailbox[int] = Mailbox()
    before = signal.signal(signal.SIGALRM, lambda *_: time.sleep(0.1))
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    late = threading.Timer(5, box.put, (0,))  # else this would wait for ever
    late.daemon = True
    late.start()
    try:
        with pytest.raises(Empty):
            box.get(0.05)
    finally:
        late.cancel()
        signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="no such signal")
def test_a_handler_may_put() -> None:
    box: Mailbox[str] = Mailbox()
    before = signal.signal(signal.SIGALRM, lambda *_: box.put("woken"))
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    try:
        assert box.get(60) == "woken"
    finally:
        signal.signal(signal.SIGALRM, before)

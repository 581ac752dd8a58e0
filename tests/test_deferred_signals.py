"""A first signal is noted, a second one ends; what was ignored stays ignored."""

import os
import signal

import pytest

from modellix_cli import deferred_signals as module
from modellix_cli.deferred_signals import DeferredSignals
from modellix_cli.domain.errors import Stopped


def send(number: int = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


def test_a_first_signal_is_only_noted() -> None:
    told: list[str] = []
    with DeferredSignals() as calm:
        calm.then = lambda: told.append("then")
        send()
    assert type(calm.stop) is KeyboardInterrupt
    assert told == ["then"]


def test_a_second_signal_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SAME", 0.0)
    with pytest.raises(KeyboardInterrupt), DeferredSignals():
        send()
        send()


def test_one_signal_that_came_twice_is_one() -> None:
    with DeferredSignals() as calm:
        send()
        send()
    assert calm.stop is not None


def test_other_signals_that_end_the_program_are_noted_as_such() -> None:
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with DeferredSignals() as calm:
            send(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert isinstance(calm.stop, Stopped)
    assert calm.stop.signal_number == signal.SIGTERM


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no such signal")
def test_what_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with DeferredSignals() as calm:
            send(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert calm.stop is None


def test_afterwards_signals_do_what_they_did() -> None:
    with DeferredSignals():
        pass
    with pytest.raises(KeyboardInterrupt):
        send()

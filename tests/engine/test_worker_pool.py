"""Threads that work while the main one answers Ctrl-C."""

import threading

from modellix_cli.clock import Clock
from modellix_cli.engine.worker_pool import Pool
from tests.support import FakeClock


def test_work_is_done_and_handed_back_with_its_key() -> None:
    pool: Pool[str, int] = Pool(2, FakeClock())
    for key, value in (("a", 1), ("b", 2), ("c", 3)):
        pool.start(key, lambda value=value: value * 10)  # type: ignore[misc]
    results = [pool.next(5) for _ in range(3)]
    pool.close()
    assert {done.key: done.result for done in results if done} == {"a": 10, "b": 20, "c": 30}


def test_what_work_raises_is_handed_back() -> None:
    pool: Pool[str, int] = Pool(1, FakeClock())
    pool.start("a", lambda: 1 // 0)
    done = pool.next(5)
    pool.close()
    assert done is not None
    assert isinstance(done.error, ZeroDivisionError)


def test_nothing_done_in_time_is_none() -> None:
    assert Pool[str, int](1, FakeClock()).next(0) is None


def test_a_wait_can_be_ended() -> None:
    pool: Pool[str, int] = Pool(1, Clock())
    pool.wake()
    assert pool.next(60) is None


def test_a_wait_for_work_can_be_ended_and_the_work_is_not_lost() -> None:
    pool: Pool[str, int] = Pool(1, Clock())
    gate = threading.Event()
    pool.start("a", lambda: int(gate.wait(5)))
    pool.wake()
    assert pool.next(60) is None
    gate.set()
    done = pool.next(5)
    pool.close()
    assert done is not None
    assert done.result == 1


def test_one_thread_is_enough_for_work_that_comes_one_after_the_other() -> None:
    pool: Pool[int, int] = Pool(8, Clock())
    seen = []
    for number in range(5):
        pool.start(number, threading.get_ident)
        done = pool.next(60)
        assert done is not None
        seen.append(done.result)
    pool.close()
    assert len(set(seen)) == 1


def test_work_that_comes_at_once_is_done_at_once() -> None:
    pool: Pool[int, int] = Pool(3, Clock())
    together = threading.Barrier(3)
    for number in range(3):
        pool.start(number, lambda: together.wait(60))
    results = [pool.next(60) for _ in range(3)]
    pool.close()
    assert sorted(done.result or 0 for done in results if done) == [0, 1, 2]

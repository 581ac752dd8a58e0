"""Locks between processes: the official CLI's directories beside the file."""

import os
import threading
import time
from pathlib import Path

import pytest

from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ErrorCode, ExitStatus, ModellixError
from modellix_cli.profiles import locks
from modellix_cli.profiles.locks import hold
from tests.support import FakeClock


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.json"


@pytest.fixture
def lock(file: Path) -> Path:
    return file.with_name("config.json.lock")


def make_old(lock: Path, seconds: float = 31) -> None:
    then = time.time() - seconds
    os.utime(lock, (then, then))


def test_a_lock_is_a_directory_beside_the_file_and_goes_afterwards(file: Path, lock: Path) -> None:
    with hold(file, FakeClock()):
        assert lock.is_dir()
    assert list(file.parent.iterdir()) == []


def test_a_lock_goes_when_the_work_fails(file: Path, lock: Path) -> None:
    with pytest.raises(ZeroDivisionError), hold(file, FakeClock()):
        raise ZeroDivisionError
    assert not lock.exists()


def test_a_held_lock_is_waited_for_five_seconds_in_growing_steps(file: Path, lock: Path) -> None:
    lock.mkdir()
    clock = FakeClock()
    refused = pytest.raises(ModellixError, match="Unable to acquire exclusive access")
    with refused as caught, hold(file, clock):
        pass
    assert 5 <= sum(clock.slept) < 5.5
    assert clock.slept[0] == 0.025
    assert max(clock.slept) <= 0.25
    assert caught.value.code is ErrorCode.CONFIG_BUSY
    assert caught.value.exit_status == ExitStatus.FAILED
    assert caught.value.retryable
    assert f"rmdir {lock}" in caught.value.hint
    assert lock.is_dir()


class Releasing(FakeClock):
    """Another process gives the lock back while we sleep."""

    def __init__(self, lock: Path) -> None:
        super().__init__()
        self.lock = lock

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if len(self.slept) == 3:
            self.lock.rmdir()


def test_a_lock_that_is_given_back_is_had(file: Path, lock: Path) -> None:
    lock.mkdir()
    clock = Releasing(lock)
    with hold(file, clock):
        assert len(clock.slept) == 3


class Changing(FakeClock):
    """The lock goes from one process to the next, each of which holds it for seconds."""

    def __init__(self, lock: Path) -> None:
        super().__init__()
        self.lock = lock
        self.changes = 0

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if len(self.slept) % 12 == 0:
            self.changes += 1
            os.utime(self.lock, ns=(self.changes, time.time_ns() + self.changes))
            if self.changes == 8:
                self.lock.rmdir()


def test_a_queue_that_moves_on_is_waited_for_longer(file: Path, lock: Path) -> None:
    lock.mkdir()
    clock = Changing(lock)
    with hold(file, clock):
        assert sum(clock.slept) > 5


def test_the_lock_of_a_dead_process_is_taken_over_at_once(file: Path, lock: Path) -> None:
    lock.mkdir()
    make_old(lock)
    clock = FakeClock()
    with hold(file, clock):
        assert lock.stat().st_mtime > time.time() - 5
    assert clock.slept == []


def test_a_lock_refreshed_within_thirty_seconds_is_respected(file: Path, lock: Path) -> None:
    lock.mkdir()
    make_old(lock, 25)
    with pytest.raises(ModellixError), hold(file, FakeClock()):
        pass
    assert lock.is_dir()


def test_a_holder_refreshes_its_lock(
    file: Path, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "REFRESH_SECONDS", 0.02)
    with hold(file, Clock()):
        first = lock.stat().st_mtime_ns
        deadline = time.monotonic() + 5
        while lock.stat().st_mtime_ns == first and time.monotonic() < deadline:
            time.sleep(0.01)
        assert lock.stat().st_mtime_ns > first
    assert not lock.exists()


def test_a_lock_that_was_lost_is_not_removed(file: Path, lock: Path) -> None:
    with hold(file, FakeClock()):
        lock.rmdir()
        lock.mkdir()
        make_old(lock, 1)
    assert lock.is_dir()


def test_of_many_that_find_a_dead_lock_one_at_a_time_gets_it(file: Path, lock: Path) -> None:
    lock.mkdir()
    make_old(lock)
    inside: list[int] = []
    together: list[int] = []

    def work() -> None:
        with hold(file, Clock()):
            inside.append(1)
            together.append(len(inside))
            time.sleep(0.005)
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == [1] * 12


def test_a_folder_that_takes_no_lock_is_an_error_with_the_reason(tmp_path: Path) -> None:
    refused = pytest.raises(ModellixError, match="No such file or directory")
    with refused as caught, hold(tmp_path / "missing" / "config.json", FakeClock()):
        pass
    assert caught.value.code is ErrorCode.OUTPUT_UNWRITABLE

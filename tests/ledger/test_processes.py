"""Which process did something, and whether it is still alive."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from modellix_cli.ledger import processes
from modellix_cli.ledger.processes import LEASE_SECONDS, Process, is_alive, this_process

NOW = 1_800_000_000.0
LEASE = NOW + 60


def test_this_process_is_alive_whatever_the_clock_says() -> None:
    for moment in (0.0, NOW, 4e9):
        assert is_alive(this_process(), LEASE, moment)


def test_a_child_is_a_process_of_its_own() -> None:
    parent = this_process()
    code = "from tests.ledger.test_processes import this_process; print(this_process().pid)"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert int(child.stdout) != parent.pid
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writer, str(this_process().pid).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    assert int(os.read(reader, 20)) == pid
    os.close(reader)
    os.close(writer)


def test_a_dead_process_of_this_machine_is_dead_at_once() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = replace(this_process(), pid=child.pid, started=processes._started(child.pid))
    assert is_alive(owner, 0.0, NOW)
    child.kill()
    child.wait()
    assert not is_alive(owner, LEASE, NOW)
    assert child.stdin is not None
    child.stdin.close()


def test_a_number_that_is_used_again_is_another_process() -> None:
    assert not is_alive(replace(this_process(), started=1), LEASE, NOW)


def test_an_earlier_boot_is_over() -> None:
    assert not is_alive(replace(this_process(), boot="another"), LEASE, NOW)


@pytest.mark.parametrize(
    ("lease", "alive"),
    [
        (NOW + 1, True),
        (NOW, False),
        (NOW + LEASE_SECONDS + 60, True),  # a clock that is a minute ahead of ours
        (NOW + 3 * 3600, False),
        (0.0, False),
    ],
)
def test_on_another_host_the_lease_counts(lease: float, alive: bool) -> None:
    assert is_alive(Process("elsewhere", "b", 1, 1), lease, NOW) == alive


def test_where_start_times_are_not_told_the_lease_counts_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processes, "_started", lambda pid: 0)
    owner = replace(this_process(), pid=os.getppid(), started=0)
    assert is_alive(owner, LEASE, NOW)
    assert not is_alive(owner, NOW - 1, NOW)
    assert not is_alive(replace(owner, pid=2147483646), LEASE, NOW)

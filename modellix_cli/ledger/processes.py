"""Which process did something, and whether it is still alive.

A process is known by host, boot, number and start time, so that a number that is used again is not
taken for it. On another host nobody can tell: there a lease counts until its time is over.
"""

import os
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from modellix_cli.domain.frozen import frozen

LEASE_SECONDS: Final = 15 * 60.0
"""How long a process of another host is believed to work on what it claimed."""


@frozen
class Process:
    """A process; `started` is in the system's own ticks since boot, 0 where it is not told."""

    host: str
    boot: str
    pid: int
    started: int


def this_process() -> Process:
    """Return the running process."""
    return _process(os.getpid())


@cache
def _process(pid: int) -> Process:
    return Process(_host(), _boot(), pid, _started(pid))


def is_alive(owner: Process, lease_until: float, now: float) -> bool:
    """Whether `owner` may still work on what it claimed; times are Unix times.

    A dead process of this machine is dead at once. One of another machine counts as alive until
    its lease ends, and one whose lease ends much later than any lease can had a clock that was
    wrong. So does one here where the system does not tell when a process started, as its number
    may be that of another by now.
    """
    here = this_process()
    leased = now < lease_until <= now + 2 * LEASE_SECONDS
    if owner.host != here.host:
        return leased
    if owner.boot != here.boot:
        return False
    if owner == here:
        return True
    started = _started(owner.pid)
    if started or owner.started:
        return started == owner.started
    return leased and _is_running(owner.pid)


@frozen
class Owner:
    """The columns that name the process which claimed something, and when its lease ends.

    All of them are None where nothing was claimed.
    """

    host: str | None
    boot: str | None
    pid: int | None
    process_started: int | None
    lease_until: float | None

    def is_alive(self, now: float) -> bool:
        """Whether it may still work on what it claimed, at a Unix time."""
        started = int(self.process_started or 0)
        process = Process(str(self.host), str(self.boot), int(self.pid or 0), started)
        return is_alive(process, float(self.lease_until or 0.0), now)


def _is_running(pid: int) -> bool:
    if sys.platform == "win32":  # where os.kill would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _host() -> str:
    with suppress(OSError):
        machine = Path("/etc/machine-id").read_text().strip()
        if machine:
            return f"{machine}/{_name()}"
    return _name()


def _name() -> str:
    if hasattr(os, "uname"):
        return os.uname().nodename  # as socket.gethostname, which takes a while to load
    import socket

    return socket.gethostname()


def _boot() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def _started(pid: int) -> int:
    try:
        facts = Path(f"/proc/{pid}/stat").read_bytes().rsplit(b")", 1)[1].split()
        return 0 if facts[0] == b"Z" else int(facts[19])
    except (OSError, ValueError, IndexError):
        return 0

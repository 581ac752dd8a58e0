"""When this process began: before that, nobody could have meant what it is asked to do."""

import os
from pathlib import Path

from modellix_cli.clock import Clock
from modellix_cli.runtime import Runtime


def started_at(runtime: Runtime) -> float:
    """Return the Unix time at which the process began; about now where the system tells no more.

    Starting Python and loading this program may take longer than a small batch.
    """
    now = runtime.clock.now()
    return now - _age() if type(runtime.clock) is Clock else now


def _age() -> float:
    """Return the seconds since the start of this process, as Linux tells them, else 0."""
    try:
        facts = Path("/proc/self/stat").read_bytes().rsplit(b")", 1)[1].split()
        uptime = float(Path("/proc/uptime").read_bytes().split()[0])
        age = uptime - int(facts[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return 0.0
    return age if age > 0 else 0.0

"""When this process began."""

import subprocess
import sys
import time
from pathlib import Path

from modellix_cli.process_start import started_at
from modellix_cli.runtime import Runtime
from tests.support import FakeClock

SCRIPT = (
    "import time; time.sleep(0.3)\n"
    "from modellix_cli.process_start import started_at\n"
    "from modellix_cli.runtime import Runtime\n"
    "print(started_at(Runtime.of_process()))"
)


def test_the_start_lies_between_the_call_and_the_answer() -> None:
    before = time.time()
    told = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True).stdout
    assert before - 0.1 <= float(told) <= time.time()
    if sys.platform == "linux":
        assert float(told) < time.time() - 0.25


def test_another_clock_is_asked_instead(clock: FakeClock) -> None:
    runtime = Runtime(None, None, None, {}, Path(), clock)
    assert started_at(runtime) == clock.time

"""A signal whose exception Python drops ends the program all the same."""

import signal
import subprocess
import sys

import pytest

# An import frees locks, and Python drops what is raised meanwhile: here an object is freed instead.
PROGRAM = """
import os, sys, time, weakref
from modellix_cli import __main__ as program

class Lock:
    pass

def run(arguments):
    lock = Lock()
    callback = weakref.ref(lock, lambda _: os.kill(os.getpid(), {number}) or [0 for _ in range(99)])
    del lock
    time.sleep(60)
    return 0

program._run = run
sys.argv[1:] = ["task", "history"]
sys.exit(program.main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no signals between processes")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_comes_while_an_object_is_freed_ends_the_program(number: int) -> None:
    program = PROGRAM.format(number=int(number))
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False
    )
    assert (ran.returncode, ran.stderr) == (-number, "")


def test_other_exceptions_that_python_drops_are_reported() -> None:
    program = PROGRAM.format(number="'no number'").replace("time.sleep(60)", "pass")
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False
    )
    assert "TypeError" in ran.stderr

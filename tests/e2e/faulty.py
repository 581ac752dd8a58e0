"""Kill a command at each of its durable steps and resume it, until one ends by itself.

    python -m tests.e2e.faulty FOLDER KIND FIRST STRIDE

Each run is a child that was forked after everything was imported, asks for work of its own
(account.py) and ends as `kill -9` would end it: nothing is flushed, closed or told. The one that
resumes it is forked too. Prints JSON: for each its number, the step, and the status and result of
the resume. For each kind of step the first run is killed at its FIRST one, each further run STRIDE
steps later: two processes that share the work are done in half the time. Steps are counted by their
kind, since their order is another one each time.
A durable step is a commit of the ledger, a paid POST or a file that appears. A run ends just before
it, with all the work for it done: what is on disk after a step is what is there before the next.
Only after a POST is there something that the disk does not tell, so that is a step too.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from modellix_cli.__main__ import main
from modellix_cli.api.paid import PaidRequests
from modellix_cli.downloads.destination import DownloadDestination
from modellix_cli.ledger.database import LedgerFile
from tests.e2e.account import broken_files, command
from tests.e2e.forks import import_everything

KILLED = 137
STEPS = ("before commit", "before POST", "after POST", "before file")
MOST = 500


class FaultPoint:
    """Ends the process at the `number`-th step of a kind that any thread comes to."""

    def __init__(self, step: str, number: int) -> None:
        self._step = step
        self._left = number
        self._lock = threading.Lock()

    def reach(self, step: str) -> None:
        with self._lock:
            self._left -= step == self._step
            if self._left == 0 and step == self._step:
                os._exit(KILLED)

    def at_posts(self) -> None:
        """Make it a step to send a paid POST, and another one to have its reply."""
        original = PaidRequests.post

        def post(*arguments: Any, **keywords: Any) -> Any:
            self.reach("before POST")
            result = original(*arguments, **keywords)
            self.reach("after POST")
            return result

        PaidRequests.post = post  # type: ignore[method-assign]

    def at_files(self) -> None:
        """Make it a step to give a finished file its name."""
        original = DownloadDestination.put

        def put(*arguments: Any) -> Any:
            self.reach("before file")
            return original(*arguments)

        DownloadDestination.put = put  # type: ignore[assignment, method-assign]

    def at_commits(self) -> None:
        """Make each commit of the ledger a step."""
        original = LedgerFile._transact

        def transact(ledger: LedgerFile, work: Callable[..., Any], *, durable: bool) -> Any:
            def all_but_commit(*arguments: Any) -> Any:
                result = work(*arguments)
                self.reach("before commit")
                return result

            return original(ledger, all_but_commit, durable=durable)

        LedgerFile._transact = transact  # type: ignore[assignment, method-assign]


def forked(words: list[str], log: Path, fault: FaultPoint | None = None) -> int:
    """Run a command, with a fault where one is given; return its exit status.

    Its stdout is in `log`, its stderr in a file beside it.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        for stream, path in ((1, log), (2, log.with_suffix(".err"))):
            os.dup2(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), stream)
        if fault is not None:
            fault.at_posts()
            fault.at_files()
            fault.at_commits()
        sys.argv = ["modellix-cli", *words]
        status = main()
        sys.stdout.flush()
    finally:
        os._exit(status)


def sweep(folder: Path, kind: str, first: int, stride: int) -> Iterator[dict[str, Any]]:
    """Kill and resume, and tell how; for each step the last run is a whole one."""
    number = first
    for step in STEPS:
        for at in range(first, MOST, stride):
            words = command(kind, number, folder)
            status = forked(words, folder / f"{number}.log", FaultPoint(step, at))
            broken = broken_files(folder)
            log = folder / f"{number}.json"
            resumed = forked([*words, "--resume", "--json"], log)
            result = json.loads(log.read_text() or "{}")
            told = {"number": number, "status": resumed, "result": result, "broken": broken}
            yield {"killed": status == KILLED, "step": step} | told
            number += stride
            if status != KILLED:
                break
        else:
            raise RuntimeError("it never ends by itself")


if __name__ == "__main__":
    import_everything()
    os.chdir(sys.argv[1])  # files are saved there
    rounds = sweep(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    json.dump(list(rounds), sys.stdout)

"""The user's command for each delivery: a few at a time, without the API key, never in the way."""

import os
import queue
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.text import duration

AT_ONCE: Final = 4
LONGEST: Final = 300.0
"""Seconds after which a command is ended."""
_MOST_WAITING: Final = 1000
_STEP: Final = 0.2


@frozen
class Order:
    """What a command is started for: a task, an event, and the delivery as JSON."""

    task_id: str
    event: str
    document: bytes


def is_found(program: str, env: Mapping[str, str]) -> bool:
    """Whether there is a program of that name or path."""
    return shutil.which(program, path=env.get("PATH", os.defpath)) is not None


def without_key(env: Mapping[str, str], key: str | None) -> dict[str, str]:
    """Return an environment without the API key, whatever the variable that holds it is called."""
    names = ("MODELLIX_API_KEY",)
    return {n: v for n, v in env.items() if n not in names and not (key and key in v)}


class CommandRunner:
    """Runs `words` once for each order. `failed` is told in a sentence, from any thread, what
    went wrong; `output` is the file descriptor for what commands print, None for nowhere.
    """

    def __init__(
        self,
        words: Sequence[str],
        env: Mapping[str, str],
        failed: Callable[[str], None],
        *,
        output: int | None = None,
        longest: float = LONGEST,
        at_once: int = AT_ONCE,
        most_waiting: int = _MOST_WAITING,
    ) -> None:
        self._words = list(words)
        self._env = dict(env)
        self._failed = failed
        self._output = subprocess.DEVNULL if output is None else output
        self._longest = longest
        self._at_once = at_once
        self._orders: queue.Queue[Order | None] = queue.Queue(most_waiting)
        self._threads: list[threading.Thread] = []
        self._running: dict[int, tuple[Order, subprocess.Popen[bytes]]] = {}
        self._lock = threading.Lock()
        self._ending = False
        self.failures = 0

    def start(self, order: Order, give_up: Callable[[], bool] = lambda: False) -> bool:
        """Have the command run soon; wait where very many are waiting, unless `give_up` says so.

        Return whether it will run.
        """
        if len(self._threads) < self._at_once:
            thread = threading.Thread(target=self._serve, daemon=True)
            self._threads.append(thread)
            thread.start()
        while True:
            with suppress(queue.Full):
                self._orders.put(order, timeout=_STEP)
                return True
            if give_up():
                return False

    def finish(self, grace: float) -> list[str]:
        """End within `grace` seconds; return the tasks whose command did not run to its end."""
        for _ in self._threads:
            with suppress(queue.Full):
                self._orders.put_nowait(None)
        for thread in self._threads:
            thread.join(grace / max(1, len(self._threads)))
        self._ending = True
        left = self._drain()
        with self._lock:
            running = list(self._running.values())
        for order, process in running:
            left.append(order.task_id)
            _end(process)
        return left

    def _drain(self) -> list[str]:
        left: list[str] = []
        with suppress(queue.Empty):
            while True:
                order = self._orders.get_nowait()
                left += [] if order is None else [order.task_id]
        return left

    def _serve(self) -> None:
        while (order := self._orders.get()) is not None:
            problem = self._run(order)
            if problem is not None and not self._ending:
                self.failures += 1
                self._failed(f"The command for task {order.task_id} {problem}.")

    def _run(self, order: Order) -> str | None:
        """Run the command; return what went wrong."""
        about = {"MODELLIX_TASK_ID": order.task_id, "MODELLIX_EVENT": order.event}
        try:
            process = subprocess.Popen(  # noqa: S603 - it is the user's own command
                self._words,
                stdin=subprocess.PIPE,
                stdout=self._output,
                stderr=self._output,
                env=self._env | about,
                start_new_session=True,  # Ctrl-C is the listener's
            )
        except OSError as error:
            return f"could not be started: {error.strerror or error}"
        with self._lock:
            self._running[process.pid] = order, process
        try:
            process.communicate(order.document, self._longest)
        except subprocess.TimeoutExpired:
            _end(process)
            return f"took longer than {duration(self._longest)} and was ended"
        finally:
            with self._lock:
                self._running.pop(process.pid, None)
        status = process.returncode
        if status == 0:
            return None
        return f"was ended by signal {-status}" if status < 0 else f"failed with status {status}"


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a command and what it started."""
    with suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(2.0)

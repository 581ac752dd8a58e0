"""What `task watch` does beside its screen: downloads, and polling what nobody else polls."""

import queue
import subprocess
import sys
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from modellix_cli.context.session import Session
from modellix_cli.deferred_signals import DeferredSignals
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.text import one_line
from modellix_cli.engine.core.config import EngineConfig, Follow
from modellix_cli.engine.core.lines import Known, Line
from modellix_cli.engine.ports import ListSource
from modellix_cli.engine.progress import Progress
from modellix_cli.engine.task_book import TaskBook
from modellix_cli.workflows.wait import TaskCollector
from modellix_cli.workflows.work import run_engine

if TYPE_CHECKING:
    from modellix_cli.api.client import Client
    from modellix_cli.ledger.watched import WatchedTask

ROUND: Final = 5.0
"""Seconds between two rounds of polls."""
_FIRST: Final = 0.5
_MOST_AT_ONCE: Final = 50
_LAST_WORDS: Final = 2.0


class Downloads:
    """Runs `task download` beside the screen, one process for each task."""

    def __init__(self, session: Session, api_key: str | None) -> None:
        self._session = session
        self._api_key = api_key
        self._news = queue.SimpleQueue[str]()
        self._running: dict[str, threading.Thread] = {}

    def start(self, task_id: str) -> str:
        """Begin to save the results of a task; return what to tell."""
        running = self._running.get(task_id)
        if running is not None and running.is_alive():
            return f"Task {task_id} is being saved."
        thread = threading.Thread(target=self._save, args=(task_id,), daemon=True)
        self._running[task_id] = thread
        thread.start()
        return f"Saving what task {task_id} made…"

    def news(self) -> str | None:
        """Return what a download came to, None where nothing is new."""
        try:
            return self._news.get_nowait()
        except queue.Empty:
            return None

    def finish(self) -> None:
        """Wait for downloads that are under way, and tell what they come to."""
        for task_id, thread in self._running.items():
            if thread.is_alive():
                self._session.out.note(f"Waiting for the download of task {task_id}.")
                thread.join()
        while words := self.news():
            self._session.out.note(words)

    def _save(self, task_id: str) -> None:
        options = ["--output-dir", ".", "--quiet"]
        words = self._session.commands.words("task download", task_id, options=options)
        env = dict(self._session.runtime.env)
        if self._api_key is not None:
            env["MODELLIX_API_KEY"] = self._api_key
        try:
            ran = subprocess.run(  # noqa: S603 - this program, a list of words
                [sys.executable, "-m", "modellix_cli", *words[1:]],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                cwd=self._session.runtime.cwd,
                env=env,
                start_new_session=True,
                check=False,
            )
        except OSError as error:
            self._news.put(f"The download could not be started: {error.strerror}.")
            return
        self._news.put(_came_to(ran))


def _came_to(ran: "subprocess.CompletedProcess[bytes]") -> str:
    """Return in words what a download came to: the files, or the first line of the error."""
    saved = ran.stdout.decode("utf-8", "replace").splitlines()
    if ran.returncode == 0:
        return f"Saved {', '.join(map(one_line, saved))}"
    told = ran.stderr.decode("utf-8", "replace").splitlines()
    return next((one_line(line) for line in told if line), "The download failed.")


class Poller:
    """Polls tasks that no other command waits for, in a thread, a round every few seconds."""

    def __init__(self, session: Session, client: "Client") -> None:
        self._session = session
        self._client = client
        self._offered: dict[str, WatchedTask] = {}
        self._adopted: set[str] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._signals = DeferredSignals()
        self._trouble: str | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def offer(self, tasks: "Iterable[WatchedTask]") -> None:
        """Take the tasks that are shown; of them those are polled that nobody else polls.

        What was polled once is polled until it ends, as the ledger then calls it followed.
        """
        here = ("", self._session.settings.base_url)
        with self._lock:
            self._offered = {
                task.task_id: task
                for task in tasks
                if not task.finished
                and task.base_url in here
                and (not task.followed or task.task_id in self._adopted)
            }
            self._adopted &= set(self._offered)

    def news(self) -> str | None:
        """Return why a poll failed, once."""
        with self._lock:
            trouble, self._trouble = self._trouble, None
            return trouble

    def stop(self) -> None:
        """End the thread, and requests that are under way."""
        self._ended.set()
        self._signals.stop = self._signals.stop or KeyboardInterrupt()
        self._signals.then()
        self._thread.join(_LAST_WORDS)

    def _run(self) -> None:
        while not self._ended.wait(_FIRST if not self._adopted else ROUND):
            with self._lock:
                tasks = list(self._offered.values())[:_MOST_AT_ONCE]
                self._adopted |= {task.task_id for task in tasks}
            if tasks:
                try:
                    self._poll(tasks)
                except ModellixError as error:
                    with self._lock:
                        self._trouble = error.message

    def _poll(self, tasks: "list[WatchedTask]") -> None:
        session = self._session
        now = session.runtime.clock.now()
        config = EngineConfig(follow=Follow.ONCE, patience=session.settings.patience)
        source = ListSource([_line(ref, task, now) for ref, task in enumerate(tasks, 1)])
        book = TaskBook(session.stores.tasks, session.stores.files, session.runtime.clock)
        collector = TaskCollector(session, Progress(), [task.task_id for task in tasks], once=True)
        engine = run_engine(session, self._client, config, source, book, collector, self._signals)
        errors = [o.error for o in collector.outcomes.values() if o.error is not None]
        errors += [] if engine.stopped_by is None else [engine.stopped_by]
        if errors and not self._ended.is_set():
            with self._lock:
                self._trouble = errors[0].message


def _line(ref: int, task: "WatchedTask", now: float) -> Line:
    """Return a task as the engine takes it up; one that the ledger does not know has no address."""
    ours = bool(task.base_url)
    age = max(0.0, now - task.created_at) if ours else None
    known = Known(0, SubmissionState.ACCEPTED, task.task_id, age=age, ours=ours)
    return Line(ref, task.slug or "", known=known)

"""`task watch`: the loop of the full-screen view, between the ledger, the keys and the screen."""

import re
import sys
import time
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol, TextIO

from modellix_cli.context.session import Session
from modellix_cli.context.settings import SANDBOX_BASE_URL
from modellix_cli.domain.errors import ModellixError, Stopped, usage
from modellix_cli.ledger.activity import ActivityReader
from modellix_cli.ledger.history import Scope
from modellix_cli.ledger.watched import Activity, WatchedTask
from modellix_cli.output import terminal
from modellix_cli.output.cells import Line
from modellix_cli.output.request import prompt_of
from modellix_cli.output.sink import Output
from modellix_cli.output.watch.keys import DOWN, UP, read_keys
from modellix_cli.output.watch.view import Row, State, draw, key_of, rows_of
from modellix_cli.workflows.watch_jobs import Downloads, Poller

_FRAME: Final = 0.25
"""Seconds between two frames; a key is followed at once."""
_LONGEST_REST: Final = 5.0
"""Seconds after which the ledger is read again though it did not change: processes end in silence,
and leases and windows run out."""
_SHARE: Final = 8
"""A reading that takes long is not repeated for so many times as long."""
_MESSAGE: Final = 6.0
_STYLES: Final = re.compile(r"\x1b\[[\d;]*m")


class Screen(Protocol):
    """The terminal as the loop uses it; `fullscreen.FullScreen` is one."""

    def show(self, lines: Sequence[Line]) -> None:
        """Show lines."""

    def keys(self, seconds: float) -> bytes:
        """Wait for keys. Raises `EOFError` where none can come any more."""

    def codes(self, text: str) -> None:
        """Write codes that show nothing."""


class Feed:
    """What is known of the present, read from the ledger when it has changed."""

    def __init__(self, session: Session, reader: ActivityReader, ids: Sequence[str]) -> None:
        self._clock = session.runtime.clock
        self._reader = reader
        self._ids = tuple(ids)
        self._since = self._clock.now()
        self._version: tuple[int, int] | None = None
        self._read_at = self._rests_until = float("-inf")
        self._activity = Activity()
        self.prompts: dict[str, str] = {}

    def current(self) -> Activity:
        """Return what goes on now. Raises the ledger's errors."""
        now = self._clock.monotonic()
        if now >= self._rests_until:
            version = self._reader.version()
            if version != self._version or now - self._read_at >= _LONGEST_REST:
                self._read(now)
                self._version = version
        return self._activity

    def _read(self, began: float) -> None:
        today = _midnight(self._clock.now())
        activity = self._reader.read(since=self._since, today=today, ids=self._ids)
        known = {task.task_id for task in activity.tasks}
        missing = [_unknown_task(task_id) for task_id in self._ids if task_id not in known]
        self._activity = replace(activity, tasks=(*activity.tasks, *missing))
        for task in activity.tasks:
            if task.task_id not in self.prompts:
                self.prompts[task.task_id] = prompt_of(self._reader.body(task)) or ""
        ended = self._clock.monotonic()
        self._read_at, self._rests_until = ended, ended + (ended - began) * _SHARE


def _midnight(now: float) -> float:
    """Return the Unix time at which this day began here."""
    day = time.localtime(now)
    return time.mktime((day.tm_year, day.tm_mon, day.tm_mday, 0, 0, 0, 0, 0, -1))


def _unknown_task(task_id: str) -> WatchedTask:
    """Return a task that was named and is not in the ledger."""
    return WatchedTask(
        "", task_id, "", None, None, float("inf"), None, None, None, followed=False, files=0
    )


@dataclass(slots=True)
class Watch:
    """The view while it is shown: what is chosen, hidden and told."""

    session: Session
    feed: Feed
    screen: Screen
    downloads: Downloads
    poller: Poller | None
    where: str
    chosen: str | None = None
    hidden: set[str] = field(default_factory=set)
    helping: bool = False
    message: str = ""
    message_until: float = 0.0
    place: int = 0

    def run(self) -> None:
        """Show what goes on until `q`. Raises `EOFError` for a terminal that is gone, and the
        ledger's errors.
        """
        while True:
            state = self.state()
            runtime = self.session.runtime
            columns = terminal.columns(runtime.stdout, runtime.env)
            self.screen.show(draw(state, columns, terminal.rows(runtime.stdout, runtime.env)))
            for key in read_keys(self.screen.keys(_FRAME)):
                if key == "q" and not self.helping:
                    return
                self.press(key, rows_of(state))
            self._hear()

    def state(self) -> State:
        """Return what is to be shown now; who was chosen stays so while others come and go."""
        clock = self.session.runtime.clock
        state = State(
            activity=self.feed.current(),
            now=clock.now(),
            where=self.where,
            prompts=self.feed.prompts,
            hidden=frozenset(self.hidden),
            message=self.message if clock.monotonic() < self.message_until else "",
            helping=self.helping,
            polls=self.poller is not None,
        )
        if self.poller is not None:
            self.poller.offer(t for t in state.activity.tasks if key_of(t) not in self.hidden)
        keys = [key_of(row) for row in rows_of(state)]
        if self.chosen in keys:
            self.place = keys.index(self.chosen)
        self.place = max(0, min(self.place, len(keys) - 1))
        self.chosen = keys[self.place] if keys else None
        return replace(state, chosen=self.place)

    def press(self, key: str, rows: list[Row]) -> None:
        """Do what a key asks for."""
        if self.helping:
            self.helping = False
            return
        row = next((row for row in rows if key_of(row) == self.chosen), None)
        if key in (UP, DOWN):
            self.place = max(0, min(len(rows) - 1, self.place + (1 if key == DOWN else -1)))
            self.chosen = key_of(rows[self.place]) if rows else None
        elif key == "?":
            self.helping = True
        elif row is not None and key == "x":
            self.hidden.add(key_of(row))
            self.tell("Hidden. It runs on; task history lists it.")
        elif row is not None and key in "osc":
            self._act(key, row)

    def _act(self, key: str, row: Row) -> None:
        if not isinstance(row, WatchedTask):
            self.tell(f"See its lines with: {self._line('batch show', str(row.number))}")
        elif key == "c":
            code = b64encode(row.task_id.encode()).decode()
            self.screen.codes(f"\x1b]52;c;{code}\x07")
            self.tell(f"Copied, if this terminal allows it: {row.task_id}")
        elif key == "s":
            self.tell(self.downloads.start(row.task_id))
        else:
            self.tell(self._open(row))

    def _open(self, task: WatchedTask) -> str:
        """Open the first saved result of a task; return what came of it."""
        from modellix_cli.workflows.viewer import System, show_file

        try:
            files = self.session.stores.files.of_task(task.task_id)
            path = next((Path(f.path) for f in files if Path(f.path).is_file()), None)
            if path is None:
                return "Nothing of it is saved here. Save it with s first."
            show_file(path, System(sys.platform, self.session.runtime.env))
        except ModellixError as error:
            return error.message
        return f"Opened {path}"

    def _line(self, command: str, *words: str) -> str:
        return self.session.commands.line(command, *words)

    def tell(self, text: str) -> None:
        """Show a message for some seconds."""
        self.message = _STYLES.sub("", text)
        self.message_until = self.session.runtime.clock.monotonic() + _MESSAGE

    def _hear(self) -> None:
        """Tell what jobs in the background came to."""
        for words in (self.downloads.news(), self.poller.news() if self.poller else None):
            if words:
                self.tell(words)


def watch_tasks(session: Session, ids: Sequence[str], api_key: str | None, *, poll: bool) -> None:
    """Show what goes on until the user quits, by Ctrl-C too.

    Raises the usage error where there is no terminal, `MISSING_API_KEY` only where it polls, and
    the ledger's errors.
    """
    from modellix_cli.output.fullscreen import FullScreen

    stdin, stdout = _terminal(session)
    reader = _reader(session, api_key, needs_key=poll)
    poller = Poller(session, session.connections.client(api_key)) if poll else None
    downloads = Downloads(session, api_key)
    feed = Feed(session, reader, ids)
    feed.current()  # a ledger that cannot be read is told on the usual screen
    where = "sandbox" if session.settings.sandbox else session.settings.profile.name
    with suppress(EOFError):
        try:
            with FullScreen(stdin, stdout, colored=session.out.is_colored) as screen:
                watch = Watch(session, feed, screen, downloads, poller, where)
                session.out.divert = watch.tell
                watch.run()
        except KeyboardInterrupt as stop:
            if isinstance(stop, Stopped):  # another signal than Ctrl-C
                raise
        finally:
            session.out.divert = None
            if poller is not None:
                poller.stop()
    downloads.finish()


def _terminal(session: Session) -> tuple[TextIO, TextIO]:
    """Return stdin and stdout. Raises the usage error unless both are a terminal to draw on."""
    from modellix_cli.output.fullscreen import is_possible

    instead = session.commands.line("task history")
    if session.out.mode is not Output.HUMAN:
        raise usage("task watch is for people.", hint=f"For scripts: {instead} --json")
    runtime = session.runtime
    stdin, stdout = runtime.stdin, runtime.stdout
    able = is_possible() and terminal.can_animate(stdout, runtime.env)
    if stdin is None or stdout is None or not (able and runtime.stdin_is_terminal):
        raise usage(
            "task watch needs a terminal for its screen and keys.",
            hint=f"List the tasks instead: {instead}",
        )
    return stdin, stdout


def _reader(session: Session, api_key: str | None, *, needs_key: bool) -> ActivityReader:
    """Return the reader for the chosen profile, or all; limits are shown for the key in use."""
    try:
        session.connections.find_and_keep_key(api_key)
    except ModellixError:
        if needs_key:
            raise
    chosen = session.settings.profile
    named = chosen.source in ("flag", "environment")
    scope = Scope(chosen.name if named else None, session.settings.sandbox)
    mark = session.stores.account.key_mark if session.connections.key is not None else None
    return ActivityReader(session.stores.ledger_file, scope, SANDBOX_BASE_URL, mark)

"""The loop of `task watch`: keys, choices, what is read again and when."""

import io
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from modellix_cli.context.session import Session
from modellix_cli.domain.account import account_of
from modellix_cli.ledger.activity import ActivityReader
from modellix_cli.ledger.task_records import KeptFile, TaskReport
from modellix_cli.ledger.watched import Activity
from modellix_cli.output.cells import Line
from modellix_cli.output.sink import Sink
from modellix_cli.runtime import Runtime
from modellix_cli.workflows import watch as workflow
from modellix_cli.workflows.watch import Feed, Watch
from tests.ledger.ledgers import API, Ledger, Lines, bodies, request
from tests.support import KEY, FakeClock, Terminal

HERE = account_of(API, "default", KEY)


class FakeScreen:
    """Plays back keys and keeps what is shown; a frame takes a quarter of a second."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.typed: list[bytes | Callable[[], None]] = []
        self.shown: list[str] = []
        self.written = ""

    def show(self, lines: Sequence[Line]) -> None:
        self.shown = ["".join(text for text, _ in line).rstrip() for line in lines]

    def keys(self, seconds: float) -> bytes:
        self.clock.sleep(seconds)
        following = self.typed.pop(0) if self.typed else b"qq"
        if callable(following):
            following()
            return b""
        return following

    def codes(self, text: str) -> None:
        self.written += text

    @property
    def chosen(self) -> str:
        return next((line for line in self.shown if line.startswith(">")), "")


class FakeDownloads:
    def __init__(self) -> None:
        self.started: list[str] = []

    def start(self, task_id: str) -> str:
        self.started.append(task_id)
        return "Saving"

    def news(self) -> str | None:
        return "Saved fox.png" if self.started else None


@pytest.fixture
def session(env: dict[str, str], work: Path, clock: FakeClock) -> Iterator[Session]:
    out = Terminal()
    sized = env | {"COLUMNS": "100", "LINES": "20", "TERM": "xterm"}
    runtime = Runtime(io.StringIO(), out, io.StringIO(), sized, work, clock)
    with Session(runtime, Sink(out, None, sized)).opened() as opened:
        yield opened


@pytest.fixture
def ledger(session: Session, clock: FakeClock) -> Iterator[Ledger]:
    """The same ledger, as another process writes to it."""
    other = Ledger(Path(session.runtime.env["XDG_STATE_HOME"], "modellix"), clock, HERE)
    yield other
    other.close()


@pytest.fixture
def watched(session: Session, ledger: Ledger, clock: FakeClock) -> Callable[..., FakeScreen]:
    """Run the view while keys are typed and other things happen; return the screen."""

    def run(*typed: bytes | Callable[[], None], ids: Sequence[str] = ()) -> FakeScreen:
        screen = FakeScreen(clock)
        screen.typed = list(typed)
        reader = workflow._reader(session, None, needs_key=False)
        downloads: Any = FakeDownloads()
        watch = Watch(session, Feed(session, reader, ids), screen, downloads, None, "default")
        watch.run()
        return screen

    return run


Watched = Callable[..., FakeScreen]


def sent(ledger: Ledger, *names: str) -> None:
    """Submit tasks, the last one of the names the newest."""
    for name in names:
        ledger.clock.sleep(1)
        ledger.sent(request(f'{{"prompt": "{name}"}}'), task_id=f"task-{name}")


def test_a_task_appears_with_its_prompt_as_soon_as_it_is_recorded(
    watched: Watched, ledger: Ledger
) -> None:
    screen = watched(lambda: sent(ledger, "fox"), b"")
    assert "task-fox" in screen.chosen
    assert screen.chosen.endswith("fox")


def test_the_chosen_task_stays_chosen_while_others_come(watched: Watched, ledger: Ledger) -> None:
    sent(ledger, "a", "b")
    assert "task-a" in watched(b"\x1b[B", lambda: sent(ledger, "c", "d"), b"").chosen


def test_the_choice_stops_at_both_ends(watched: Watched, ledger: Ledger) -> None:
    sent(ledger, "a", "b")
    assert "task-b" in watched(b"kkk", b"").chosen
    assert "task-a" in watched(b"jjj", b"").chosen


def test_a_hidden_task_is_gone_and_the_next_is_chosen(watched: Watched, ledger: Ledger) -> None:
    sent(ledger, "a", "b", "c")
    screen = watched(b"j", b"x", b"")
    assert not any("task-b" in line for line in screen.shown)
    assert "task-a" in screen.chosen
    assert screen.shown[-1].startswith("Hidden.")


def test_copy_gives_the_id_to_the_clipboard(watched: Watched, ledger: Ledger) -> None:
    sent(ledger, "a")
    written = watched(b"c").written
    assert b64decode(written.removeprefix("\x1b]52;c;").removesuffix("\x07")) == b"task-a"


def test_save_begins_a_download_and_says_what_it_came_to(watched: Watched, ledger: Ledger) -> None:
    sent(ledger, "a")
    assert watched(b"s", b"").shown[-1] == "Saved fox.png"


def test_open_shows_the_saved_file(
    watched: Watched, ledger: Ledger, work: Path, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(ledger, "a")
    assert watched(b"o", b"").shown[-1].startswith("Nothing of it is saved here.")
    (work / "1.png").touch()
    session.stores.files.record("task-a", [KeptFile(1, str(work / "1.png"), 0)])
    opened: list[Path] = []
    monkeypatch.setattr(
        "modellix_cli.workflows.viewer.show_file", lambda path, system: opened.append(path)
    )
    watched(b"o")
    assert opened == [work / "1.png"]


def test_keys_for_tasks_say_what_to_do_with_a_batch(watched: Watched, ledger: Ledger) -> None:
    ledger.begun(Lines(bodies("a")))
    assert watched(b"s", b"").shown[-1] == "See its lines with: modellix-cli batch show 1"


def test_any_key_closes_the_help(watched: Watched, ledger: Ledger) -> None:
    assert "Keys" in watched(b"?", b"").shown
    assert "Keys" not in watched(b"?", b"q", b"").shown


def test_a_message_goes_after_some_seconds(watched: Watched, ledger: Ledger) -> None:
    sent(ledger, "a")
    assert watched(b"c", *[b""] * 10).shown[-1].startswith("Copied")
    assert watched(b"c", *[b""] * 30).shown[-1].startswith("q quit")


def test_keys_do_nothing_where_nothing_runs(watched: Watched) -> None:
    assert "Nothing runs now." in "".join(watched(b"jkoscx", b"").shown)


def test_a_named_task_that_is_not_known_is_shown_all_the_same(
    watched: Watched, ledger: Ledger
) -> None:
    sent(ledger, "a", "b")
    screen = watched(b"", ids=["task-a", "task-new"])
    listed = [line.split()[0] for line in screen.shown if "task-" in line.replace(">", "")[:12]]
    assert any("task-new" in line for line in screen.shown)
    assert not any("task-b" in line for line in screen.shown), listed


def test_the_ledger_is_read_again_only_when_it_has_changed(
    session: Session, ledger: Ledger, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings: list[float] = []
    real = ActivityReader.read

    def counted(reader: ActivityReader, **values: Any) -> Activity:
        readings.append(clock.time)
        return real(reader, **values)

    monkeypatch.setattr(ActivityReader, "read", counted)
    feed = Feed(session, workflow._reader(session, None, needs_key=False), ())
    for _ in range(4):
        feed.current()
        clock.sleep(1)
    assert len(readings) == 1
    ledger.tasks.record_status(TaskReport("t", "pending"))
    feed.current()
    assert len(readings) == 2
    clock.sleep(6)  # processes may have died in silence
    feed.current()
    assert len(readings) == 3

"""Progress: a line for each change, a display at a terminal, or nothing."""

import io

import pytest
from rich.cells import cell_len

from modellix_cli.domain.money import Money
from modellix_cli.engine import notices
from modellix_cli.engine.progress import Progress
from modellix_cli.output.live import Live
from modellix_cli.output.progress import Lines, choose
from modellix_cli.output.progress_words import end_parts
from modellix_cli.output.sink import Output, Sink
from tests.screen import Screen
from tests.support import FakeClock, Terminal

XTERM = {"TERM": "xterm", "COLUMNS": "80", "LINES": "24"}


def log(clock: FakeClock, total: int | None = None) -> tuple[Lines, io.StringIO]:
    err = io.StringIO()
    return Lines(Sink(None, err, {}), clock, total, beats=False), err


def test_the_display_fits_where_stderr_goes(clock: FakeClock) -> None:
    watched, logged = Sink(None, Terminal(), XTERM), Sink(None, io.StringIO(), {})
    assert type(choose(watched, clock, wanted=True)) is Live
    assert type(choose(logged, clock, wanted=True)) is Lines
    assert type(choose(watched, clock, wanted=False)) is Progress
    program = Sink(None, io.StringIO(), {}, envelope=True)
    assert type(choose(program, clock, wanted=True)) is Progress


@pytest.mark.parametrize(
    "env",
    [
        {"CI": "1"},
        {"TERM": "dumb"},
        {"TERM": "unknown"},
        {"TERM": ""},
        {"TTY_COMPATIBLE": "0"},
        {"TTY_INTERACTIVE": "0"},
    ],
)
def test_ci_and_terminals_that_cannot_get_lines(clock: FakeClock, env: dict[str, str]) -> None:
    assert type(choose(Sink(None, Terminal(), XTERM | env), clock, wanted=True)) is Lines


def test_nothing_is_drawn_where_results_come_line_by_line_on_the_same_terminal(
    clock: FakeClock,
) -> None:
    both, piped = Sink(Terminal(), Terminal(), XTERM), Sink(io.StringIO(), Terminal(), XTERM)
    both.mode = piped.mode = Output.JSONL
    assert type(choose(both, clock, wanted=True)) is Lines
    assert type(choose(piped, clock, wanted=True)) is Live


class TestLog:
    def test_each_change_of_state_has_a_line(self, clock: FakeClock) -> None:
        progress, err = log(clock)
        progress.tell(notices.TaskAwaited("task-1", "a/b", age=60.0))
        for status in ("pending", "pending", "processing", "processing", "success"):
            progress.tell(notices.TaskPolled("task-1", status, status == "success"))
            clock.sleep(2)
        for _ in range(2):
            progress.tell(notices.PollTrouble("task-1", "busy."))
        progress.tell(notices.SubmitRetried("busy.", 4.0))
        progress.tell(notices.SentElsewhere(1, "a/b", 7))
        assert err.getvalue().splitlines() == [
            "Task task-1: pending after 1m 00s",
            "Task task-1: processing after 1m 04s",
            "Task task-1: success after 1m 08s",
            "Task task-1: busy. Trying again.",
            "busy. Trying again in 4s.",
            "Another process is sending it as request 7. Waiting.",
        ]

    @pytest.mark.parametrize("prompt", ["a rather long prompt " * 5, "とても長い説明文" * 9])
    def test_a_long_prompt_makes_room_for_what_came_of_its_line(self, prompt: str) -> None:
        refused = notices.LineEnded(
            9, "sandbox/image", about=prompt, trouble="The prompt was refused by the model."
        )
        row = "".join(text for text, _ in end_parts(refused, 80))
        assert row.endswith("sandbox/image  The prompt was refused by the model.")
        assert cell_len(row) <= 80
        made = notices.LineEnded(9, "a/b", about=prompt, made="x" * 30 + ".png", seconds=3.5)
        row = "".join(text for text, _ in end_parts(made, 80))
        assert row.endswith(".png  3.5s")
        assert cell_len(row) <= 80

    def test_what_a_request_waits_for_is_said_once_for_each_wait(self, clock: FakeClock) -> None:
        progress, err = log(clock)
        limit, slots = notices.Waiting(12.0, slots_full=False), notices.Waiting(0.2, True)
        short = notices.Waiting(1.0, slots_full=False)
        for waiting in (limit, limit, None, short, None, slots):
            progress.tell(notices.Counts(0, 0, 0, waiting))
        assert err.getvalue().splitlines() == [
            "Rate limit reached. Continuing in 12s.",
            "Concurrency limit reached. Waiting for a running task to end.",
        ]

    def test_a_slot_that_is_tried_again_and_again_is_waited_for_in_few_words(
        self, clock: FakeClock
    ) -> None:
        progress, err = log(clock)
        for _ in range(40):
            for waiting in (None, notices.Waiting(0.2, slots_full=True)):
                progress.tell(notices.Counts(0, 0, 0, waiting))
            clock.sleep(1)
        assert len(err.getvalue().splitlines()) == 2

    def test_a_batch_that_sends_no_more_lines_says_so(self, clock: FakeClock) -> None:
        progress, err = log(clock, total=4)
        progress.tell(notices.Stopped("Insufficient balance.", 2))
        assert err.getvalue() == (
            "No more lines are submitted: Insufficient balance. Waiting for 2 running tasks.\n"
        )

    def test_each_line_of_a_batch_has_its_end(self, clock: FakeClock) -> None:
        progress, err = log(clock, total=4)
        for end in ENDS:
            progress.tell(end)
        assert err.getvalue().splitlines() == [
            "✓ 1  cat  a/b  cat.png  3.5s  $0.03",
            '✗ 2  "an owl"  a/b  The prompt was refused.',
        ]

    def test_after_half_a_minute_of_silence_a_task_shows_that_it_lives(
        self, clock: FakeClock
    ) -> None:
        progress, err = log(clock)
        progress.tell(notices.TaskAwaited("task-1", "a/b"))
        progress.tell(notices.TaskPolled("task-1", "processing", False))
        for _ in range(70):
            clock.sleep(1)
            progress.heartbeat()
        assert err.getvalue().splitlines()[1:] == [
            "Task task-1: still processing after 30s",
            "Task task-1: still processing after 1m 00s",
        ]

    def test_many_tasks_share_a_heartbeat(self, clock: FakeClock) -> None:
        progress, err = log(clock)
        for task_id in ("t-1", "t-2", "t-3"):
            progress.tell(notices.TaskAwaited(task_id, "a/b"))
        progress.tell(notices.LineEnded(1, "a/b", "t-1"))
        clock.sleep(31)
        progress.heartbeat()
        assert err.getvalue() == "2 tasks still running after 31s\n"

    def test_the_heartbeat_of_a_batch_says_how_far_it_is(self, clock: FakeClock) -> None:
        progress, err = log(clock, total=4)
        progress.tell(notices.Counts(2, 3, 1, notices.Waiting(4.0, slots_full=False)))
        clock.sleep(29)
        progress.heartbeat()
        assert err.getvalue() == ""
        clock.sleep(1)
        progress.heartbeat()
        assert err.getvalue() == "2 of 4 lines, 3 running, 1 failed, waiting 4s\n"

    def test_nothing_beats_once_it_is_over(self, clock: FakeClock) -> None:
        err = io.StringIO()
        with Lines(Sink(None, err, {}), clock) as progress:
            assert progress._thread is not None
        assert not progress._thread.is_alive()


ENDS = (
    notices.LineEnded(1, "a/b", "t-1", "cat", None, None, "cat.png", 3.5, Money.parse("0.03")),
    notices.LineEnded(2, "a/b", "t-2", about="an owl", trouble="The prompt was refused."),
    notices.LineEnded(3, "a/b", "t-3", made="old.png", reused=True),
)


class Watched:
    """A display at a terminal that is drawn when it is told something, never by itself."""

    def __init__(
        self, clock: FakeClock, total: int | None = None, env: dict[str, str] | None = None
    ) -> None:
        self.err = Terminal()
        self.sink = Sink(None, self.err, XTERM | (env or {}))
        self.live = Live(self.sink, clock, total, animate=False)

    @property
    def screen(self) -> Screen:
        return Screen().feed(self.err.getvalue())


class TestLive:
    def test_the_display_is_gone_in_the_end(self, clock: FakeClock) -> None:
        watched = Watched(clock)
        watched.sink.note("before")
        with watched.live as live:
            live.tell(notices.TaskAwaited("task-1", "a/b", age=3.0, ref=1, about="a cat"))
            live.tell(notices.TaskPolled("task-1", "processing", False))
            assert watched.screen.lines == ["before", '⠋ a/b  "a cat"  0:03  processing']
        watched.sink.note("after")
        assert watched.screen.lines == ["before", "after"]
        assert watched.screen.cursor_shown

    def test_what_is_told_meanwhile_stands_above(self, clock: FakeClock) -> None:
        watched = Watched(clock)
        with watched.live as live:
            live.tell(notices.TaskAwaited("task-1", "a/b", ref=1))
            watched.sink.warn("careful")
            live.tell(notices.TaskLeft("task-1", "no such task.\x1b[2J"))
        assert watched.screen.lines == ["Warning: careful", "Task task-1: no such task. [2J"]

    def test_results_of_a_batch_stay_and_its_bar_goes(self, clock: FakeClock) -> None:
        watched = Watched(clock, total=3)
        with watched.live as live:
            for end in ENDS:
                live.tell(end)
            live.tell(notices.Counts(3, 0, 1))
            assert watched.screen.lines[-1].endswith("━  3 of 3  1 failed  in 0:00")
        assert live.showed_every_line
        assert watched.screen.lines == [
            "✓ 1  cat  a/b  cat.png  3.5s  $0.03",
            '✗ 2  "an owl"  a/b  The prompt was refused.',
        ]

    def test_markup_codes_and_secrets_are_shown_as_text_or_not_at_all(
        self, clock: FakeClock
    ) -> None:
        watched = Watched(clock)
        watched.sink.hide("mk-0123456789")
        with watched.live as live:
            about = "[bold]mk-0123456789[/bold]\x1b[2J\nx"
            live.tell(notices.TaskAwaited("task-1", "a/b", ref=1, about=about))
            assert '"[bold][REDACTED][/bold] [2J x"' in watched.screen.lines[0]

    def test_colours_can_be_switched_off(self, clock: FakeClock) -> None:
        for env, colored in (({}, True), ({"NO_COLOR": "1"}, False)):
            watched = Watched(clock, env=env)
            with watched.live as live:
                live.tell(notices.TaskAwaited("task-1", "a/b", usual=8.0, ref=1))
            assert ("\x1b[36m" in watched.err.getvalue()) is colored

    def test_a_terminal_that_is_gone_ends_no_work(self, clock: FakeClock) -> None:
        class Gone(Terminal):
            def write(self, text: str) -> int:
                raise OSError(5, "Input/output error")

        with Live(Sink(None, Gone(), XTERM), clock, animate=False) as live:
            live.tell(notices.TaskAwaited("task-1", "a/b"))

    def test_it_draws_by_itself_until_it_is_over(self, clock: FakeClock) -> None:
        with Live(Sink(None, Terminal(), XTERM), clock) as live:
            assert live._thread is not None
            assert live._thread.is_alive()
        assert not live._thread.is_alive()

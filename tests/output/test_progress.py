"""Progress: a line for each change, an animation, or nothing."""

import io

from modellix_cli.engine import notices
from modellix_cli.engine.progress import Progress
from modellix_cli.output.progress import Lines, Live, choose
from modellix_cli.output.sink import Output, Sink
from tests.support import FakeClock, Terminal


def test_the_display_fits_where_stderr_goes(clock: FakeClock) -> None:
    watched, logged = Sink(None, Terminal(), {}), Sink(None, io.StringIO(), {})
    assert type(choose(watched, clock, wanted=True)) is Live
    assert type(choose(logged, clock, wanted=True)) is Lines
    assert type(choose(watched, clock, wanted=False)) is Progress


def test_a_log_has_one_line_for_each_change_of_state(clock: FakeClock) -> None:
    err = io.StringIO()
    with Lines(Sink(None, err, {}), clock) as progress:
        for status in ("pending", "pending", "processing", "processing", "success"):
            progress.tell(notices.TaskPolled("task-1", status, status == "success"))
            clock.sleep(2)
        for _ in range(2):
            progress.tell(notices.PollTrouble("task-1", "busy."))
        progress.tell(notices.SubmitRetried("busy.", 4.0))
    assert err.getvalue().splitlines() == [
        "Task task-1: pending after 0s",
        "Task task-1: processing after 4s",
        "Task task-1: success after 8s",
        "Task task-1: busy. Trying again.",
        "busy. Trying again in 4s.",
    ]


def test_a_log_says_once_for_each_wait_what_a_request_waits_for(clock: FakeClock) -> None:
    err = io.StringIO()
    limit, slots = notices.Waiting(12.0, slots_full=False), notices.Waiting(0.2, slots_full=True)
    short = notices.Waiting(1.0, slots_full=False)
    with Lines(Sink(None, err, {}), clock) as progress:
        for waiting in (limit, limit, None, short, None, slots):
            progress.tell(notices.Counts(0, 0, 0, waiting))
    assert err.getvalue().splitlines() == [
        "Rate limit reached. Continuing in 12s.",
        "Concurrency limit reached. Waiting for a running task to end.",
    ]


def test_a_batch_that_sends_no_more_lines_says_so_and_what_it_waits_for(clock: FakeClock) -> None:
    err = io.StringIO()
    with Lines(Sink(None, err, {}), clock, total=4) as progress:
        progress.tell(notices.Stopped("Insufficient balance.", 2))
    assert err.getvalue() == (
        "No more lines are submitted: Insufficient balance. Waiting for 2 running tasks.\n"
    )


def test_an_animation_shows_statuses_and_gives_the_cursor_back() -> None:
    err = Terminal()
    with Live(Sink(None, err, {"TERM": "xterm"})) as progress:
        for number in range(20):
            progress.tell(notices.TaskAwaited(f"task-{number}", "a/b"))
        for number in range(20):
            status = "processing [bold]x[/bold]"
            progress.tell(notices.TaskPolled(f"task-{number}", status, False))
        progress.tell(notices.TaskPolled("task-0", "success", True))
        progress.tell(notices.PollTrouble("task-1", "busy.\x1b[2J"))
        progress.tell(notices.BytesSaved("a.png", 10, 100))
        progress.tell(notices.BytesSaved("a.png", 100, 100))
    shown = err.getvalue()
    assert "processing [bold]x[/bold]" in shown
    assert "1 of 20 tasks ended" in shown
    assert "\x1b[2J" not in shown
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")


def test_what_is_told_during_an_animation_appears_above_it() -> None:
    err = Terminal()
    sink = Sink(None, err, {"TERM": "xterm"})
    with Live(sink) as progress:
        for task_id in ("task-1", "task-2"):
            progress.tell(notices.TaskAwaited(task_id, "a/b"))
        sink.warn("careful")
        progress.tell(notices.TaskLeft("task-2", "no such task.\x1b[2J"))
    sink.note("after")
    shown = err.getvalue()
    assert "careful\n" in shown
    assert "Task task-2: no such task." in shown
    assert "\x1b[2J" not in shown
    assert shown.endswith("after\n")


def test_rows_stand_in_the_order_asked_with_the_count_last() -> None:
    err = Terminal()
    with Live(Sink(None, err, {"TERM": "xterm"})) as progress:
        for task_id in ("b", "a"):
            progress.tell(notices.TaskAwaited(task_id, "a/b"))
        progress.tell(notices.TaskPolled("a", "pending", False))
    last = err.getvalue().rsplit("0 of 2", 1)[0]
    assert last.rindex("b  waiting") < last.rindex("a  ")


def test_ci_and_dumb_terminals_get_lines(clock: FakeClock) -> None:
    for env in ({"CI": "1"}, {"TERM": "dumb"}):
        assert type(choose(Sink(None, Terminal(), env), clock, wanted=True)) is Lines


def test_nothing_moves_where_results_come_line_by_line_on_the_same_terminal(
    clock: FakeClock,
) -> None:
    both, piped = Sink(Terminal(), Terminal(), {}), Sink(io.StringIO(), Terminal(), {})
    both.mode = piped.mode = Output.JSONL
    assert type(choose(both, clock, wanted=True)) is Lines
    assert type(choose(piped, clock, wanted=True)) is Live


def test_a_log_says_now_and_then_how_far_a_batch_is_and_what_it_waits_for(clock: FakeClock) -> None:
    err = io.StringIO()
    waiting = notices.Waiting(4.0, slots_full=False)
    with Lines(Sink(None, err, {}), clock, total=4) as progress:
        for ended in range(5):
            progress.tell(notices.Counts(ended, 3, 1, waiting))
            clock.sleep(6)
    assert err.getvalue().splitlines() == ["2 of 4 lines, 3 running, 1 failed, waiting 4s"]

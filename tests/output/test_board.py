"""What progress looks like, state by state, at 80 columns and at others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.money import Money
from modellix_cli.engine import notices
from modellix_cli.output.board import Board
from modellix_cli.output.cells import line_width

SLUG = "bytedance/seedream-4.5-t2i"


def shown(board: Board, now: float, columns: int = 79, rows: int = 23) -> list[str]:
    lines = board.lines(columns, rows, now)
    assert all(line_width(line) <= columns for line in lines)
    assert len(lines) <= rows
    return ["".join(text for text, _ in line).rstrip() for line in lines]


def awaited(task_id: str = "t-1", **facts: object) -> notices.TaskAwaited:
    known: dict[str, object] = {"ref": 1, "about": "a cat on a wall"} | facts
    return notices.TaskAwaited(task_id, SLUG, **known)  # type: ignore[arg-type]


@pytest.fixture
def board() -> Board:
    return Board(100.0)


def test_a_request_that_leaves(board: Board) -> None:
    board.take(notices.Sending(1, SLUG, "a cat on a wall"), 100.0)
    assert shown(board, 101.2) == [
        '⠹ bytedance/seedream-4.5-t2i  "a cat on a wall"  0:01  submitting'
    ]


def test_a_task_by_its_expected_length(board: Board) -> None:
    board.take(awaited(age=3.0, usual=8.0), 100.0)
    assert shown(board, 100.0, 100) == [
        '⠋ bytedance/seedream-4.5-t2i  "a cat on a wall"  ━━━━╸───────  0:03 of about 0:08  waiting'
    ]
    board.take(notices.TaskPolled("t-1", "processing", False), 104.0)
    assert shown(board, 104.0, 110) == [
        '⠋ bytedance/seedream-4.5-t2i  "a cat on a wall"  ━━━━━━━━━━╸─  '
        "0:07 of about 0:08  processing"
    ]


def test_a_task_that_takes_longer_than_usual(board: Board) -> None:
    board.take(awaited(age=3.0, usual=8.0), 100.0)
    assert shown(board, 110.0)[0].endswith("━━━━━━━━━━━━  0:13, usually 0:08  waiting")


def test_time_counts_from_the_submission_after_a_resume(board: Board) -> None:
    board.take(awaited(age=3725.0, reused=True), 100.0)
    assert "  1:02:05  waiting" in shown(board, 100.0)[0]


def test_the_next_state_is_told_where_results_are_saved() -> None:
    board = Board(100.0, saves=True)
    board.take(awaited(), 100.0)
    board.take(notices.TaskPolled("t-1", "processing", False), 101.0)
    assert shown(board, 101.0)[0].endswith("0:01  processing → saving")
    board.take(notices.TaskPolled("t-1", "success", True), 102.0)
    assert shown(board, 102.0)[0].endswith("0:02  saving")


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (29, "⠋ seedream-4.…  0:07  pending"),
        (39, "⠋ seedrea…  0:07 of about 0:08  pending"),
        (59, "⠋ bytedance/seedream-4.5-t2i  0:07 of about 0:08  pending"),
        (79, "⠋ bytedance/seedream-4.5-t2i  ━━━━━━━━━━╸─  0:07 of about 0:08  pending"),
        (
            299,
            '⠋ bytedance/seedream-4.5-t2i  "a cat on a wall"  ━━━━━━━━━━╸─  '
            "0:07 of about 0:08  pending",
        ),
    ],
)
def test_less_room_shows_less(board: Board, columns: int, line: str) -> None:
    board.take(awaited(age=7.0, usual=8.0), 100.0)
    board.take(notices.TaskPolled("t-1", "pending", False), 100.0)
    assert shown(board, 100.0, columns) == [line]


def test_tasks_stand_under_each_other(board: Board) -> None:
    board.take(awaited("t-1", usual=8.0, about="猫が壁の上"), 100.0)
    board.take(notices.TaskAwaited("t-2", "a/b", 4.0, 8.0, ref=2, about="owl 🦉"), 100.0)
    board.take(notices.TaskPolled("t-2", "processing", False), 100.0)
    assert shown(board, 100.0, 110) == [
        '⠋ bytedance/seedream-4.5-t2i  "猫が壁の上"  ────────────  0:00 of about 0:08  waiting',
        '⠋ a/b                         "owl 🦉"      ━━━━━━──────  0:04 of about 0:08  processing',
        "0 of 2 tasks ended",
    ]


def test_more_tasks_than_rows_are_counted(board: Board) -> None:
    for number in range(1, 21):
        board.take(awaited(f"t-{number}", ref=number), 100.0)
    board.take(notices.LineEnded(1, SLUG, "t-1"), 101.0)
    lines = shown(board, 101.0)
    assert len(lines) == 9
    assert lines[-2:] == ["  and 12 more", "1 of 20 tasks ended"]
    assert shown(board, 101.0, rows=3)[1:] == ["  and 18 more", "1 of 20 tasks ended"]
    assert len(shown(board, 101.0, rows=1)) == 1


def test_a_task_of_which_nothing_is_known_is_named_by_its_id(board: Board) -> None:
    board.take(notices.TaskAwaited("task-7", "", ref=1), 100.0)
    assert shown(board, 100.0) == ["⠋ task-7  0:00  waiting"]


def test_trouble_is_told_and_ends_with_the_next_poll(board: Board) -> None:
    board.take(awaited(), 100.0)
    board.take(notices.PollTrouble("t-1", "The network is unreachable."), 101.0)
    assert "Trying again." in shown(board, 101.0)[0]
    board.take(notices.TaskPolled("t-1", "processing", False), 102.0)
    assert shown(board, 102.0)[0].endswith("processing")


def test_why_a_request_waits(board: Board) -> None:
    waiting = notices.Waiting(12.0, slots_full=False)
    board.take(notices.Counts(0, 0, 0, waiting), 100.0)
    assert shown(board, 100.0) == ["Rate limit reached. Continuing in 12s."]
    board.take(notices.SubmitRetried("The service is busy.", 4.0), 101.0)
    assert shown(board, 102.0) == ["The service is busy. Trying again in 3s."]
    board.take(notices.Sending(1, SLUG), 105.0)
    assert len(shown(board, 105.0)) == 1


def test_lines_of_a_batch_are_told_apart_by_their_numbers() -> None:
    board = Board(100.0, 12)
    for ref in (9, 10):
        board.take(
            notices.Sending(ref, SLUG, "a very long prompt that begins like all others"), 100.0
        )
    first, second, _ = shown(board, 101.0)
    assert first[2:].startswith(" 9  ")
    assert second[2:].startswith("10  ")


def test_a_request_that_another_process_sends(board: Board) -> None:
    board.take(notices.SentElsewhere(1, SLUG, 7), 100.0)
    assert "request 7" in shown(board, 101.0)[0]
    assert "another process is sending it" in shown(board, 101.0)[0]
    board.take(notices.Sending(1, SLUG), 102.0)
    assert "another process" not in "".join(shown(board, 103.0))


def test_a_request_that_was_refused_for_now_is_not_shown_as_leaving(board: Board) -> None:
    board.take(notices.Sending(1, SLUG), 100.0)
    board.take(notices.SubmitRetried("Concurrency limit reached.", 0.0, 1), 100.5)
    assert shown(board, 101.0) == []


def test_a_download_with_its_speed(board: Board) -> None:
    for second in range(3):
        notice = notices.BytesSaved("cat.png", second * 1024 * 1024, 4 * 1024 * 1024)
        board.take(notice, 100.0 + second)
    assert shown(board, 102.0) == [
        "↓ cat.png  ━━━━━━──────  50%  2.0 MiB of 4.0 MiB  1.0 MiB/s  0:02 left"
    ]
    assert shown(board, 102.0, 29) == ["↓ cat.png  50%  0:02 left"]
    board.take(notices.BytesSaved("cat.png", 4 * 1024 * 1024, 4 * 1024 * 1024), 103.0)
    assert shown(board, 103.0) == []


def test_a_resumed_download_has_the_speed_of_now(board: Board) -> None:
    for second in range(3):
        notice = notices.BytesSaved("a.mp4", 900 * 2**20 + second * 2**20, None)
        board.take(notice, 100.0 + second)
    assert shown(board, 102.0) == ["↓ a.mp4  902.0 MiB  1.0 MiB/s"]


@pytest.fixture
def batch() -> Board:
    board = Board(100.0, 40)
    for ref in range(1, 13):
        board.take(notices.LineEnded(ref, SLUG, billed=Money.parse("0.03")), 100.0 + ref)
    board.take(notices.Counts(12, 3, 1), 160.0)
    return board


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (29, "━━━━━╸─────────────  12 of 40"),
        (49, "━━━━━╸────────────  12 of 40  1 failed  3 running"),
        (
            99,
            "━━━━━━━─────────────────  12 of 40  1 failed  3 running  about 2:20 left  12/min  "
            "in 1:00",
        ),
    ],
)
def test_a_batch_with_its_rate_and_the_time_that_is_left(
    batch: Board, columns: int, line: str
) -> None:
    assert shown(batch, 160.0, columns) == [line]


def test_lines_that_were_paid_for_before_do_not_count_for_the_rate() -> None:
    board = Board(100.0, 40)
    for ref in range(1, 31):
        board.take(notices.LineEnded(ref, SLUG, reused=True), 100.0)
    board.take(notices.Counts(30, 0, 0), 101.0)
    assert "left" not in shown(board, 110.0)[0]
    for ref in (31, 32):
        board.take(notices.LineEnded(ref, SLUG), 110.0)
    board.take(notices.Counts(32, 0, 0), 110.0)
    assert "about 0:40 left" in shown(board, 110.0)[0]


def test_a_batch_says_which_limit_holds_it(batch: Board) -> None:
    batch.take(notices.Counts(12, 3, 1, notices.Waiting(4.0, slots_full=True)), 160.0)
    assert "12 of 40  concurrency limit" in shown(batch, 160.0)[0]


TEXT = st.text(max_size=60)


@given(TEXT, TEXT, TEXT, st.integers(1, 300), st.integers(1, 40), st.floats(0, 1e5))
def test_nothing_is_wider_than_the_terminal_or_acts_on_it(
    slug: str, about: str, status: str, columns: int, rows: int, elapsed: float
) -> None:
    board = Board(0.0, saves=True)
    for ref in (1, 2):
        board.take(notices.TaskAwaited(f"t-{ref}", slug, 1.0, 8.0, ref=ref, about=about), 0.0)
        board.take(notices.TaskPolled(f"t-{ref}", status, False), 0.0)
        board.take(notices.BytesSaved(about, 1, ref), 0.0)
    for line in shown(board, elapsed, columns, rows):
        assert not {"\x1b", "\n", "\r", "\t", "\x9b", "\u202e"} & set(line)

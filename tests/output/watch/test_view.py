"""Screens of `task watch`, as a person sees them."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.money import Money
from modellix_cli.ledger.spending import Spent
from modellix_cli.ledger.watched import Activity, Limits, WatchedBatch, WatchedTask
from modellix_cli.output.cells import line_width
from modellix_cli.output.watch.view import State, draw, rows_of

SCREENS = Path(__file__).parents[2] / "data"
NOON = 1_800_014_400.0


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def dollars(text: str) -> Money:
    amount = Money.parse(text)
    assert amount
    return amount


def task(task_id: str = "task-fox", **other: Any) -> WatchedTask:
    facts: dict[str, Any] = {
        "base_url": "https://api.modellix.ai",
        "profile": "default",
        "slug": "google/veo-3.1",
        "status": "processing",
        "created_at": NOON - 7,
        "ended_at": None,
        "batch": None,
        "line": None,
        "followed": True,
        "files": 0,
    }
    return WatchedTask(task_id=task_id, **(facts | other))


BATCH = WatchedBatch(3, "tasks.jsonl", 40, "running", NOON - 42, True, 25, 3, 12, 1)
BUSY = Activity(
    tasks=(
        task("task-old", status="success", created_at=NOON - 90, ended_at=NOON - 60, files=2),
        task("task-fox", expected=28.0),
        task("task-cjk", created_at=NOON - 3, batch=3, line=15),
        task("task-lost", created_at=NOON - 400, followed=False),
        task("task-bad", status="failed", created_at=NOON - 95),
    ),
    batches=(BATCH,),
    sending=2,
    unknown=1,
    limits=Limits(0, 100, NOON + 12, 2, 2),
    spending=Spent(dollars("0.42"), dollars("0.1"), 1),
)
PROMPTS = {"task-fox": "a fox in the snow", "task-cjk": "犬が雪の中を走っている、夜明けの光の中で"}


def state(activity: Activity = BUSY, **other: Any) -> State:
    return State(activity, NOON, "default", PROMPTS, **other)


def screen(shown: State, columns: int = 100, rows: int = 14) -> list[str]:
    lines = draw(shown, columns, rows)
    assert len(lines) <= rows
    assert all(line_width(line) <= columns for line in lines)
    return ["".join(text for text, _ in line).rstrip() for line in lines]


@pytest.mark.parametrize(("columns", "rows", "chosen"), [(100, 14, 0), (40, 13, 2)])
def test_a_busy_screen(columns: int, rows: int, chosen: int) -> None:
    expected = (SCREENS / f"watch-{columns}.txt").read_text(encoding="utf-8").splitlines()
    assert screen(state(chosen=chosen), columns, rows) == expected


@pytest.mark.parametrize("columns", [80, 100])
def test_at_80_columns_too_one_sees_what_is_not_polled_and_every_key(columns: int) -> None:
    lost = task("task-0123456789abcdef", created_at=NOON - 3, followed=False, expected=60.0)
    lines = screen(state(Activity(tasks=(lost,), limits=Limits(None, None, None, 0, 1))), columns)
    assert any(", not polled  " in line and "0:03 of about 1:00" in line for line in lines)
    foot = " ".join(lines)
    assert "x hide" in foot
    assert "--poll polls what nobody polls" in foot
    assert not any("…" in line for line in lines)


def test_tasks_that_nobody_polls_are_not_counted_as_running() -> None:
    tasks = (task("a"), task("b", followed=False), task("c", followed=False))
    limits = Limits(None, None, None, 1, 4)
    assert screen(state(Activity(tasks=tasks, limits=limits)))[1].startswith(
        "1 running, 2 not polled  ·  1 of 4 running slots taken"
    )
    assert screen(state(Activity(tasks=tasks), polls=True))[1].startswith("3 running  ·")


def test_keys_that_have_no_room_are_left_out_whole() -> None:
    assert screen(state(), 40)[-1] == "q quit  ? help  ↑↓ choose  o open"


def test_an_empty_screen_says_what_appears_here() -> None:
    lines = screen(state(Activity()), rows=6)
    assert lines[1:4] == [
        "0 running  ·  today $0.00 billed",
        "",
        "Nothing runs now. What is started on this machine appears here.",
    ]


def test_help_names_every_key_and_what_is_polled() -> None:
    text = "\n".join(screen(state(helping=True), rows=30))
    for words in (
        "open the first",
        "save the",
        "copy the",
        "hide it",
        "quit;",
        "cannot be canceled",
    ):
        assert words in text


def test_a_message_takes_the_place_of_the_keys() -> None:
    assert screen(state(message="Saved fox.png"))[-1] == "Saved fox.png"


def test_what_is_hidden_is_not_listed() -> None:
    hidden = frozenset({"batch 3", "task task-fox"})
    assert len(rows_of(state(hidden=hidden))) == 4
    assert not any("task-fox" in line for line in screen(state(hidden=hidden)))


def test_what_has_no_room_is_counted_and_the_chosen_row_is_shown() -> None:
    many = Activity(tasks=tuple(task(f"t-{n:02}", created_at=NOON - n) for n in range(30)))
    lines = screen(state(many, chosen=20), rows=10)
    assert any(line.startswith("> t-20") for line in lines)
    assert lines[-2] == "  18 above, 7 below"


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        (replace(BATCH, running=False), "12 of 40 lines, 3 running, 1 failed  interrupted"),
        (replace(BATCH, running=False, state="done", submitted=0), "1 failed  done"),
        (replace(BATCH, running=False, state="stopped", submitted=0), "1 failed  stopped"),
    ],
)
def test_a_batch_that_does_not_run_says_why(batch: WatchedBatch, words: str) -> None:
    assert any(words in line for line in screen(state(Activity(batches=(batch,)))))


def test_a_task_that_this_program_polls_counts_as_polled() -> None:
    lost = Activity(tasks=(task(followed=False),))
    assert any("not polled" in line for line in screen(state(lost)))
    polled = screen(state(lost, polls=True))
    assert not any("not polled" in line or "--poll" in line for line in polled)


def test_statuses_and_ids_from_elsewhere_do_nothing_to_the_terminal() -> None:
    evil = Activity(tasks=(task("t\x1b[2J", status="\x1b]0;x\x07\n", slug="a\r\nb"),))
    text = "\n".join(screen(state(evil)))
    assert not set(text) & set("\x1b\x07\r")


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
tasks = st.builds(
    task,
    texts.filter(bool),
    status=st.one_of(st.none(), st.sampled_from(["success", "failed", "processing"]), texts),
    slug=st.one_of(st.none(), texts),
    created_at=st.floats(0, 2e9),
    ended_at=st.one_of(st.none(), st.floats(0, 2e9)),
    expected=st.one_of(st.none(), st.floats(0, 1e6)),
    batch=st.one_of(st.none(), st.integers(1, 99)),
    followed=st.booleans(),
)


@given(
    st.lists(tasks, max_size=6),
    st.integers(1, 300),
    st.integers(1, 40),
    st.integers(0, 9),
    st.booleans(),
)
def test_whatever_goes_on_it_fits_the_screen(
    shown: list[WatchedTask],
    columns: int,
    rows: int,
    chosen: int,
    helping: bool,
) -> None:
    activity = replace(BUSY, tasks=tuple(shown))
    prompts = {found.task_id: "犬が走る 🐕\u200d🦺" for found in shown}
    screen(State(activity, NOON, "default", prompts, chosen=chosen, helping=helping), columns, rows)

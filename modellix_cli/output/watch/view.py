"""What `task watch` shows: a pure function from a state to the lines of a screen."""

from collections.abc import Mapping
from time import localtime, strftime
from typing import Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.text import count, one_line
from modellix_cli.ledger.spending import Spent
from modellix_cli.ledger.watched import Activity, Limits, WatchedBatch, WatchedTask
from modellix_cli.output.cells import Line, bar, clock, cut, fit, line_width, pad

SPINNER: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_TURNS: Final = 8
"""Signs of the spinner for each second."""
_BAR: Final = 16
_LEAST_ROOM: Final = 8
_BOLD, _DIM, _GOOD, _BAD, _BUSY, _CHOSEN = "1", "2", "32", "31", "33", "7"
HELP: Final = (
    ("↑ ↓ (k j)", "choose a task or batch"),
    ("o", "open the first saved result"),
    ("s", "save the results here"),
    ("c", "copy the task id"),
    ("x", "hide it from this view; it runs on"),
    ("?", "this help"),
    ("q", "quit; everything runs on"),
)
_KEYS: Final = ("q quit", "? help", "↑↓ choose", "o open", "s save", "c copy id", "x hide")
_POLL: Final = "(--poll polls what nobody polls)"
Row = WatchedBatch | WatchedTask


@frozen
class State:
    """All that is shown. `now` is a Unix time, `chosen` a row's place, from 0.

    `prompts` are those of tasks by their id; `message` is what the last key came to; `polls` says
    that this program asks the service itself. `where` names what is watched.
    """

    activity: Activity
    now: float
    where: str
    prompts: Mapping[str, str]
    hidden: frozenset[str] = frozenset()
    chosen: int = 0
    message: str = ""
    helping: bool = False
    polls: bool = False


def key_of(row: Row) -> str:
    """Return what a row is known by while others come and go."""
    return f"batch {row.number}" if isinstance(row, WatchedBatch) else f"task {row.task_id}"


def rows_of(state: State) -> list[Row]:
    """Return what can be chosen, in its order: batches, tasks that run, tasks that ended."""
    tasks = sorted(state.activity.tasks, key=lambda task: (task.finished, -task.created_at))
    rows: list[Row] = [*state.activity.batches, *tasks]
    return [row for row in rows if key_of(row) not in state.hidden]


def draw(state: State, columns: int, rows: int) -> list[Line]:
    """Return the lines of a screen, at most `rows`, each at most `columns` wide."""
    head = _head(state, columns)
    foot = _foot(state, columns)
    room = max(1, rows - len(head) - len(foot))
    body = _help() if state.helping else _body(state, columns, room)
    body = body[:room]
    filling: list[Line] = [[] for _ in range(room - len(body))]
    lines = [*head, *body, *filling, *foot]
    return [cut(line, columns) for line in lines[-rows:]]


def _head(state: State, columns: int) -> list[Line]:
    title, time = f"Tasks · {one_line(state.where)}", _time_of_day(state.now)
    gap = " " * max(1, columns - len(time) - line_width([(title, "")]))
    facts = [_counts(state), _limits(state.activity.limits, state.now)]
    facts.append(_spending(state.activity.spending))
    lines: list[Line] = [[(title, _BOLD), (gap, ""), (time, _DIM)]]
    line: Line = []
    for fact in (fact for fact in facts if fact):
        between: Line = [("  ·  ", _DIM)] if line else []
        if line and line_width([*line, *between, *fact]) > columns:
            lines.append(line)
            line, between = [], []
        line = [*line, *between, *fact]
    return [*lines, line, []]


def _time_of_day(now: float) -> str:
    return strftime("%H:%M:%S", localtime(now))


def _counts(state: State) -> Line:
    activity = state.activity
    left = [task for task in activity.tasks if not task.finished]
    running = sum(task.followed or state.polls for task in left)
    waiting = sum(batch.waiting for batch in activity.batches if batch.running)
    parts = [f"{running} running"] if running or not left else []
    parts += [f"{len(left) - running} not polled"] if running < len(left) else []
    parts += [f"{waiting} queued"] if waiting else []
    parts += [f"{activity.sending} being sent"] if activity.sending else []
    line: Line = [(", ".join(parts), "")]
    if activity.unknown:
        line.append((f", {activity.unknown} of unknown outcome", _BAD))
    return line


def _limits(limits: Limits, now: float) -> Line:
    parts = []
    if limits.requests is not None and limits.limit is not None and limits.reset_at is not None:
        left = f"{limits.requests} of {limits.limit} requests left"
        parts.append(f"{left} for {clock(limits.reset_at - now)}")
    if limits.slots is not None:
        parts.append(f"{limits.taken} of {limits.slots} running slots taken")
    low = limits.requests == 0 or (limits.slots is not None and limits.taken >= limits.slots)
    return [(", ".join(parts), _BUSY if low else "")] if parts else []


def _spending(spending: Spent) -> Line:
    parts = [f"today {spending.billed.words} billed"]
    if spending.reserved.usd:
        parts.append(f"{spending.reserved.words} estimated")
    if spending.unpriced:
        parts.append(f"{spending.unpriced} without a price")
    return [(", ".join(parts), "")]


def _body(state: State, columns: int, room: int) -> list[Line]:
    rows = rows_of(state)
    if not rows:
        return [[("Nothing runs now. What is started on this machine appears here.", _DIM)]]
    chosen = min(state.chosen, len(rows) - 1)
    hints = 1 if len(rows) > room else 0
    shown = max(1, room - hints)
    first = min(max(0, chosen - shown // 2), max(0, len(rows) - shown))
    part = rows[first : first + shown]
    widths = _widths(part, columns)
    lines = [
        _chosen(_row(row, state, widths), chosen=first + place == chosen, columns=columns)
        for place, row in enumerate(part)
    ]
    if hints:
        above, below = first, len(rows) - first - len(part)
        lines.append([(f"  {above} above, {below} below", _DIM)])
    return lines


@frozen
class _Widths:
    """How wide columns are, 0 for one that has no room; `bar` how long the bars are."""

    name: int
    model: int
    bar: int
    columns: int


def _widths(rows: list[Row], columns: int) -> _Widths:
    longest = max(line_width([(_name(row), "")]) for row in rows)
    model = max((line_width([(_model(row), "")]) for row in rows), default=0)
    name = min(longest, max(12, columns // 3))
    return _Widths(
        name=name,
        model=min(model, 28) if columns >= 100 else 0,
        bar=_BAR if columns >= 60 else 0,
        columns=columns,
    )


def _name(row: Row) -> str:
    if isinstance(row, WatchedBatch):
        return f"Batch {row.number}"
    return one_line(row.task_id)


def _model(row: Row) -> str:
    text = row.source if isinstance(row, WatchedBatch) else row.slug or ""
    return one_line(text)


def _row(row: Row, state: State, widths: _Widths) -> Line:
    line: Line = [("  ", ""), (pad(fit(_name(row), widths.name), widths.name), _BOLD), ("  ", "")]
    if widths.model:
        line += [(pad(fit(_model(row), widths.model), widths.model), ""), ("  ", "")]
    if isinstance(row, WatchedBatch):
        line += _batch(row, state, widths)
    else:
        line += _task(row, state, widths)
    return line


def _batch(batch: WatchedBatch, state: State, widths: _Widths) -> Line:
    line: Line = []
    if widths.bar:
        line += [*bar(batch.ended / batch.total if batch.total else 1.0, widths.bar), ("  ", "")]
    line.append((f"{batch.ended} of {count(batch.total, 'line')}", ""))
    if batch.submitted:
        line.append((f", {batch.submitted} running", ""))
    if batch.failed:
        line.append((f", {batch.failed} failed", _BAD))
    if batch.running:
        line.append((f"  {clock(state.now - batch.created_at)}", _DIM))
    elif batch.state == "running":
        line.append(("  interrupted", _BAD))
    else:
        line.append((f"  {one_line(batch.state)}", _GOOD if batch.state == "done" else _BUSY))
    if not widths.model:
        line.append((f"  {_model(batch)}", _DIM))
    return line


def _task(task: WatchedTask, state: State, widths: _Widths) -> Line:
    line = _ended(task) if task.finished else _going_on(task, state, widths)
    if task.batch is not None:
        line.append((f"  batch {task.batch}, line {task.line}", _DIM))
    prompt = one_line(state.prompts.get(task.task_id, ""))
    room = widths.columns - line_width(line) - widths.name - widths.model - 8
    if prompt and room >= _LEAST_ROOM:
        line.append((f"  {fit(prompt, room)}", _DIM))
    return line


def _ended(task: WatchedTask) -> Line:
    mark, style = ("✗", _BAD) if task.failed else ("✓", _GOOD)
    status = one_line(task.status or "")
    line: Line = [(f"{mark} {status}", style)]
    if task.ended_at is not None and task.ended_at >= task.created_at:
        line.append((f" in {clock(task.ended_at - task.created_at)}", ""))
    if task.files:
        line.append((f", {count(task.files, 'file')} saved", ""))
    return line


def _going_on(task: WatchedTask, state: State, widths: _Widths) -> Line:
    age = max(0.0, state.now - task.created_at)
    followed = task.followed or state.polls
    sign = SPINNER[int(state.now * _TURNS) % len(SPINNER)] if followed else "·"
    line: Line = [(f"{sign} {one_line(task.status or 'unknown')}", _BUSY if followed else _DIM)]
    if not followed:
        line.append((", not polled", _DIM))
    if task.expected and widths.bar and followed:
        line += [("  ", ""), *bar(min(0.99, age / task.expected), widths.bar)]
    about = f" of about {clock(task.expected)}" if task.expected else ""
    line.append((f"  {clock(age)}{about}", ""))
    return line


def _chosen(line: Line, *, chosen: bool, columns: int) -> Line:
    """Mark the row that is chosen, with a sign too, for terminals without colours."""
    if not chosen:
        return line
    (_, style), *rest = line
    marked = cut([("> ", style), *rest], columns)
    text = "".join(text for text, _ in marked)
    return [(pad(text, columns), _CHOSEN)]


def _foot(state: State, columns: int) -> list[Line]:
    """Return what can be done: as many keys as there is room for, and --poll if it would help."""
    if state.message:
        return [[(one_line(state.message), _BOLD)]]
    keys = _KEYS[0]
    for key in _KEYS[1:]:
        if len(keys) + len(key) + 2 > columns:
            break
        keys += f"  {key}"
    if state.polls or all(task.finished or task.followed for task in state.activity.tasks):
        return [[(keys, _DIM)]]
    if len(keys) + len(_POLL) + 2 <= columns:
        return [[(f"{keys}  {_POLL}", _DIM)]]
    return [[(_POLL, _DIM)], [(keys, _DIM)]]


def _help() -> list[Line]:
    lines: list[Line] = [[("Keys", _BOLD)]]
    lines += [[(f"  {pad(key, 12)}", _BOLD), (words, "")] for key, words in HELP]
    lines += [
        [],
        [("The view reads what this machine's commands record. It sends nothing by itself;", "")],
        [("with --poll it asks about tasks that no other command waits for.", "")],
        [("Tasks run at Modellix and cannot be canceled.", "")],
    ]
    return lines

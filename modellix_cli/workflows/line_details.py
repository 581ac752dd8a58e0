"""What progress shows of a line beside the engine's notices: its prompt, and how it ended."""

from dataclasses import replace
from pathlib import PurePath
from typing import Final

from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.text import count, one_line
from modellix_cli.engine.core.lines import LineOutcome
from modellix_cli.engine.notices import LineEnded, Notice, Sending, TaskAwaited
from modellix_cli.output.request import prompt_of

_LONGEST_BODY: Final = 256 * 1024
_LONGEST_ABOUT: Final = 200


def about(body: bytes | None) -> str | None:
    """Return the start of what a request asks for, as one line; None where that is not known."""
    if body is None or len(body) > _LONGEST_BODY:
        return None
    text = prompt_of(body)
    line = one_line((text or "").strip()[:_LONGEST_ABOUT]).strip()
    return line or None


def with_about(notice: Notice, text: str | None) -> Notice:
    """Return a notice about a line with the start of its prompt."""
    if isinstance(notice, Sending | TaskAwaited):
        return replace(notice, about=text)
    return notice


def line_ended(
    outcome: LineOutcome, text: str | None, trouble: str | None, advice: str | None = None
) -> LineEnded:
    """Return the notice that a line has its end; `trouble` is why it did not go well.

    `advice` is the sentence with the command for it.
    """
    task = outcome.task
    return LineEnded(
        outcome.ref,
        outcome.slug,
        outcome.task_id,
        outcome.name,
        text,
        trouble,
        _made(outcome),
        seconds=None if task is None else task.seconds,
        billed=None if task is None else task.billed,
        reused=outcome.reused,
        advice=advice,
    )


def trouble_of(outcome: LineOutcome) -> str | None:
    """Return why a line did not go well, None if it did."""
    if outcome.state is not SubmissionState.ACCEPTED:
        return outcome.detail or "It was not submitted."
    if outcome.waiting is not None:
        return outcome.detail or "It may still be running."
    return outcome.detail


def _made(outcome: LineOutcome) -> str | None:
    files = [PurePath(str(file["path"])).name for file in outcome.files or ()]
    if files:
        return files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"
    if outcome.urls:
        return count(len(outcome.urls), "result")
    return outcome.task_id

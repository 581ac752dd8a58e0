"""What progress says in words, at a terminal and in a log."""

from typing import Final

from modellix_cli.domain.text import clip, count, duration, one_line
from modellix_cli.engine import notices

WORTH_TELLING: Final = 1.5
"""Seconds from which on it is told that a request waits."""
_ABOUT: Final = 40
_LEAST_NAME: Final = 12
GOOD, BAD, FAINT = "32", "31", "2"


def batch_words(notice: notices.Counts, total: int) -> str:
    """Say how far a batch is: `12 of 40 lines, 3 running, 1 failed, waiting 4s`."""
    words = [f"{notice.ended} of {count(total, 'line')}"]
    words += [f"{notice.running} running"] if notice.running else []
    words += [f"{notice.failed} failed"] if notice.failed else []
    if notice.waiting is not None:
        if notice.waiting.slots_full:
            words.append("waiting for a running task to end")
        elif notice.waiting.seconds >= WORTH_TELLING:
            words.append(f"waiting {duration(notice.waiting.seconds)}")
    return ", ".join(words)


def waiting_words(waiting: notices.Waiting) -> str:
    """Say why a request does not leave yet."""
    if waiting.slots_full:
        return "Concurrency limit reached. Waiting for a running task to end."
    return f"Rate limit reached. Continuing in {duration(waiting.seconds)}."


def stopped_words(notice: notices.Stopped) -> str:
    """Say that no more lines are sent, while others are still followed."""
    tasks = count(notice.running, "running task")
    return f"No more lines are submitted: {notice.message} Waiting for {tasks}."


def about_words(about: str | None) -> str:
    """Return the start of a prompt in quotation marks, "" where none is known."""
    text = one_line(about or "").strip()
    return f'"{clip(text, _ABOUT)}"' if text else ""


def end_parts(end: notices.LineEnded, room: int | None = None) -> list[tuple[str, str]]:
    """Return the line that tells how a line of a batch ended, as texts with their styles.

    At a terminal it is cut to one row of `room` cells, so a command is left to the summary, where
    it stays whole. There the prompt makes room for what came of it.
    """
    mark = ("✗ ", BAD) if end.trouble is not None else ("✓ ", GOOD)
    tail = _end_tail(end)
    name = one_line(end.name or about_words(end.about))
    if room is not None:
        from modellix_cli.output.cells import fit, width

        others = width(f"✓ {end.ref}    {end.slug}")
        needed = sum(width(text) for text, _ in tail)
        needed = min(needed, room // 2) if end.trouble is not None else needed
        name = fit(name, max(_LEAST_NAME, room - others - needed))
    head = [str(end.ref), *([name] if name else []), one_line(end.slug)]
    return [mark, ("  ".join(head), ""), *tail]


def _end_tail(end: notices.LineEnded) -> list[tuple[str, str]]:
    """Return what came of a line: why it did not go well, else what was made, and for what."""
    if end.trouble is not None:
        return [(f"  {one_line(end.trouble)}", BAD)]
    facts = [duration(end.seconds)] if end.seconds is not None else []
    facts += [end.billed.words] if end.billed is not None else []
    made = [(f"  {one_line(end.made)}", "")] if end.made else []
    return [*made, *((f"  {fact}", FAINT) for fact in facts)]


def end_words(end: notices.LineEnded) -> str:
    """Return the same line without styles, for a log: with the command, as nothing is cut there."""
    line = "".join(text for text, _ in end_parts(end))
    return f"{line} {one_line(end.advice)}" if end.advice else line

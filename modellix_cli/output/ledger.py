"""How the commands about the ledger look in each output mode."""

from pathlib import Path
from typing import TYPE_CHECKING

from modellix_cli.clock import clock_time, iso
from modellix_cli.domain.text import count
from modellix_cli.output.sink import Output, Sink

if TYPE_CHECKING:
    from modellix_cli.ledger.attempt import Attempt
    from modellix_cli.ledger.marks import Incomplete


def resolved(sink: Sink, attempt: "Attempt", next_step: str) -> None:
    """Show what a submission is now, by the user's word, and the command for what comes next.

    That is to save its result, or to take the word back.
    """
    if sink.mode is Output.JSON:
        facts = {
            "ok": True,
            "request": attempt.number,
            "modelSlug": attempt.slug,
            "state": str(attempt.state),
            "taskId": attempt.task_id,
        }
        sink.json({name: value for name, value in facts.items() if value is not None})
    elif sink.mode is Output.QUIET:
        if attempt.task_id is not None:
            sink.line(attempt.task_id)
    elif attempt.task_id is not None and attempt.state.may_be_charged:
        sink.line(f"Request {attempt.number} is recorded as task {attempt.task_id}.")
        sink.note(f"The service was not asked. Save its result with: {next_step}")
    else:
        sink.line(f"Request {attempt.number} is recorded as not created. It can be sent again.")
        sink.note(
            "If it was created after all, both are charged. Until it is sent, this takes it back: "
            f"{next_step}"
        )


def path(sink: Sink, where: Path) -> None:
    """Show where the ledger is."""
    if sink.mode is Output.JSON:
        sink.json({"ok": True, "path": str(where), "exists": where.exists()})
    else:
        sink.line(str(where))


def acknowledged(sink: Sink, mark: "Incomplete | None", where: Path) -> None:
    """Show which loss was acknowledged, None if there was none."""
    if sink.mode is Output.JSON:
        facts = {"ok": True, "acknowledged": mark is not None, "path": str(where)}
        if mark is not None:
            facts |= {"since": iso(mark.since), "reason": mark.reason, "kept": mark.kept}
        sink.json(facts)
    elif sink.mode is Output.HUMAN:
        if mark is None:
            sink.line("Nothing is known to be missing from the ledger.")
        else:
            since = clock_time(mark.since)
            sink.line(f"Acknowledged: {mark.reason}, {since}; {count(mark.kept, 'row')} were kept.")

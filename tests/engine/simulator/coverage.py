"""Which phases of lines met which events, and which of the table never did."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.engine.core import events
from modellix_cli.engine.core.engine import Engine
from modellix_cli.engine.core.lines import Known

Seen = list[tuple[int, str, str]]
"""Of each line that an event is about: its ref, its phase before, the kind of the event for it."""


class Coverage:
    """Counts transitions: phase before, event, phase after."""

    def __init__(self) -> None:
        self.transitions: Counter[tuple[str, str, str]] = Counter()

    def before(self, engine: Engine, event: events.Event) -> Seen:
        """Remember in which phase the lines are that an event is about."""
        match event:
            case events.Work(lines=lines):
                return [(ln.ref, "new", f"Work {known_kind(ln.known)}") for ln in lines]
            case events.Recorded(claims=claims):
                return [(ref, "recording", _claim_kind(claim)) for ref, claim in claims.items()]
            case events.Woke():
                return []
        kind = kind_of(event)
        return [(ref, phase_of(engine, ref), kind) for ref in _refs(engine, event)]

    def after(self, engine: Engine, seen: Seen) -> None:
        for ref, phase, kind in seen:
            self.transitions[phase, kind, phase_of(engine, ref)] += 1


def _refs(engine: Engine, event: events.Event) -> list[int]:
    match event:
        case events.NotRecorded(refs=refs):
            return list(refs)
        case events.Stop() | events.LedgerLost() | events.GraceOver():
            return _all(engine)
    ref = getattr(event, "ref", None)
    if ref is not None:
        return [ref]
    polled = event.task.task_id if isinstance(event, events.Polled) else ""
    waiting = engine._following._waiting.get(getattr(event, "task_id", polled), ())
    return [line.ref for line in waiting]


def _all(engine: Engine) -> list[int]:
    sending, following = engine._submitting, engine._following
    leaving = sending._leaving
    found = [
        line.ref
        for group in (sending.queue._lines, leaving._allowed, leaving._held)
        for line in group
    ]
    for table in _tables(engine).values():
        found += table
    found += following._saving
    found += [line.ref for lines in following._waiting.values() for line in lines]
    return found + [outcome.ref for outcome, _ in following._to_save]


def _tables(engine: Engine) -> dict[str, Mapping[int, Any]]:
    sending = engine._submitting
    return {
        "preparing": sending._preparing,
        "asking": sending._leaving._asking,
        "recording": sending.posting._recording,
        "posting": sending.posting._posting,
        "watching": sending.earlier._watching._lines,
        "blocked": sending.queue._needs._blocked,
    }


def phase_of(engine: Engine, ref: int) -> str:
    """Return where a line is on its way."""
    sending, following = engine._submitting, engine._following
    if engine._out.ended(ref):
        return "ended"
    for name, table in _tables(engine).items():
        if ref in table:
            return name
    leaving = sending._leaving
    groups = {"allowed": leaving._allowed, "held": leaving._held, "queue": sending.queue._lines}
    for name, group in groups.items():
        if any(line.ref == ref for line in group):
            return name
    for task_id, lines in following._waiting.items():
        for line in lines:
            if line.ref == ref:
                what = "confirming" if line.confirming else "following"
                return f"{what}{_polling(engine, task_id)}"
    if ref in following._saving:
        return "saving"
    return "to save" if any(o.ref == ref for o, _ in following._to_save) else "new"


def _polling(engine: Engine, task_id: str) -> str:
    if task_id in engine._following._asking:
        return ", asking"
    return ", polling" if task_id in engine._following._polling else ""


def kind_of(event: events.Event) -> str:
    """Return an event's name with what matters of it."""
    name = type(event).__name__
    match event:
        case events.AttemptSeen(known=known):
            return f"{name} {known_kind(known)}"
        case events.Replied(error=error, recorded=recorded):
            end = "" if recorded else " unrecorded"
            if error is None:
                return f"{name} accepted{end}"
            if error.code == "SUBMISSION_UNKNOWN":
                return f"{name} unknown{' with id' if error.task_id else ''}{end}"
            return f"{name} refused{end}"
        case events.Polled(task=task):
            end = "success" if task.succeeded else "failed"
            return f"{name} {end if task.finished else 'running'}"
        case events.Saved(errors=errors, final=final):
            return f"{name}{(' failed for good' if final else ' failed') if errors else ''}"
        case events.Prepared(error=error):
            return f"{name}{' failed' if error else ''}"
        case events.SubmitHeld(slots_full=slots_full):
            return f"{name}{' for room' if slots_full else ''}"
        case events.Stop(follow=follow):
            return f"{name}{' and follow' if follow else ''}"
    return name


def _claim_kind(claim: int | Known | ModellixError) -> str:
    if isinstance(claim, ModellixError):
        return "Recorded too dear"
    return f"Recorded {known_kind(claim) if isinstance(claim, Known) else 'claimed'}"


def known_kind(known: Known | None) -> str:
    if known is None:
        return "nothing"
    if known.in_flight:
        return "in flight"
    if known.state is SubmissionState.UNKNOWN:
        return "unknown with id" if known.task_id else "unknown"
    if known.state is SubmissionState.ACCEPTED:
        return "accepted" if known.status is None else "accepted and ended"
    return str(known.state)

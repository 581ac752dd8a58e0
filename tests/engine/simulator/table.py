"""The table of transitions: which phases of a line meet which events; and the report about it."""

from typing import Final

from tests.engine.simulator.coverage import Coverage

_ENDS = "Stop, Stop and follow, LedgerLost"
_POLLED = "Polled running, Polled success, Polled failed, PollFailed, Delivered"
TABLE: Final[dict[str, str]] = {
    "new": "Work nothing, Work accepted, Work accepted and ended, Work in flight, Work unknown,"
    " Work unknown with id",
    "queue": _ENDS,
    "blocked": _ENDS,
    "preparing": f"Prepared, Prepared failed, GraceOver, {_ENDS}",
    "asking": f"SubmitAllowed, SubmitHeld, SubmitHeld for room, GraceOver, {_ENDS}",
    "allowed": f"GraceOver, {_ENDS}",
    "held": f"GraceOver, {_ENDS}",
    "recording": "Recorded claimed, Recorded accepted, Recorded in flight, Recorded unknown,"
    f" Recorded unknown with id, Recorded too dear, NotRecorded, GraceOver, {_ENDS}",
    "posting": "Replied accepted, Replied accepted unrecorded, Replied refused,"
    " Replied refused unrecorded, Replied unknown, Replied unknown unrecorded,"
    f" Replied unknown with id, Replied unknown with id unrecorded, GraceOver, {_ENDS}",
    "watching": "AttemptSeen in flight, AttemptSeen accepted, AttemptSeen rejected,"
    f" AttemptSeen unknown, AttemptSeen unknown with id, AttemptSeen nothing, {_ENDS}",
    "following": f"Delivered, {_ENDS}",
    "following, asking": f"PollAllowed, PollHeld, Delivered, {_ENDS}",
    "following, polling": f"{_POLLED}, {_ENDS}",
    "confirming": f"Delivered, {_ENDS}",
    "confirming, asking": f"PollAllowed, PollHeld, Delivered, {_ENDS}",
    "confirming, polling": f"{_POLLED}, {_ENDS}",
    "to save": _ENDS,
    "saving": f"Saved, Saved failed, Saved failed for good, {_ENDS}",
    "ended": "AttemptSeen in flight, AttemptSeen accepted, AttemptSeen rejected,"
    " AttemptSeen unknown, AttemptSeen nothing,"
    " Saved, Saved failed, Saved failed for good, Prepared, Prepared failed,"
    " Replied accepted,"
    " Replied accepted unrecorded, Replied refused, Replied refused unrecorded, Replied unknown,"
    " Replied unknown unrecorded, Replied unknown with id, Replied unknown with id unrecorded",
}
"""What a line may meet in each phase; `ended` are answers that come late."""


def pairs() -> set[tuple[str, str]]:
    """Return the table as pairs of phase and event."""
    return {(phase, kind) for phase, kinds in TABLE.items() for kind in kinds.split(", ")}


def unseen(coverage: Coverage) -> list[tuple[str, str]]:
    """Return what of the table was never seen."""
    return sorted(pairs() - {(phase, kind) for phase, kind, _ in coverage.transitions})


def report(coverage: Coverage) -> None:
    """Print which phases met which events, and which of the table never did."""
    seen = {(phase, kind) for phase, kind, _ in coverage.transitions}
    phases = {phase for phase, _ in seen}
    table = pairs()
    print(
        f"{len(phases)} of {len(TABLE)} phases, {len(seen & table)} of {len(table)} pairs of phase"
        f" and event, {len(coverage.transitions)} transitions"
    )
    for phase, kind in unseen(coverage):
        print(f"never seen: {phase} x {kind}")
    for phase, kind in sorted(seen - table):
        print(f"not in the table: {phase} x {kind}")

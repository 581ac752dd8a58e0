"""The transitions that must be seen, and the report about them."""

from tests.engine.simulator.coverage import Coverage

TABLE: dict[str, str] = {}


def report(coverage: Coverage) -> None:
    """Print which phases met which events."""
    pairs = {(phase, kind) for phase, kind, _ in coverage.transitions}
    print(
        f"{len({phase for phase, _ in pairs})} phases, {len(pairs)} pairs of phase and event,"
        f" {len(coverage.transitions)} transitions"
    )

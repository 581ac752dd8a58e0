"""What is checked before anything is paid for."""

from dataclasses import dataclass
from typing import Annotated

import typer


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchGuards:
    """Limits and checks of a batch; `max_cost` in USD."""

    max_tasks: Annotated[
        int | None,
        typer.Option(
            "--max-tasks", min=1, max=1_000_000, metavar="N", help="Refuse more tasks than this."
        ),
    ] = None
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Submit however many tasks there are.")
    ] = False
    max_cost: Annotated[
        float | None,
        typer.Option(
            "--max-cost", min=0, metavar="USD", help="Refuse if listed prices may exceed this."
        ),
    ] = None
    allow_unpriced: Annotated[
        bool,
        typer.Option(
            "--allow-unpriced",
            help="With --max-cost: also submit what cannot be priced. It does not count.",
        ),
    ] = False
    check: Annotated[
        bool, typer.Option("--check", help="First check each body against its model's schema.")
    ] = False
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read, check and estimate; submit nothing.")
    ] = False

"""What is checked before anything is paid for."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import typer

from modellix_cli.domain.frozen import frozen
from modellix_cli.options.panels import BEFORE_PAYING, COMMON

if TYPE_CHECKING:
    from modellix_cli.domain.money import Money


def _check_dollars(text: str) -> str:
    """Return an amount as it was given, so that it can be repeated. Raises the usage error."""
    from modellix_cli.domain.money import parse_money

    parse_money(text, "--max-cost")
    return text.strip()


MaxCost = Annotated[
    str | None,
    typer.Option(
        "--max-cost",
        metavar="USD",
        parser=_check_dollars,
        help="Refuse if listed prices may exceed this.",
    ),
]
AllowUnpriced = Annotated[
    bool,
    typer.Option(
        "--allow-unpriced",
        help="Under --max-cost or a budget: also submit what cannot be priced. It does not count.",
    ),
]
Strict = Annotated[
    bool,
    typer.Option("--strict", help="Check, and refuse parameters that the model does not document."),
]


@frozen(kw_only=True)
class BatchGuards:
    """Limits and checks of a batch."""

    PANEL: ClassVar[str] = BEFORE_PAYING

    max_tasks: Annotated[
        int | None,
        typer.Option(
            "--max-tasks", min=1, max=1_000_000, metavar="N", help="Refuse more tasks than this."
        ),
    ] = None
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            "-y",
            help="Submit however many tasks there are.",
            rich_help_panel=COMMON,
        ),
    ] = False
    max_cost: MaxCost = None
    allow_unpriced: AllowUnpriced = False
    check: Annotated[
        bool | None,
        typer.Option(
            "--check/--no-check",
            help="First check each body against its model's schema. By default only that none "
            "has a path of this machine where an address is wanted.",
            show_default=False,
        ),
    ] = None
    strict: Strict = False
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Read, check and estimate; submit nothing.",
        ),
    ] = False

    @property
    def checks(self) -> bool | None:
        """Whether bodies are checked against schemas; None where nobody said so."""
        return True if self.strict else self.check

    @property
    def cost_limit(self) -> "Money | None":
        """What all lines together may cost."""
        return _amount(self.max_cost)


@frozen(kw_only=True)
class RunGuards:
    """What is done with a single request instead of paying for it, or before."""

    PANEL: ClassVar[str] = BEFORE_PAYING

    check: Annotated[
        bool | None,
        typer.Option(
            "--check/--no-check",
            help="Check the body against the model's schema first, and send nothing if that "
            "cannot be done. By default, as far as possible, where parameters are given one by "
            "one.",
            show_default=False,
        ),
    ] = None
    strict: Strict = False
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show the request with what it may cost; submit nothing."),
    ] = False
    curl: Annotated[
        bool, typer.Option("--curl", help="Print the request as a curl command; submit nothing.")
    ] = False
    snippet: Annotated[
        Literal["python", "javascript", "curl"] | None,
        typer.Option(
            "--snippet", help="Print a program that submits, waits and saves; submit nothing."
        ),
    ] = None
    max_cost: MaxCost = None
    allow_unpriced: AllowUnpriced = False

    @property
    def check_option(self) -> str | None:
        """The option that asks for a check, without which nothing is sent; None if none does."""
        return "--strict" if self.strict else "--check" if self.check else None

    @property
    def only_shows(self) -> bool:
        """Whether the request is shown and not sent."""
        return self.dry_run or self.curl or self.snippet is not None

    @property
    def cost_limit(self) -> "Money | None":
        """What it may cost."""
        return _amount(self.max_cost)


def _amount(text: str | None) -> "Money | None":
    if text is None:
        return None
    from modellix_cli.domain.money import Money

    return Money.parse(text)

"""Which of the recorded requests are meant, and what is shown of them."""

from typing import Annotated

import typer

from modellix_cli.domain.frozen import frozen

HistoryLimit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        min=1,
        metavar="N",
        help="At most N tasks (20; all with --output jsonl or csv).",
        show_default=False,
    ),
]
HistoryColumns = Annotated[
    str | None,
    typer.Option(
        "--columns", metavar="NAMES", help="What to show in words, such as task,cost,prompt."
    ),
]


@frozen(kw_only=True)
class HistoryFilters:
    """What limits the history, as the user wrote it; None does not."""

    since: Annotated[
        str | None,
        typer.Option("--since", metavar="WHEN", help="Submitted since: 12h, 7d, 2026-11-01."),
    ] = None
    model: Annotated[
        str | None, typer.Option("--model", metavar="SLUG", help="Of this model only.")
    ] = None
    search: Annotated[
        str | None,
        typer.Option(
            "--search",
            metavar="TEXT",
            help="With this text in a parameter, the tag or the id.",
        ),
    ] = None
    tag: Annotated[str | None, typer.Option("--tag", metavar="TAG", help="With this tag only.")] = (
        None
    )
    status: Annotated[
        str | None,
        typer.Option(
            "--status",
            metavar="STATUS",
            help="Of this status: success, failed, rejected, unknown …",
        ),
    ] = None

    @property
    def any(self) -> bool:
        """Whether anything is left out."""
        return any((self.since, self.model, self.search, self.tag, self.status))

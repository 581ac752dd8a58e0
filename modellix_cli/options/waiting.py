"""How long to wait for tasks, and how often to poll them. Times in seconds."""

from collections.abc import Collection
from dataclasses import replace
from typing import Annotated, ClassVar, Self

import typer

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.values import DAY, HOUR, duration_option
from modellix_cli.options.panels import COMMON, WAITING

Interval = Annotated[
    float | None,
    typer.Option(
        "--interval",
        metavar="DURATION",
        parser=duration_option("--interval", HOUR),
        help="Polling interval; by default tasks are polled when they are likely to have ended.",
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="DURATION",
        parser=duration_option("--timeout", 7 * DAY),
        help="Longest time to wait: 30s, 5m, 1h30m; bare seconds too. By default 5m, 20m for "
        "video, or three times what the model's tasks took before, if that is longer.",
    ),
]


@frozen(kw_only=True)
class Polling:
    """When tasks are polled, and until when; `interval` None polls when an end is likely.

    `timeout` None goes by what tasks of the model usually take.
    """

    PANEL: ClassVar[str] = WAITING

    interval: Interval = None
    timeout: Timeout = None


@frozen(kw_only=True)
class Waiting:
    """Whether a command that submits stays until what it submitted ends; None if not said."""

    PANEL: ClassVar[str] = WAITING

    wait: Annotated[
        bool | None,
        typer.Option(
            "--wait/--no-wait",
            help="Wait until the task ends, or all tasks of a batch.",
            show_default=False,
            rich_help_panel=COMMON,
        ),
    ] = None
    interval: Interval = None
    timeout: Timeout = None

    def to_save(self, given: Collection[str]) -> Self:
        """Return the same for the parameters that were `given`: who names a folder waits for it.

        What is usual by settings makes nobody wait.
        """
        implied = self.wait is None and "output_dir" in given
        return replace(self, wait=True) if implied else self

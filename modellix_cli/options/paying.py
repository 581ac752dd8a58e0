"""What the user says about requests that were paid for before, or may have been."""

from dataclasses import replace
from typing import Annotated, ClassVar

import typer

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.values import parse_request_key
from modellix_cli.options.panels import COMMON, PAYING_AGAIN

RequestKey = Annotated[
    str | None,
    typer.Option(
        "--request-key",
        metavar="KEY",
        help="Pay for this key once, however often it is sent.",
        rich_help_panel=PAYING_AGAIN,
    ),
]
ResendUnknown = Annotated[
    bool,
    typer.Option(
        "--resend-unknown",
        help="Send a request of unknown outcome once more. You may be charged twice.",
        rich_help_panel=PAYING_AGAIN,
    ),
]
SameAccount = Annotated[
    bool,
    typer.Option(
        "--same-account",
        help="This key belongs to the account that paid with another one.",
        rich_help_panel=PAYING_AGAIN,
    ),
]


@frozen(kw_only=True)
class RunPaying:
    """What `model run` is told about an earlier run of the same request."""

    PANEL: ClassVar[str] = PAYING_AGAIN

    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Take the task of an earlier run of the same request, if there is one."
        ),
    ] = False
    request_key: RequestKey = None
    resend_unknown: ResendUnknown = False
    same_account: SameAccount = False

    def checked(self) -> "RunPaying":
        """Return the same with its request key as it is kept; raise USAGE where it is none."""
        key = self.request_key
        return self if key is None else replace(self, request_key=parse_request_key(key))


@frozen(kw_only=True)
class RerunPaying:
    """What `task rerun` is told, which pays once more by what it is."""

    request_key: RequestKey = None
    resend_unknown: ResendUnknown = False
    same_account: SameAccount = False

    @property
    def of_run(self) -> RunPaying:
        """The same, for the run that it comes to."""
        return RunPaying(
            request_key=self.request_key,
            resend_unknown=self.resend_unknown,
            same_account=self.same_account,
        )


@frozen(kw_only=True)
class BatchPaying:
    """What `model batch` is told about lines of earlier runs."""

    PANEL: ClassVar[str] = PAYING_AGAIN

    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Pay only for what is not paid for yet.", rich_help_panel=COMMON
        ),
    ] = False
    new: Annotated[bool, typer.Option("--new", help="Pay for every line again.")] = False
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed", help="With --resume: pay again for lines whose task failed."
        ),
    ] = False
    resend_unknown: Annotated[
        bool,
        typer.Option(
            "--resend-unknown",
            help="With --resume: submit lines of unknown outcome once more. You may be charged "
            "twice.",
        ),
    ] = False
    continue_on_unknown: Annotated[
        bool,
        typer.Option("--continue-on-unknown", help="Start further lines after an unknown outcome."),
    ] = False
    same_account: SameAccount = False

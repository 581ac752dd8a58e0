"""Option and argument types that commands share."""

from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Final

import typer

from modellix_cli.commands._framework import completers as complete
from modellix_cli.domain.account import StoreName
from modellix_cli.domain.values import DAY, HOUR, duration_option

if TYPE_CHECKING:
    from modellix_cli.workflows.saving import SaveOptions

MAX_TIMEOUT: Final = 7 * DAY
DEFAULT_TIMEOUT: Final = 300.0
DEFAULT_FILE_TIMEOUT: Final = 600.0
GIB: Final = 1024**3

TaskId = Annotated[
    str,
    typer.Argument(
        metavar="TASKID",
        help="A task's id; @last is the one submitted last.",
        autocompletion=complete.task_ids,
    ),
]
OptionalTaskId = Annotated[
    str | None,
    typer.Argument(
        metavar="[TASKID]",
        help="A task's id; @last is the one submitted last.",
        autocompletion=complete.task_ids,
    ),
]
TaskIds = Annotated[
    list[str],
    typer.Argument(
        metavar="TASKID...",
        help="Task ids; @last is the one submitted last.",
        autocompletion=complete.task_ids,
    ),
]
ModelSlug = Annotated[
    str,
    typer.Argument(
        metavar="SLUG", help="The model: provider/model.", autocompletion=complete.slugs
    ),
]
OptionalModelSlug = Annotated[
    str | None,
    typer.Argument(
        metavar="[SLUG]", help="The model: provider/model.", autocompletion=complete.slugs
    ),
]
ModelSlugOption = Annotated[
    str | None,
    typer.Option(
        "--model-slug",
        metavar="SLUG",
        help="The model, as an option.",
        autocompletion=complete.slugs,
    ),
]
ApiKey = Annotated[
    str | None,
    typer.Option("--api-key", metavar="KEY", help="The API key (env: MODELLIX_API_KEY)."),
]
ApiKeyStdin = Annotated[
    bool,
    typer.Option("--api-key-stdin", help="Read the API key from stdin."),
]
Check = Annotated[bool, typer.Option("--check", help="Validate the key without saving it.")]
Force = Annotated[
    bool,
    typer.Option("--force", help="Replace a saved key; rename config files that cannot be used."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; assume yes.")]
StoreIn = Annotated[
    StoreName | None,
    typer.Option(
        "--store",
        help="Where to save the key: a file that only you can read, or the system's keychain. "
        "Default: where it is saved now, else the file.",
    ),
]
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
    float,
    typer.Option(
        "--timeout",
        metavar="DURATION",
        parser=duration_option("--timeout", MAX_TIMEOUT),
        help="Longest time to wait: 30s, 5m, 1h30m; bare seconds too (5m).",
        show_default=False,
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace existing files instead of numbering.")
]
AllowInsecureHttp = Annotated[
    bool, typer.Option("--allow-insecure-http", help="Fetch results over plain http too.")
]
AllowPrivateNetwork = Annotated[
    bool,
    typer.Option("--allow-private-network", help="Fetch results from private addresses too."),
]
MaxBytes = Annotated[
    int,
    typer.Option(
        "--max-bytes",
        metavar="N",
        min=1,
        help="Largest file, in bytes (1 GiB).",
        show_default=False,
    ),
]
MaxTotalBytes = Annotated[
    int,
    typer.Option(
        "--max-total-bytes",
        metavar="N",
        min=1,
        help="All files together, in bytes (2 GiB).",
        show_default=False,
    ),
]
MaxResources = Annotated[
    int,
    typer.Option(
        "--max-resources", metavar="N", min=1, max=1000, help="How many files to save at most."
    ),
]
Parallel = Annotated[
    int,
    typer.Option("--parallel", metavar="N", min=1, max=16, help="Files fetched at once, up to 16."),
]


def save_options(ctx: typer.Context, file_timeout: float | None = None) -> "SaveOptions":
    """Collect the options of saving that the running command was given."""
    from modellix_cli.workflows.saving import SaveOptions

    names = [field.name for field in fields(SaveOptions) if field.name != "file_timeout"]
    chosen = {name: ctx.params[name] for name in names}
    if file_timeout is not None:
        chosen["file_timeout"] = file_timeout
    return SaveOptions(**chosen)

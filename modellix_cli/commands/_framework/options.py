"""Option and argument types that commands share."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.offers import offer
from modellix_cli.domain.account import StoreName
from modellix_cli.domain.values import SortKey
from modellix_cli.options.panels import OTHER

TaskId = Annotated[
    str,
    typer.Argument(
        metavar="TASKID",
        help="A task's id; @last is the one submitted last.",
        autocompletion=offer("task_ids"),
    ),
]
TaskOrRequest = Annotated[
    str,
    typer.Argument(
        metavar="TASKID",
        help="A task's id, @last, or the number of a request in task history.",
        autocompletion=offer("task_ids"),
    ),
]
ResultPosition = Annotated[
    int | None,
    typer.Argument(metavar="[N]", help="Which of its results: 1 is the first, as in file names."),
]
OptionalTaskId = Annotated[
    str | None,
    typer.Argument(
        metavar="[TASKID]",
        help="A task's id; @last is the one submitted last.",
        autocompletion=offer("task_ids"),
    ),
]
TaskIds = Annotated[
    list[str],
    typer.Argument(
        metavar="TASKID...",
        help="Task ids; @last is the one submitted last.",
        autocompletion=offer("task_ids"),
    ),
]
ModelSlug = Annotated[
    str,
    typer.Argument(
        metavar="SLUG", help="The model: provider/model.", autocompletion=offer("slugs")
    ),
]
OptionalModelSlug = Annotated[
    str | None,
    typer.Argument(
        metavar="[SLUG]",
        help="The model: provider/model, or @NAME, a preset of modellix.toml.",
        autocompletion=offer("runnable"),
    ),
]
ModelSlugOption = Annotated[
    str | None,
    typer.Option(
        "--model-slug",
        metavar="SLUG",
        help="The model, as an option.",
        autocompletion=offer("slugs"),
        rich_help_panel=OTHER,
    ),
]
ModelType = Annotated[
    str,
    typer.Option(
        "--type",
        metavar="TYPE",
        help="Only models of a type, such as text-to-image.",
        autocompletion=offer("task_types"),
    ),
]
MaxPrice = Annotated[
    str | None,
    typer.Option(metavar="USD", help="Only models that cost at most this a unit (see below)."),
]
SortBy = Annotated[
    SortKey | None,
    typer.Option(metavar="KEY", help="Sort by name, price, type or provider."),
]
ApiKey = Annotated[
    str | None,
    typer.Option(
        "--api-key",
        metavar="KEY",
        help="The API key (env: MODELLIX_API_KEY).",
        rich_help_panel=OTHER,
    ),
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
Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        "-p",
        metavar="KEY=VALUE",
        help="One parameter: seed=7, size.width=512, tags[]=a; KEY:=JSON; KEY=@FILE; KEY=@last.",
        autocompletion=offer("parameters"),
    ),
]
Prompt = Annotated[
    str | None,
    typer.Argument(
        metavar="[PROMPT]", help="The model's main text; - reads it from standard input."
    ),
]

"""Where and how results are saved. Sizes in bytes, times in seconds."""

from typing import Annotated, ClassVar, Final

import typer

from modellix_cli.domain.frozen import fields_of, frozen
from modellix_cli.domain.values import DAY, duration_option
from modellix_cli.downloads.name_template import DEFAULT
from modellix_cli.options.panels import COMMON, LIMITS, SAVING

GIB: Final = 1024**3
_BOUNDED_OTHERWISE: Final = ("max_total_bytes", "file_timeout")
"""Options whose meaning or default differs from command to command."""

NameTemplate = Annotated[
    str | None,
    typer.Option(
        "--name-template",
        metavar="TEMPLATE",
        help="Names of saved files: {prompt}, {seed}, {input}, {slug}, {index}, {id}, {task_id}, "
        "{short_id}, {date}, {ext}.",
    ),
]


@frozen(kw_only=True)
class Saving:
    """How files are saved, for a command that saves where `output_dir` says; None saves nothing."""

    PANEL: ClassVar[str] = SAVING

    output_dir: Annotated[
        str | None,
        typer.Option(
            "--output-dir",
            metavar="DIR",
            help="Save the results here; waits for them.",
            rich_help_panel=COMMON,
        ),
    ] = None
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace existing files instead of numbering.")
    ] = False
    sidecar: Annotated[
        bool,
        typer.Option("--sidecar", help="Write beside each file how it was made, as FILE.json."),
    ] = False
    embed: Annotated[
        bool,
        typer.Option(
            "--embed", help="Put it into the file, without loss: PNG, JPEG, WebP, MP4 and MOV."
        ),
    ] = False
    allow_insecure_http: Annotated[
        bool, typer.Option("--allow-insecure-http", help="Fetch results over plain http too.")
    ] = False
    allow_private_network: Annotated[
        bool,
        typer.Option("--allow-private-network", help="Fetch results from private addresses too."),
    ] = False
    name_template: NameTemplate = None
    max_bytes: Annotated[
        int,
        typer.Option(
            "--max-bytes",
            metavar="N",
            min=1,
            help="Largest file, in bytes (1 GiB).",
            show_default=False,
            rich_help_panel=LIMITS,
        ),
    ] = GIB
    max_total_bytes: Annotated[
        int,
        typer.Option(
            "--max-total-bytes",
            metavar="N",
            min=1,
            help="All files together, in bytes (2 GiB).",
            show_default=False,
            rich_help_panel=LIMITS,
        ),
    ] = 2 * GIB
    max_resources: Annotated[
        int,
        typer.Option(
            "--max-resources",
            metavar="N",
            min=1,
            max=1000,
            help="How many files to save at most.",
            rich_help_panel=LIMITS,
        ),
    ] = 100
    parallel: Annotated[
        int,
        typer.Option(
            "--parallel", metavar="N", min=1, max=16, help="Files fetched at once, up to 16."
        ),
    ] = 4
    file_timeout: float = 600.0
    """Longest time for one file, over all its tries."""

    def words(self) -> tuple[str, ...]:
        """Return the options to save in the same way with `task download`; none to save nothing."""
        if self.output_dir is None:
            return ()
        words = ["--output-dir", self.output_dir]
        for field in fields_of(DownloadSaving):
            value = getattr(self, field.name)
            if value == field.default or field.name in ("output_dir", *_BOUNDED_OTHERWISE):
                continue
            words.append("--" + field.name.replace("_", "-"))
            words += [] if value is True else [str(value)]
        return tuple(words)


@frozen(kw_only=True)
class BatchSaving(Saving):
    """How the files of a batch are saved: more of them, under names of a template."""

    name_template: NameTemplate = DEFAULT
    max_total_bytes: Annotated[
        int,
        typer.Option(
            "--max-total-bytes",
            metavar="N",
            min=1,
            help="All files together, in bytes (1 TiB).",
            show_default=False,
            rich_help_panel=LIMITS,
        ),
    ] = 1024 * GIB


@frozen(kw_only=True)
class DownloadSaving(Saving):
    """How `task download` saves: always, into the current folder unless another is named."""

    output_dir: Annotated[
        str,
        typer.Option(
            "--output-dir", metavar="DIR", help="Folder for the files.", rich_help_panel=COMMON
        ),
    ] = "."
    file_timeout: Annotated[
        float,
        typer.Option(
            "--timeout",
            metavar="DURATION",
            parser=duration_option("--timeout", DAY),
            help="Longest time for one file, over all its tries (10m).",
            show_default=False,
        ),
    ] = 600.0

"""What the tasks of a batch are, beside what its file says."""

from typing import Annotated, ClassVar

import typer

from modellix_cli.domain.frozen import frozen
from modellix_cli.inputs.batch_format import BatchFormat
from modellix_cli.options.panels import LINES


@frozen(kw_only=True)
class BatchTasks:
    """How the file is written, and what is added to its lines; as typed."""

    PANEL: ClassVar[str] = LINES

    form: Annotated[
        BatchFormat | None,
        typer.Option(
            "--format",
            help="How the input is written; by default as the file's name ends, else jsonl.",
            show_default=False,
        ),
    ] = None
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="SLUG",
            help="The model of lines that name none; by default that of modellix.toml.",
        ),
    ] = None
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A parameter for every line that does not have it, written as for model run -p: "
            "KEY:=JSON for JSON, KEY=@FILE for a file.",
        ),
    ] = None
    matrix: Annotated[
        list[str] | None,
        typer.Option(
            "--matrix",
            metavar="KEY=VALUES",
            help="Each line once for each value: seed=1..4, size=1K,2K, image=@a.png,@b.png, "
            "model=SLUG,SLUG. Given again, for each combination.",
        ),
    ] = None

    @property
    def words(self) -> tuple[str, ...]:
        """The values of `--set` and `--matrix`, as they were given."""
        return (*(self.settings or ()), *(self.matrix or ()))

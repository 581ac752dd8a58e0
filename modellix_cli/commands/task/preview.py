"""`modellix-cli task preview`: look at results without leaving the terminal."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.offers import offer
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=("task preview @last", "task preview fox.png --width 120", "task preview clip.mp4"),
    exits=(ExitStatus.NOT_FOUND,),
)
def preview(
    ctx: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="ID|FILE",
            help="A task whose results were saved here (@last: the last one), or a file.",
            autocompletion=offer("task_ids"),
        ),
    ],
    width: Annotated[
        int | None,
        typer.Option(min=1, max=1000, metavar="N", help="Columns, at most (80)."),
    ] = None,
) -> None:
    """Draw a picture, the first frame of a video or the waveform of audio in the terminal.

    It uses the pictures of Kitty, iTerm2 or Sixel where the terminal has them, else blocks.
    Pictures need the extra preview, videos and audio other than WAV also ffmpeg.
    """
    from modellix_cli.workflows.preview import check_terminal, find_files, preview_files

    session = Session.of(ctx)
    check_terminal(session, "task preview")
    preview_files(session, find_files(session, what), width)

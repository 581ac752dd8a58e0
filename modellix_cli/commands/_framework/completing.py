"""Answers a shell that asks what could follow what was typed.

The scripts in `shells/` ask in the environment: COMP_WORDS has the words as they were typed, one
a line, COMP_CWORD which of them is being completed. The answer's first line says what fits:
`words`, `files` or `folders`. After `words` each line is a value, and perhaps a tab and what it
means. An empty answer is that nothing fits.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import typer

from modellix_cli.commands._framework import completers
from modellix_cli.context.session import Session
from modellix_cli.domain.text import is_shell_safe, one_line

if TYPE_CHECKING:
    from modellix_cli.commands._framework.typer_types import AnyCommand, Parameter

VARIABLE: Final = "_MODELLIX_CLI_COMPLETE"
"""Set by completion scripts when they ask this program for completions."""
SHELLS: Final = ("bash", "zsh", "fish", "powershell")
_FILES: Final = ("FILE", "PATH", "[FILE]", "FILE...")
_FOLDERS: Final = ("DIR", "[DIR]")
_BY_METAVAR: Final[dict[str, Callable[[typer.Context, str], list[str]]]] = {
    "SLUG": completers.slugs,
    "KEY=VALUE": completers.parameters,
    "STATUS": completers.statuses,
    "TAG": completers.tags,
}
"""What is offered for the options of `options/`, whose groups know nothing of completion."""


def script(shell: str) -> str:
    """Return the completion script for a shell."""
    return (Path(__file__).parent / "shells" / shell).read_text(encoding="utf-8").rstrip("\n")


def tell_shell(root: "AnyCommand", session: Session) -> None:
    """Write what could follow; whatever goes wrong, the shell is told that nothing fits."""
    try:
        told = answer(root, session)
    except Exception:  # noqa: BLE001 - nobody asked for words while typing
        return
    for line in told:
        session.out.block(line)


def answer(root: "AnyCommand", session: Session) -> list[str]:
    """Return the lines of the answer to what the environment of `session` asks."""
    from typer._click.shell_completion import _resolve_context, _resolve_incomplete

    typed = [_unquoted(word) for word in session.runtime.env["COMP_WORDS"].split("\n")]
    at = int(session.runtime.env["COMP_CWORD"])
    before, begun = typed[1:at], typed[at] if at < len(typed) else ""
    context = _resolve_context(root, {"obj": session}, typed[0], before)
    if context._protected_args:  # a command that there is not
        return []
    asked, value = _resolve_incomplete(context, before, begun)
    kind = _path_kind(asked)
    if kind is not None:
        return [kind]
    head = begun[: len(begun) - len(value)]  # --type= of --type=text
    offered = [(item.value, item.help) for item in asked.shell_complete(context, value)]
    offer = _BY_METAVAR.get(getattr(asked, "metavar", None) or "")
    if not offered and offer is not None:
        offered = [(word, None) for word in offer(cast("typer.Context", context), value)]
    found = [
        (f"{head}{word}", one_line(told or "")) for word, told in offered if is_shell_safe(word)
    ]
    described = session.runtime.env[VARIABLE] != "complete_bash"
    rows = [f"{word}\t{told}" if told and described else word for word, told in found]
    return ["words", *rows] if rows else []


def _path_kind(asked: "AnyCommand | Parameter") -> str | None:
    """Return which kind of path an option or argument takes, None for one that takes none."""
    metavar = getattr(asked, "metavar", None)
    if metavar in _FILES:
        return "files"
    return "folders" if metavar in _FOLDERS else None


def _unquoted(word: str) -> str:
    """Return what a word means to a shell; one whose quotation is still open, as far as it goes."""
    from typer._click.shell_completion import split_arg_string

    return " ".join(split_arg_string(word))

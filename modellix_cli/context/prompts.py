"""Questions to a person: asked on stderr, and only where somebody is there to answer."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError, usage
from modellix_cli.output.sink import Output
from modellix_cli.runtime import is_terminal


def can_ask(session: Session) -> bool:
    """Whether stdin and stdout are terminals and no JSON was asked for."""
    runtime = session.runtime
    watched = is_terminal(runtime.stdin) and is_terminal(runtime.stdout)
    return watched and session.out.mode is not Output.JSON and not session.out.envelope


def confirm(session: Session, question: str, *, unasked: str) -> None:
    """Ask a question whose answer is no unless it is y or yes. Raises `DECLINED` for no.

    Where nobody can answer it is the usage error `unasked`, which says what to pass instead.
    """
    if not can_ask(session):
        raise usage(unasked, hint="Run the same command again with --yes.")
    answer = _ask(session, f"{question} [y/N] ")
    if answer.strip().lower() not in ("y", "yes"):
        raise ModellixError(ErrorCode.DECLINED, "Nothing was changed.")


def ask_secret(session: Session, question: str) -> str:
    """Ask for a text that does not appear on the screen, and return it without blanks around it.

    Raises `USAGE` if nothing is typed, or if this terminal cannot hide it.
    """
    if sys.platform == "win32":
        from getpass import getpass

        answer = getpass(f"{question} ")
    else:
        stdin = session.runtime.stdin
        assert stdin is not None
        with _hidden(stdin):
            answer = _ask(session, f"{question} (it is not shown) ")
        session.out.ask("\n")
    if not answer.strip():
        raise usage(
            "No API key was entered.",
            hint="Keys are made at https://modellix.ai/console/api-key.",
        )
    return answer.strip()


def _ask(session: Session, question: str) -> str:
    stdin = session.runtime.stdin
    assert stdin is not None
    session.out.ask(question)
    return stdin.readline()


@contextmanager
def _hidden(stdin: TextIO) -> Iterator[None]:
    """Keep the terminal from showing what is typed; afterwards it is as it was."""
    import termios

    try:
        descriptor = stdin.fileno()
        before = termios.tcgetattr(descriptor)
        silent = before.copy()
        silent[3] &= ~termios.ECHO
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, silent)
    except (OSError, ValueError, termios.error) as error:
        raise usage(
            "This terminal cannot hide what is typed.",
            hint="Pipe the key instead: modellix-cli auth login --api-key-stdin",
        ) from error
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)

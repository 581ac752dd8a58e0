"""Questions to a person: asked on stderr, and only where somebody is there to answer."""

import os
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType
from typing import TextIO

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError, usage
from modellix_cli.domain.values import KEY_PAGE
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


def agrees(session: Session, question: str) -> bool:
    """Ask a question about something harmless, where Return means yes, until it is answered.

    Where nobody can answer, or the input ends, the answer is no.
    """
    if not can_ask(session):
        return False
    while answer := _ask(session, f"{question} [Y/n] "):
        said = answer.strip().lower()
        if said in ("", "y", "yes"):
            return True
        if said in ("n", "no"):
            return False
    return False


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
        shown = f"{question} (hidden) "
        try:
            with _Hidden(stdin, session.out.talk_stream, shown):
                answer = _ask(session, shown)
        finally:  # no echo of Return, nor of what ends it
            session.out.ask("\n")
    if not answer.strip():
        raise usage("No API key was entered.", hint=f"Keys: {KEY_PAGE}")
    return answer.strip()


def _ask(session: Session, question: str) -> str:
    stdin = session.runtime.stdin
    assert stdin is not None
    session.out.ask(question)
    return stdin.readline()


class _Hidden:
    """Keeps the terminal at `stdin` from showing what is typed, until `with` ends.

    getpass would do, but for two things: it leaves the shell without echo after Ctrl-Z, or shows
    the rest of the key after fg; and it asks /dev/tty, whatever stdin is. `question` is written
    on `stderr` once more after fg.
    """

    def __init__(self, stdin: TextIO, stderr: TextIO | None, question: str) -> None:
        self._stdin = stdin
        self._stderr = stderr
        self._question = question.encode()

    def __enter__(self) -> None:
        import termios

        try:
            self._descriptor = self._stdin.fileno()
            self._before = termios.tcgetattr(self._descriptor)
            self._silent = termios.tcgetattr(self._descriptor)
            self._silent[3] &= ~termios.ECHO
            termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, self._silent)
        except (OSError, ValueError, termios.error) as error:
            raise usage(
                "This terminal cannot hide what is typed.",
                hint="Pipe the key instead: modellix-cli auth login --api-key-stdin",
            ) from error
        self._former = signal.getsignal(signal.SIGTSTP)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTSTP, self._suspend)

    def __exit__(self, *_details: object) -> None:
        import termios

        termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, self._before)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTSTP, self._former)

    def _suspend(self, number: int, frame: FrameType | None) -> None:
        """Give the shell its echo back, stop as Ctrl-Z means it, and hide again after fg."""
        import termios

        termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, self._before)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, self._suspend)
        termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, self._silent)
        with suppress(OSError, ValueError):  # not by the stream: it may be in the midst of a write
            if self._stderr is not None:
                os.write(self._stderr.fileno(), self._question)

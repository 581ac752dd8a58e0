"""The entry point, and the one place where an exception becomes message and exit status."""

# Only what Python has loaded already: a Ctrl-C before `main` is a traceback.
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from modellix_cli.context.session import Session
    from modellix_cli.domain.error_registry import Charged
    from modellix_cli.domain.errors import ModellixError


BROKEN_PIPE = 141
"""As a shell reports a program that a closed pipe ended."""
INTERRUPTED = 130
"""As a shell reports a program that Ctrl-C ended."""


def main() -> int:
    """Run the program and return its exit status.

    A process that a signal ended dies by that signal once it has told what it knows, so that a
    loop of the shell ends with it.
    """
    arguments = sys.argv[1:]
    try:
        if arguments == ["--version"] and _version_is_told():
            return 0
        from modellix_cli.deferred_modules import defer_rarely_used
        from modellix_cli.garbage import search_no_more, search_rarely

        defer_rarely_used()
        search_rarely()
        came = _end_on_signals()
        sys.unraisablehook = _send_again
        status = _run(arguments)
        if status == INTERRUPTED and came:  # Typer makes this of any signal outside a command
            status = 128 + came[0]
        _let_signals_end_the_process()
        search_no_more()
    except KeyboardInterrupt as stop:
        from modellix_cli.domain.errors import status_of

        status = status_of(stop)
    if status > 128 and status != BROKEN_PIPE:
        _die_by_signal(status - 128)
    return status


def _run(arguments: list[str]) -> int:
    from modellix_cli.context.session import Session
    from modellix_cli.output.sink import Sink
    from modellix_cli.runtime import Runtime

    runtime = Runtime.of_process()
    sink = Sink(runtime.stdout, runtime.stderr, runtime.env, envelope=wants_envelope(arguments))
    with Session(runtime, sink).opened() as session:
        status = execute(session, arguments)
    sink.finish()
    return status


def execute(session: "Session", arguments: list[str]) -> int:
    """Run one command line in a session; every failure ends here as output and a status.

    A signal that came counts most, also where the command could still do all that it was to do.
    """
    from modellix_cli.domain.errors import status_of

    status = _carry_out(session, arguments)
    return status if session.stop is None else status_of(session.stop)


def _carry_out(session: "Session", arguments: list[str]) -> int:
    import typer

    from modellix_cli.app import build
    from modellix_cli.commands._framework.command import PROGRAM
    from modellix_cli.domain.errors import ErrorCode, ModellixError, interrupted
    from modellix_cli.output.streams import ReaderGone

    try:
        if "_MODELLIX_CLI_COMPLETE" in session.runtime.env:  # a shell asks, with Tab
            from modellix_cli.commands._framework.completing import tell_shell

            tell_shell(build(), session)
            return 0
        status = build().main(arguments, prog_name=PROGRAM, standalone_mode=False, obj=session)
        return status if isinstance(status, int) else 0
    except ModellixError as error:
        return _fail(session, error)
    except typer.TyperException as error:
        from modellix_cli.commands._framework.suggestions import explain_usage

        return _fail(session, explain_usage(error))
    except KeyboardInterrupt as stop:
        return _fail(session, interrupted(stop, "Interrupted."))
    except ReaderGone:  # in silence, but for a task it did not read about
        if session.submitted is not None:
            session.out.alert(f"Task {session.submitted} was submitted.")
        return BROKEN_PIPE
    except SystemExit:
        session.out.abandon_stdout()  # what Typer makes of a reader that left
        return BROKEN_PIPE
    except OSError as error:  # such as help on a full disk
        where = "" if error.filename is None else f"{os.fspath(error.filename)!s}: "
        what = f"{where}{error.strerror or error}."
        return _fail(session, ModellixError(ErrorCode.OUTPUT_UNWRITABLE, what))
    except Exception as error:  # noqa: BLE001 - the user never sees a traceback unasked
        if session.globals.debug:
            import traceback

            for line in traceback.format_exc().splitlines():
                session.out.alert(line)
        what = f"{type(error).__name__}: {error}"
        return _fail(session, ModellixError(ErrorCode.INTERNAL, f"Unexpected failure. {what}"))


def _fail(session: "Session", error: "ModellixError") -> int:
    from modellix_cli.domain.errors import REGISTRY, ErrorCode, ModellixError, status_of
    from modellix_cli.output.streams import ReaderGone

    error = session.name_submitted(session.explain(error))
    error = error.copy_with(charged=_charged(session, error))
    if session.stop is not None:
        error = error.copy_with(exit_status=status_of(session.stop))
    if error.code is ErrorCode.USAGE and error.hint == REGISTRY[ErrorCode.USAGE].hint:
        error = error.copy_with(hint=f"See {session.command_path} --help.")
    try:
        session.out.error(error)
    except ReaderGone:
        pass
    except ModellixError as second:  # stdout cannot take the envelope: say both in words
        session.out.error(error)
        session.out.error(second)
    return error.exit_status


def _charged(session: "Session", error: "ModellixError") -> "Charged | None":
    """Return what is known about money: nothing where the command cannot pay, else something."""
    from modellix_cli.domain.errors import ErrorCode

    if not session.pays:
        return None
    defect = error.code is ErrorCode.INTERNAL
    return error.charged or ("unknown" if defect else "no")


def wants_envelope(arguments: "Sequence[str]") -> bool:
    """Whether JSON was asked for in writing, so that errors are JSON on stdout too.

    The JSON default of a command does not count; any form of quiet wins.
    """
    from itertools import pairwise

    words = list(arguments)
    if "--" in words:
        words = words[: words.index("--")]
    outputs = {after for word, after in pairwise(words) if word == "--output"}
    outputs |= {word.removeprefix("--output=") for word in words if word.startswith("--output=")}
    quiet = any(
        word == "--quiet" or (word[:1] == "-" and word[:2] != "--" and "q" in word)
        for word in words
    )
    return ("--json" in words or "json" in outputs) and not quiet and "quiet" not in outputs


def _version_is_told() -> bool:
    """Print name, version, system and Python, without loading anything else.

    False where that cannot be printed: the command line, run as any other, then tells why.
    """
    from modellix_cli import version_line

    try:
        os.write(sys.stdout.fileno(), f"{version_line()}\n".encode())  # leaves nothing in a buffer
    except (OSError, AttributeError):
        return False
    return True


def _let_signals_end_the_process() -> None:
    """From here on nothing is left to tell: a signal ends the process at once, without a word."""
    import signal

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)


def _die_by_signal(number: int) -> None:
    import signal

    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):  # nobody reads it any more
            pass
    try:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    except (OSError, ValueError):  # a number that is no signal here
        return


def _end_on_signals() -> list[int]:
    """Treat SIGTERM and SIGHUP like Ctrl-C, so that what is known is told before the end.

    Returns the list in which the numbers of those that came will stand.
    """
    import signal

    from modellix_cli.domain.errors import Stopped

    came: list[int] = []

    def stop(number: int, frame: "FrameType | None") -> None:
        came.append(number)
        raise Stopped(number)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, stop)
    return came


def _send_again(lost: "sys.UnraisableHookArgs") -> None:
    """Send a signal again whose exception Python dropped, as it came while an object was freed."""
    if not isinstance(lost.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
        return
    import threading

    number = getattr(lost.exc_value, "signal_number", 2)
    again = threading.Timer(0.01, _signal_main_thread, (number,))
    again.daemon = True
    again.start()


def _signal_main_thread(number: int) -> None:
    import signal
    import threading

    if sys.platform == "win32":
        import _thread

        _thread.interrupt_main(number)
    else:
        signal.pthread_kill(threading.main_thread().ident or 0, number)


if __name__ == "__main__":
    sys.exit(main())

"""`webhook listen` from its options to its end: checks, the receiver, the summary."""

import re
import shlex
from typing import TYPE_CHECKING, Final

from modellix_cli.context.session import Session
from modellix_cli.deferred_signals import DeferredSignals
from modellix_cli.domain.errors import usage
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.text import count, quoted
from modellix_cli.ledger.deliveries import DeliveryStore
from modellix_cli.output.sink import Output
from modellix_cli.output.webhooks import DeliveryPrinter
from modellix_cli.webhooks.commands import CommandRunner, is_found, without_key
from modellix_cli.webhooks.inbox import Inbox
from modellix_cli.workflows.webhook_listen import Listening

if TYPE_CHECKING:
    from modellix_cli.webhooks.receiver import Receiver

GRACE: Final = 10.0
"""Seconds that commands still get after Ctrl-C."""
_PATH: Final = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]{0,500}")
_MOST_NAMED: Final = 20


@frozen
class ListenOptions:
    """Where to listen, and the command for each delivery."""

    host: str
    port: int
    path: str
    command: str | None


def listen_for_webhooks(session: Session, options: ListenOptions) -> None:
    """Receive webhooks until a signal; raises the usage error for options that cannot be."""
    if not _PATH.fullmatch(options.path):
        raise usage(f"--path {quoted(options.path)} is not the path of a URL, such as /hook.")
    out = session.out
    if out.mode is Output.JSON or _for_a_program(session):
        out.mode = Output.JSONL
    commands = None if options.command is None else _command_runner(session, options.command)
    printer, inbox = DeliveryPrinter(out), Inbox()
    receiver = _open(session, options, inbox)
    store = DeliveryStore(session.stores.ledger_file, session.settings.base_url)
    listening = Listening(store, printer, commands)
    with DeferredSignals() as signals:
        signals.then = inbox.wake
        receiver.start()
        try:
            _introduce(session, options, receiver, printer)
            listening.run(inbox, lambda: signals.stop is not None, receiver.stop)
        finally:
            receiver.stop()
            failures = _end_commands(session, commands, listening.not_run)
    tally = listening.tally
    printer.summary(tally.told, tally.repeats, receiver.refused, failures)


def _for_a_program(session: Session) -> bool:
    """Whether nobody chose how to write, and stdout is no terminal."""
    chosen = session.globals.output is not None
    return session.out.mode is Output.HUMAN and not chosen and not session.out.stdout_is_terminal


def _open(session: Session, options: ListenOptions, inbox: Inbox) -> "Receiver":
    from modellix_cli.webhooks.receiver import Receiver

    host, port = options.host, options.port
    try:
        return Receiver(host, port, options.path, inbox.offer, session.runtime.clock)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise usage(
            f"Cannot listen on port {port} of {quoted(host)}: {reason}.",
            hint="Choose another with --port, or --port 0 for any free one.",
        ) from error


def _introduce(
    session: Session, options: ListenOptions, receiver: "Receiver", printer: DeliveryPrinter
) -> None:
    host = f"[{options.host}]" if ":" in options.host else options.host
    origin = f"http://{host}:{receiver.port}"
    if not receiver.is_local:
        session.out.warn(
            f"{options.host} is not this machine alone: whoever can reach port {receiver.port} can "
            "send deliveries, as webhooks are not signed. Choose a --path that is hard to guess."
        )
    printer.listening(origin + options.path)
    if session.settings.sandbox:
        commands = session.commands
        hook = ["--wait", "--webhook", origin + options.path]
        words = commands.lasting(commands.words("model run sandbox/image", "a cat", options=hook))
        session.out.note(f"The sandbox delivers to this machine. Try it: {commands.join(words)}")
        return
    session.out.note(
        "Modellix delivers to public HTTPS addresses only. Put a tunnel in front, for example: "
        f"cloudflared tunnel --url {origin}"
    )
    session.out.note(
        f"Then submit with: modellix-cli model run SLUG --webhook https://PUBLIC-NAME{options.path}"
    )


def _command_runner(session: Session, text: str) -> CommandRunner:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise usage(
            f"--exec cannot be read: {error}.", hint="Close every quotation mark."
        ) from error
    if not words:
        raise usage("--exec needs a command.")
    env = session.runtime.env
    key = env.get("MODELLIX_API_KEY", "").strip() or None
    if key and any(key in word for word in words):
        raise usage(
            "--exec holds the API key, which every program of this machine could read there.",
            hint="Let the command find its key itself.",
        )
    if not is_found(words[0], env):
        raise usage(f"--exec: there is no command {quoted(words[0])}.")
    return CommandRunner(
        words, without_key(env, key), session.out.alert, output=_descriptor(session)
    )


def _descriptor(session: Session) -> int | None:
    """Return where commands may write: stderr, as stdout is for deliveries."""
    stream = session.runtime.stderr
    try:
        return None if stream is None else stream.fileno()
    except (OSError, ValueError):
        return None


def _end_commands(session: Session, commands: CommandRunner | None, not_run: list[str]) -> int:
    """Let commands end; name the tasks whose command did not, and return how many failed."""
    if commands is None:
        return 0
    left = [*commands.finish(GRACE), *not_run]
    if left:
        named = ", ".join(left[:_MOST_NAMED]) + (", …" if len(left) > _MOST_NAMED else "")
        session.out.alert(
            f"The command did not run to its end for {count(len(left), 'task')}: {named}"
        )
    return commands.failures

"""What `doctor` looks at: first the checks of the official CLI (4.3), then this machine."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from modellix_cli import __version__
from modellix_cli.clock import clock_time
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import REGISTRY, ErrorCode, ModellixError
from modellix_cli.domain.text import clip, count, duration
from modellix_cli.output.facts import Check, Setup

if TYPE_CHECKING:
    from modellix_cli.api.client import Client
    from modellix_cli.api.transport import Reply

MAX_SKEW: Final = 60.0
"""Seconds by which this machine's clock may differ from the server's."""

_OLDEST_PYTHON: Final = (3, 11)
_NO_REPLY: Final = "Unknown: no reply came from the API."


@dataclass(slots=True)
class Heard:
    """The last reply of the API, and the Unix time at which it came."""

    reply: "Reply | None" = None
    at: float = 0.0


def examine(session: Session, api_key: str | None, found: Setup) -> list[Check]:
    """Look at everything, in the order in which it is shown. Sends two requests at most, but for
    repetitions; never raises `ModellixError`.
    """
    heard = Heard()
    return [
        _python(),
        *_service(session, api_key, found, heard),
        Check("version", True, f"modellix-cli {__version__}"),
        _guarded("config", lambda: _config(session)),
        _clock(heard),
        _state_folder(session),
        _journal(session),
        _rate_limit(heard),
        _guarded("proxy", lambda: _proxy(session)),
        _guarded("caBundle", lambda: _certificates(session)),
    ]


def _python() -> Check:
    running = ".".join(map(str, sys.version_info[:3]))
    oldest = ".".join(map(str, _OLDEST_PYTHON))
    detail = f"Python {running} (requires {oldest} or later)"
    return Check("python", sys.version_info >= _OLDEST_PYTHON, detail, required=True)


def _service(session: Session, api_key: str | None, found: Setup, heard: Heard) -> list[Check]:
    """Check key, connection, validity and balance; what follows a failure is left out."""
    if found.trouble:
        return [Check("apiKey", False, found.trouble, required=True)]
    if not found.configured:
        missing = f"Missing. {REGISTRY[ErrorCode.MISSING_API_KEY].hint}"
        skipped = "Skipped because no API key is available."
        return [
            Check("apiKey", False, missing, required=True),
            Check("connectivity", False, skipped, required=True),
        ]
    present = f"Present from {found.key_source}; whether it is valid, the API says."
    checks = [Check("apiKey", True, present, required=True)]
    reached = Check("connectivity", True, "Reached the API-key validation endpoint.", required=True)

    def seen(reply: "Reply") -> None:
        heard.reply, heard.at = reply, session.runtime.clock.now()

    try:
        client = session.client(api_key)
        valid = client.probe(seen)
        session.governor.admitted()  # whatever made earlier runs hold back is over
    except ModellixError as error:
        told = f"{error.message} {error.hint}".strip()
        if error.code is ErrorCode.UNAUTHORIZED:
            return [*checks, reached, Check("validation", False, told, required=True)]
        cause = getattr(error.__cause__, "cause", None)
        return [*checks, Check("connectivity", False, told, required=True, cause=cause)]
    if not valid:
        refused = "The API key is invalid or inactive."
        return [*checks, reached, Check("validation", False, refused, required=True)]
    accepted = Check("validation", True, "The API key is valid.", required=True)
    return [*checks, reached, accepted, _guarded("balance", lambda: _balance(client))]


def _balance(client: "Client") -> Check:
    balance = client.balance(patient=False)
    advice = "" if balance > 0 else f". {REGISTRY[ErrorCode.PAYMENT_REQUIRED].hint}"
    return Check("balance", balance > 0, f"${balance:.4f} USD{advice}")


def _config(session: Session) -> Check:
    from modellix_cli.paths import config_dir
    from modellix_cli.profiles.credentials import read_config

    env = session.runtime.env
    path = config_dir(env) / "config.json"
    saved = bool(read_config(env))
    return Check("config", True, str(path) if saved else f"{path}: nothing is saved.")


def _clock(heard: Heard) -> Check:
    from modellix_cli.api.retry import http_date

    if heard.reply is None:
        return Check("clock", False, _NO_REPLY)
    server = http_date(heard.reply.headers.get("date"))
    if server is None:
        return Check("clock", True, "Not compared: the server does not say what time it is.")
    skew = heard.at - server
    if abs(skew) < MAX_SKEW:
        return Check("clock", True, f"Within {duration(MAX_SKEW)} of the server's.")
    side = "ahead of" if skew > 0 else "behind"
    detail = f"{duration(abs(skew))} {side} the server's; set this machine's time."
    return Check("clock", False, detail)


def _state_folder(session: Session) -> Check:
    from modellix_cli.paths import make_private_dir, state_dir

    folder = state_dir(session.runtime.env)
    probe = folder / f".doctor-{token_hex(4)}"
    try:
        make_private_dir(folder)
        os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        probe.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        return Check("stateFolder", False, f"{folder} cannot be written: {reason}.")
    return Check("stateFolder", True, f"{folder} is writable.")


def _journal(session: Session) -> Check:
    tally = session.history.tally()
    if tally is None:
        detail = "Cannot be used: what is paid for is not recorded, and repeats are not noticed."
        return Check("journal", False, detail)
    detail = count(tally.tasks, "task")
    if tally.unsettled:
        detail += f", {count(tally.unsettled, 'submission')} of unknown outcome"
    return Check("journal", True, f"{detail}.")


def _rate_limit(heard: Heard) -> Check:
    if heard.reply is None:
        return Check("rateLimit", False, _NO_REPLY)
    limit, left, reset = (
        _number(heard.reply.headers.get(f"x-ratelimit-{name}", ""))
        for name in ("limit", "remaining", "reset")
    )
    if left is None:
        return Check("rateLimit", True, "The server does not say.")
    detail = f"{left} of {limit} requests left" if limit else f"{count(left, 'request')} left"
    until = f" until {clock_time(reset)}" if reset else ""
    return Check("rateLimit", left > 0, f"{detail}{until}.")


def _number(text: str) -> int | None:
    """Read a header's number; one that no clock or counter could show is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 11 else None


def _proxy(session: Session) -> Check:
    from modellix_cli.api.proxies import proxy_for, shown_proxy

    proxy = None if session.sandbox else proxy_for(session.base_url)
    detail = "None." if proxy is None else f"{shown_proxy(proxy)} for {session.base_url}"
    return Check("proxy", True, clip(detail, 300))


def _certificates(session: Session) -> Check:
    from modellix_cli.api.connecting import NotSent, tls_context

    if session.sandbox or session.base_url.startswith("http:"):
        return Check("caBundle", True, "None is needed: no TLS is spoken.")
    try:
        tls_context()
    except NotSent as error:
        return Check("caBundle", False, f"{error.reason}.", cause=error.cause)
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if os.environ.get(variable):
            return Check("caBundle", True, f"{Path(os.environ[variable])} ({variable})")
    return Check("caBundle", True, "The system's certificates.")


def _guarded(name: str, look: Callable[[], Check]) -> Check:
    """Return what `look` finds; an error becomes a check that is not ok."""
    try:
        return look()
    except ModellixError as error:
        return Check(name, False, error.message)

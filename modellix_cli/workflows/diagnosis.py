"""What `doctor` checks on this machine, after the service (service_check.py); official-cli.md 4.3.

The ledger is only read: nothing here repairs it, or sets or removes its mark.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from modellix_cli import __version__
from modellix_cli.clock import clock_time
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.text import clip, count, duration
from modellix_cli.output.facts import Check, Examination, Setup
from modellix_cli.workflows.service_check import Heard, check_service

if TYPE_CHECKING:
    from modellix_cli.ledger.inspection import Inspection

MAX_SKEW: Final = 60.0
"""Seconds by which this machine's clock may differ from the server's."""

_OLDEST_PYTHON: Final = (3, 11)
_NO_REPLY: Final = "Not checked: no reply came from the API."


def examine(session: Session, api_key: str | None, found: Setup) -> Examination:
    """Check everything, in the order in which it is shown. Sends two requests at most, but for
    repetitions; never raises `ModellixError`.
    """
    heard = Heard()
    ledger = _inspect(session)
    service = check_service(session, api_key, found, heard)
    if heard.accepted and ledger is not None and ledger.sound:
        session.connections.governor.admitted()  # what made earlier commands wait is over
    limits, folder = _limits(heard), _guarded("stateFolder", lambda: _state_folder(session))
    checks = [
        _python(),
        *service,
        Check("version", True, f"modellix-cli {__version__}"),
        _guarded("config", lambda: _config(session)),
        _guarded("project", lambda: _project(session)),
        _clock(heard),
        folder,
        _ledger(ledger if folder.ok else None),
        _rate_limit(heard, limits),
        _guarded("proxy", lambda: _proxy(session)),
        _guarded("caBundle", lambda: _certificates(session)),
    ]
    return Examination(checks, limits)


def _inspect(session: Session) -> "Inspection | None":
    from modellix_cli.ledger.inspection import inspect
    from modellix_cli.paths import state_dir

    try:
        return inspect(state_dir(session.runtime.env))
    except ModellixError:  # there is no such folder: another check tells it
        return None


def _python() -> Check:
    running = ".".join(map(str, sys.version_info[:3]))
    oldest = ".".join(map(str, _OLDEST_PYTHON))
    detail = f"Python {running} (requires {oldest} or later)"
    return Check("python", sys.version_info >= _OLDEST_PYTHON, detail, required=True)


def _config(session: Session) -> Check:
    from modellix_cli.paths import config_dir
    from modellix_cli.profiles.credentials import read_config

    env = session.runtime.env
    path = config_dir(env) / "config.json"
    saved = bool(read_config(env))
    return Check("config", True, str(path) if saved else f"{path}: nothing is saved yet.")


def _clock(heard: Heard) -> Check:
    from modellix_cli.api.retry import http_date

    if heard.reply is None:
        return Check("clock", False, _NO_REPLY, skipped=True)
    server = http_date(heard.reply.headers.get("date"))
    if server is None:
        return Check("clock", True, "Not compared: the server does not say what time it is.")
    skew = heard.at - server
    if abs(skew) < MAX_SKEW:
        return Check("clock", True, f"Within {duration(MAX_SKEW)} of the server's.")
    side = "ahead of" if skew > 0 else "behind"
    detail = f"{duration(abs(skew))} {side} the server's. Correct this machine's time."
    return Check("clock", False, detail)


def _project(session: Session) -> Check:
    """Whether the files of settings that are in force here can be read."""
    defaults = session.settings.defaults
    defaults.check()
    path = defaults.project_path
    return Check("project", True, str(path) if path else "There is no modellix.toml here.")


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
        advice = "Make it writable, or choose another with XDG_STATE_HOME."
        return Check("stateFolder", False, f"{folder} cannot be written: {reason}. {advice}")
    return Check("stateFolder", True, f"{folder} is writable.")


def _ledger(found: "Inspection | None") -> Check:
    if found is None:
        return Check("ledger", False, "Not checked: see stateFolder.", skipped=True)
    if found.path is None:
        return Check("ledger", True, "Nothing was submitted from this machine yet.")
    if found.fault is not None:
        detail = f"{found.path} cannot be used ({found.fault}); payments may be missing from it."
        return Check("ledger", False, detail)
    detail = count(found.tasks, "task")
    if found.open:
        detail += f", {count(found.open, 'submission')} of unknown outcome"
    if found.incomplete is not None:
        detail += (
            ". It was damaged: payments may be missing from it. Check the usage page of "
            "https://modellix.ai/console, then: modellix-cli ledger acknowledge"
        )
        return Check("ledger", False, detail)
    return Check("ledger", True, f"{detail}.")


def _limits(heard: Heard) -> dict[str, int]:
    """Return what the rate-limit headers say: limit, remaining, resetAt (Unix time)."""
    from modellix_cli.api.failures import rate_limit_of

    return (rate_limit_of(heard.reply) or {}) if heard.reply is not None else {}


def _rate_limit(heard: Heard, limits: dict[str, int]) -> Check:
    if heard.reply is None:
        return Check("rateLimit", False, _NO_REPLY, skipped=True)
    left, limit = limits.get("remaining"), limits.get("limit")
    if left is None:
        return Check("rateLimit", True, "The server does not say.")
    detail = f"{left} of {limit} requests left" if limit else f"{count(left, 'request')} left"
    until = f" until {clock_time(limits['resetAt'])}" if limits.get("resetAt") else ""
    return Check("rateLimit", left > 0, f"{detail}{until}.")


def _proxy(session: Session) -> Check:
    from modellix_cli.api.proxies import proxy_for, shown_proxy

    proxy = None if session.settings.sandbox else proxy_for(session.settings.base_url)
    detail = "None." if proxy is None else f"{shown_proxy(proxy)} for {session.settings.base_url}"
    return Check("proxy", True, clip(detail, 300))


def _certificates(session: Session) -> Check:
    from modellix_cli.api.connecting import NotSent, tls_context

    if session.settings.sandbox or session.settings.base_url.startswith("http:"):
        return Check("caBundle", True, "Not needed: the connection does not use TLS.")
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
        if error.code is ErrorCode.USAGE and name in ("proxy", "caBundle"):
            return Check(name, False, "Not checked: see apiKey.", skipped=True)
        return Check(name, False, f"{error.message} {error.hint}".strip())

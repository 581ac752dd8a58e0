"""What `doctor` checks about the service: the key, the connection, whether the key is valid.

Without a key the connection is tried all the same: the API answers 401, and so it was reached.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import REGISTRY, ErrorCode, ModellixError
from modellix_cli.output.facts import Check, Setup
from modellix_cli.profiles.key_advice import key_place

if TYPE_CHECKING:
    from modellix_cli.api.client import Client
    from modellix_cli.api.transport import Reply

_NO_KEY: Final = "Not checked: no API key is available."
_NOT_REACHED: Final = "Not checked: the API was not reached."


@dataclass(slots=True)
class Heard:
    """The last reply of the API, and the Unix time at which it came.

    `accepted` says whether a request with the key went through.
    """

    reply: "Reply | None" = None
    at: float = 0.0
    accepted: bool = False


def check_service(session: Session, api_key: str | None, found: Setup, heard: Heard) -> list[Check]:
    """Check key, connection, validity and balance, name resolution and TLS, in this order.

    Never raises `ModellixError`.
    """
    key = _key(session, found)
    failure: ModellixError | None = None
    client, valid = None, False
    try:
        client = _client(session, api_key, found)
        valid = client.probe(lambda reply: _note(session, heard, reply))
        heard.accepted = key.ok
    except ModellixError as error:
        failure = session.explain(error)
    reached = failure is None or failure.code is ErrorCode.UNAUTHORIZED
    checks = [key, _connectivity(session, key, failure, reached=reached)]
    if not key.ok or not reached:
        reason = _NO_KEY if not key.ok else _NOT_REACHED
        checks += [_skipped("validation", reason), _skipped("balance", reason)]
    elif failure is not None or client is None or not valid:
        refused = failure or session.explain(_inactive())
        told = f"{refused.message} {refused.hint}"
        checks.append(Check("validation", False, told, required=True))
        checks.append(_skipped("balance", "Not checked: the API key is not valid."))
    else:
        checks.append(Check("validation", True, "The API key is valid.", required=True))
        checks.append(_balance(client))
    return checks + _lower_layers(session, failure, heard)


def _skipped(name: str, reason: str) -> Check:
    return Check(name, False, reason, skipped=True)


def _client(session: Session, api_key: str | None, found: Setup) -> "Client":
    if found.trouble or not found.configured:
        return session.connections.public_client(session.settings.base_url)
    return session.connections.client_with(session.connections.find_key(api_key), paced=False)


def _note(session: Session, heard: Heard, reply: "Reply") -> None:
    heard.reply, heard.at = reply, session.runtime.clock.now()


def _inactive() -> ModellixError:
    return ModellixError(ErrorCode.UNAUTHORIZED, "The API key is invalid or inactive.")


def _key(session: Session, found: Setup) -> Check:
    if found.trouble:
        return Check("apiKey", False, found.trouble, required=True)
    if not found.configured:
        missing = f"Missing API key. {REGISTRY[ErrorCode.MISSING_API_KEY].hint}"
        return Check("apiKey", False, missing, required=True)
    place = key_place(found.key_source, found.profile)
    return Check("apiKey", True, f"Found: {found.key_source} ({place}).", required=True)


def _connectivity(
    session: Session, key: Check, failure: ModellixError | None, *, reached: bool
) -> Check:
    if reached:
        how = "" if key.ok else " without a key"
        detail = f"Reached {session.settings.base_url}{how}."
        return Check("connectivity", True, detail, required=True)
    assert failure is not None
    told = f"{failure.message} {failure.hint}".strip()
    if failure.code is ErrorCode.USAGE:  # the settings say no address that can be tried
        return _skipped("connectivity", "Not checked: see apiKey.")
    return Check("connectivity", False, told, required=True, cause=_cause(failure))


def _cause(failure: ModellixError | None) -> str | None:
    return getattr(getattr(failure, "__cause__", None), "cause", None)


def _lower_layers(session: Session, failure: ModellixError | None, heard: Heard) -> list[Check]:
    """Say how far the connection came: name resolution, then TLS."""
    names = ("dns", "tls")
    if session.settings.sandbox:
        return [_skipped(name, "Not needed by the sandbox.") for name in names]
    if failure is not None and failure.code is ErrorCode.USAGE:
        return [_skipped(name, "Not checked: see apiKey.") for name in names]
    from urllib.parse import urlsplit

    from modellix_cli.api.proxies import proxy_for

    parts, cause = urlsplit(session.settings.base_url), _cause(failure)
    host = parts.hostname or ""
    resolved = heard.reply is not None or cause in ("tls", "refused", "timeout")
    if proxy_for(session.settings.base_url) is not None:
        dns = _skipped("dns", "Not checked: the proxy resolves names.")
    elif resolved:
        dns = Check("dns", True, f"{host} resolves.", required=True)
    elif cause == "dns":
        told = f"{host} does not resolve: see connectivity."
        dns = Check("dns", False, told, required=True, cause=cause)
    else:
        dns = _skipped("dns", _NOT_REACHED)
    if parts.scheme == "http":
        return [dns, _skipped("tls", "Not used by plain http.")]
    if heard.reply is not None:
        return [dns, Check("tls", True, f"The certificate of {host} is trusted.", required=True)]
    if cause in ("tls", "certificates"):
        told = f"No secure connection to {host}: see connectivity."
        return [dns, Check("tls", False, told, required=True, cause=cause)]
    return [dns, _skipped("tls", _NOT_REACHED)]


def _balance(client: "Client") -> Check:
    try:
        balance = client.balance(patient=False)
    except ModellixError as error:
        return Check("balance", False, error.message)
    advice = "" if balance > 0 else f". {REGISTRY[ErrorCode.PAYMENT_REQUIRED].hint}"
    return Check("balance", balance > 0, f"${balance:.4f} USD{advice}")

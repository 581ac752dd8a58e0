"""The addresses that the command line takes: the API's base URL and webhooks, and their origins."""

import re
from contextlib import suppress
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from modellix_cli.domain.errors import usage
from modellix_cli.domain.text import is_encodable, quoted

LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_NAT64: Final = bytes.fromhex("0064ff9b0000000000000000")
_LONGEST_WEBHOOK: Final = 2048
_PATH_CHARACTERS: Final = "/:@!$&'()*+,;=~"
_URL_CHARACTERS: Final = r"[!-~]+"
_PRIVATE_DOMAINS: Final = frozenset(
    {"localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "test"}
    | {"invalid", "onion"}
)
_API_PATH: Final = ["api", "v1"]
_CREDENTIALS: Final = r"(?s)(?<=//).*@"
_CONTROL: Final = r"[\x00-\x1f\x7f-\x9f]"


def parse_base_url(text: str, *, allow_http: bool = False) -> str:
    """Read the API's base URL: https, or http for loopback; a path prefix is kept.

    Returns it without what makes no difference (`_shortest`). `allow_http` admits plain http to
    any host.
    """
    url = text.strip()
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host = None
    blank = any(character.isspace() for character in url)
    unusable = blank or re.search(_CONTROL, url) or not is_encodable(url)
    if not host or unusable or parts.scheme not in ("http", "https"):
        raise usage(
            f"Invalid Modellix API base URL {quoted(re.sub(_CREDENTIALS, '', url))}.",
            hint="Use an address such as https://api.modellix.ai.",
        )
    if parts.username is not None or "?" in url or "#" in url or parts.password is not None:
        raise usage(
            "Modellix API base URL must not include credentials, query parameters, or a fragment."
        )
    if any(unquote(segment) in (".", "..") for segment in parts.path.split("/")):
        raise usage(
            'Modellix API base URL must not have "." or ".." in its path.',
            hint="Write the path that is meant.",
        )
    if any(not 0 < len(label) < 64 for label in host.removesuffix(".").split(".")):
        raise usage(f"Invalid Modellix API base URL: {quoted(host)} is not a host name.")
    url = _shortest(url)
    if not is_loopback_or_https(url) and not allow_http:
        raise usage(
            "Modellix API base URL must use HTTPS (HTTP is allowed only for localhost).",
            hint="The API key would travel in clear text. On a trusted network, "
            "pass --allow-http-api.",
        )
    return url


def _shortest(url: str) -> str:
    """Return a base URL without what makes no difference: trailing slashes, a dot after the host.

    Neither does the API's own path: the documented base has it, and requests bring it anyway.

    >>> _shortest("https://api.modellix.ai./api/v1/")
    'https://api.modellix.ai'
    """
    scheme, slashes, rest = url.partition("//")
    authority, *path = rest.split("/")
    while path and (not path[-1] or path[-2:] == _API_PATH):
        del path[-1 if not path[-1] else -2 :]
    host = re.sub(r"\.(?=(?::\d*)?\Z)", "", authority)
    return scheme + slashes + "/".join([host, *path])


def parse_webhook_url(text: str, *, local: bool = False) -> str:
    """Read the URL that the service is to call at a task's end (docs/spec/service.md 8).

    Public HTTPS only: no plain http, no name or address of this machine or of a private network,
    no credentials or fragment, at most 2048 characters of ASCII. What a name resolves to is not
    looked at: it is the service that has to resolve it. `local` admits this machine, by http too:
    the sandbox is here.
    """
    url = text.strip()
    try:
        parts = urlsplit(url)
        host, _port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        host = ""
    if not host or len(url) > _LONGEST_WEBHOOK or not re.fullmatch(_URL_CHARACTERS, url):
        raise usage(
            f"Invalid webhook URL {quoted(re.sub(_CREDENTIALS, '', url))}.",
            hint="Use an address such as https://example.com/hook.",
        )
    reachable = local and host in LOOPBACK and parts.scheme in ("http", "https")
    if parts.scheme != "https" and not reachable:
        raise usage("A webhook URL must use HTTPS.")
    if parts.username is not None or parts.password is not None or "#" in url:
        raise usage("A webhook URL must not include credentials or a fragment.")
    if not reachable and not _is_public(host):
        raise usage(
            f"Webhook URL {quoted(url)} is not public: Modellix cannot reach {quoted(host)}.",
            hint="Use the address of a server that is reachable from the internet.",
        )
    return url


def _is_public(host: str) -> bool:
    """Whether a host may be reached from the internet, by its name or literal address."""
    from ipaddress import IPv4Address, IPv6Address, ip_address

    try:
        address = ip_address(host)
    except ValueError:
        labels = host.split(".")
        private = labels[-1] in _PRIVATE_DOMAINS or host == "home.arpa"
        odd_address = re.fullmatch(r"\d+|0x[0-9a-f]*", labels[-1]) is not None  # as in 127.1
        return len(labels) > 1 and all(labels) and not private and not odd_address
    if isinstance(address, IPv6Address):
        within = address.ipv4_mapped or address.sixtofour
        if within is None and address.packed[:12] == _NAT64:
            within = IPv4Address(address.packed[12:])
        address = within or address
    return address.is_global and not address.is_multicast


def key_origin(base_url: str) -> str:
    """Return the origin for which keys are saved, of a base URL that was read.

    Scheme, host and port only, written as browsers do, so that both CLIs name it alike.
    """
    parts = urlsplit(base_url)
    host = (parts.hostname or "").lower()
    if not host.isascii():
        with suppress(UnicodeError):
            host = host.encode("idna").decode()
    if ":" in host:
        host = f"[{host}]"
    default = {"https": 443, "http": 80}.get(parts.scheme)
    port = "" if parts.port in (None, default) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def canonical_base_url(base_url: str) -> str:
    """Return a base URL as the ledger knows it: origin and path, each in one spelling.

    >>> canonical_base_url("http://LOCALHOST:80/%76/")
    'http://localhost/v'
    """
    path = quote(unquote(urlsplit(base_url).path), safe=_PATH_CHARACTERS, errors="replace")
    return _shortest(key_origin(base_url) + path)


def is_loopback_or_https(origin: str) -> bool:
    """Whether requests to an origin stay private: https, or this machine."""
    parts = urlsplit(origin)
    return parts.scheme == "https" or parts.hostname in LOOPBACK

"""The value rules of the command line: what a slug, task id, key, duration or base URL may be.

Each `parse_*` takes what the user wrote and returns the value, or raises the usage error that
names what is wrong. They rest on official-cli.md 1.6.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from modellix_cli.domain.errors import usage
from modellix_cli.domain.text import clip, one_line

TASK_TYPES: Final = (
    "text-to-image",
    "text-to-video",
    "image-to-image",
    "image-to-video",
    "video-to-video",
    "text-to-speech",
    "speech-to-text",
    "speech-to-speech",
)
"""The types of models (docs/spec/service.md 1)."""
HOUR: Final = 3600.0
DAY: Final = 24 * HOUR

_TASK_ID: Final = re.compile(r"[A-Za-z0-9._~:/+@=-]{1,512}")
_FILE_ID: Final = re.compile(r"[A-Za-z0-9._~:+@=-]{1,512}")
_PROFILE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_API_KEY: Final = re.compile(r"[\x21-\x7e]{1,16384}")
KEY_PAGE: Final = "https://modellix.ai/console/api-key"
_KEY_HINT: Final = f"Copy the whole key, as {KEY_PAGE} shows it when it is created."
_QUOTES: Final = "\"'`\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f" + (
    "\u00ab\u00bb\u2039\u203a\u2032\u2033\uff02\uff07"
)
_CREDENTIALS: Final = re.compile(r"(?<=//).*@", re.DOTALL)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_DURATION: Final = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|d|h|m|s))+|\d+(?:\.\d+)?", re.ASCII)
_DURATION_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|d|h|m|s|$)")
_UNIT_SECONDS: Final = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": HOUR, "d": DAY}
_UNESCAPED: Final = "-_.!~*'()"
_RESERVED_PROFILES: Final = ("__proto__", "constructor", "prototype")
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_NAT64: Final = bytes.fromhex("0064ff9b0000000000000000")
_LONGEST_WEBHOOK: Final = 2048
_URL_CHARACTERS: Final = re.compile(r"[!-~]+")
_PRIVATE_DOMAINS: Final = frozenset(
    {"localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "test"}
    | {"invalid", "onion"}
)
_SLUGS_HINT: Final = "Run modellix-cli model list --output slugs to see available model slugs."


@dataclass(frozen=True, slots=True)
class Slug:
    """A model's name: `provider/model`, on the older routes with a leading task type."""

    provider: str
    model: str
    type: str | None = None

    def __str__(self) -> str:
        parts = (self.type, self.provider, self.model)
        return "/".join(part for part in parts if part)

    @property
    def name(self) -> str:
        """`provider/model`, as the model list has it."""
        return f"{self.provider}/{self.model}"

    @property
    def path(self) -> str:
        """The slug as a URL path, each part percent-encoded."""
        return "/".join(quote(part, safe=_UNESCAPED) for part in str(self).split("/"))


def parse_slug(text: str) -> Slug:
    """Read `provider/model`, or `type/provider/model` for the older routes."""
    slug = text.strip()
    if _CONTROL.search(slug):
        raise usage(
            "Invalid model slug: it has control characters. Use provider/model.", hint=_SLUGS_HINT
        )
    parts = [part.strip() for part in slug.split("/")]
    if len(parts) == 3 and parts[0] in TASK_TYPES:
        task_type, *parts = parts
    else:
        task_type = None
    unusable = any(part in ("", ".", "..") for part in parts)
    if len(parts) != 2 or unusable or len(slug) > 256 or not _encodable(slug):
        raise usage(
            f"Invalid model slug {_quoted(slug)}. "
            "Use provider/model, for example bytedance/seedream-4.5-t2i.",
            hint=_SLUGS_HINT,
        )
    return Slug(parts[0], parts[1], task_type)


def parse_task_id(text: str) -> str:
    """Read a task id: 1 to 512 of `A-Z a-z 0-9 . _ ~ : / + @ = -`."""
    task_id = text.strip()
    if not task_id:
        raise usage("Task ID must not be empty.")
    if len(task_id) > 512:
        raise usage("Task ID exceeds the 512-character limit.")
    if not _TASK_ID.fullmatch(task_id) or task_id in (".", ".."):
        raise usage(f"Task ID {_quoted(task_id)} contains unsupported characters.")
    return task_id


def parse_request_key(text: str, name: str = "--request-key") -> str:
    """Read a request key: 1 to 255 printable characters; `name` is what errors call it."""
    key = text.strip()
    if not key:
        raise usage(f"{name} must not be empty.")
    if len(key) > 255:
        raise usage(f"{name} exceeds the 255-character limit.")
    if one_line(key) != key or not _encodable(key):
        raise usage(f"{name} must not have control characters.")
    return key


def parse_file_id(text: str) -> str:
    """Read the id of an uploaded file: as a task id, without `/`."""
    file_id = text.strip()
    if not file_id:
        raise usage("File ID must not be empty.")
    if len(file_id) > 512:
        raise usage("File ID exceeds the 512-character limit.")
    if not _FILE_ID.fullmatch(file_id) or file_id in (".", ".."):
        raise usage(f"File ID {_quoted(file_id)} contains unsupported characters.")
    return file_id


def parse_api_key(text: str, name: str = "Modellix API key") -> str:
    """Read an API key; errors call it `name`, and the key itself never appears in them."""
    key = text.strip()
    if not key:
        raise usage(f"{name} must not be empty.", hint=_KEY_HINT)
    if len(key) > 16384:
        raise usage(f"{name} is too long.", hint=_KEY_HINT)
    if key[0] in _QUOTES or key[-1] in _QUOTES:
        raise usage(
            f"{name} is in quotation marks, which are not part of it.",
            hint="Remove the quotation marks: .env files, docker --env-file and Windows' set "
            "keep them as part of the value.",
        )
    if not _API_KEY.fullmatch(key):
        raise usage(f"{name} contains unsupported characters.", hint=_KEY_HINT)
    return key


def parse_profile(text: str) -> str:
    """Read the name of a saved profile."""
    name = text.strip()
    if name.lower() in _RESERVED_PROFILES:
        raise usage(f"Invalid profile name: {name} is reserved.")
    if len(name) > 64:
        raise usage("Invalid profile name. Maximum length is 64 characters.")
    if not _PROFILE.fullmatch(name):
        raise usage(
            "Invalid profile name. Use only letters, numbers, underscores, dots, and hyphens."
        )
    return name


def parse_duration(text: str, option: str, at_most: float) -> float:
    """Read a duration in seconds: `500ms`, `30s`, `1.5s`, `5m`, `1h30m`, `1d`, bare seconds.

    `option` names the option in errors; `at_most` is its upper bound in seconds.
    """
    written = text.strip().lower()
    if not _DURATION.fullmatch(written):
        raise usage(
            f"Invalid {option} {_quoted(text)}. "
            "Use seconds or a duration such as 500ms, 30s, 5m, or 1h30m."
        )
    seconds = sum(
        float(number) * _UNIT_SECONDS[unit] for number, unit in _DURATION_PART.findall(written)
    )
    if seconds <= 0:
        raise usage(f"{option} must be greater than zero.")
    if seconds > at_most:
        raise usage(f"{option} must not exceed {format_duration(at_most)}.")
    return seconds


def duration_option(option: str, at_most: float) -> Callable[[str | float], float]:
    """Return the parser of a duration option, for `typer.Option(parser=…)`.

    Typer applies it to the default too, which is in seconds already.
    """
    return lambda given: (
        given if isinstance(given, float) else parse_duration(str(given), option, at_most)
    )


def format_duration(seconds: float) -> str:
    """Write a duration in its largest whole unit, as it could be typed: `1s`, `5m`, `500ms`."""
    milliseconds = round(seconds * 1000)
    for unit, length in (("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds >= length and milliseconds % length == 0:
            return f"{milliseconds // length}{unit}"
    return f"{milliseconds}ms"


def parse_base_url(text: str, *, allow_http: bool = False) -> str:
    """Read the API's base URL: https, or http for loopback; a path prefix is kept.

    Returns it without a trailing slash. `allow_http` admits plain http to any host.
    """
    url = text.strip()
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host = None
    blank = any(character.isspace() for character in url)
    unusable = blank or _CONTROL.search(url) or not _encodable(url)
    if not host or unusable or parts.scheme not in ("http", "https"):
        raise usage(
            f"Invalid Modellix API base URL {_quoted(_CREDENTIALS.sub('', url))}.",
            hint="Use an address such as https://api.modellix.ai.",
        )
    if parts.username is not None or "?" in url or "#" in url or parts.password is not None:
        raise usage(
            "Modellix API base URL must not include credentials, query parameters, or a fragment."
        )
    if any(not 0 < len(label) < 64 for label in host.rstrip(".").split(".")):
        raise usage(f"Invalid Modellix API base URL: {_quoted(host)} is not a host name.")
    if not is_loopback_or_https(url) and not allow_http:
        raise usage(
            "Modellix API base URL must use HTTPS (HTTP is allowed only for localhost).",
            hint="The API key would travel in clear text. On a trusted network, "
            "pass --allow-http-api.",
        )
    return url.rstrip("/")


def parse_webhook_url(text: str) -> str:
    """Read the URL that the service is to call at a task's end (docs/spec/service.md 8).

    Public HTTPS only: no plain http, no name or address of this machine or of a private network,
    no credentials or fragment, at most 2048 characters of ASCII. What a name resolves to is not
    looked at: it is the service that has to resolve it.
    """
    url = text.strip()
    try:
        parts = urlsplit(url)
        host, _port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        host = ""
    if not host or len(url) > _LONGEST_WEBHOOK or not _URL_CHARACTERS.fullmatch(url):
        raise usage(
            f"Invalid webhook URL {_quoted(_CREDENTIALS.sub('', url))}.",
            hint="Use an address such as https://example.com/hook.",
        )
    if parts.scheme != "https":
        raise usage("A webhook URL must use HTTPS.")
    if parts.username is not None or parts.password is not None or "#" in url:
        raise usage("A webhook URL must not include credentials or a fragment.")
    if not _is_public(host):
        raise usage(
            f"Webhook URL {_quoted(url)} is not public: Modellix cannot reach {_quoted(host)}.",
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
    """Return a base URL as the ledger knows it: its origin in one spelling, the path kept.

    >>> canonical_base_url("http://LOCALHOST:80/v/")
    'http://localhost/v'
    """
    return key_origin(base_url) + urlsplit(base_url).path.rstrip("/")


def is_loopback_or_https(origin: str) -> bool:
    """Whether requests to an origin stay private: https, or this machine."""
    parts = urlsplit(origin)
    return parts.scheme == "https" or parts.hostname in LOOPBACK


def _quoted(text: str) -> str:
    return '"' + clip(one_line(text), 80) + '"'


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

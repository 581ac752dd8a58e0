"""Which proxy a host is reached through, and which variable says so.

The rules are those that curl and Python agree on: lower-case names come first, HTTPS_PROXY and
HTTP_PROXY go by the scheme of the address, ALL_PROXY stands for both, NO_PROXY lists exceptions.
"""

import os
import sys
from typing import Final
from urllib.parse import urlsplit

from modellix_cli.domain.addresses import LOOPBACK
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.text import without_secrets

_HAS_SETTINGS: Final[bool] = sys.platform in ("darwin", "win32")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


@frozen
class Proxy:
    """A proxy's address, and the variable that names it; None where the system's settings do."""

    url: str
    variable: str | None

    def __str__(self) -> str:
        source = self.variable or "the system's settings"
        return f"{shown_proxy(self.url)} (from {source})"


def find_proxy(url: str) -> Proxy | None:
    """Return the proxy that the environment, else the system names for `url`; None without one."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in LOOPBACK:
        return None
    names = (f"{parts.scheme}_proxy", "all_proxy")
    found = next(filter(None, map(_variable, names)), None)
    if found is None:
        return _system_proxy(parts.scheme, host)
    listed = _variable("no_proxy")
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    if listed is not None and is_excluded(host, port, listed[1]):
        return None
    variable, address = found
    return Proxy(address if "://" in address else f"http://{address}", variable)


def proxy_for(url: str) -> str | None:
    """Return the address of the proxy for `url`, or None."""
    proxy = find_proxy(url)
    return None if proxy is None else proxy.url


def _variable(name: str) -> tuple[str, str] | None:
    """Return a variable that is set and its value: in lower case, else spelled in any other way."""
    spelled = {key: value.strip() for key, value in os.environ.items() if key.lower() == name}
    for key in sorted(spelled, reverse=True):  # lower case sorts last
        if spelled[key]:
            return key, spelled[key]
    return None


def _system_proxy(scheme: str, host: str) -> Proxy | None:
    """Return the proxy of the settings of macOS or Windows."""
    if not _HAS_SETTINGS:
        return None
    from urllib.request import getproxies, getproxies_environment, proxy_bypass

    address = None if getproxies_environment() else getproxies().get(scheme)
    if not address or proxy_bypass(host):
        return None
    return Proxy(address if "://" in address else f"http://{address}", None)


def is_excluded(host: str, port: int, listed: str) -> bool:
    """Whether `listed`, as NO_PROXY has it, names `host`.

    Entries are split by commas or blanks: `*`, a domain with all below it (also as `.domain` or
    `*.domain`), an address, a range of addresses such as `10.0.0.0/8`; a `:port` may follow.
    """
    host = host.lower().strip("[]").rstrip(".")
    return any(_names(entry.lower(), host, port) for entry in listed.replace(",", " ").split())


def _names(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    name, _, wanted = entry.rpartition(":")
    if name and wanted.isdigit() and (":" not in name or name.endswith("]")):
        if wanted.lstrip("0") != str(port):
            return False
        entry = name
    entry = entry.strip("[]")
    if _is_address(host):
        return _holds_address(entry, host)
    domain = entry.removeprefix("*").strip(".")
    return bool(domain) and (host == domain or host.endswith("." + domain))


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


def _holds_address(entry: str, host: str) -> bool:
    from ipaddress import ip_address, ip_network

    try:
        return ip_address(host) in ip_network(entry, strict=False)
    except ValueError:
        return False


def shown_proxy(proxy: str) -> str:
    """Return a proxy's address without the user name and password it may carry."""
    scheme, _, rest = proxy.partition("://")
    return without_secrets(f"{scheme}://{rest.rpartition('@')[2].split('/')[0]}")

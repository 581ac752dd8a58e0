"""Which hosts a resource URL may name: no private, loopback or reserved address.

A task's reply is untrusted; without this check it could make the CLI fetch from the machine's own
network. The list is that of docs/spec/official-cli.md 4.17.
"""

import re
import socket
import unicodedata
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError

_RESERVED_V4: Final = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
_GLOBAL_V6: Final = ip_network("2000::/3")
_RESERVED_V6: Final = tuple(
    ip_network(block) for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)


_NAT64: Final = ip_network("64:ff9b::/96")
_FAKE: Final = ip_network("198.18.0.0/15")
_NUMBERS: Final = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}", re.IGNORECASE)
_ODD: Final = re.compile(r"[\x00-\x20\x7f-\xa0<>\"#%/\\?@^`{|}\[\]]")


def is_public(address: str) -> bool:
    """Whether an IP address, as text, is neither private nor reserved.

    An IPv4 address in an IPv6 one (mapped, NAT64) is judged as what it is.
    """
    parsed = ip_address(address.split("%")[0])
    if isinstance(parsed, IPv6Address):
        embedded = parsed.ipv4_mapped
        if parsed in _NAT64:
            embedded = IPv4Address(int(parsed) & 0xFFFFFFFF)
        if embedded is None:
            return parsed in _GLOBAL_V6 and not any(parsed in block for block in _RESERVED_V6)
        parsed = embedded
    return not any(parsed in block for block in _RESERVED_V4)


def is_odd(host: str) -> bool:
    """Whether a host has characters that neither names nor addresses have.

    Resolvers differ in what they make of those: `8.8.8.8 .example` is an address to some.
    """
    return _ODD.search(unicodedata.normalize("NFKC", host)) is not None


def literal_address(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address if `host` is written as one, in any form the resolver accepts."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    if not _NUMBERS.fullmatch(host):
        return None
    try:
        return IPv4Address(socket.inet_aton(host))  # 127.1, 0x7f000001
    except (OSError, ValueError):
        return None


def is_private(host: str) -> bool:
    """Whether a host is private by its name or as a written address."""
    name = unicodedata.normalize("NFKC", host).replace("。", ".").rstrip(".").lower()
    literal = literal_address(name)
    local = name == "localhost" or name.endswith(".localhost")
    return local or (literal is not None and not is_public(str(literal)))


def resolve_public(host: str, port: int, *, tls: bool) -> list[str]:
    """Return the addresses of `host`, all of which are public; connect to these, not to the name.

    VPNs answer every name with an address of 198.18.0.0/15 and find the true one later. What is
    behind it is not known here, but with TLS its certificate proves that it is the host: `tls`
    lets those addresses pass. Raises `RESOURCE_REFUSED` if any address is private, `OSError` if
    the name does not resolve.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not all(
        is_public(one) or (tls and ip_address(one.split("%")[0]) in _FAKE) for one in addresses
    ):
        raise ModellixError(
            ErrorCode.RESOURCE_REFUSED,
            f"Resource host {host} resolves to a private or reserved network address.",
            hint="Pass --allow-private-network only for a trusted source.",
        )
    return addresses

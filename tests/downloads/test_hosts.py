import socket
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.downloads.hosts import (
    is_odd,
    is_private,
    is_public,
    literal_address,
    resolve_public,
)

PRIVATE_V4 = [
    *("0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
    *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
]
PRIVATE_V6 = [
    *("::/8", "::ffff:0:0/96", "64:ff9b::/96", "100::/64", "fc00::/7", "fe80::/10", "ff00::/8"),
    *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "4000::/3"),
]


def host_of(url: str) -> str:
    return urlsplit(url).hostname or ""


@pytest.mark.parametrize("block", [*PRIVATE_V4, *PRIVATE_V6])
def test_a_private_range_is_private_from_its_first_to_its_last_address(block: str) -> None:
    network = ip_network(block)
    assert not is_public(str(network[0]))
    assert not is_public(str(network[-1]))


@pytest.mark.parametrize(
    "address",
    [
        *("1.0.0.0", "8.8.8.8", "9.255.255.255", "11.0.0.0", "126.255.255.255", "128.0.0.0"),
        *("100.63.255.255", "100.128.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255"),
        *("172.32.0.0", "192.0.1.0", "192.0.3.0", "192.88.98.255", "192.88.100.0"),
        *("192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255"),
        *("198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255"),
        *("2000::", "2001:200::", "2001:db7:ffff::", "2001:db9::", "2003::", "2606:4700::1111"),
        *("3ffe:ffff::", "3fff:1000::"),
    ],
)
def test_the_addresses_around_private_ranges_are_public(address: str) -> None:
    assert is_public(address)


def test_the_scope_of_an_address_does_not_make_it_public() -> None:
    assert not is_public("fe80::1%eth0")


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_public(address: Any) -> None:
    if address.is_loopback or address.is_link_local or address.is_multicast:
        assert not is_public(str(address))


@pytest.mark.parametrize(
    ("host", "address"),
    [
        *[("127.0.0.1", "127.0.0.1"), ("127.1", "127.0.0.1"), ("0x7f.1", "127.0.0.1")],
        *[("0x7f000001", "127.0.0.1"), ("2130706433", "127.0.0.1"), ("0177.0.0.1", "127.0.0.1")],
        *[("0", "0.0.0.0"), ("10.1", "10.0.0.1"), ("8.8.8.8", "8.8.8.8"), ("::1", "::1")],
    ],
)
def test_an_address_is_recognised_in_every_spelling(host: str, address: str) -> None:
    assert literal_address(host) == ip_address(address)


@pytest.mark.parametrize(
    "host", ["", "cdn.example", "1.2.3.4.example", "256.1.1.1", "deadbeef", "猫.example", "\ud800"]
)
def test_a_name_is_no_address(host: str) -> None:
    assert literal_address(host) is None


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.0.0.1/a", "https://127.1/a", "https://0x7f.1/a", "https://0x7f000001/a"),
        *("https://2130706433/a", "https://0177.0.0.1/a", "https://017700000001/a", "https://0/a"),
        *("https://127.0.0.1./a", "https://10.0.0.1:8443/a", "https://192.168.1.1/a"),
        *("https://169.254.169.254/latest/meta-data", "https://0xa9fea9fe/", "https://100.64.0.1/"),
        *("https://[::1]/a", "https://[::]/a", "https://[::ffff:127.0.0.1]/a", "https://[fe80::1]"),
        *("https://[::ffff:7f00:1]/a", "https://[::127.0.0.1]/", "https://[fd00::1]/", "https://1"),
        *("https://[64:ff9b::7f00:1]/a", "https://[2002:7f00:1::]/a", "https://[fe80::1%25eth0]/a"),
        *("https://localhost/a", "https://localhost./a", "https://LocalHost:1/a"),
        *("https://x.localhost/a", "https://a.b.localhost./", "https://localhost../a"),
    ],
)
def test_a_private_host_is_known_in_every_spelling(url: str) -> None:
    assert is_private(host_of(url))


@pytest.mark.parametrize(
    "host",
    [
        *("cdn.example.com", "8.8.8.8", "2606:4700::1111", "localhost.example.com", "notlocalhost"),
        *("127.0.0.1.nip.io", "10.example.com", "0x08080808", "mylocalhost.com", "猫.example"),
    ],
)
def test_a_public_host_or_a_name_may_pass(host: str) -> None:
    assert not is_private(host)


Resolver = Callable[..., None]


@pytest.fixture
def resolves(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    """Make every name resolve to the given addresses."""

    def answer(*addresses: str) -> None:
        def getaddrinfo(host: str, port: int, **_options: Any) -> list[Any]:
            return [
                (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
                if ":" in address
                else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
                for address in addresses
            ]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return answer


def test_a_public_name_gives_the_addresses_to_connect_to(resolves: Resolver) -> None:
    resolves("2606:4700::1111", "1.1.1.1")
    assert resolve_public("cdn.example", 443, tls=True) == ["2606:4700::1111", "1.1.1.1"]


def test_each_address_is_given_once(resolves: Resolver) -> None:
    resolves("1.1.1.1", "1.0.0.1", "1.1.1.1")
    assert resolve_public("cdn.example", 443, tls=True) == ["1.1.1.1", "1.0.0.1"]


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.1"],
        ["::1"],
        ["::ffff:10.0.0.1"],
        ["fe80::1%eth0"],
        ["1.1.1.1", "192.168.0.1"],
        ["169.254.169.254", "1.1.1.1"],
    ],
)
def test_a_name_with_any_private_address_is_refused(
    resolves: Resolver, addresses: list[str]
) -> None:
    resolves(*addresses)
    with pytest.raises(ModellixError, match=r"cdn\.example resolves to a private") as caught:
        resolve_public("cdn.example", 443, tls=True)
    assert caught.value.code is ErrorCode.RESOURCE_REFUSED
    assert "--allow-private-network" in caught.value.hint


def test_a_name_that_does_not_resolve_is_the_systems_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_arguments: Any, **_options: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(OSError, match="not known"):
        resolve_public("nowhere.example", 443, tls=True)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("64:ff9b::808:808", True),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::c0a8:1", False),
        ("64:ff9b:1::808:808", False),
        ("::ffff:8.8.8.8", True),
        ("::ffff:10.0.0.1", False),
    ],
)
def test_an_address_in_an_address_is_judged_as_what_it_is(address: str, public: bool) -> None:
    assert is_public(address) == public


@pytest.mark.parametrize("address", ["198.18.0.5", "198.19.255.254"])
def test_what_a_vpn_answers_passes_where_a_certificate_proves_the_host(
    resolves: Resolver, address: str
) -> None:
    resolves(address)
    assert resolve_public("cdn.example", 443, tls=True) == [address]
    with pytest.raises(ModellixError, match="private or reserved"):
        resolve_public("cdn.example", 80, tls=False)
    assert is_private(address)


@pytest.mark.parametrize(
    "host",
    ["8.8.8.8 .rebind.evil", "8.8.8.8\u00a0.evil", "8.8.8.8\u3000.evil", "8.8.8.8\x0b.evil", "a/b"],
)
def test_a_host_with_odd_characters_is_no_address_and_no_name(host: str) -> None:
    assert is_odd(host)
    assert literal_address(host) is None


@pytest.mark.parametrize(
    "host", ["cdn.example.com", "1.1.1.1", "::1", "猫.example", "a_b-c.x", "x~y"]
)
def test_an_ordinary_host_is_not_odd(host: str) -> None:
    assert not is_odd(host)

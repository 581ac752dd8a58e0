"""Which proxy a host is reached through, and which variable says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.api.proxies import find_proxy, is_excluded, proxy_for, shown_proxy


@pytest.mark.parametrize(
    ("url", "variables", "proxy"),
    [
        ("https://api.modellix.ai", {"HTTPS_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        ("https://api.modellix.ai", {"https_proxy": "proxy:3128"}, "http://proxy:3128"),
        ("https://api.modellix.ai", {"ALL_PROXY": "http://proxy:1"}, "http://proxy:1"),
        ("https://api.modellix.ai", {"HTTP_PROXY": "http://proxy:3128"}, None),
        ("https://api.modellix.ai", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "modellix.ai"}, None),
        ("https://api.modellix.ai", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, None),
        (
            "https://api.modellix.ai",
            {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "x.ai"},
            "http://p:1",
        ),
        ("https://api.modellix.ai", {"HTTPS_PROXY": "http://p:1", "no_proxy": ".ai"}, None),
        ("https://10.1.2.3", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, None),
        ("https://api.modellix.ai", {"HTTPS_PROXY": "  "}, None),
        ("https://api.modellix.ai", {}, None),
    ],
)
def test_the_environment_names_the_proxy(
    monkeypatch: pytest.MonkeyPatch, url: str, variables: dict[str, str], proxy: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(url) == proxy


@pytest.mark.parametrize(
    "variable", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "HTTPS_proxy"]
)
def test_the_variable_that_names_the_proxy_is_known(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "http://p:1")
    found = find_proxy("https://api.modellix.ai")
    assert found is not None
    assert (found.url, found.variable) == ("http://p:1", variable)


def test_the_variable_of_the_scheme_comes_before_the_one_for_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://all:1")
    monkeypatch.setenv("https_proxy", "http://secure:1")
    assert proxy_for("https://api.modellix.ai") == "http://secure:1"
    assert proxy_for("http://api.modellix.ai") == "http://all:1"


@pytest.mark.parametrize(
    ("host", "port", "listed", "excluded"),
    [
        ("api.modellix.ai", 443, "", False),
        ("api.modellix.ai", 443, "*", True),
        ("api.modellix.ai", 443, "a.b, *", True),
        ("api.modellix.ai", 443, "api.modellix.ai", True),
        ("API.Modellix.AI", 443, "api.modellix.ai", True),
        ("api.modellix.ai.", 443, "api.modellix.ai", True),
        ("api.modellix.ai", 443, "modellix.ai", True),
        ("api.modellix.ai", 443, ".modellix.ai", True),
        ("modellix.ai", 443, ".modellix.ai", True),
        ("api.modellix.ai", 443, "*.modellix.ai", True),
        ("notmodellix.ai", 443, "modellix.ai", False),
        ("notmodellix.ai", 443, ".modellix.ai", False),
        ("api.modellix.ai", 443, "x.y api.modellix.ai z", True),
        ("api.modellix.ai", 443, "api.modellix.ai:443", True),
        ("api.modellix.ai", 443, "api.modellix.ai:80", False),
        ("api.modellix.ai", 8443, ".modellix.ai:8443", True),
        ("10.1.2.3", 443, "10.0.0.0/8", True),
        ("11.1.2.3", 443, "10.0.0.0/8", False),
        ("10.1.2.3", 443, "10.1.2.3", True),
        ("10.1.2.3", 443, "10.1.2.3:443", True),
        ("10.1.2.3", 443, "10.1.2.3:80", False),
        ("10.1.2.3", 443, "2.3", False),
        ("10.1.2.3", 443, "10.0.0.5/8", True),
        ("10.1.2.3", 443, "10.0.0.0/99", False),
        ("10.1.2.3", 443, "fd00::/8", False),
        ("fd00::1", 443, "fd00::/8", True),
        ("fd00::1", 443, "fd00:0::1", True),
        ("fd00::1", 443, "[fd00::1]", True),
        ("fd00::1", 8443, "[fd00::1]:8443", True),
        ("fd00::1", 443, "[fd00::1]:8443", False),
        ("api.modellix.ai", 443, "10.0.0.0/8", False),
        ("api.modellix.ai", 443, ".", False),
        ("api.modellix.ai", 443, ":443", False),
    ],
)
def test_no_proxy_is_read_as_elsewhere(host: str, port: int, listed: str, excluded: bool) -> None:
    assert is_excluded(host, port, listed) is excluded


@given(st.text(max_size=20), st.text(max_size=40))
def test_whatever_no_proxy_holds_is_an_answer(host: str, listed: str) -> None:
    assert is_excluded(host, 443, listed) in (True, False)


@pytest.mark.parametrize(
    "proxy", ["http://p:1", "http://me:secret@p:1", "http://me:a/secret@p:1/", "http://p:1/secret"]
)
def test_a_proxy_is_shown_without_its_password(proxy: str) -> None:
    assert shown_proxy(proxy) == "http://p:1"


def test_this_machine_is_never_reached_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:3128")
    assert proxy_for("http://127.0.0.1:8787/api") is None
    assert proxy_for("http://localhost:8787/api") is None

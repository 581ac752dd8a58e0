import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.addresses import canonical_base_url, parse_base_url, parse_webhook_url
from modellix_cli.domain.errors import ErrorCode, ModellixError

# Base URLs


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://api.modellix.ai", "https://api.modellix.ai"),
        (" https://api.modellix.ai/\n", "https://api.modellix.ai"),
        ("https://proxy.example/modellix//", "https://proxy.example/modellix"),
        ("https://api.example:8443", "https://api.example:8443"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("https://10.0.0.1", "https://10.0.0.1"),
        ("https://api.modellix.ai/api/v1", "https://api.modellix.ai"),
        ("https://api.modellix.ai./api/v1/", "https://api.modellix.ai"),
        ("https://proxy.example.:8443//api/v1/api/v1//", "https://proxy.example:8443"),
        ("https://proxy.example/x/api/v1", "https://proxy.example/x"),
        ("https://api/v1", "https://api/v1"),
        ("https://proxy.example/my-api/v1", "https://proxy.example/my-api/v1"),
        ("http://localhost.:8080", "http://localhost:8080"),
        ("https://[2001:db8::1]/api/v1", "https://[2001:db8::1]"),
    ],
)
def test_a_base_url_is_https_without_a_final_slash(text: str, url: str) -> None:
    assert parse_base_url(text) == url


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://api.example/v", "https://API.example:443/%76/"),
        ("https://api.example/\u00e9", "https://api.example/%C3%A9"),
        ("https://api.example/a%3ab", "https://api.example/a:b"),
        ("https://api.example", "https://api.example/api/v1/"),
        ("https://api.example", "https://API.example.:443/%61pi/v1"),
    ],
)
def test_the_ledger_knows_an_address_by_one_spelling(one: str, other: str) -> None:
    assert canonical_base_url(one) == canonical_base_url(other)


@pytest.mark.parametrize("path", ["/.", "/x/..", "/./x", "/%2e%2E/x", "/.%2e"])
def test_a_base_url_has_one_spelling_of_its_path(path: str) -> None:
    """What it names would be sent to as another path, and be another account's in the ledger."""
    with pytest.raises(ModellixError, match=r'"\." or "\.\."') as caught:
        parse_base_url(f"https://api.example{path}")
    assert caught.value.code is ErrorCode.USAGE


@pytest.mark.parametrize(
    "url",
    ["http://localhost:8080", "http://127.0.0.1:1/x", "http://[::1]:8080", "HTTP://LOCALHOST"],
)
def test_http_is_allowed_on_this_machine(url: str) -> None:
    assert parse_base_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        *("http://api.modellix.ai", "http://localhost.evil.com", "http://127.0.0.1.evil.com"),
        *("http://0.0.0.0", "http://10.0.0.1", "http://localhost\\.evil.com", "http://127.1"),
        "http://[::ffff:127.0.0.1]",
    ],
)
def test_http_is_refused_elsewhere(url: str) -> None:
    with pytest.raises(ModellixError, match="must use HTTPS") as caught:
        parse_base_url(url)
    assert "--allow-http-api" in caught.value.hint


def test_http_can_be_allowed_anywhere() -> None:
    url = "http://gateway.local:8080"
    assert parse_base_url(url, allow_http=True) == url


@pytest.mark.parametrize(
    "url",
    [
        *("", "api.modellix.ai", "//api.modellix.ai", "ftp://x", "file:///etc/passwd", "https://"),
        *("https:///x", "https:api.modellix.ai", "https://[::1", "https://x:99999", "https://x:y"),
        *("https://a b", "https://a/b c", "https://a\u00a0b", "https://a\nb", "https://a\x00"),
        *("https://a\tb", "https://a/\ud800", "javascript:alert(1)", "https://:443"),
    ],
)
def test_what_is_no_web_address_is_no_base_url(url: str) -> None:
    with pytest.raises(ModellixError, match="Invalid Modellix API base URL") as caught:
        parse_base_url(url)
    assert caught.value.code is ErrorCode.USAGE


@pytest.mark.parametrize(
    "url",
    [
        *("https://user:hunter2@x", "https://hunter2@x", "https://@x", "https://:@x"),
        *("https://x?", "https://x?a=hunter2", "https://x#", "https://localhost\\@evil.com"),
    ],
)
def test_a_base_url_has_no_credentials_query_or_fragment(url: str) -> None:
    with pytest.raises(ModellixError, match="must not include credentials") as caught:
        parse_base_url(url)
    assert "hunter2" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    "url", ["ftp://user:hunter2@x", "https://user:hunter2@x:99999", "https://u:hunter2 @x"]
)
def test_an_error_never_shows_credentials_in_a_base_url(url: str) -> None:
    with pytest.raises(ModellixError) as caught:
        parse_base_url(url)
    assert "hunter2" not in caught.value.message + caught.value.hint


@given(
    st.text(max_size=30)
    | st.builds("{}{}".format, st.sampled_from(["https://", "http://"]), st.text(max_size=20))
    | st.builds("https://{}".format, st.text("a.:/pi1v%6", max_size=30))
    | st.builds(
        "https://h{}".format, st.lists(st.sampled_from(["/api/v1", "/", ".", "x"])).map("".join)
    )
)
def test_any_text_is_a_base_url_or_a_usage_error(text: str) -> None:
    try:
        url = parse_base_url(text)
    except ModellixError as error:
        assert error.code is ErrorCode.USAGE
    else:
        assert url.lower().startswith(("https://", "http://"))
        assert not any(character.isspace() for character in url)
        assert parse_base_url(url) == url
        assert canonical_base_url(canonical_base_url(url)) == canonical_base_url(url)


# Webhooks


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com/hook?x=1&y=%20",
        "https://EXAMPLE.com:8443/hook",
        "https://example.com./hook",
        "https://xn--bcher-kva.example.com/",
        "https://8.8.8.8/hook",
        "https://[2606:4700::1111]/hook",
        "https://localhost.example.com/",
        "https://10.example.com/",
    ],
)
def test_a_webhook_is_a_public_https_url(url: str) -> None:
    assert parse_webhook_url(f" {url}\n") == url


@pytest.mark.parametrize(
    "url",
    [
        *("", "example.com/hook", "https://", "https:///x", "https://[x", "https://a:b:c/"),
        *("http://example.com", "ftp://example.com", "file:///etc/passwd", "data:,x"),
        *("https://me:secret@example.com", "https://me@example.com", "https://example.com/#x"),
        *("https://localhost/x", "https://LOCALHOST.:443/x", "https://a.localhost", "https://box"),
        *("https://printer.local", "https://db.internal", "https://home.arpa", "https://x.test"),
        *("https://127.0.0.1", "https://127.1", "https://2130706433", "https://0x7f.1"),
        *("https://0177.0.0.1", "https://10.0.0.1", "https://192.168.1.1", "https://172.16.0.1"),
        *("https://169.254.169.254", "https://100.64.0.1", "https://0.0.0.0", "https://224.0.0.1"),
        *("https://198.18.0.1", "https://255.255.255.255", "https://1.2.3.4.5", "https://1.2.3"),
        *("https://[::1]", "https://[fd00::1]", "https://[fe80::1]", "https://[::]"),
        *("https://[::ffff:127.0.0.1]", "https://[64:ff9b::10.0.0.1]", "https://[2002:7f00:1::]"),
        *("https://b\u00fccher.example/", "https://example.com/\u00e9", "https://example.com/a b"),
        *("https://example.com/\r\nX: y", "https://a..b/", "https://example.com:99999/"),
        "https://example.com/" + "x" * 2048,
    ],
)
def test_any_other_webhook_is_refused(url: str) -> None:
    with pytest.raises(ModellixError) as caught:
        parse_webhook_url(url)
    assert caught.value.code is ErrorCode.USAGE
    assert "ebhook" in caught.value.message
    assert "secret" not in caught.value.message


@given(st.text(max_size=40).map("https://{}".format) | st.text(max_size=40))
def test_whatever_is_given_is_a_webhook_or_refused(text: str) -> None:
    try:
        url = parse_webhook_url(text)
    except ModellixError as error:
        assert error.code is ErrorCode.USAGE
    else:
        assert url.startswith("https://")
        assert url.isascii()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8788/", "https://localhost/a", "http://[::1]:1/"]
)
def test_where_the_service_is_here_a_webhook_may_be_too(url: str) -> None:
    assert parse_webhook_url(url, local=True) == url
    with pytest.raises(ModellixError):
        parse_webhook_url(url)


@pytest.mark.parametrize("url", ["http://example.com/", "https://10.0.0.1/", "ftp://localhost/"])
def test_no_other_private_address_is_taken_there(url: str) -> None:
    with pytest.raises(ModellixError):
        parse_webhook_url(url, local=True)

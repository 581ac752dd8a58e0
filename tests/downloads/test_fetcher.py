"""Fetching results: what is refused, followed, and told. The key never goes there."""

import gzip
import socket

import httpx
import pytest
import respx

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.downloads.fetcher import MediaFetcher, MediaPolicy
from modellix_cli.downloads.response import Checksum, Resume, Version
from modellix_cli.downloads.tries import FetchFailed, Remedy

URL = "https://cdn.example.com/images/a.png?sig=secret"
PUBLIC = "93.184.216.34"


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Resolve names without a network."""
    table = {
        "cdn.example.com": PUBLIC,
        "cdn2.example.com": PUBLIC,
        "inside.example.com": "10.0.0.7",
    }

    def resolve(host: str, port: int, **kwargs: object) -> list[object]:
        if host not in table:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (table[host], port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return table


def fetch(url: str, policy: MediaPolicy | None = None) -> bytes:
    with MediaFetcher(policy or MediaPolicy()).open(url) as stream:
        return b"".join(stream.chunks)


def failure(url: str, policy: MediaPolicy | None = None) -> ModellixError:
    try:
        fetch(url, policy)
    except FetchFailed as failed:
        assert failed.error.retryable == (failed.remedy is Remedy.TRY_AGAIN)
        return failed.error
    except ModellixError as refused:
        return refused
    pytest.fail("it was fetched")


@respx.mock
def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    route = respx.get(url__startswith=f"https://{PUBLIC}/").respond(content=b"pixels")
    assert fetch(URL) == b"pixels"
    request = route.calls.last.request
    assert request.headers["host"] == "cdn.example.com"
    assert request.extensions["sni_hostname"] == "cdn.example.com"
    assert "authorization" not in request.headers


@respx.mock
def test_the_announced_type_and_length_are_told() -> None:
    respx.get(host=PUBLIC).respond(content=b"pixels", headers={"Content-Type": "image/png"})
    with MediaFetcher(MediaPolicy()).open(URL) as stream:
        assert (stream.content_type, stream.length) == ("image/png", 6)


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://cdn.example.com/a.png", "--allow-insecure-http"),
        ("https://127.0.0.1/a.png", "--allow-private-network"),
        ("https://2130706433/a.png", "--allow-private-network"),
        ("https://[::1]/a.png", "--allow-private-network"),
        ("https://localhost/a.png", "--allow-private-network"),
        ("https://x.localhost/a.png", "--allow-private-network"),
        ("https://192.168.1.1/a.png", "--allow-private-network"),
        ("https://inside.example.com/a.png", "--allow-private-network"),
        ("ftp://cdn.example.com/a.png", "ftp"),
        ("file:///etc/passwd", "file"),
        ("//cdn.example.com/a.png", "(none)"),
        ("https://user:pw@cdn.example.com/a.png", "credentials"),
        ("https:///a.png", "Invalid"),
        ("https://[::1/a.png", "Invalid"),
        ("https://cdn.example.com:99999/a.png", "Invalid"),
    ],
)
def test_an_unsafe_url_is_refused_before_any_request(url: str, word: str) -> None:
    with respx.mock:
        error = failure(url)
    assert error.code is ErrorCode.RESOURCE_REFUSED
    assert error.exit_status == 2
    assert word in error.message + error.hint


@respx.mock
def test_what_the_user_allows_is_fetched() -> None:
    respx.get("http://127.0.0.1:9/a.png").respond(content=b"x")
    assert fetch("http://127.0.0.1:9/a.png", MediaPolicy(True, True)) == b"x"


@respx.mock
def test_redirects_are_followed_with_each_hop_checked() -> None:
    respx.get(host=PUBLIC, path="/images/a.png").respond(
        302, headers={"Location": "https://cdn2.example.com/b.png"}
    )
    last = respx.get(host=PUBLIC, path="/b.png").respond(content=b"pixels")
    assert fetch(URL) == b"pixels"
    assert last.calls.last.request.headers["host"] == "cdn2.example.com"


@respx.mock
@pytest.mark.parametrize(
    "target",
    [
        "http://cdn.example.com/a.png",
        "https://10.1.2.3/",
        "https://inside.example.com/",
        "file:///x",
    ],
)
def test_a_redirect_to_an_unsafe_place_is_refused(target: str) -> None:
    respx.get(host=PUBLIC).respond(302, headers={"Location": target})
    assert failure(URL).code is ErrorCode.RESOURCE_REFUSED


@respx.mock
def test_redirects_in_a_circle_end() -> None:
    route = respx.get(host=PUBLIC).respond(302, headers={"Location": URL})
    error = failure(URL)
    assert "exceeded 5 redirects" in error.message
    assert not error.retryable
    assert route.call_count == 6


@respx.mock
def test_a_redirect_to_nowhere_is_told() -> None:
    respx.get(host=PUBLIC).respond(302)
    error = failure(URL)
    assert "did not include a Location" in error.message
    assert not error.retryable


@respx.mock
@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        (404, False),
        (403, False),
        (410, False),
        (500, True),
        (503, True),
        (429, True),
        (206, False),
    ],
)
def test_a_status_other_than_200_is_a_failure(status: int, retryable: bool) -> None:
    respx.get(host=PUBLIC).respond(status)
    error = failure(URL)
    assert (error.code, error.status, error.retryable) == (
        ErrorCode.DOWNLOAD_FAILED,
        status,
        retryable,
    )


@respx.mock
@pytest.mark.parametrize(
    "cause",
    [
        httpx.ReadError("reset"),
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("refused"),
        httpx.RemoteProtocolError("cut"),
        OSError("odd"),
    ],
)
def test_trouble_on_the_wire_may_pass(cause: Exception) -> None:
    respx.get(host=PUBLIC).mock(side_effect=cause)
    error = failure(URL)
    assert error.code is ErrorCode.DOWNLOAD_FAILED
    assert error.retryable
    assert "secret" not in error.message


def test_a_name_that_does_not_resolve_is_told() -> None:
    assert "nowhere.example.com" in failure("https://nowhere.example.com/a.png").message


@respx.mock
def test_what_goes_wrong_while_the_caller_writes_is_the_callers() -> None:
    respx.get(host=PUBLIC).respond(content=b"pixels")
    with pytest.raises(OSError, match="disk full"), MediaFetcher(MediaPolicy()).open(URL):
        raise OSError("disk full")


@respx.mock
@pytest.mark.parametrize("location", ["http://[bad", "https://[::1", "\x00"])
def test_a_broken_redirect_is_refused(location: str) -> None:
    respx.get(host=PUBLIC).respond(302, headers={"Location": location})
    assert failure(URL).code in (ErrorCode.RESOURCE_REFUSED, ErrorCode.DOWNLOAD_FAILED)


def test_a_refusal_names_every_flag_that_would_be_needed() -> None:
    hint = failure("http://127.0.0.1/a.png").hint
    assert "--allow-insecure-http --allow-private-network" in hint


REST = Resume(2, Version('"v1"'), 6)


def rest(resume: Resume = REST) -> tuple[int, int | None, bytes]:
    """Ask for the rest of a file; return where it begins, the whole length, and the bytes."""
    with MediaFetcher(MediaPolicy()).open(URL, resume) as stream:
        return stream.start, stream.length, b"".join(stream.chunks)


@respx.mock
def test_the_rest_of_a_file_is_asked_for_with_range_and_validator() -> None:
    route = respx.get(host=PUBLIC).respond(
        206, content=b"xels", headers={"Content-Range": "bytes 2-5/6"}
    )
    assert rest() == (2, 6, b"xels")
    sent = route.calls.last.request.headers
    assert (sent["range"], sent["if-range"]) == ("bytes=2-", '"v1"')


@respx.mock
def test_a_file_that_has_changed_comes_whole() -> None:
    route = respx.get(host=PUBLIC).respond(content=b"other")
    assert rest() == (0, 5, b"other")
    assert route.call_count == 1


@respx.mock
@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(416),
        httpx.Response(206, content=b"xels"),
        httpx.Response(206, content=b"ixels", headers={"Content-Range": "bytes 1-5/6"}),
        httpx.Response(206, content=b"xels", headers={"Content-Range": "bytes 2-5/7"}),
    ],
)
def test_a_rest_that_does_not_fit_is_left_for_the_whole_file(answer: httpx.Response) -> None:
    route = respx.get(host=PUBLIC)
    route.side_effect = [answer, httpx.Response(200, content=b"pixels")]
    assert rest() == (0, 6, b"pixels")
    assert "range" not in route.calls.last.request.headers


@respx.mock
def test_the_rest_is_asked_for_after_a_redirect_too() -> None:
    respx.get(host=PUBLIC, path="/images/a.png").respond(
        302, headers={"Location": "https://cdn2.example.com/b.png"}
    )
    last = respx.get(host=PUBLIC, path="/b.png").respond(
        206, content=b"xels", headers={"Content-Range": "bytes 2-5/6"}
    )
    assert rest() == (2, 6, b"xels")
    assert last.calls.last.request.headers["range"] == "bytes=2-"


@respx.mock
@pytest.mark.parametrize(("status", "retryable"), [(503, True), (404, False), (204, False)])
def test_a_failure_is_one_for_the_rest_too(status: int, retryable: bool) -> None:
    respx.get(host=PUBLIC).respond(status)
    with pytest.raises(FetchFailed) as caught:
        rest()
    error = caught.value.error
    assert (error.status, error.retryable) == (status, retryable)


@respx.mock
def test_what_a_whole_file_is_compared_with_is_told() -> None:
    headers = {"ETag": '"v1"', "Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}
    respx.get(host=PUBLIC).respond(content=b"pixels", headers=headers)
    with MediaFetcher(MediaPolicy()).open(URL) as stream:
        assert stream.version == Version('"v1"')
        assert stream.checksum == Checksum("md5", bytes(16))


@respx.mock
def test_a_checksum_of_a_part_is_not_one_of_the_file() -> None:
    headers = {"Content-Range": "bytes 2-5/6", "Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}
    respx.get(host=PUBLIC).respond(206, content=b"xels", headers=headers)
    with MediaFetcher(MediaPolicy()).open(URL, REST) as stream:
        assert stream.checksum is None


@respx.mock
@pytest.mark.parametrize(("asked", "wait"), [("12", 12.0), ("0", None), ("soon", None)])
@pytest.mark.parametrize("status", [429, 503])
def test_the_time_that_a_busy_host_names_is_told(
    status: int, asked: str, wait: float | None
) -> None:
    respx.get(host=PUBLIC).respond(status, headers={"Retry-After": asked})
    with pytest.raises(FetchFailed) as caught:
        fetch(URL)
    assert (caught.value.remedy, caught.value.retry_after) == (Remedy.TRY_AGAIN, wait)


@respx.mock
@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_status_of_urls_that_are_not_valid_any_more_asks_for_a_new_one(status: int) -> None:
    respx.get(host=PUBLIC).respond(status)
    with pytest.raises(FetchFailed) as caught:
        fetch(URL)
    assert caught.value.remedy is Remedy.NEW_URL


@respx.mock
def test_a_rest_of_another_version_is_left_for_the_whole_file() -> None:
    rest_of_other = httpx.Response(
        206, content=b"xels", headers={"Content-Range": "bytes 2-5/6", "ETag": '"v2"'}
    )
    whole = httpx.Response(200, content=b"pixels")
    route = respx.get(host=PUBLIC)
    route.side_effect = [rest_of_other, whole]
    assert rest() == (0, 6, b"pixels")


@respx.mock
def test_a_decoded_file_has_no_length_and_cannot_be_resumed() -> None:
    headers = {
        "Content-Encoding": "gzip",
        "ETag": '"v1"',
        "Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    respx.get(host=PUBLIC).respond(content=gzip.compress(b"pixels"), headers=headers)
    with MediaFetcher(MediaPolicy()).open(URL) as stream:
        assert (stream.length, stream.version, stream.checksum) == (None, Version(), None)
        assert b"".join(bytes(chunk) for chunk in stream.chunks) == b"pixels"


# Proxies


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://user:secret@proxy.example:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)


@respx.mock
@pytest.mark.usefixtures("proxy")
def test_a_proxy_is_given_the_name_of_a_public_host() -> None:
    respx.get(URL).respond(content=b"pixels")
    assert fetch(URL) == b"pixels"


@respx.mock
@pytest.mark.usefixtures("proxy")
@pytest.mark.parametrize("host", ["inside.example.com", "nowhere.example.com", "10.0.0.1"])
def test_a_proxy_is_not_asked_for_private_or_unknown_hosts(host: str) -> None:
    error = failure(f"https://{host}/a.png")
    assert error.code is ErrorCode.RESOURCE_REFUSED
    assert "--allow-private-network" in error.hint
    assert "secret" not in error.message


@respx.mock
@pytest.mark.usefixtures("proxy")
def test_what_the_user_allows_is_left_to_the_proxy() -> None:
    respx.get("https://nowhere.example.com/a.png").respond(content=b"pixels")
    assert fetch("https://nowhere.example.com/a.png", MediaPolicy(private_network=True))


@pytest.mark.usefixtures("proxy")
def test_that_only_the_proxy_resolves_names_is_said_before_paying() -> None:
    with pytest.raises(ModellixError, match=r"Only the proxy http://proxy\.example:3128 can"):
        MediaFetcher(MediaPolicy()).check_before_paying("https://nowhere.example.com/api/v1")
    MediaFetcher(MediaPolicy()).check_before_paying("https://cdn.example.com/api/v1")
    allowed = MediaFetcher(MediaPolicy(private_network=True))
    allowed.check_before_paying("https://nowhere.example.com/api/v1")


def test_without_a_proxy_nothing_is_resolved_before_paying() -> None:
    MediaFetcher(MediaPolicy()).check_before_paying("https://nowhere.example.com/api/v1")


# A service on this machine


@respx.mock
def test_the_media_of_a_service_on_this_machine_need_no_flags() -> None:
    own = MediaPolicy(own_origin="http://127.0.0.1:8123/api/v1")
    respx.get("http://127.0.0.1:8123/media/1.png").respond(content=b"pixels")
    assert fetch("http://127.0.0.1:8123/media/1.png", own) == b"pixels"
    for url in ("http://127.0.0.1:8124/a", "http://10.0.0.1/a", "https://127.0.0.1:8123/a"):
        assert failure(url, own).code is ErrorCode.RESOURCE_REFUSED


def test_only_loopback_is_a_service_on_this_machine() -> None:
    own = MediaPolicy(own_origin="http://10.0.0.1/api/v1")
    assert failure("http://10.0.0.1/a.png", own).code is ErrorCode.RESOURCE_REFUSED

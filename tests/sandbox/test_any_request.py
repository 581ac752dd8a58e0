"""Whatever is sent, the app answers, and below the API's prefix always in JSON with a code."""

import io
from typing import Any
from urllib.parse import quote
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.sandbox.catalog import MODELS
from tests.sandbox.harness import PNG, Service, call, form

NOT_JSON = {
    f"sandbox/{name}" for name in ("gateway", "garbage", "cut", "html", "trailing", "half-reply")
}
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) | st.text(
    max_size=9
)
WORDS = st.sampled_from(
    [
        *("tasks", "models", "media", "files", "async", "apikey", "validate", "team", "balance"),
        *("text-to-image", "image-to-video", "1.png", "2/x", "api_schema", "llms.txt", "..", ""),
        *sorted(MODELS.keys() - NOT_JSON),
    ]
) | st.text(max_size=12)
PATHS = st.lists(WORDS, max_size=5).map(lambda words: "/".join(words))
BODIES = st.binary(max_size=200) | st.sampled_from(
    [b"{}", b'{"prompt": "a"}', b'{"prompt": "\\ud800", "n": 2}', form(PNG)[0]]
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "Content-Type",
            "Content-Length",
            "Range",
            "If-Range",
            "Host",
            "Transfer-Encoding",
            "Accept",
        ]
    ),
    st.text(max_size=30)
    | st.sampled_from(
        ["multipart/form-data; boundary=xyz", "bytes=1-", "9" * 5000, "-1", "chunked"]
    ),
    max_size=3,
)
KEYS = st.none() | st.sampled_from(["k", "sandbox-broke", "sandbox-invalid"]) | st.text(max_size=9)


@given(METHODS, PATHS, BODIES, HEADERS, KEYS)
@pytest.mark.slow
def test_every_answer_of_the_api_is_json_with_a_code(
    method: str, path: str, body: bytes, headers: dict[str, str], key: str | None
) -> None:
    service = Service()
    service.task_of("sandbox/image")
    reply = service.ask(
        method, "/api/v1/" + quote(path, errors="surrogatepass"), body, key=key, headers=headers
    )
    if method.upper() != "HEAD":
        assert isinstance(reply.json["code"], int)
        assert reply.headers["Content-Type"] == "application/json"
    service.store.close()


@given(METHODS, PATHS, BODIES, HEADERS)
def test_every_other_path_is_answered_too(
    method: str, path: str, body: bytes, headers: dict[str, str]
) -> None:
    service = Service()
    target = "/" + quote(path, errors="surrogatepass")
    reply = service.ask(method, target, body, key=None, headers=headers)
    assert 200 <= reply.status < 500
    service.store.close()


@given(st.text(max_size=40), HEADERS)
def test_a_path_that_is_already_text_is_answered(path: str, headers: dict[str, str]) -> None:
    service = Service()
    environ: dict[str, Any] = {
        "PATH_INFO": "/api/v1/tasks/" + path,
        "HTTP_AUTHORIZATION": "Bearer k",
    }
    environ |= {"wsgi.input": io.BytesIO(), "REQUEST_METHOD": "GET", "HTTP_HOST": "x"}
    assert call(service.app, environ).status == 404
    service.store.close()


@given(st.binary(max_size=400), st.sampled_from(["xyz", "x", "", '"a b"', "é"]))
def test_any_form_is_kept_or_refused(body: bytes, boundary: str) -> None:
    service = Service()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    for sent in (body, b"--xyz\r\n" + body, form(PNG)[0] + body, form(body)[0]):
        assert service.ask("POST", "/api/v1/media/files", sent, headers=headers).status in (
            200,
            400,
        )
    service.store.close()


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/v1/models"), ("POST", "/api/v1/a/b"), ("HEAD", "/llms.txt")]
)
def test_the_app_keeps_to_the_rules_of_wsgi(service: Service, method: str, path: str) -> None:
    environ = {"REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": ""}
    setup_testing_defaults(environ)
    checked: Any = validator(service.app)
    chunks = checked(environ, lambda status, headers, failure=None: lambda data: None)
    list(chunks)
    chunks.close()

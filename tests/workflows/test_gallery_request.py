"""What a kept body says for the gallery."""

from base64 import b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.jsontext import dumps
from modellix_cli.workflows.gallery_request import (
    MAX_COMMAND_BODY,
    SentRequest,
    mentions,
    names_of,
    read_request,
)

URL = "https://cdn.example.com/task-1/1.png"
DIGEST = sha256(b"picture").hexdigest()
INLINE = "data:image/png;base64," + b64encode(b"picture").decode()


def read(**body: object) -> SentRequest:
    return read_request(dumps(body).encode())


@pytest.mark.parametrize("name", ["prompt", "text"])
def test_the_prompt_stands_apart_from_the_parameters(name: str) -> None:
    sent = read(**{name: "a fox", "size": "4*3", "n": 2, "hd": True})
    assert sent.prompt == "a fox"
    assert sent.parameters == (("size", "4*3"), ("n", "2"), ("hd", "true"))


@pytest.mark.parametrize("body", [None, b"", b"[1]", b"\xff", b'{"a":', b"null"])
def test_of_a_body_that_cannot_be_read_nothing_is_known(body: bytes | None) -> None:
    assert read_request(body) == SentRequest()


def test_an_inline_file_is_shown_by_its_length() -> None:
    sent = read(image=INLINE)
    assert sent.parameters == (("image", f"data:image/png;base64,… ({len(INLINE)} characters)"),)


def test_signatures_are_shown_nowhere() -> None:
    signed = f"{URL}?Signature=secret&Key=hidden"
    for sent in (read(image=signed), read(images=[signed]), read(more={"image": signed})):
        assert "secret" not in repr(sent)
        assert "hidden" not in repr(sent)
        assert sent.body is None
        assert sent.mentions == (URL,)


def test_the_body_for_a_command_line_is_json_of_one_line() -> None:
    assert read(prompt="it's\n\u202eodd").body == '{"prompt":"it\'s\\n\\u202eodd"}'
    assert read(prompt="x" * MAX_COMMAND_BODY).body is None


@pytest.mark.parametrize(
    "text",
    [
        URL,
        f"{URL}?sig=1#t=0.1",
        "@task:task-1",
        "@task:task-1:1",
        "@task:task-1/01",
        f"sha256:{DIGEST}",
        DIGEST.upper(),
        INLINE,
    ],
)
def test_a_result_is_known_by_url_digest_content_or_task(text: str) -> None:
    names = names_of("task-1", 1, f"{URL}?other=signature", DIGEST)
    assert set(mentions(text)) & set(names)


@pytest.mark.parametrize("text", ["task-1", f"{URL}.html", "@task:task-2", INLINE[:-4], "1" * 65])
def test_other_texts_mean_no_result(text: str) -> None:
    assert not set(mentions(text)) & set(names_of("task-1", 1, URL, DIGEST))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just(URL),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@pytest.mark.slow
@given(st.dictionaries(st.text(), JSON))
def test_any_body_can_be_read(body: dict[str, object]) -> None:
    sent = read_request(dumps(body).encode("utf-8", "surrogatepass"))
    assert all(len(value) <= 600 for _, value in sent.parameters)

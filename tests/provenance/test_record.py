"""The record of a file: exact, bounded, and without what must not be published."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.identity import identity_of
from modellix_cli.domain.money import Money
from modellix_cli.domain.values import parse_slug
from modellix_cli.provenance.record import MAX_RECORD, Provenance
from modellix_cli.provenance.redaction import redact_json, redact_text
from tests.provenance.samples import record

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.text(), JSON, max_size=5), st.booleans())
@pytest.mark.slow
def test_a_record_is_read_as_it_was_written(body: dict[str, Any], ascii_only: bool) -> None:
    made = record(json.dumps(body, ensure_ascii=ascii_only).encode("utf-8", "replace").decode())
    assert Provenance.parse(made.as_json()) == made
    assert Provenance.parse(made.as_json(indent=2).encode()) == made


@pytest.mark.parametrize(
    "body",
    [
        '{ "a":1.0e2 ,"b":\t-0,"a":12345678901234567890.10 }',
        '{"prompt": "x", "n": [1, [2, {"parameters": 3}]]}',
        "{}",
    ],
)
def test_parameters_are_exact(body: str) -> None:
    made = record(body)
    assert made.parameters == body
    found = Provenance.parse(made.as_json())
    assert found is not None
    assert found.parameters == body


def test_what_acts_on_a_terminal_is_escaped_without_changing_the_request() -> None:
    body = json.dumps({"prompt": "a\u202eb\x7f\uffff"}, ensure_ascii=False)
    made = record(body)
    assert made.parameters == '{"prompt": "a\\u202eb\\u007f\\uffff"}'
    slug = parse_slug("a/b")
    same = [identity_of("https://x", slug, text.encode()) for text in (body, made.parameters)]
    assert same[0].digest == same[1].digest


def test_json_of_a_record() -> None:
    assert json.loads(record('{"prompt": "a fox", "seed": 7}').as_json()) == {
        "modellix": 1,
        "taskId": "task-1",
        "position": 1,
        "model": "alibaba/qwen-image-plus",
        "prompt": "a fox",
        "createdAt": "2027-01-15T08:00:00.250Z",
        "billedUsd": 0.03,
        "sources": ["task-0"],
        "program": record().program,
        "parameters": {"prompt": "a fox", "seed": 7},
    }


@pytest.mark.parametrize("body", [None, b"", b"[1]", b"\xff", b"{", b'{"a": NaN}'])
def test_a_body_that_is_no_json_object_is_left_out(body: bytes | None) -> None:
    made = Provenance.of("task-1", body)
    assert (made.parameters, made.prompt, made.complete) == (None, None, False)
    assert Provenance.parse(made.as_json()) == made


def test_the_main_text_is_prompt_or_text() -> None:
    assert record('{"text": "say it"}').prompt == "say it"
    assert record('{"prompt": 3, "text": "say it"}').prompt == "say it"
    assert Provenance.of("t", b'{"prompt": "a"}', prompt="b").prompt == "b"


def test_too_long_a_body_is_left_out() -> None:
    made = record(json.dumps({"prompt": "x" * 300_000}))
    assert made.parameters is None
    assert len(made.as_json().encode()) < MAX_RECORD


@pytest.mark.parametrize(
    "text",
    [
        *("", "null", "[]", "{}", "3", '"x"', "{", '{"modellix": 1}', '{"taskId": "t"}'),
        '{"modellix": true, "taskId": "t"}',
        '{"modellix": 1, "taskId": "../\\u001b"}',
        '{"modellix": 1, "taskId": 7}',
        "[" * 100_000,
        '{"modellix": 1, "taskId": "t", "x": "' + "a" * MAX_RECORD + '"}',
    ],
)
def test_what_is_no_record(text: str) -> None:
    assert Provenance.parse(text) is None
    assert Provenance.parse(text.encode()) is None


def test_members_that_are_not_what_they_should_be_are_left_out() -> None:
    odd = {
        "modellix": 1,
        "taskId": "t",
        "model": "a\x1b[31m",
        "prompt": 3,
        "createdAt": "yesterday",
        "billedUsd": -1,
        "sources": ["ok", 3, "not ok"],
        "position": True,
        "program": "",
        "parameters": [1],
    }
    found = Provenance.parse(json.dumps(odd))
    assert found == Provenance("t", sources=("ok",), program="unknown")


@given(st.text() | st.binary() | JSON.map(json.dumps))
def test_parsing_anything_raises_nothing(text: str | bytes) -> None:
    Provenance.parse(text)


MEMBERS = (
    *("modellix", "taskId", "model", "prompt", "createdAt", "billedUsd", "sources", "position"),
    *("program", "parameters"),
)


@given(st.dictionaries(st.sampled_from(MEMBERS), JSON))
def test_a_record_with_odd_members_is_read_and_written_again(members: dict[str, Any]) -> None:
    found = Provenance.parse(json.dumps({"modellix": 1, "taskId": "t"} | members))
    if found is not None:
        assert Provenance.parse(found.as_json()) == found


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("https://x.com/a.png?sig=abc&e=1", "https://x.com/a.png?[REDACTED]"),
        ("see s3://b/k?X-Amz-Signature=1 and", "see s3://b/k?[REDACTED] and"),
        ("https://me:secret@x.com/a", "https://x.com/a"),
        ("https://x.com/a#access_token=1", "https://x.com/a#[REDACTED]"),
        ("https://x.com/a@2x.png", "https://x.com/a@2x.png"),
        ("what is https://x.com? a site", "what is https://x.com? a site"),
        ("data:image/png;base64," + "A" * 500, "data:image/png;base64,[REDACTED]"),
        ("the key mk-secret-123456 here", "the key [REDACTED] here"),
        ("a fox, 3:4", "a fox, 3:4"),
    ],
)
def test_text_without_secrets(text: str, safe: str) -> None:
    assert redact_text(text, ["mk-secret-123456"]) == safe


@pytest.mark.parametrize(
    ("body", "safe"),
    [
        ('{"webhook_url": "https://h.com/T0/B0/x"}', '{"webhook_url": "[REDACTED]"}'),
        ('{"callback":{"u":["a",{"b":"c"}],"n":1}, "x":"y"}',
         '{"callback":{"u":["[REDACTED]",{"b":"[REDACTED]"}],"n":1}, "x":"y"}'),
        ('{"apiKey": "k", "max_tokens": 5, "tokens": "a"}',
         '{"apiKey": "[REDACTED]", "max_tokens": 5, "tokens": "a"}'),
        ('{"image":"https:\\/\\/x.com\\/a\\u003fs=1" }', '{"image":"https://x.com/a?[REDACTED]" }'),
        ('{"a": "https://x/?s=1", "a": 2}', '{"a": "https://x/?[REDACTED]", "a": 2}'),
        ('{"https://x/?s=1": ["token=abcdef"]}', '{"https://x/?[REDACTED]": ["token=[REDACTED]"]}'),
        ('{"password": 1, "prompt": "a"}', '{"password": 1, "prompt": "a"}'),
        ('{"secret": null, "x": [{"token": "t"}, "u"]}',
         '{"secret": null, "x": [{"token": "[REDACTED]"}, "u"]}'),
        ('{"a": "q\\"{", "token": "t\\\\", "b": "}"}',
         '{"a": "q\\"{", "token": "[REDACTED]", "b": "}"}'),
    ],
)  # fmt: skip
def test_json_without_secrets(body: str, safe: str) -> None:
    assert redact_json(body) == safe


@given(JSON)
def test_json_without_secrets_is_json(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False)
    once = redact_json(text)
    json.loads(once)
    assert redact_json(once) == once


def test_a_record_with_something_taken_out_cannot_be_sent_again() -> None:
    made = record('{"prompt": "a", "image": "https://x.com/a?s=1"}')
    assert "s=1" not in made.as_json()
    assert not made.complete
    assert record('{"prompt": "a"}').complete


def test_the_key_is_taken_out_of_prompt_and_parameters() -> None:
    made = Provenance.of(
        "t", b'{"prompt": "mk-secret-123456"}', secrets=["mk-secret-123456"], cost=Money.parse("1")
    )
    assert "mk-secret" not in made.as_json()

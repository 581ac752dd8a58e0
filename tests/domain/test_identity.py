"""When two paid requests are the same."""

import json
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.identity import canonical_number, identity_of, legacy_digests
from modellix_cli.domain.jsontext import JsonError
from modellix_cli.domain.values import Slug

BASE = "https://api.modellix.ai"
SLUG = Slug("a", "b")

digits = st.text("0123456789", min_size=1, max_size=25)
whole = st.one_of(st.just("0"), st.from_regex(r"[1-9][0-9]{0,24}", fullmatch=True))
exponents = st.one_of(st.just(""), st.from_regex(r"[eE][+-]?[0-9]{1,3}", fullmatch=True))
numbers = st.builds(
    lambda sign, first, point, fraction, exponent: (
        sign + first + (f".{fraction}" if point else "") + exponent
    ),
    st.sampled_from(["", "-"]),
    whole,
    st.booleans(),
    digits,
    exponents,
)
texts = st.text(st.characters(codec="utf-8"), max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def digest(body: str | bytes, base: str = BASE, slug: Slug = SLUG, **inputs: str) -> str:
    given_bytes = body.encode() if isinstance(body, str) else body
    return identity_of(base, slug, given_bytes, {(k,): v for k, v in inputs.items()}).digest


@given(numbers, numbers)
def test_numbers_are_written_alike_exactly_if_they_are_equal(one: str, other: str) -> None:
    equal = Fraction(Decimal(one)) == Fraction(Decimal(other))
    assert (canonical_number(one) == canonical_number(other)) == equal


@given(numbers, st.integers(0, 40), st.integers(0, 40))
def test_a_number_in_another_spelling_is_the_same(text: str, zeros: int, shift: int) -> None:
    value = Decimal(text)
    sign, figures, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    spelled = "".join(map(str, figures)).lstrip("0") or "0"
    other = f"{'-' if sign else ''}{spelled}{'0' * shift}.{'0' * zeros}0E{exponent - shift:+04d}"
    assert canonical_number(other) == canonical_number(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "1.0"),
        ("1e0", "10e-1"),
        ("0", "-0.0e99"),
        ("0e99999999999", "0"),
        ("1e00000000001", "10"),
        ("1e-0000000000001", "0.1"),
        ("9007199254740993", "9007199254740993.000"),
    ],
)
def test_equal_numbers(one: str, other: str) -> None:
    assert canonical_number(one) == canonical_number(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("9007199254740993", "9007199254740992"),
        ("0.1", "0.1000000000000000055511151231257827"),
        ("1e400", "1e401"),
        ("1e9999999999", "1e9999999998"),
        ("-1", "1"),
    ],
)
def test_different_numbers(one: str, other: str) -> None:
    assert canonical_number(one) != canonical_number(other)


@pytest.mark.parametrize("text", ["", "-", "1.", "0x10", "1e", "NaN", "1e9999999999"])
def test_what_is_no_number_or_too_big_is_left_as_it_is(text: str) -> None:
    assert canonical_number(text) == text


@pytest.mark.parametrize("number", ["1e999999999", "1e-999999999", "1e9" + "9" * 5000, "9" * 9000])
def test_an_absurd_number_takes_no_time_and_no_memory(number: str) -> None:
    assert digest(f'{{"seed": {number}}}') == digest(f'{{ "seed":{number} }}')


@given(values, st.integers(0, 4))
def test_neither_formatting_nor_the_order_of_keys_counts(value: Any, indent: int) -> None:
    body = {"value": value, "other": 1}
    swapped = {"other": 1, "value": value}
    assert digest(json.dumps(body, indent=indent)) == digest(
        json.dumps(_reversed(swapped), ensure_ascii=False, separators=(",", ":"))
    )


@given(values, values)
def test_different_values_are_different_requests(one: Any, other: Any) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (digest(json.dumps({"v": one})) == digest(json.dumps({"v": other}))) == same


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    return [_reversed(item) for item in value] if isinstance(value, list) else value


def test_duplicate_keys_are_kept_as_pairs() -> None:
    assert digest('{"a": 1, "a": 2}') != digest('{"a": 2}')
    assert digest('{"a": 1, "a": 2}') != digest('{"a": 2, "a": 1}')
    assert digest('{"a": 1, "b": 0, "a": 2}') == digest('{"b": 0, "a": 1, "a": 2}')


def test_an_object_with_duplicate_keys_does_not_take_over_what_another_request_paid_for() -> None:
    compact = sha256(b'{"a":2}').hexdigest()
    assert compact in legacy_digests(b'{"a": 2}')
    assert compact not in legacy_digests(b'{"a": 1, "a": 2}')


def test_unicode_is_not_normalised() -> None:
    assert digest('{"p": "\u00e9"}') != digest('{"p": "e\u0301"}')
    assert digest('{"p": "\u00e9"}') == digest('{"p": "\\u00e9"}')


def test_surrogates_are_taken_as_they_are() -> None:
    assert digest('{"p": "\\ud83d\\ude00"}') == digest('{"p": "\U0001f600"}')
    assert digest('{"p": "\\ud83d"}') != digest('{"p": "\\ud83e"}')


def test_a_number_is_no_text_and_a_list_no_object() -> None:
    assert len({digest(b) for b in ('{"a": 1}', '{"a": "1"}', '{"a": "1e0"}', '{"a": [1]}')}) == 4
    assert len({digest(b) for b in ('{"a": {}}', '{"a": []}', '{"a": null}', '{"a": false}')}) == 4


def test_a_byte_order_mark_and_line_ends_do_not_count() -> None:
    assert digest(b'\xef\xbb\xbf{"a":\r\n1}') == digest('{"a": 1}')


@pytest.mark.parametrize("other", ["https://API.modellix.ai:443", "https://api.modellix.ai/"])
def test_the_spelling_of_the_address_does_not_count(other: str) -> None:
    assert digest("{}", base=other) == digest("{}")


def test_the_address_and_the_model_count_but_no_task_type() -> None:
    assert digest("{}", base=f"{BASE}/eu") != digest("{}")
    assert digest("{}", slug=Slug("a", "c")) != digest("{}")
    assert digest("{}", slug=Slug("a", "b", "text-to-image")) == digest("{}")


def test_an_input_counts_by_what_it_holds_not_by_its_url() -> None:
    one = digest('{"image": "https://x/1", "n": 1}', image="sha256:ab")
    assert one == digest('{"image": "https://x/2", "n": 1}', image="sha256:ab")
    assert one != digest('{"image": "https://x/1", "n": 1}', image="sha256:cd")
    assert one != digest('{"image": "sha256:ab", "n": 1}')
    assert one != digest('{"image": "@sha256:ab", "n": 1}')


def test_what_an_input_says_cannot_be_taken_for_other_members() -> None:
    assert digest('{"a": 0, "b": 0}', a='x",b:"y') != digest('{"a": 0, "b": 0}', a="x", b="y")


def test_older_journals_knew_bytes_and_compact_json() -> None:
    body = '{ "seed": 1.0,  "p": "é" }'.encode()
    compact = '{"seed":1.0,"p":"é"}'.encode()
    assert legacy_digests(body) == (
        sha256(body).hexdigest(),
        sha256(compact).hexdigest(),
    )
    assert legacy_digests(compact) == (sha256(compact).hexdigest(),)


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"a": NaN}', b'{"a": Infinity}', b"\xff", b'{"a":' * 5000, b"[" * 5000]
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(JsonError):
        identity_of(BASE, SLUG, body)

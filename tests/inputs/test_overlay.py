"""What `-p` changes in a body, and what it refuses to."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import Json, dumps, loads
from modellix_cli.inputs.overlay import apply
from modellix_cli.inputs.parameters import Edit, JsonText, Text, parse_edits

Body = dict[str, Any]


def json_of(edit: Edit) -> Json:
    value = edit.value
    assert isinstance(value, (Text, JsonText))
    return value.text if isinstance(value, Text) else value.value


def applied(body: Body, *given: str) -> Body:
    return apply(body, parse_edits(given), json_of, "--body")


@pytest.mark.parametrize(("body", "given", "after"), [
    ({}, [], {}),
    ({"a": 1}, [], {"a": 1}),
    ({"a": 1}, ["b=x"], {"a": 1, "b": "x"}),
    ({"a": 1}, ["a=x"], {"a": "x"}),
    ({"a": {"b": 1}}, ["a.c=x"], {"a": {"b": 1, "c": "x"}}),
    ({"a": {"b": 1}}, ["a=x"], {"a": "x"}),
    ({}, ["a.b.c=x"], {"a": {"b": {"c": "x"}}}),
    ({}, ["a.b=x", "a.c=y"], {"a": {"b": "x", "c": "y"}}),
    ({}, ['a:={"b":1}', "a.c=y"], {"a": {"b": 1, "c": "y"}}),
    ({}, ["a[]=x", "a[]=y"], {"a": ["x", "y"]}),
    ({"a": ["w"]}, ["a[]=x"], {"a": ["w", "x"]}),
    ({"a": ["v", "w"]}, ["a[1]=x"], {"a": ["v", "x"]}),
    ({"a": ["v"]}, ["a[1]=x"], {"a": ["v", "x"]}),
    ({}, ["a[0].x=1", "a[0].y=2", "a[1].x=3"], {"a": [{"x": "1", "y": "2"}, {"x": "3"}]}),
    ({}, ["a[].x=1", "a[].x=2"], {"a": [{"x": "1"}, {"x": "2"}]}),
    ({}, ["a[][]=1", "a[0][]=2"], {"a": [["1", "2"]]}),
    ({}, [r"a\.b=x"], {"a.b": "x"}),
    ({"a": None}, ["a=x"], {"a": "x"}),
])  # fmt: skip
def test_changes_are_laid_over_the_body(body: Body, given: list[str], after: Body) -> None:
    assert applied(body, *given) == after


def test_what_was_passed_in_stays_as_it_is() -> None:
    body = {"a": {"b": [1]}, "c": 1}
    applied(body, "a.b[]=x", "c=y", "a.d=z")
    assert body == {"a": {"b": [1]}, "c": 1}


def test_what_is_not_changed_keeps_its_order_and_digits() -> None:
    body = loads('{"b":1.10,"a":12345678901234567890123,"c":{"d":1.0e2}}')
    after = dumps(applied(body, "c.e=x"), indent=None)
    assert after == '{"b":1.10,"a":12345678901234567890123,"c":{"d":1.0e2,"e":"x"}}'


def test_values_come_from_whoever_applies() -> None:
    edits = parse_edits(["image=@photo.png"])
    assert apply({}, edits, lambda edit: f"<{edit.value}>") == {
        "image": "<FileRef(path='photo.png')>"
    }


@pytest.mark.parametrize(("body", "given", "message"), [
    ({"a": "x"}, ["a.b=1"],
     "-p a.b=1 conflicts with --body: a is a text there, not an object."),
    ({"a": {"b": 2}}, ["a.b.c=1"],
     "-p a.b.c=1 conflicts with --body: a.b is a number there, not an object."),
    ({"a": None}, ["a.b=1"], "-p a.b=1 conflicts with --body: a is null there, not an object."),
    ({"a": True}, ["a[]=1"],
     "-p a[]=1 conflicts with --body: a is true or false there, not an array."),
    ({"a": [1]}, ["a.b=1"], "-p a.b=1 conflicts with --body: a is an array there, not an object."),
    ({"a": {}}, ["a[0]=1"], "-p a[0]=1 conflicts with --body: a is an object there, not an array."),
    ({}, ["a=x", "a.b=1"], "-p a.b=1 conflicts with -p a=x: a is a text there, not an object."),
    ({}, ["a.b=x", "a[]=1"],
     "-p a[]=1 conflicts with -p a.b=x: a is an object there, not an array."),
    ({}, ['a:=[{"b":1}]', "a[0].b.c=1"],
     """-p a[0].b.c=1 conflicts with -p a:=[{"b":1}]: a[0].b is a number there, not an object."""),
    ({}, ["n=1", "n=2"], "-p n=1 and -p n=2 both set n."),
    ({}, ["a.b=1", "a:={}"], "-p a.b=1 and -p a:={} both set a.b."),
    ({}, ["a[]=1", "a[0]=2"], "-p a[]=1 and -p a[0]=2 both set a[0]."),
    ({"a": [1]}, ["a[2]=1"], "-p a[2]=1 leaves a gap: a has 1 entry."),
    ({}, ["a[1].b=1"], "-p a[1].b=1 leaves a gap: a has 0 entries."),
])  # fmt: skip
def test_what_contradicts_is_a_usage_error_that_names_both(
    body: Body, given: list[str], message: str
) -> None:
    with pytest.raises(ModellixError) as caught:
        applied(body, *given)
    assert caught.value.code is ErrorCode.USAGE
    assert caught.value.message == message
    assert caught.value.hint


def test_a_body_that_would_be_too_deep_to_send_is_refused() -> None:
    deep = "[" * 99 + "]" * 99
    assert applied({}, f"a:={deep}")
    with pytest.raises(ModellixError, match="over 100 levels deep"):
        applied({}, f"a.b.c:={deep}")


BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=10,
)
GIVEN = st.builds(
    "{}{}".format,
    st.from_regex(r"[abc](\.[abc]|\[[012]?\]){0,3}", fullmatch=True),
    st.sampled_from(["=x", ":={}", ":=[]", ":=1"]),
)


@given(body=st.dictionaries(st.sampled_from("abc"), BODIES), given_=st.lists(GIVEN, max_size=4))
def test_any_change_to_any_body_is_made_or_refused(body: Body, given_: list[str]) -> None:
    before = json.dumps(body)
    try:
        after = applied(body, *given_)
    except ModellixError as error:
        assert error.code is ErrorCode.USAGE
    else:
        assert loads(dumps(after)) == after
    assert json.dumps(body) == before

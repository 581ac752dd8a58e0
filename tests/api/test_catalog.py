"""The model list, schemas and pages: what is asked, and what the replies are read as."""

import math
from decimal import Decimal
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.api.catalog import ModelList, Price, read_models, read_schema
from modellix_cli.api.client import Client, connect
from modellix_cli.api.retry import RetryPolicy
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import Number, dumps, loads
from modellix_cli.domain.values import parse_slug
from tests.support import API, BASE, KEY, FakeClock, problem

SLUG = parse_slug("test/model")


def client(clock: FakeClock, base_url: str = BASE, key: str | None = KEY) -> Client:
    return connect(base_url, key, clock=clock, policy=RetryPolicy(), notice=lambda text: None)


def listed(**fields: Any) -> Any:
    return read_models({"models": [{"slug": "a/b"} | fields]}).models[0]


def test_only_the_slug_is_certain() -> None:
    model = listed()
    assert (model.slug, model.provider, model.type) == ("a/b", "a", None)
    assert (model.description, model.price, model.record) == ("", None, {"slug": "a/b"})


def test_fields_that_are_not_known_survive() -> None:
    document = {"total": 1, "models": [{"slug": "a/b", "speed": [1, {"fast": True}]}], "next": None}
    found = read_models(document)
    assert found.document == document
    assert found.models[0].record == {"slug": "a/b", "speed": [1, {"fast": True}]}


@pytest.mark.parametrize(
    ("fields", "provider"),
    [
        ({}, "a"),
        ({"provider": "Acme"}, "Acme"),
        ({"providerSlug": "acme"}, "acme"),
        ({"provider_slug": " acme "}, "acme"),
        ({"provider": {"slug": "acme", "name": "Acme"}}, "acme"),
        ({"provider": {"name": "Acme"}}, "Acme"),
        ({"provider": {"id": "acme-1"}}, "acme-1"),
        ({"provider": {"slug": 7}}, "a"),
        ({"provider": 7, "provider_slug": "acme"}, "acme"),
        ({"provider": " "}, "a"),
    ],
)
def test_the_provider_is_told_or_the_first_half_of_the_slug(
    fields: dict[str, Any], provider: str
) -> None:
    assert listed(**fields).provider == provider


@pytest.mark.parametrize(
    ("price", "words"),
    [
        ('{"fixed": 0.0001, "unit": "$/img"}', "0.0001 $/img"),
        ('{"min": 0.05, "max": 0.10, "unit": "$/sec"}', "0.05-0.10 $/sec"),
        ('{"fixed": 20, "unit": "$/M chars"}', "20 $/M chars"),
        ('{"fixed": 1}', "1"),
        ('{"fixed": 1e999, "unit": "$/img"}', "1e999 $/img"),
        ('{"fixed": {"a": true}, "unit": 3}', '{"a":true}'),
        ('{"min": 1, "unit": "$/img"}', None),
        ('"free"', None),
        ("null", None),
    ],
)
def test_a_price_is_told_in_the_digits_that_were_sent(price: str, words: str | None) -> None:
    assert listed(price=loads(price)).price == words


@pytest.mark.parametrize(
    ("price", "rate"),
    [
        ('{"fixed": 0.10, "unit": "$/img"}', Price(Decimal("0.10"), Decimal("0.10"), "$/img")),
        ('{"min": 1, "max": 2.5, "unit": "$/sec"}', Price(Decimal(1), Decimal("2.5"), "$/sec")),
        ('{"min": 2, "max": 1, "unit": " x "}', Price(Decimal(1), Decimal(2), "x")),
        ('{"fixed": 0, "unit": "$/img"}', Price(Decimal(0), Decimal(0), "$/img")),
        ('{"fixed": 1}', None),
        ('{"fixed": 1, "unit": 3}', None),
        ('{"fixed": "1", "unit": "$/img"}', None),
        ('{"fixed": true, "unit": "$/img"}', None),
        ('{"fixed": -1, "unit": "$/img"}', None),
        ('{"fixed": 1e999, "unit": "$/img"}', None),
        ('{"fixed": 1000001, "unit": "$/img"}', None),
        ('{"fixed": 0.1234567890123456789, "unit": "$/img"}', None),
        ('{"min": 1, "unit": "$/img"}', None),
        ('{"unit": "$/img"}', None),
        ("[]", None),
    ],
)
def test_a_price_to_reckon_with_is_exact(price: str, rate: Price | None) -> None:
    assert listed(price=loads(price)).rate == rate


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"data": {"models": []}},
        {"models": {}},
        {"models": ["a/b"]},
        {"models": [{"slug": "a/b"}, {}]},
        {"models": [{"slug": " "}]},
        {"models": [{"slug": 7}]},
        {"models": [{"slug": "a/\x1b[2J"}]},
    ],
)
def test_a_list_without_usable_slugs_is_a_bad_reply(document: Any) -> None:
    with pytest.raises(ModellixError) as caught:
        read_models(document)
    assert caught.value.code is ErrorCode.BAD_REPLY


numbers = st.floats(allow_nan=False).map(
    lambda value: Number(repr(value) if math.isfinite(value) else "1e999")
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["models", "slug", "type", "provider", "price", "fixed", "min", "max", "unit"]
            )
            | st.text(max_size=5),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)
entries = st.fixed_dictionaries(
    {"slug": st.text(min_size=1, max_size=8)},
    optional={"type": json_values, "provider": json_values, "price": json_values},
)


@given(document=json_values | st.fixed_dictionaries({"models": st.lists(entries, max_size=4)}))
def test_whatever_json_comes_is_a_list_or_a_bad_reply(document: Any) -> None:
    try:
        found = read_models(document)
    except ModellixError as error:
        assert error.code is ErrorCode.BAD_REPLY
    else:
        assert isinstance(found, ModelList)
        assert [model.record for model in found.models] == document["models"]
        assert all(model.slug and isinstance(model.provider, str) for model in found.models)
        assert dumps(found.document)


@respx.mock
def test_the_list_is_asked_for_with_the_key(clock: FakeClock) -> None:
    route = respx.get(f"{API}/models").respond(json={"models": []})
    assert client(clock).models().models == ()
    request = route.calls.last.request
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.url.query == b""
    client(clock).models(featured=True)
    assert route.calls.last.request.url.query == b"featured=true"


def schema(url: Any = "https://api.modellix.ai/api/v1/test/model") -> dict[str, Any]:
    return {"servers": [{"url": url}], "post": {"requestBody": {}, "responses": {}}, "x": 1}


@respx.mock
def test_a_schema_is_asked_for_without_a_key_and_kept_as_sent(clock: FakeClock) -> None:
    origin = "https://www.modellix.ai"
    route = respx.get(f"{origin}/models/test/model/api_schema").respond(json=schema())
    assert client(clock, origin, None).schema(SLUG) == schema()
    assert "Authorization" not in route.calls.last.request.headers


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        (None, "servers, post.requestBody, and post.responses fields"),
        ({"servers": []}, "servers, post.requestBody, and post.responses fields"),
        (schema() | {"post": {"requestBody": {}}}, "post.responses"),
        (schema() | {"servers": []}, "servers[0].url"),
        (schema(7), "servers[0].url"),
        (schema("nonsense"), "a valid URL"),
        (schema("https://["), "a valid URL"),
        (schema("http://api.modellix.ai/x"), "HTTPS"),
        (schema("https://u:p@api.modellix.ai"), "without credentials"),
        (schema("https://api.modellix.ai?a=b"), "query parameters"),
        (schema("https://api.modellix.ai#x"), "fragment"),
    ],
)
def test_a_schema_without_an_address_or_parameters_is_a_bad_reply(
    document: Any, wanted: str
) -> None:
    with pytest.raises(ModellixError) as caught:
        read_schema(document)
    assert caught.value.code is ErrorCode.BAD_REPLY
    assert wanted in caught.value.message


@given(
    json_values
    | st.fixed_dictionaries(
        {
            "servers": st.lists(
                st.fixed_dictionaries({"url": json_values | st.text().map("https://{}".format)})
            ),
            "post": st.just({"requestBody": 1, "responses": 2}),
        }
    )
)
def test_whatever_json_comes_is_a_schema_or_a_bad_reply(document: Any) -> None:
    try:
        assert read_schema(document) == document
    except ModellixError as error:
        assert error.code is ErrorCode.BAD_REPLY


PAGES = "https://docs.modellix.ai"


@respx.mock
def test_a_page_is_asked_for_as_markdown_without_a_key(clock: FakeClock) -> None:
    route = respx.get(f"{PAGES}/test/model.md").respond(text="# Überschrift\n")
    page = client(clock, PAGES, None).page(SLUG)
    assert (page.url, page.markdown) == (f"{PAGES}/test/model.md", "# Überschrift\n")
    sent = route.calls.last.request.headers
    assert sent["Accept"].startswith("text/markdown")
    assert "Authorization" not in sent


@respx.mock
@pytest.mark.parametrize(
    "trouble", [httpx.Response(200, html="<h1>Sign in</h1>"), httpx.Response(200, content=b"\xff")]
)
def test_what_is_not_a_text_is_asked_for_again(clock: FakeClock, trouble: httpx.Response) -> None:
    fine = httpx.Response(200, text="# A page")
    respx.get(f"{PAGES}/test/model.md").mock(side_effect=[trouble, fine])
    assert client(clock, PAGES, None).page(SLUG).markdown == "# A page"
    assert clock.slept == [1.0]


@respx.mock
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a/b", "a/b"),
        ("a b/ü?#%", "a%20b/%C3%BC%3F%23%25"),
        ("a!/c'(d)*~", "a!/c'(d)*~"),
    ],
)
def test_a_slug_is_two_segments_of_the_path(clock: FakeClock, name: str, path: str) -> None:
    route = respx.get(url__startswith=PAGES).respond(404, json=problem(404, "no such page"))
    slug = parse_slug(name)
    for ask in (client(clock, PAGES, None).page, client(clock, PAGES, None).schema):
        with pytest.raises(ModellixError):
            ask(slug)
    paths = [call.request.url.raw_path.decode() for call in route.calls]
    assert paths == [f"/{path}.md", f"/models/{path}/api_schema"]

"""The model list, schemas and pages: what is asked, and what the replies are read as."""

import math
from decimal import Decimal
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.api.catalog import ModelList, Price, read_model_page, read_models, read_schema
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
        {"data": {"models": {}}},
        {"data": {"items": "a/b"}},
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
        assert all(model.slug and isinstance(model.provider, str) for model in found.models)
        assert dumps(found.document)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda entries: {"models": entries},
        lambda entries: {"items": entries},
        lambda entries: {"list": entries},
        lambda entries: {"code": 0, "data": {"models": entries}},
        lambda entries: {"code": 0, "data": {"items": entries}},
        lambda entries: {"code": 0, "data": {"list": entries, "total": 1}},
        lambda entries: {"code": 0, "data": entries},
    ],
)
def test_the_list_is_found_wherever_it_is(wrap: Any) -> None:
    assert [model.slug for model in read_models(wrap([{"slug": "a/b"}])).models] == ["a/b"]
    assert read_models(wrap([])).models == ()


@pytest.mark.parametrize(
    ("entry", "slug"),
    [
        ({"provider": "google", "model_id": "nano"}, "google/nano"),
        ({"provider": {"slug": "google"}, "model_id": "nano"}, "google/nano"),
        ({"provider": "google", "model_id": "google/nano"}, "google/nano"),
        ({"model_id": "google/nano"}, "google/nano"),
        ({"slug": "a/b", "provider": "google", "model_id": "nano"}, "a/b"),
    ],
)
def test_provider_and_model_id_stand_for_a_slug(entry: dict[str, Any], slug: str) -> None:
    assert read_models({"models": [entry]}).models[0].slug == slug


def test_the_address_of_a_models_page_is_read() -> None:
    assert listed(docs_url="https://docs.modellix.ai/a/b").docs_url is not None
    assert listed(docs_url=5).docs_url is None


# The public list

WWW = "https://www.modellix.ai"
PUBLIC = f"{WWW}/portal/v1/models"


def entries_of(category: str, first: int, last: int) -> list[dict[str, str]]:
    return [{"slug": f"{category}/{n}"} for n in range(first, last)]


@respx.mock
def test_the_public_list_is_all_pages_of_all_categories_without_a_key(clock: FakeClock) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        category, page = request.url.params["category"], int(request.url.params["page"])
        assert request.url.params["page_size"] == "100"
        assert "Authorization" not in request.headers
        listed = entries_of(category, page * 100 - 100, min(250, page * 100))
        return httpx.Response(200, json={"code": 0, "data": {"items": listed, "total": 250}})

    route = respx.get(PUBLIC).mock(side_effect=answer)
    found = client(clock, WWW, None).public_models()
    assert len(found.models) == len(found.document["models"]) == 750
    assert route.call_count == 9


@respx.mock
@pytest.mark.parametrize(
    ("says", "pages"),
    [
        ({"has_more": False, "total": 999}, 1),
        ({"pagination": {"has_more": False}}, 1),
        ({"data": {"pagination": {"total": 100}}}, 1),
        ({"data": {"has_more": False}}, 1),
        ({"total": 101}, 2),
        ({"has_more": True}, 3),
        ({}, 3),
        ({"total": "many", "has_more": "yes"}, 3),
    ],
)
def test_pages_are_asked_for_until_there_are_no_more(
    clock: FakeClock, says: dict[str, Any], pages: int
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page"])
        listed = entries_of("x", page * 100 - 100, page * 100) if page < 3 else []
        return httpx.Response(200, json={"models": listed} | says)

    route = respx.get(PUBLIC).mock(side_effect=answer)
    client(clock, WWW, None).public_models()
    assert route.call_count == 3 * pages


@respx.mock
def test_a_server_that_always_repeats_a_page_is_asked_twice(clock: FakeClock) -> None:
    listed = {"models": entries_of("x", 0, 100), "has_more": True}
    route = respx.get(PUBLIC).respond(json=listed)
    assert len(client(clock, WWW, None).public_models().models) == 100
    assert route.call_count == 3 * 2


@respx.mock
def test_a_list_without_end_is_left(clock: FakeClock) -> None:
    numbers = iter(range(10**6))
    route = respx.get(PUBLIC).mock(
        side_effect=lambda request: httpx.Response(
            200, json={"models": [{"slug": f"a/{next(numbers)}"}], "has_more": True}
        )
    )
    assert len(client(clock, WWW, None).public_models().models) == 150
    assert route.call_count == 150


@given(json_values)
def test_whatever_json_comes_is_a_page_or_a_bad_reply(document: Any) -> None:
    try:
        page = read_model_page(document)
    except ModellixError as error:
        assert error.code is ErrorCode.BAD_REPLY
    else:
        assert page.more in (True, False, None)
        assert page.total is None or page.total >= 0


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
    page = client(clock, PAGES, None).docs_page("/test/model")
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
    assert client(clock, PAGES, None).docs_page("/test/model").markdown == "# A page"
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
    with pytest.raises(ModellixError):
        client(clock, PAGES, None).schema(slug)
    paths = [call.request.url.raw_path.decode() for call in route.calls]
    assert paths == [f"/models/{path}/api_schema"]

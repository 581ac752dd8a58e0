"""The model list, and the public pages that need no key."""

import re

import pytest

from modellix_cli.domain.values import parse_slug
from modellix_cli.sandbox.catalog import MODELS, TYPES
from modellix_cli.sandbox.faults import FAULTS
from tests.sandbox.harness import Service


def test_the_list_has_every_model_with_type_docs_description_and_price(service: Service) -> None:
    listing = service.get("models").json
    assert listing["total"] == len(listing["models"]) == len(MODELS)
    unpriced = [model["slug"] for model in listing["models"] if "price" not in model]
    assert unpriced == ["alibaba/aitryon-parsing"]
    for model in listing["models"]:
        assert parse_slug(model["slug"])
        if model["slug"] in unpriced:
            continue
        assert set(model) == {"slug", "type", "docs_url", "description", "price"}
        assert set(model["price"]) in ({"fixed", "unit"}, {"min", "max", "unit"})
        assert model["price"]["unit"] in ("$/img", "$/sec", "$/M chars")


def test_the_list_has_models_of_every_type(service: Service) -> None:
    listing = service.get("models").json
    assert set(TYPES) <= {model["type"] for model in listing["models"]}
    assert len(listing["models"]) == len(MODELS)


def test_the_featured_list_is_shorter_and_has_no_faults(service: Service) -> None:
    featured = service.get("models?featured=true").json["models"]
    assert 0 < len(featured) < 12 < len(MODELS) - len(FAULTS)
    assert not [model for model in featured if model["slug"].startswith("sandbox/")]
    assert len(service.get("models?featured=false").json["models"]) == len(MODELS)


def test_every_model_has_a_schema_with_https_server_request_body_and_responses(
    service: Service,
) -> None:
    for slug, model in MODELS.items():
        schema = service.ask("GET", f"/models/{slug}/api_schema", key=None).json
        assert schema["servers"] == [{"url": f"https://api.modellix.ai/api/v1/{slug}"}]
        assert schema["post"]["summary"] == slug
        assert schema["post"]["responses"]["200"]
        body = schema["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert set(body["required"]) <= set(body["properties"]) == set(model.properties)


def test_the_schema_says_what_a_parameter_may_be(service: Service) -> None:
    schema = service.ask("GET", "/models/alibaba/wan2.5-i2v/api_schema", key=None).json
    body = schema["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["image"]
    assert body["properties"]["duration"] == {
        "type": "integer",
        "description": "Length in seconds.",
        "default": 5,
        "minimum": 1,
        "maximum": 10,
    }


def test_a_model_page_is_markdown_with_price_and_parameters(service: Service) -> None:
    reply = service.ask("GET", "/alibaba/wan2-5-t2v.md", key=None)
    page = reply.body.decode()
    assert reply.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert page.startswith("# alibaba/wan2.5-t2v\n")
    assert "0.05 to 0.15 $/sec" in page
    assert "| `duration` | integer | no |" in page


def test_the_index_links_every_page(service: Service) -> None:
    index = service.ask("GET", "/llms.txt", key=None).body.decode()
    for slug, model in MODELS.items():
        assert f"- [{slug}]({model.docs_url}.md): {model.description}" in index
    for url in re.findall(r"\]\((.*?)\): .", index):
        assert service.ask("GET", url, key=None).body.startswith(b"# ")


@pytest.mark.parametrize(
    ("slug", "page"),
    [
        ("bytedance/seedream-4.5-t2i", "bytedance/seedream-4-5-t2i"),
        ("black-forest-labs/flux-2-pro", "bfl/flux-2-pro"),
        ("alibaba/qwen-image-plus", "alibaba/qwen-image-plus"),
    ],
)
def test_the_name_of_a_page_is_not_the_slug(service: Service, slug: str, page: str) -> None:
    (listed,) = [one for one in service.get("models").json["models"] if one["slug"] == slug]
    assert listed["docs_url"] == f"https://docs.modellix.ai/{page}"
    found = service.ask("GET", f"{listed['docs_url']}.md", key=None)
    assert found.body.startswith(f"# {slug}\n".encode())
    assert service.ask("GET", f"/{slug}.md", key=None).status == (200 if slug == page else 404)


def test_a_page_without_md_is_html(service: Service) -> None:
    reply = service.ask("GET", "/alibaba/qwen-image-plus", key=None)
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"


def test_the_public_list_needs_no_key_and_comes_in_pages(service: Service) -> None:
    listed, pages = [], 0
    while True:
        pages += 1
        path = f"/portal/v1/models?category=image&page={pages}&page_size=5"
        data = service.ask("GET", path, key=None).json["data"]
        listed += [f"{one['provider']}/{one['model_id']}" for one in data["items"]]
        if not data["has_more"]:
            break
    assert listed == [slug for slug, model in MODELS.items() if model.category == "image"]
    assert data["total"] == len(listed)
    assert pages > 2


@pytest.mark.parametrize("category", ["image", "video", "audio"])
def test_both_lists_know_the_three_categories(service: Service, category: str) -> None:
    query = f"models?category={category}&page_size=100"
    public = service.ask("GET", f"/portal/v1/{query}", key=None).json["data"]["items"]
    listed = service.get(query).json["models"]
    assert [one["model_id"] for one in public] == [one["slug"].split("/")[1] for one in listed]
    assert {MODELS[one["slug"]].category for one in listed} == {category}


@pytest.mark.parametrize("query", ["page=0", "page_size=101", "page=x", "category=text"])
def test_a_page_that_cannot_be_is_refused(service: Service, query: str) -> None:
    assert service.ask("GET", f"/portal/v1/models?{query}", key=None).status == 400
    assert service.get(f"models?{query}").status == 400


def test_pages_that_do_not_exist_are_not_found(service: Service) -> None:
    for path in ("/", "/no/such.md", "/models/no/such/api_schema", "/a/b/c", "/llms.txt/"):
        assert service.ask("GET", path, key=None).error == (404, 404, "Resource not found")


def test_a_page_cannot_be_posted_to(service: Service) -> None:
    reply = service.ask("POST", "/llms.txt", key=None)
    assert reply.error == (405, 405, "Method not allowed")
    assert reply.headers["Allow"] == "GET, HEAD"


def test_a_method_that_an_api_route_does_not_have_is_named(service: Service) -> None:
    for method, path, allowed in (
        ("POST", "models", "GET"),
        ("PUT", "team/balance", "GET"),
        ("PUT", "media/files", "GET, POST"),
        ("GET", "media/files/x", "DELETE"),
        ("GET", "sandbox/image/async", "POST"),
    ):
        reply = service.ask(method, f"/api/v1/{path}")
        assert reply.error == (405, 405, "Method not allowed")
        assert reply.headers["Allow"] == allowed


def test_head_gives_the_headers_of_get_without_the_body(service: Service) -> None:
    got, headed = (service.ask(method, "/llms.txt", key=None) for method in ("GET", "HEAD"))
    assert headed.headers == got.headers
    assert headed.body == b""


def test_answers_carry_the_date_of_the_sandbox_s_clock(service: Service) -> None:
    assert service.get("models").headers["Date"] == "Fri, 15 Jan 2027 08:00:00 GMT"

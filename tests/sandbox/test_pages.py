"""The model list, and the public pages that need no key."""

from modellix_cli.domain.values import TASK_TYPES, parse_slug
from modellix_cli.sandbox.catalog import MODELS
from modellix_cli.sandbox.faults import FAULTS
from tests.sandbox.harness import Service


def test_the_list_has_every_model_with_type_docs_description_and_price(service: Service) -> None:
    listing = service.get("models").json
    assert listing["total"] == len(listing["models"]) == len(MODELS)
    for model in listing["models"]:
        assert parse_slug(model["slug"])
        assert set(model) == {"slug", "type", "docs_url", "description", "price"}
        assert set(model["price"]) in ({"fixed", "unit"}, {"min", "max", "unit"})
        assert model["price"]["unit"] in ("$/img", "$/sec", "$/M chars")


def test_the_list_has_models_of_every_type(service: Service) -> None:
    listing = service.get("models").json
    assert set(TASK_TYPES) <= {model["type"] for model in listing["models"]}
    assert len(listing["models"]) == 12 + len(FAULTS)


def test_the_featured_list_is_shorter_and_has_no_faults(service: Service) -> None:
    featured = service.get("models?featured=true").json["models"]
    assert 0 < len(featured) < 12
    assert not [model for model in featured if model["slug"].startswith("sandbox/")]
    assert len(service.get("models?featured=false").json["models"]) == len(MODELS)


def test_every_model_has_a_schema_with_https_server_request_body_and_responses(
    service: Service,
) -> None:
    for slug, model in MODELS.items():
        schema = service.ask("GET", f"/models/{slug}/api_schema", key=None).json
        assert schema["servers"] == [{"url": f"https://api.modellix.ai/api/v1/{slug}/async"}]
        assert schema["post"]["summary"] == slug
        assert schema["post"]["responses"]["200"]
        body = schema["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert set(body["required"]) <= set(body["properties"]) == set(model.parameters)


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
    reply = service.ask("GET", "/alibaba/wan2.5-t2v.md", key=None)
    page = reply.body.decode()
    assert reply.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert page.startswith("# alibaba/wan2.5-t2v\n")
    assert "0.05 to 0.15 $/sec" in page
    assert "| `duration` | integer | no |" in page


def test_the_index_links_every_page(service: Service) -> None:
    index = service.ask("GET", "/llms.txt", key=None).body.decode()
    for slug in MODELS:
        assert f"[{slug}](https://docs.modellix.ai/{slug}.md)" in index


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
        ("GET", "media/files", "POST"),
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

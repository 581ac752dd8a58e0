"""The public pages of www.modellix.ai and docs.modellix.ai: schemas, model pages, the index."""

import json
from functools import cache
from typing import Final

from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.sandbox.catalog import MODELS
from modellix_cli.sandbox.guides import GUIDES
from modellix_cli.sandbox.model import DOCS, Model
from modellix_cli.sandbox.model_list import public_list
from modellix_cli.sandbox.wire import Answer, Refused, Request, as_json, not_allowed, plain, quoted

_API: Final = "https://api.modellix.ai/api/v1"


def page(request: Request) -> Answer:
    """Answer a request outside the API and the media."""
    match tuple(request.path.split("/")[1:]):
        case ("llms.txt",):
            found = plain(200, _index())
        case ("portal", "v1", "models"):
            found = public_list(request)
        case ("models", provider, name, "api_schema"):
            found = as_json(200, _schema(_model(f"{provider}/{name}")))
        case _:
            found = _document(request.path)
    if request.method != "GET":
        raise not_allowed(request, "GET, HEAD")
    return found


def _document(path: str) -> Answer:
    """Return a page of the documentation: Markdown at an address with `.md`, else HTML."""
    name = path.removeprefix("/")
    text = _page_text(name.removesuffix(".md"))
    if text is None:
        raise Refused(404, f"Resource not found: {quoted(path)}")
    if name.endswith(".md"):
        return plain(200, text, "text/markdown")
    shown = text.replace("&", "&amp;").replace("<", "&lt;")
    return plain(200, f"<!doctype html><html><body><pre>{shown}</pre></body></html>", "text/html")


def _page_text(name: str) -> str | None:
    if name in GUIDES:
        title, description, text = GUIDES[name]
        return f"# {title}\n\n> {description}\n\n{text}\n"
    model = _models_by_page().get(name)
    return _page(model) if model else None


@cache
def _models_by_page() -> dict[str, Model]:
    return {model.page: model for model in MODELS.values()}


def _model(slug: str) -> Model:
    model = MODELS.get(slug)
    if model is None:
        raise Refused(404, f"Resource not found: model {quoted(slug)}")
    return model


def _schema(model: Model) -> JsonObject:
    """Return the OpenAPI fragment of a model's submit route."""
    json_body = {"application/json": {"schema": model.schema()}}
    task = {
        "type": "object",
        "properties": {
            "status": {"type": "string"},
            "task_id": {"type": "string"},
            "model_id": {"type": "string"},
            "get_result": {"type": "object"},
        },
        "required": ["status", "task_id"],
    }
    reply = {
        "type": "object",
        "properties": {
            "code": {"type": "integer"},
            "message": {"type": "string"},
            "data": task,
        },
    }
    return {
        "servers": [{"url": f"{_API}/{model.slug}"}],
        "post": {
            "summary": model.slug,
            "description": model.description,
            "tags": [model.type],
            "requestBody": {"required": True, "content": json_body},
            "responses": {
                "200": {
                    "description": "The task was created.",
                    "content": {"application/json": {"schema": reply}},
                }
            },
        },
    }


def _page(model: Model) -> str:
    rows = [
        f"| `{name}` | {known['type']} | {'yes' if name in model.required else 'no'} "
        f"| {known['description']} |"
        for name, known in model.properties.items()
    ]
    lines = [
        f"# {model.slug}",
        "",
        model.description,
        "",
        f"- Type: {model.type}",
        f"- Price: {_price(model)}",
        "",
        "## Parameters",
        "",
        "| name | type | required | meaning |",
        "|---|---|---|---|",
        *rows,
        "",
        "## Request",
        "",
        "```http",
        f"POST /api/v1/{model.slug}/async",
        "",
        json.dumps(dict(model.example), ensure_ascii=False),
        "```",
        "",
    ]
    return "\n".join(lines)


def _price(model: Model) -> str:
    if model.price is None:
        return "see the console"
    price = model.price.document()
    amount = str(price["fixed"]) if "fixed" in price else f"{price['min']} to {price['max']}"
    return f"{amount} {price['unit']}"


def _index() -> str:
    guides = [
        f"- [{title}]({DOCS}/{name}.md): {description}"
        for name, (title, description, _) in GUIDES.items()
    ]
    models = [f"- [{m.slug}]({m.docs_url}.md): {m.description}" for m in MODELS.values()]
    parts = ("# Modellix", "", "## Guides", "", *guides, "", "## Models", "", *models, "")
    return "\n".join(parts)

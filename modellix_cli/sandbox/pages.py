"""The public pages of www.modellix.ai and docs.modellix.ai: schemas, model pages, the index."""

import json
from typing import Any, Final

from modellix_cli.sandbox.catalog import MODELS, Model
from modellix_cli.sandbox.wire import Answer, Refused, Request, as_json, not_allowed, plain, quoted

_API: Final = "https://api.modellix.ai/api/v1"


def page(request: Request) -> Answer:
    """Answer a request outside the API and the media."""
    parts = tuple(request.path.split("/")[1:])
    match parts:
        case ("llms.txt",):
            found = plain(200, _index())
        case ("models", provider, name, "api_schema"):
            found = as_json(200, _schema(_model(f"{provider}/{name}")))
        case (provider, file) if file.endswith(".md"):
            found = plain(200, _page(_model(f"{provider}/{file[:-3]}")), "text/markdown")
        case _:
            raise Refused(404, f"Resource not found: {quoted(request.path)}")
    if request.method != "GET":
        raise not_allowed(request, "GET, HEAD")
    return found


def _model(slug: str) -> Model:
    model = MODELS.get(slug)
    if model is None:
        raise Refused(404, f"Resource not found: model {quoted(slug)}")
    return model


def _schema(model: Model) -> dict[str, Any]:
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
        "servers": [{"url": f"{_API}/{model.slug}/async"}],
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
    price = model.price.document()
    amount = str(price["fixed"]) if "fixed" in price else f"{price['min']} to {price['max']}"
    rows = [
        f"| `{known.name}` | {known.type} | {'yes' if known.required else 'no'} "
        f"| {known.description} |"
        for known in model.takes
    ]
    example = {known.name: "…" for known in model.takes if known.required}
    lines = [
        f"# {model.slug}",
        "",
        model.description,
        "",
        f"- Type: {model.type}",
        f"- Price: {amount} {price['unit']}",
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
        json.dumps(example, ensure_ascii=False),
        "```",
        "",
    ]
    return "\n".join(lines)


def _index() -> str:
    entries = [f"- [{m.slug}]({m.docs_url}): {m.description}" for m in MODELS.values()]
    return "\n".join(["# Modellix", "", "## Models", "", *entries, ""])

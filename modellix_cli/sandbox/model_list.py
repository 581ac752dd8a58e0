"""The model list: `GET /models` with a key, and the public list of the website."""

from typing import Final

from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.sandbox.catalog import entries
from modellix_cli.sandbox.wire import Answer, Refused, Request, as_json, number, success

_CATEGORIES: Final = ("image", "video", "audio")


def model_list(request: Request) -> Answer:
    """Answer `GET /models`: all in one, unless `page` or `page_size` asks for a part."""
    featured = request.query.get("featured", "").lower() == "true"
    chosen = entries(featured=featured, category=_category(request))
    listing = {"code": 0, "message": "success", "total": len(chosen)}
    if {"page", "page_size"} & request.query.keys():
        first, last = _page(request)
        chosen = chosen[first:last]
    return as_json(200, listing | {"models": chosen})


def public_list(request: Request) -> Answer:
    """Answer `GET /portal/v1/models`: in pages, with `provider` and `model_id` for the slug."""
    chosen = entries(category=_category(request))
    first, last = _page(request)
    items: list[JsonObject] = []
    for entry in chosen[first:last]:
        provider, _, model_id = entry.pop("slug").partition("/")
        items.append({"provider": provider, "model_id": model_id} | entry)
    return success(
        {
            "items": items,
            "total": len(chosen),
            "page": first // (last - first) + 1,
            "page_size": last - first,
            "has_more": last < len(chosen),
        }
    )


def _category(request: Request) -> str:
    category = request.query.get("category", "")
    if category and category not in _CATEGORIES:
        raise Refused(400, f"Invalid parameters: 'category' must be {', '.join(_CATEGORIES)}")
    return category


def _page(request: Request) -> tuple[int, int]:
    """Return the first entry of the page that is asked for, and the one after its last."""
    size = number(request, "page_size", 20, 1, 100)
    first = (number(request, "page", 1, 1, 1_000_000) - 1) * size
    return first, first + size

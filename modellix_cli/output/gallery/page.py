"""Puts the gallery's page together: one HTML text with its styles, its script and its data.

Its content security policy names the script and the styles by their digest, so that nothing else
runs, and allows no connection; media may come from files, or from the gallery's own server.
"""

import re
from base64 import b64encode
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Final

from modellix_cli import __version__
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonObject, dumps
from modellix_cli.output.gallery.item import GalleryItem

MARKER: Final = "<!-- A gallery made by modellix-cli task gallery -->"
"""Begins every page that this program wrote, after the document type."""
_STYLES: Final = ("page.css", "dialogs.css")
_SCRIPTS: Final = (
    *("base.js", "filter.js", "cards.js", "grid.js"),
    *("detail.js", "compare.js", "main.js"),
)
_PLACE: Final = re.compile(r"\{\{([a-z]+)\}\}")
_IN_SCRIPT: Final = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


@frozen
class Gallery:
    """Everything that a page shows. `total` is how many tasks there are, `tasks` how many of them
    are shown; `version` changes with the content. `live` pages ask their server for news.
    """

    title: str
    items: tuple[GalleryItem, ...]
    made_at: float
    tasks: int = 0
    total: int = 0
    version: str = ""
    live: bool = False

    @property
    def missing(self) -> int:
        """How many files are not where they were saved."""
        return sum(item.missing for item in self.items)

    def as_dict(self) -> JsonObject:
        """Return what the page's script reads."""
        return {
            "title": self.title,
            "madeAt": self.made_at,
            "tasks": self.tasks,
            "total": self.total,
            "version": self.version,
            "live": self.live,
            "items": [item.as_dict() for item in self.items],
        }


def page(gallery: Gallery) -> str:
    """Return the page. All text of the gallery is data in it, never markup or script."""
    style, script = _style(), _script()
    parts = {
        "marker": MARKER,
        "policy": policy([script], [style], live=gallery.live),
        "title": escape(gallery.title),
        "generator": f"modellix-cli {__version__}",
        "style": style,
        "script": script,
        "data": data(gallery),
    }
    return _PLACE.sub(lambda place: parts[place[1]], _part("gallery.html"))


def data(gallery: Gallery) -> str:
    """Return the gallery as JSON that can stand in a `script` element, and be parsed from it."""
    return dumps(gallery.as_dict(), indent=None).translate(_IN_SCRIPT)


def policy(scripts: Iterable[str], styles: Iterable[str], *, live: bool) -> str:
    """Return the content security policy for inline scripts and styles."""
    media, connect = ("'self'", "'self'") if live else ("file:", "'none'")
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(map(_digest, scripts))}",
            f"style-src {' '.join(map(_digest, styles))}",
            f"img-src {media}",
            f"media-src {media}",
            f"connect-src {connect}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def is_ours(beginning: str) -> bool:
    """Whether a file that begins so is a gallery that this program wrote."""
    return beginning.startswith(f"<!doctype html>\n{MARKER}\n")


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _style() -> str:
    return "\n" + "\n".join(map(_part, _STYLES))


def _script() -> str:
    """Return the script, in a scope of its own."""
    return '\n"use strict";\n{\n' + "\n".join(map(_part, _SCRIPTS)) + "}\n"


@cache
def _part(name: str) -> str:
    return (files("modellix_cli.output.gallery") / name).read_text(encoding="utf-8")

"""The documentation's pages: their index, and the address of one (docs/spec/service.md 6).

Names of pages are not slugs, so an address is never made from a slug: it is a model's `docs_url`
or an entry of the index.
"""

import re
from typing import Final
from urllib.parse import quote, unquote, urljoin, urlsplit

from modellix_cli.domain.errors import usage
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.text import clip, one_line

DOCS_ORIGIN: Final = "https://docs.modellix.ai"
MAX_ENTRIES: Final = 20_000
_LONGEST_PATH: Final = 512
_ENTRY: Final = re.compile(
    r"\s{0,8}[-*+]\s+\[(?P<title>(?:[^\]\\]|\\.)+)\]\((?P<url>[^()\s]+)\)(?:\s*[:-]\s*(?P<rest>.*))?\s*"
)
_TEXTS: Final = (".md", ".txt", ".json", ".yaml", ".yml")
_ESCAPED: Final = re.compile(r"\\([\[\]()\\*_`])")


@frozen
class Page:
    """A page as Markdown, and the address it was read from."""

    url: str
    markdown: str


@frozen
class DocsEntry:
    """One line of the index. `path` is what `docs_path` takes; `description` may be empty."""

    title: str
    url: str
    path: str
    description: str


def read_index(text: str, base_url: str) -> tuple[DocsEntry, ...]:
    """Read llms.txt: a list of `[title](address): description`; other lines are left out.

    So are pages of other hosts, which are none of the documentation.
    """
    found: dict[str, DocsEntry] = {}
    for line in text.splitlines():
        match = _ENTRY.fullmatch(line)
        if match is None or len(found) >= MAX_ENTRIES:
            continue
        path = _path_at(match["url"], base_url)
        if path is not None:
            title = _ESCAPED.sub(r"\1", match["title"]).strip()
            url = urljoin(base_url + "/", match["url"])
            entry = DocsEntry(title, url, path.removesuffix(".md"), (match["rest"] or "").strip())
            found.setdefault(path, entry)
    return tuple(found.values())


def docs_path(where: str, base_url: str) -> str:
    """Return the path of a page on the documentation's host, as Markdown.

    `where` is a path of the index or an address there, such as a `docs_url`. Raises `USAGE` for
    an address of another host, and what is no path.
    """
    path = _path_at(where.strip(), base_url)
    if path is None:
        raise usage(
            f'"{clip(one_line(where), 80)}" is not a page of the Modellix documentation.',
            hint="Run modellix-cli docs list to see the pages.",
        )
    return path


def _path_at(where: str, base_url: str) -> str | None:
    """Return the percent-encoded path, from `/` to `.md`; None if it is of another host."""
    if where.startswith(("//", "\\")) or len(where) > _LONGEST_PATH:
        return None
    try:
        parts = urlsplit(where)
        host, base = parts.hostname, urlsplit(base_url)
    except ValueError:
        return None
    if parts.scheme or parts.netloc:
        own = host in (urlsplit(DOCS_ORIGIN).hostname, base.hostname)
        if parts.scheme not in ("http", "https") or not own or parts.username is not None:
            return None
    path = unquote(parts.path)
    if host is not None and host == base.hostname and base.path.strip("/"):
        path = path.removeprefix(base.path.rstrip("/"))
    names = path.strip("/").split("/")
    if any(name in ("", ".", "..") or not name.isprintable() or "\\" in name for name in names):
        return None
    path = "/" + "/".join(quote(name, safe="-_.!~*'()") for name in names)
    return path if path.endswith(_TEXTS) else path + ".md"

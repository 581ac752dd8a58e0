"""Searching the documentation by its MCP server, with the optional package `mcp` (extra `mcp`).

The server's tools are asked for first: the one that searches, and the filters it has, are found by
name (docs/spec/service.md 6). What it answers is text from elsewhere.
"""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import field
from importlib import import_module
from typing import Final, Protocol, Self

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.domain.text import clip, one_line

PATH: Final = "/mcp"
SECONDS: Final = 20.0
_MOST_RESULTS: Final = 100
_LONGEST_RESULT: Final = 20_000
_FIELD: Final = re.compile(r"^(Title|Link): ?(.*)$", re.MULTILINE)
_FILTERS: Final = {
    "version": ("version",),
    "language": ("language", "lang"),
    "api_only": ("apireferenceonly", "apionly", "apireference"),
    "code_only": ("codeonly", "code"),
}
"""The names that a filter may have in the server's tool, without signs and in lower case."""


class NoDocsServer(Exception):
    """The server cannot be asked; `installed` says whether the package `mcp` is there."""

    def __init__(self, reason: str, *, installed: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.installed = installed


@frozen
class DocsFilters:
    """What to leave out; None and False leave nothing out."""

    version: str | None = None
    language: str | None = None
    api_only: bool = False
    code_only: bool = False

    @property
    def chosen(self) -> dict[str, str | bool]:
        """The filters that were given, by name."""
        names = ("version", "language", "api_only", "code_only")
        return {name: value for name in names if (value := getattr(self, name))}


@frozen
class DocsResult:
    """A piece of the documentation; title and address are empty where the server tells none."""

    title: str
    url: str
    text: str


@frozen
class DocsAnswer:
    """What was found, and the filters that the server does not have."""

    results: tuple[DocsResult, ...]
    ignored: tuple[str, ...] = field(default=())


def search_docs(url: str, query: str, filters: DocsFilters, seconds: float = SECONDS) -> DocsAnswer:
    """Search by the MCP server at `url` (streamable HTTP). Raises `NoDocsServer`."""
    try:
        client = import_module("mcp.client.client").Client
    except (ImportError, AttributeError) as error:
        raise NoDocsServer("the package mcp is not installed", installed=False) from error
    try:
        return asyncio.run(asyncio.wait_for(_search(client(url), query, filters), seconds))
    except TimeoutError as error:
        raise NoDocsServer("it does not answer in time", installed=True) from error
    except Exception as error:
        reason = clip(one_line(str(_first_cause(error))), 200) or type(error).__name__
        raise NoDocsServer(reason, installed=True) from error


class _Tool(Protocol):
    """A tool of the server, as the package `mcp` describes it."""

    name: str
    input_schema: JsonObject


class _Tools(Protocol):
    tools: Sequence[_Tool]


class _Part(Protocol):
    type: str
    text: str


class _Reply(Protocol):
    content: Sequence[_Part]
    is_error: bool


class _Client(Protocol):
    """What is used of a client of the package `mcp`, which is not there to be checked."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *details: object) -> None: ...

    async def list_tools(self) -> _Tools: ...

    async def call_tool(self, name: str, arguments: JsonObject) -> _Reply: ...


async def _search(client: _Client, query: str, filters: DocsFilters) -> DocsAnswer:
    async with client as session:
        tool = _search_tool((await session.list_tools()).tools)
        arguments, ignored = tool_arguments(tool.input_schema, query, filters)
        reply = await session.call_tool(tool.name, arguments)
    texts = [part.text for part in reply.content if getattr(part, "type", "") == "text"]
    if reply.is_error:
        raise ValueError(" ".join(texts))
    return DocsAnswer(read_results(texts), ignored)


def _search_tool(tools: Sequence[_Tool]) -> _Tool:
    for tool in tools:
        if "search" in str(tool.name).lower():
            return tool
    raise ValueError("it has no tool that searches")


def tool_arguments(
    schema: JsonObject, query: str, filters: DocsFilters
) -> tuple[JsonObject, tuple[str, ...]]:
    """Return the arguments for a tool with this schema, and the filters that it does not have."""
    known = schema.get("properties")
    names = list(known) if isinstance(known, dict) else []
    plain = {re.sub(r"[^a-z]", "", name.lower()): name for name in reversed(names)}
    arguments: JsonObject = {plain.get("query", names[0] if names else "query"): query}
    ignored = []
    for chosen, value in filters.chosen.items():
        name = next((plain[word] for word in _FILTERS[chosen] if word in plain), None)
        if name is None:
            ignored.append(chosen)
        else:
            arguments[name] = value
    return arguments, tuple(ignored)


def read_results(texts: Sequence[str]) -> tuple[DocsResult, ...]:
    """Read what a search found: `Title: …`, `Link: …` and the text itself, in each part."""
    results = []
    for text in texts[:_MOST_RESULTS]:
        facts = {name: value.strip() for name, value in reversed(_FIELD.findall(text))}
        shown = clip(text.strip(), _LONGEST_RESULT)
        results.append(DocsResult(facts.get("Title", ""), facts.get("Link", ""), shown))
    return tuple(result for result in results if result.text)


def _first_cause(error: BaseException) -> BaseException:
    """Return what went wrong first, inside groups of exceptions."""
    with suppress(AttributeError, IndexError):
        return _first_cause(error.exceptions[0])  # type: ignore[attr-defined]
    return error

"""Searching by the documentation's MCP server: a stand-in for the package, and the real one."""

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from modellix_cli.api.docs_server import (
    DocsFilters,
    DocsResult,
    NoDocsServer,
    read_results,
    search_docs,
    tool_arguments,
)

FOUND = "Title: Webhooks\nLink: https://docs.modellix.ai/webhooks\nContent: be called back"
WORDS = ("query", "version", "language", "apiReferenceOnly", "codeOnly")
SCHEMA = {"properties": {name: {"type": "string"} for name in WORDS}}


class FakeClient:
    """The client of the package `mcp`, as far as it is used."""

    tools: tuple[Any, ...] = (SimpleNamespace(name="SearchDocs", input_schema=SCHEMA),)
    failure: Exception | None = None
    reply = SimpleNamespace(is_error=False, content=[SimpleNamespace(type="text", text=FOUND)])

    def __init__(self, url: str) -> None:
        pass

    async def __aenter__(self) -> "FakeClient":
        if self.failure is not None:
            raise self.failure
        return self

    async def __aexit__(self, *details: object) -> None:
        pass

    async def list_tools(self) -> Any:
        return SimpleNamespace(tools=self.tools)

    async def call_tool(self, name: str, arguments: dict[str, Any]) -> Any:
        return self.reply


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> type[FakeClient]:
    chosen = type("Chosen", (FakeClient,), {})
    for name in ("mcp", "mcp.client", "mcp.client.client"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["mcp.client.client"].Client = chosen  # type: ignore[attr-defined]
    return chosen


def search() -> tuple[DocsResult, ...]:
    return search_docs("https://docs.example.com/mcp", "webhooks", DocsFilters()).results


def test_what_the_server_found_is_read(client: type[FakeClient]) -> None:
    assert search() == (DocsResult("Webhooks", "https://docs.modellix.ai/webhooks", FOUND),)


def test_a_package_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(NoDocsServer) as error:
        search()
    assert not error.value.installed


def test_the_first_cause_of_a_failure_is_told(client: type[FakeClient]) -> None:
    client.failure = ExceptionGroup("tasks", [ExceptionGroup("more", [OSError("refused\n!")])])
    with pytest.raises(NoDocsServer) as error:
        search()
    assert (error.value.reason, error.value.installed) == ("refused !", True)


def test_a_server_without_search_and_one_that_refuses_are_told(client: type[FakeClient]) -> None:
    client.reply = SimpleNamespace(is_error=True, content=FakeClient.reply.content)
    with pytest.raises(NoDocsServer, match="Title"):
        search()
    client.tools = ()
    with pytest.raises(NoDocsServer, match="no tool that searches"):
        search()


def test_filters_go_under_the_names_that_the_tool_has() -> None:
    filters = DocsFilters("v2", "zh", api_only=True, code_only=True)
    assert tool_arguments(SCHEMA, "a b", filters) == (
        {
            "query": "a b",
            "version": "v2",
            "language": "zh",
            "apiReferenceOnly": True,
            "codeOnly": True,
        },
        (),
    )


def test_a_filter_that_the_tool_does_not_have_is_named() -> None:
    arguments, ignored = tool_arguments({"properties": {"q": {}}}, "a", DocsFilters("v2"))
    assert (arguments, ignored) == ({"q": "a"}, ("version",))


@pytest.mark.parametrize("schema", [{}, {"properties": None}, {"properties": []}])
def test_a_tool_without_a_usable_schema_is_asked_by_query(schema: dict[str, Any]) -> None:
    assert tool_arguments(schema, "a", DocsFilters()) == ({"query": "a"}, ())


def test_results_are_bounded_and_empty_ones_left_out() -> None:
    assert read_results(["", " \n"]) == ()
    (result,) = read_results(["x" * 100_000])
    assert len(result.text) == 20_000
    assert len(read_results(["x"] * 1000)) == 100


class Docs(BaseHTTPRequestHandler):
    """An MCP server over streamable HTTP, with one tool."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        tool = {"name": "SearchDocs", "inputSchema": {"type": "object"} | SCHEMA}
        results: dict[str, Any] = {
            "initialize": {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "docs", "version": "1"},
            },
            "tools/list": {"tools": [tool]},
            "tools/call": {"content": [{"type": "text", "text": json.dumps(asked["params"])}]}
            if asked["method"] == "tools/call"
            else {},
        }
        result = results.get(asked["method"])
        answer = {"result": result} if result else {"error": {"code": -32601, "message": "no"}}
        self.answer(202 if "id" not in asked else 200, {"jsonrpc": "2.0"} | answer, asked.get("id"))

    def do_GET(self) -> None:
        self.answer(405, {}, None)

    do_DELETE = do_GET  # noqa: N815

    def answer(self, status: int, document: dict[str, Any], number: Any) -> None:
        body = b"" if status != 200 else json.dumps(document | {"id": number}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *parts: object) -> None:
        pass


@pytest.fixture
def docs() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Docs) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/mcp"
        server.shutdown()
        thread.join()


def test_the_package_itself_asks_a_server(docs: str) -> None:
    pytest.importorskip("mcp", reason="the extra mcp is not installed")
    (result,) = search_docs(docs, "a b", DocsFilters(code_only=True)).results
    asked = json.loads(result.text)
    assert (asked["name"], asked["arguments"]) == ("SearchDocs", {"query": "a b", "codeOnly": True})


def test_the_package_itself_says_that_nobody_is_there() -> None:
    pytest.importorskip("mcp", reason="the extra mcp is not installed")
    with pytest.raises(NoDocsServer) as error:
        search_docs("http://127.0.0.1:9/mcp", "a", DocsFilters())
    assert error.value.installed

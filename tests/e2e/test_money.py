"""The table of the main job: what a paid POST and a read do when the server misbehaves."""

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.conftest import BODY, Scripted, Served, Shell, http, http_json

ACCEPTED = http_json(200, {"code": 0, "data": {"status": "pending", "task_id": "task-1"}})
DONE = http_json(200, {"code": 0, "data": {"status": "success", "task_id": "task-1"}})
BUSY = http_json(429, {"code": 429, "message": "Rate limit exceeded: wait"}, "Retry-After: 0.2")
CLOSED = http_json(503, {"code": 503, "message": "Unavailable: circuit breaker open"})
BROKEN = http_json(500, {"code": 500, "message": "Internal error: oops"})
GATEWAY = http(502, b"<html><h1>502 Bad Gateway</h1></html>", "Content-Type: text/html")
RUN = ("model", "run", "a/b", "--body", BODY)

Start = Callable[..., Scripted]


@pytest.mark.parametrize("answers", [(BUSY, BUSY, ACCEPTED), (CLOSED, ACCEPTED)])
def test_a_submission_that_created_nothing_is_sent_again(
    shell: Shell, scripted: Start, answers: tuple[bytes, ...]
) -> None:
    server = scripted(*answers)
    ran = shell(*RUN, "-q", MODELLIX_BASE_URL=server.url)
    assert (ran.status, ran.stdout) == (0, b"task-1\n")
    assert len(server.requests) == len(answers)


@pytest.mark.parametrize("answer", [
    BROKEN, GATEWAY, b"", http(200, b"\x00\xffnot json"), http(200, b"<html>hi</html>"),
    b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"code\": 0",
], ids=["500", "502 html", "cut", "garbage", "html", "half"])  # fmt: skip
def test_a_submission_of_unknown_outcome_is_sent_once_and_says_so(
    shell: Shell, scripted: Start, answer: bytes
) -> None:
    server = scripted(answer)
    ran = shell(*RUN, MODELLIX_BASE_URL=server.url)
    assert ran.status == 8
    assert ran.stdout == b""
    assert len([request for request in server.requests if request.startswith(b"POST")]) == 1
    assert "Do not submit the same request again" in ran.stderr
    assert "console" in ran.stderr
    assert "modellix-cli task resolve 1 --task-id ID" in ran.stderr
    assert "--resend-unknown" in ran.stderr


def test_a_request_of_unknown_outcome_is_not_sent_a_second_time(
    shell: Shell, scripted: Start
) -> None:
    server = scripted(BROKEN, ACCEPTED)
    assert shell(*RUN, MODELLIX_BASE_URL=server.url).status == 8
    again = shell(*RUN, MODELLIX_BASE_URL=server.url)
    assert (again.status, again.stdout) == (8, b"")
    assert "was not sent again" in again.stderr
    assert "modellix-cli task resolve 1 --not-created" in again.stderr
    assert len(server.requests) == 1
    resent = shell(*RUN, "--resend-unknown", "-q", MODELLIX_BASE_URL=server.url)
    assert (resent.status, resent.stdout) == (0, b"task-1\n")


@pytest.mark.parametrize("trouble", [BROKEN, BUSY, b"", http(200, b"<html>hi</html>")],
                         ids=["500", "429", "cut", "html"])  # fmt: skip
def test_a_read_is_tried_again(shell: Shell, scripted: Start, trouble: bytes) -> None:
    server = scripted(trouble, trouble, DONE)
    ran = shell("task", "get", "task-1", MODELLIX_BASE_URL=server.url)
    assert ran.status == 0
    assert ran.json["data"]["status"] == "success"


def test_nothing_listening_is_exit_7_and_nothing_was_charged(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        shell.env["MODELLIX_BASE_URL"] = f"http://127.0.0.1:{server.getsockname()[1]}"
    assert shell("task", "wait", "task-1", "--interval", "100ms").status == 7
    with ThreadPoolExecutor(2) as pool:  # both pause between tries
        words = pool.submit(shell, *RUN)
        ran = shell("model", "run", "a/other", "--body", BODY, "--json")
    assert ran.status == 7
    assert ran.json["error"]["charged"] == "no"
    assert "Tried 4 times" in ran.json["error"]["message"]
    assert words.result().status == 7
    assert "Tried 4 times. Nothing was charged." in words.result().stderr


@pytest.mark.parametrize(("slug", "status", "word"), [
    ("sandbox/forbidden", 3, "key"), ("sandbox/broke", 4, "balance"),
    ("sandbox/missing", 5, "not found"), ("sandbox/invalid", 2, "prompt"),
    ("sandbox/nonzero", 2, "Invalid"), ("sandbox/error", 8, "unknown"),
    ("sandbox/no-id", 8, "task_id"), ("sandbox/fails", 0, ""),
])  # fmt: skip
def test_each_fault_of_the_sandbox_has_its_exit_status(
    shell: Shell, sandbox: Served, slug: str, status: int, word: str
) -> None:
    ran = shell("model", "run", slug, "--body", BODY, "--json")
    assert ran.status == status
    if status:
        assert word.lower() in ran.json["error"]["message"].lower()
    assert sandbox.stats()["posts"] == {slug: 1}


@pytest.mark.parametrize("arguments", [
    ("a/b", "--body", "{"), ("a/b", "--body", "[]"), ("a/b",), ("ab", "--body", "{}"),
    ("a/b", "--body", "{}", "--body-file", "x"), ("a/b", "--body-file", "missing.json"),
])  # fmt: skip
def test_a_wrong_request_reaches_no_server(
    shell: Shell, sandbox: Served, arguments: tuple[str, ...]
) -> None:
    ran = shell("model", "run", *arguments)
    assert (ran.status, ran.stdout) == (2, b"")
    assert sandbox.stats()["requests"] == 0


def test_the_body_arrives_byte_for_byte(shell: Shell, scripted: Start) -> None:
    server = scripted(ACCEPTED)
    odd = b'{"z":12345678901234567890,"a":1.0,"a":[ ],"e":"\xc3\xa9"}'
    shell("model", "run", "a/b", "--body-file", "-", stdin=odd, MODELLIX_BASE_URL=server.url)
    head, body = server.requests[0].split(b"\r\n\r\n", 1)
    assert body == odd
    assert head.startswith(b"POST /api/v1/a/b/async HTTP/1.1\r\n")
    assert b"Content-Type: application/json" in head

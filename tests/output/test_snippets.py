"""A request as code, without running it; tests/e2e/test_snippets.py runs it."""

import ast
import shlex

import pytest

from modellix_cli.output.snippets import LANGUAGES, RequestAsCode

API = "https://api.modellix.ai/api/v1"
BODY = '{"prompt": "it\'s $5, \\"two\\"\\n\u732b"}'


def request(body: str = BODY, webhook: str | None = None) -> RequestAsCode:
    return RequestAsCode(f"{API}/a/b/async", API, body, webhook)


def test_curl_sends_the_body_as_it_is_and_takes_the_key_from_a_variable() -> None:
    words = shlex.split(request().curl())
    assert words[words.index("--data-raw") + 1] == BODY
    assert "Authorization: Bearer $MODELLIX_API_KEY" in words
    assert f"{API}/a/b/async" in words


def test_curl_sends_the_webhook() -> None:
    words = shlex.split(request(webhook="https://example.com/hook").curl())
    assert "X-Webhook-URL: https://example.com/hook" in words


def test_a_body_too_long_for_an_argument_is_a_here_document() -> None:
    body = '{"prompt":\n"BODY\n' + "x" * 200_000 + '"}'
    text = request(body).curl()
    assert "--data-raw" not in text
    assert text.endswith(f"<<'BODY'\n{body}\nBODY")


def test_a_here_document_ends_at_a_word_that_is_no_line_of_the_body() -> None:
    body = "{\nBODY\nBODY_\n" + "x" * 200_000
    assert request(body).curl().endswith("\nBODY__")


@pytest.mark.parametrize("language", LANGUAGES)
def test_programs_hold_no_key_and_leave_nothing_to_fill_in(language: str) -> None:
    program = request().program(language)
    assert "MODELLIX_API_KEY" in program
    assert f"{API}/a/b/async" in program


def test_the_python_program_is_valid_whatever_the_body() -> None:
    body = '{"prompt": "\'\'\' \\\\ \\" $body ${api}"}'
    tree = ast.parse(request(body).program("python"))
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    assert body in texts

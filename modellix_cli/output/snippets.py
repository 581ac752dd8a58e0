"""A request as code: one curl command, or a short program that submits, polls and saves.

The key stays in MODELLIX_API_KEY; what is printed works as it stands. The programs do not repeat
the paid request, and follow docs/spec/service.md 2 and 3.
"""

import json
from string import Template
from typing import Final

from modellix_cli.api.paid import REFUSALS
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.shell import quote as quote_word
from modellix_cli.domain.task import FAILED, SUCCEEDED
from modellix_cli.output.snippet_programs import PROGRAMS

LANGUAGES: Final = ("curl", "python", "javascript")
_LONGEST_ARGUMENT: Final = 100_000
"""Bytes; a longer body is given to curl by its standard input."""
_REFUSALS: Final = sorted(REFUSALS | {503})
"""What the `code` in a reply is where no task was created."""
_UNKNOWN: Final = (
    "No task id came back. If the request was sent, a task may have been created and charged."
)


@frozen
class RequestAsCode:
    """A paid request: the full address of its submission, the API's address, and its body.

    `body` is JSON text, `api` ends in /api/v1, `webhook` is the address to be called.
    """

    url: str
    api: str
    body: str
    webhook: str | None = None

    def curl(self) -> str:
        """Return one command for a POSIX shell that submits the request."""
        words = ["curl", "-sS", "--fail-with-body", "--retry 0", quote_word(self.url)]
        lines = [" ".join(words), '-H "Authorization: Bearer $MODELLIX_API_KEY"']
        lines.append("-H 'Content-Type: application/json'")
        if self.webhook is not None:
            lines.append("-H " + quote_word(f"X-Webhook-URL: {self.webhook}"))
        if len(self.body.encode()) <= _LONGEST_ARGUMENT:
            return _join([*lines, "--data-raw " + quote_word(self.body)])
        mark = _mark(self.body)
        return _join([*lines, f"--data-binary @- <<'{mark}'"]) + f"\n{self.body}\n{mark}"

    def program(self, language: str) -> str:
        """Return a program of `LANGUAGES` that submits, polls and saves."""
        quote = {"curl": quote_word, "python": ascii, "javascript": json.dumps}[language]
        headers = {} if self.webhook is None else {"X-Webhook-URL": self.webhook}
        values = {
            "url": quote(self.url),
            "api": quote(self.api),
            "body": quote(self.body),
            "headers": json.dumps(headers),
            "webhook": "" if self.webhook is None else _shell_webhook(self.webhook),
            "refusals": json.dumps(_REFUSALS),
            "refused_words": "|".join(map(str, _REFUSALS)),
            "unknown": _UNKNOWN,
            "done": json.dumps(sorted(SUCCEEDED)),
            "failed": json.dumps(sorted(FAILED)),
            "done_words": "|".join(sorted(SUCCEEDED)),
            "failed_words": "|".join(sorted(FAILED)),
        }
        return Template(PROGRAMS[language]).substitute(values).strip()


def _join(lines: list[str]) -> str:
    return " \\\n  ".join(lines)


def _mark(body: str) -> str:
    """Return a word that ends a here-document, as no line of the body is it."""
    mark, lines = "BODY", set(body.splitlines())
    while mark in lines:
        mark += "_"
    return mark


def _shell_webhook(webhook: str) -> str:
    return " -H " + quote_word(f"X-Webhook-URL: {webhook}")

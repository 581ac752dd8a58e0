"""How a file was made: the record that is put into it or beside it, and read back.

It leaves the machine with the file, so that it holds no keys, webhooks or signed URLs
(redaction.py); and what is read back may have been written by anyone, so that it is bounded.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, Self

from modellix_cli import __version__
from modellix_cli.clock import iso
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonError, JsonObject, Number, decode, dumps, loads
from modellix_cli.domain.money import Money
from modellix_cli.domain.text import clip, escape
from modellix_cli.domain.values import parse_slug, parse_task_id
from modellix_cli.provenance.redaction import HIDDEN, redact_json, redact_text

PROGRAM: Final = f"modellix-cli {__version__}"
FORMAT: Final = 1
MAX_RECORD: Final = 1024 * 1024
"""Longest record that is written or read, in characters and bytes."""
_MAX_PARAMETERS: Final = 256 * 1024
_MAX_PROMPT: Final = 32 * 1024
_MAX_DESCRIPTION: Final = 4000
_MAX_LINE: Final = 300
_MAX_SOURCES: Final = 100
_MAX_POSITION: Final = 1_000_000
_UNSAFE: Final = re.compile(
    "[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_NOT_IN_XML: Final = re.compile("[\ufffe\uffff]")
_MAIN_TEXTS: Final = ("prompt", "text")


@frozen
class Provenance:
    """How one file was made. Make one with `of`, which takes out what must not be published.

    `model` is its slug, `prompt` the main text of the request, `parameters` the request's body as
    JSON text. `created_at` is the Unix time of the request, `cost` what was billed for the whole
    task. `sources` are the ids of the tasks whose results went in, `position` is that of the
    resource within the task, from 1. `service` is the API's address without user and query. What
    is not known is None.
    """

    task_id: str
    model: str | None = None
    prompt: str | None = None
    parameters: str | None = None
    created_at: float | None = None
    cost: Money | None = None
    sources: tuple[str, ...] = ()
    position: int | None = None
    service: str | None = None
    program: str = PROGRAM

    @classmethod
    def of(
        cls,
        task_id: str,
        body: bytes | None,
        *,
        model: str | None = None,
        prompt: str | None = None,
        created_at: float | None = None,
        cost: Money | None = None,
        sources: Iterable[str] = (),
        position: int | None = None,
        service: str | None = None,
        secrets: Iterable[str] = (),
    ) -> Self:
        """Return the record of a file that `body` made, without `secrets` such as the API key.

        Without `prompt` it is the body's main text. A body that is no JSON object, or longer than
        256 KiB after that, is left out.
        """
        known = tuple(secrets)
        parameters = _parameters(body, known)
        prompt = main_text(parameters) if prompt is None else redact_text(prompt, known)
        return cls(
            task_id=task_id,
            model=model,
            prompt=None if prompt is None else clip(prompt, _MAX_PROMPT),
            parameters=parameters,
            created_at=None if created_at is None else round(created_at, 3),
            cost=cost,
            sources=tuple(sources)[:_MAX_SOURCES],
            position=position,
            service=None if service is None else redact_text(service, known),
        )

    @property
    def complete(self) -> bool:
        """Whether the parameters are here as they were sent, so that they can be sent again."""
        return self.parameters is not None and HIDDEN not in self.parameters

    @property
    def description(self) -> str | None:
        """The prompt for programs that show what a picture is of: safe, and not too long."""
        if not self.prompt:
            return None
        safe = escape(self.prompt.replace("\r\n", "\n"))
        return clip(_NOT_IN_XML.sub(" ", safe), _MAX_DESCRIPTION)

    def without_parameters(self) -> Self:
        """Return the same record without its longest part."""
        return replace(self, parameters=None)

    def as_json(self, *, indent: int | None = None) -> str:
        """Return the record as JSON, the same for equal records; the parameters as they are."""
        facts: JsonObject = {
            "modellix": FORMAT,
            "taskId": self.task_id,
            "position": self.position,
            "model": self.model,
            "prompt": self.prompt,
            "createdAt": None if self.created_at is None else iso(self.created_at),
            "billedUsd": None if self.cost is None else Number(str(self.cost)),
            "sources": list(self.sources) or None,
            "service": self.service,
            "program": self.program,
        }
        text = dumps({k: v for k, v in facts.items() if v is not None}, indent=indent)
        if self.parameters is not None:
            member = ',\n  "parameters": ' if indent else ',"parameters":'
            text = text.rstrip("}\n") + member + self.parameters + ("\n}" if indent else "}")
        return plain_json(text)

    @classmethod
    def parse(cls, text: str | bytes) -> Self | None:
        """Read a record that anyone may have written; None for what is none.

        A member that is not what it should be is left out.
        """
        if len(text) > MAX_RECORD:
            return None
        try:
            text = decode(text) if isinstance(text, bytes) else text
            facts = loads(text)
        except JsonError:
            return None
        if not isinstance(facts, dict) or type(facts.get("modellix")) is not int:
            return None
        task_id = _task_id(facts.get("taskId"))
        if task_id is None:
            return None
        prompt, sources = facts.get("prompt"), facts.get("sources")
        known = [_task_id(source) for source in sources] if isinstance(sources, list) else []
        return cls(
            task_id=task_id,
            model=_slug(facts.get("model")),
            prompt=clip(prompt, _MAX_PROMPT) if isinstance(prompt, str) else None,
            parameters=_raw(text) if isinstance(facts.get("parameters"), dict) else None,
            created_at=_moment(facts.get("createdAt")),
            cost=_money(facts.get("billedUsd")),
            sources=tuple(source for source in known if source is not None)[:_MAX_SOURCES],
            position=_position(facts.get("position")),
            service=_line(facts.get("service")),
            program=_line(facts.get("program")) or "unknown",
        )


def _parameters(body: bytes | None, secrets: tuple[str, ...]) -> str | None:
    try:
        text = decode(body or b"").strip()
        if not isinstance(loads(text), dict):
            return None
    except JsonError:
        return None
    safe = plain_json(redact_json(text, secrets))
    return _bounded(safe)


def main_text(parameters: str | None) -> str | None:
    """Return the text that a request is about, None if its body has none or is not known."""
    body = {} if parameters is None else loads(parameters)
    return next((body[name] for name in _MAIN_TEXTS if isinstance(body.get(name), str)), None)


def plain_json(text: str) -> str:
    r"""Return JSON text with `\uXXXX` for what acts on a terminal or may not stand in XML.

    Outside its strings JSON has no such characters, so that the values stay the same.
    """
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _raw(text: str) -> str | None:
    """Return the member `parameters` of a JSON object as it is written; `text` was parsed once."""
    decoder = json.JSONDecoder(parse_int=str, parse_float=str)
    found = None
    at = _blanks(text, text.index("{") + 1)
    while text[at] != "}":
        name, at = decoder.raw_decode(text, at)
        start = _blanks(text, _blanks(text, at) + 1)
        _, at = decoder.raw_decode(text, start)
        if name == "parameters":
            found = text[start:at]
        at = _blanks(text, at)
        if text[at] == ",":
            at = _blanks(text, at + 1)
    return None if found is None else _bounded(plain_json(found))


def _bounded(text: str) -> str | None:
    return text if len(text.encode()) <= _MAX_PARAMETERS else None


def _blanks(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at


def _task_id(value: object) -> str | None:
    try:
        return parse_task_id(value) if isinstance(value, str) else None
    except ModellixError:
        return None


def _slug(value: object) -> str | None:
    """Return a model's slug, and nothing that a command line would take for an option."""
    try:
        slug = str(parse_slug(_line(value) or ""))
    except ModellixError:
        return None
    return None if slug.startswith("-") else slug


def _line(value: object) -> str | None:
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_LINE:
        return None
    return value if value.isprintable() else None


def _moment(value: object) -> float | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _money(value: object) -> Money | None:
    if isinstance(value, bool) or not isinstance(value, int | Number | str):
        return None
    return Money.parse(value.text if isinstance(value, Number) else str(value))


def _position(value: object) -> int | None:
    return value if type(value) is int and 0 < value <= _MAX_POSITION else None

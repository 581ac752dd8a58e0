"""What a kept body says for the gallery: the prompt, the parameters, and what it was made from."""

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonError, dumps, loads
from modellix_cli.domain.text import clip, without_secrets

MAX_PROMPT: Final = 10_000
MAX_VALUE: Final = 500
MAX_PARAMETERS: Final = 60
MAX_COMMAND_BODY: Final = 8_000
_PROMPTS: Final = ("prompt", "text")
_TASK: Final = re.compile(r"@task:([\w\u0300-\u036f.~+=-]{1,512})(?:[:#/](\d{1,4}))?")
_DIGEST: Final = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_DATA_URL: Final = re.compile(r"data:[\w.+-]*/?[\w.+-]*(?:;[\w=.+-]+)*;base64,")
_LONGEST_NAME: Final = 4_096
"""Longest text, in characters, that is searched for the name of another task's result."""


@frozen
class SentRequest:
    """A body as the gallery shows it.

    `body` is its JSON for a command line, None where it is too long for one or holds signatures
    that are not to be shown. `mentions` are the names of results that it may have been made from.
    """

    prompt: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    mentions: tuple[str, ...] = ()


def read_request(data: bytes | None) -> SentRequest:
    """Read a kept body; of one that is missing or no JSON object nothing is known."""
    if data is None:
        return SentRequest()
    try:
        body = loads(data)
    except JsonError:
        return SentRequest()
    if not isinstance(body, dict):
        return SentRequest()
    name = next((key for key in _PROMPTS if isinstance(body.get(key), str)), None)
    rest = ((key, value) for key, value in body.items() if key != name)
    shown = tuple((clip(str(key), 80), _shown(value)) for key, value in rest)
    texts = list(_texts(body))
    written = dumps(body, indent=None)
    signed = any(_public(text) != text for text in texts)
    return SentRequest(
        prompt=clip(body[name], MAX_PROMPT) if name else None,
        parameters=shown[:MAX_PARAMETERS],
        body=None if signed or len(written) > MAX_COMMAND_BODY else written,
        mentions=tuple(dict.fromkeys(name for text in texts for name in mentions(text))),
    )


def mentions(text: str) -> Iterator[str]:
    """Yield names under which a text may mean a result: a URL, a digest, `@task:ID` or its Nth.

    >>> list(mentions("https://cdn.example.com/a.png?sig=1"))
    ['https://cdn.example.com/a.png']
    """
    inline = _DATA_URL.match(text)
    if inline:
        try:
            yield sha256(b64decode(text[inline.end() :], validate=True)).hexdigest()
        except ValueError:
            return
    elif len(text) <= _LONGEST_NAME:
        if _is_url(text):
            yield without_query(text)
        for found in _TASK.finditer(text):
            yield f"@task:{found[1]}" + (f":{int(found[2])}" if found[2] else "")
        yield from _DIGEST.findall(text.lower())


def without_query(url: str) -> str:
    """Return a URL without what signs it."""
    return url.split("#", 1)[0].split("?", 1)[0]


def names_of(task_id: str, position: int, url: str | None, digest: str | None) -> list[str]:
    """Return the names under which a body may mean the result at `position` of a task."""
    names = [f"@task:{task_id}:{position}"] + ([f"@task:{task_id}"] if position == 1 else [])
    names += [without_query(url)] if url and _is_url(url) else []
    return names + ([digest.lower()] if digest else [])


def _texts(value: object) -> Iterator[str]:
    """Yield every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _shown(value: object) -> str:
    """Return a parameter's value for people: an inline file by its size, a URL unsigned."""
    if isinstance(value, str):
        inline = _DATA_URL.match(value)
        if inline:
            return f"{inline[0]}… ({len(value):,} characters)"
        return clip(_public(value), MAX_VALUE)
    if isinstance(value, list) and value and all(isinstance(inner, str) for inner in value):
        return clip("\n".join(map(_shown, value)), MAX_VALUE)
    return clip(dumps(_unsigned(value), indent=None), MAX_VALUE)


def _unsigned(value: object) -> object:
    if isinstance(value, str):
        return _public(value)
    if isinstance(value, dict):
        return {key: _unsigned(inner) for key, inner in value.items()}
    return [_unsigned(inner) for inner in value] if isinstance(value, list) else value


def _public(text: str) -> str:
    """Return a URL without the values that sign it; any other text as it is."""
    return without_secrets(text) if _is_url(text) else text


def _is_url(text: str) -> bool:
    try:
        return urlsplit(text.strip()).scheme.lower() in ("http", "https")
    except ValueError:
        return False

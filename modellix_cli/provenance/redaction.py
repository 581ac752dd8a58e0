"""What must not leave with a picture: keys, webhooks, signed queries of URLs, inline files."""

import json
import re
from collections.abc import Iterable
from typing import Final

from modellix_cli.domain.jsontext import dumps
from modellix_cli.domain.text import hide_secrets, without_secrets

HIDDEN: Final = "[REDACTED]"
_JSON_PART: Final = r'("(?:[^"\\]|\\.)*")(\s*:)?|[{}\[\],]'
_HIDDEN_NAME: Final = (
    r"(?i)webhook|callback|api[_-]?key|password|passwd|authorization|cookie|credential"
    r"|(?:^|[_-])secret|(?:access|auth|bearer|session|id|refresh)[_-]?token|^token$"
)
_URL: Final = (
    r"(?i)(?P<scheme>\b[a-z][a-z0-9+.-]{0,30}://)(?P<place>[^\s<>\"'?#]*)"
    r"(?:(?P<mark>[?#])[^\s<>\"']+)?"
)
_DATA_URL: Final = r"(?i)(data:[^,\s]{0,100},)\S{64,}"


def redact_text(text: str, secrets: Iterable[str] = ()) -> str:
    """Return text without `secrets`, queries of URLs, credentials in them, and inline files."""
    text = hide_secrets(text, secrets)
    if ":" not in text:
        return without_secrets(text)
    text = re.sub(_DATA_URL, rf"\g<1>{HIDDEN}", text)
    return without_secrets(re.sub(_URL, _bare, text))


def redact_json(text: str, secrets: Iterable[str] = ()) -> str:
    """Do the same to every string of a JSON text, which must be valid; all else stays as it is.

    The strings in a member with a name such as `webhook_url` or `api_key` go altogether.
    """
    known = tuple(secrets)
    parts: list[str] = []
    at = depth = hidden_from = 0
    secret = False  # whether the value that comes next is one
    for token in re.finditer(_JSON_PART, text):
        literal, names = token[1], token[2]
        if literal is None:
            if token[0] in "{[":
                depth += 1
                if secret and not hidden_from:
                    hidden_from = depth
            elif token[0] in "}]":
                if depth == hidden_from:
                    hidden_from = 0
                depth -= 1
            secret = False
            continue
        value = json.loads(literal)
        hide = not names and (secret or hidden_from > 0)
        safe = HIDDEN if hide else redact_text(value, known)
        if safe != value:
            parts += (text[at : token.start()], dumps(safe))
            at = token.end(1)
        secret = names is not None and re.search(_HIDDEN_NAME, value) is not None
    return "".join((*parts, text[at:]))


def _bare(url: re.Match[str]) -> str:
    host, slash, path = url["place"].partition("/")
    place = host.rpartition("@")[2] + slash + path
    return url["scheme"] + place + (f"{url['mark']}{HIDDEN}" if url["mark"] else "")

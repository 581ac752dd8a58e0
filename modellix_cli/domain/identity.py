"""What makes two paid requests the same: what they ask, not how or where it is written.

The rules are in docs/spec/decisions.md, "Identity and ledger".
"""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from modellix_cli.domain.addresses import canonical_base_url
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import decode, dumps, loads
from modellix_cli.domain.values import Slug

_NUMBER: Final = r"(?a)(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?)0*(\d+))?"
_LONGEST_EXPONENT: Final = 9
_Path = tuple[str | int, ...]


@frozen
class RequestIdentity:
    """A paid request as the ledger knows it: SHA-256 in hex over base URL, slug and body."""

    digest: str


def identity_of(
    base_url: str, slug: Slug, body: bytes, inputs: Mapping[_Path, str] | None = None
) -> RequestIdentity:
    """Return the identity of the request that sends `body`, one JSON object, to a model.

    A leading task type of the slug, the route and a webhook do not count. `inputs` says for
    places in the body, such as `("image",)`, what counts there instead of the URL that is sent:
    the digest of an uploaded file, or the task and resource that is referred to.
    Raises `JsonError` for a body that is not JSON.
    """
    text = decode(body)
    loads(text)  # which refuses what is not JSON, or too deep
    asked = _canonical(text, inputs or {})
    digest = sha256(f"modellix request 1\n{canonical_base_url(base_url)}\n{slug.name}\n".encode())
    digest.update(asked.encode())
    return RequestIdentity(digest.hexdigest())


def legacy_digests(body: bytes) -> tuple[str, ...]:
    """Return the hashes under which a journal.db (before 0.2) may know the request of a body.

    SHA-256 in hex of its bytes, and of compact JSON. Raises `JsonError` for what is not JSON.
    """
    text = decode(body)
    found = [sha256(body).hexdigest()]
    compact = dumps(loads(text), indent=None)
    # Of duplicate keys, compact JSON keeps the last one only: that is another request.
    if compact == text or _canonical(compact, {}) == _canonical(text, {}):
        found.append(sha256(compact.encode()).hexdigest())
    return tuple(dict.fromkeys(found))


class _Pairs(list[tuple[str, object]]):
    """The members of an object, duplicate keys included."""


class _Literal(str):
    """A number as it was written."""

    __slots__ = ()


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_Pairs, parse_int=_Literal, parse_float=_Literal
)


def _canonical(text: str, inputs: Mapping[_Path, str]) -> str:
    """Return what JSON says, written in the one way that equal values share."""
    value = _DECODER.decode(text)
    parts: list[str] = []
    _write(value, parts, (), inputs)
    return "".join(parts)


def _write(value: object, parts: list[str], path: _Path, inputs: Mapping[_Path, str]) -> None:
    if path in inputs:
        parts.append(f"@{json.dumps(inputs[path])}")
    elif isinstance(value, _Pairs):
        parts.append("{")
        for key, inner in sorted(value, key=lambda pair: pair[0]):
            parts.append(json.dumps(key) + ":")
            _write(inner, parts, (*path, key), inputs)
            parts.append(",")
        parts.append("}")
    elif isinstance(value, list):
        parts.append("[")
        for index, inner in enumerate(value):
            _write(inner, parts, (*path, index), inputs)
            parts.append(",")
        parts.append("]")
    elif isinstance(value, _Literal):
        parts.append(canonical_number(value))
    else:
        parts.append(json.dumps(value))


def canonical_number(text: str) -> str:
    """Write a JSON number so that equal ones are written alike, without rounding any.

    One whose exponent has more than nine digits is left as it is written.

    >>> canonical_number("1.0"), canonical_number("1e0"), canonical_number("0.10e3")
    ('1e0', '1e0', '1e2')
    """
    match = re.fullmatch(_NUMBER, text)
    if match is None:
        return text
    sign, whole, fraction, exponent = match[1], match[2], match[3] or "", match[5] or "0"
    digits = (whole + fraction).lstrip("0")
    significant = digits.rstrip("0")
    if not significant:
        return "0e0"
    if len(exponent) > _LONGEST_EXPONENT:
        return text
    power = int(f"{match[4] or ''}{exponent}") - len(fraction) + len(digits) - len(significant)
    return f"{sign}{significant}e{power}"

"""What makes two paid requests the same: what they ask, not how or where it is written.

The rules are in docs/spec/decisions.md, "Identity and ledger".
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from modellix_cli.domain.jsontext import decode, dumps, loads
from modellix_cli.domain.values import Slug, canonical_base_url

_NUMBER: Final = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?")
_LONGEST_EXPONENT: Final = 9
_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class RequestIdentity:
    """A paid request as the ledger knows it.

    `digest` is SHA-256 in hex over base URL, slug and body. `legacy_digests` are the hashes of
    the body under which journals before 0.2 may know it: of its bytes, and of compact JSON.
    """

    digest: str
    legacy_digests: tuple[str, ...]


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
    value = json.loads(text, object_pairs_hook=_Pairs, parse_int=_Literal, parse_float=_Literal)
    parts: list[str] = []
    _write(value, parts, (), inputs or {})
    asked = f"modellix request 1\n{canonical_base_url(base_url)}\n{slug.name}\n{''.join(parts)}"
    compact = dumps(loads(text), indent=None).encode("utf-8", "surrogatepass")
    legacy = dict.fromkeys((sha256(body).hexdigest(), sha256(compact).hexdigest()))
    return RequestIdentity(sha256(asked.encode()).hexdigest(), tuple(legacy))


class _Pairs(list[Any]):
    """The members of an object, duplicate keys included."""


class _Literal(str):
    """A number as it was written."""

    __slots__ = ()


def _write(value: Any, parts: list[str], path: _Path, inputs: Mapping[_Path, str]) -> None:
    if path in inputs:
        parts.append(f"@{inputs[path]}")
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

    >>> canonical_number("1.0"), canonical_number("1e0"), canonical_number("0.10e3")
    ('1e0', '1e0', '1e2')
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    sign, whole, fraction, exponent = match[1], match[2], match[3] or "", match[4] or "0"
    if len(exponent.lstrip("+-")) > _LONGEST_EXPONENT:
        return text
    digits = (whole + fraction).lstrip("0")
    significant = digits.rstrip("0")
    if not significant:
        return "0e0"
    power = int(exponent) - len(fraction) + len(digits) - len(significant)
    return f"{sign}{significant}e{power}"

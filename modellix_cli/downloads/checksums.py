"""The checksum that a host promises for a whole file, in any of the headers that carry one."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hashlib import _Hash

_SIZES: Final = {"sha256": 32, "sha512": 64, "md5": 16}
_PREFERRED: Final = tuple(_SIZES)
_NAMES: Final = {"sha-256": "sha256", "sha-512": "sha512", "md5": "md5"}
_ITEM: Final = re.compile(r"\s*([A-Za-z0-9-]+)=:?([A-Za-z0-9+/]{1,100}={0,2}):?\s*")
_MAX_HEADER: Final = 4096


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a file's bytes must hash to; `algorithm` is hashlib's name for it."""

    algorithm: str
    digest: bytes

    def begin(self) -> "_Hash":
        """Return a hash object to feed the file to."""
        return hashlib.new(self.algorithm, usedforsecurity=False)


def promised_checksum(headers: Mapping[str, str]) -> Checksum | None:
    """Return the best checksum that the headers of a whole reply (200) give, or None.

    A value that is not one (malformed, of the wrong length, of a file in parts) does not count.
    """
    found: dict[str, Checksum] = {}
    for header in ("repr-digest", "digest", "x-goog-hash"):
        for item in headers.get(header, "")[:_MAX_HEADER].split(","):
            if match := _ITEM.fullmatch(item):
                _add(found, _NAMES.get(match[1].lower(), ""), match[2])
    _add(found, "sha256", headers.get("x-amz-checksum-sha256", ""))
    _add(found, "md5", headers.get("content-md5", ""))
    return next((found[name] for name in _PREFERRED if name in found), None)


def _add(found: dict[str, Checksum], algorithm: str, encoded: str) -> None:
    try:
        digest = base64.b64decode(encoded.strip()[:100], validate=True)
    except (binascii.Error, ValueError):
        return
    if algorithm in _SIZES and len(digest) == _SIZES[algorithm]:
        found.setdefault(algorithm, Checksum(algorithm, digest))

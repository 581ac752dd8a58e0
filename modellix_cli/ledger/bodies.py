"""Bodies of requests as they were sent: each kept once, compressed, for a while."""

import sqlite3
import zlib
from hashlib import sha256
from typing import Final

from modellix_cli.domain.values import DAY

_LARGEST_BODY: Final = 256 * 1024
_BODIES_KEPT: Final = 30 * DAY


def keep_body(db: sqlite3.Connection, body: bytes, now: float) -> str | None:
    """Keep a body; return the digest it is found by, None where it is too large to be kept."""
    if len(body) > _LARGEST_BODY:
        return None
    digest = sha256(body).hexdigest()
    db.execute(
        "INSERT INTO bodies (sha256, compressed, used_at) VALUES (?, ?, ?)"
        " ON CONFLICT (sha256) DO UPDATE SET used_at = excluded.used_at",
        (digest, packed(body), now),
    )
    return digest


def packed(body: bytes) -> bytes:
    """Compress a body in as much memory as its size asks for: usual would be 256 KiB for a word."""
    window = min(max(len(body).bit_length(), 9), zlib.MAX_WBITS)
    packing = zlib.compressobj(wbits=window, memLevel=max(window - 7, 1))
    return packing.compress(body) + packing.flush()


def unpacked(compressed: bytes) -> bytes | None:
    """Return a body that was kept; None for what cannot be one, whatever the file holds."""
    unpacking = zlib.decompressobj()
    try:
        body = unpacking.decompress(compressed, _LARGEST_BODY)
    except zlib.error:
        return None
    return body if unpacking.eof else None


def forget_old_bodies(db: sqlite3.Connection, now: float) -> None:
    """Drop bodies that no request used for a long time."""
    db.execute("DELETE FROM bodies WHERE used_at < ?", (now - _BODIES_KEPT,))

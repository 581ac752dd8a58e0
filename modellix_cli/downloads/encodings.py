"""Undoing a `Content-Encoding` that was not asked for, piece by piece and never more than that.

Hosts send one all the same: gzip that a store was given, `aws-chunked` that an uploader left
behind, or a label on a file that is nothing of the kind.
"""

import re
import zlib
from collections.abc import Iterator
from typing import Final

from modellix_cli.downloads.resources import sniff
from modellix_cli.downloads.tries import Remedy, failed

_PIECE: Final = 1024 * 1024
_PEEK: Final = 128
_LONGEST_LINE: Final = 4096
_FRAME: Final = re.compile(rb"[0-9A-Fa-f]{1,8}(;chunk-signature=[0-9a-f]{64})?\r\n")
_PLAIN: Final = ("", "identity")

Chunks = Iterator[bytes | memoryview]


def encodings(header: str) -> list[str]:
    """Return the encodings that `Content-Encoding` names, in the order they were applied."""
    names = (name.strip().lower() for name in header.split(","))
    return [name for name in names if name not in _PLAIN]


def decoded(names: list[str], chunks: Chunks) -> tuple[Chunks, bool]:
    """Return the bytes of the file, and whether they differ from those that are sent.

    Raises `FetchFailed`, also while reading, for what cannot be decoded.
    """
    changed = False
    if "aws-chunked" in names:
        head, chunks = _peek(chunks)
        if _FRAME.match(head):
            chunks, changed = _unframed(chunks), True
    for name in reversed([name for name in names if name != "aws-chunked"]):
        head, chunks = _peek(chunks)
        if sniff(head):
            break  # a label only: this is the file
        if name in ("gzip", "x-gzip"):
            if head[:2] == b"\x1f\x8b":
                chunks, changed = _inflated(chunks, 31), True
        elif name == "deflate":
            chunks, changed = _inflated(chunks, 15 if _is_zlib(head) else -15), True
        else:
            raise failed(
                f"The host sent the file compressed in a way that was not asked for ({name[:20]}).",
                Remedy.NONE,
            )
    return chunks, changed


def _peek(chunks: Chunks) -> tuple[bytes, Chunks]:
    """Return the first bytes, and chunks that still have them."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= _PEEK:
            break
    return head, _joined(head, chunks)


def _joined(head: bytes, chunks: Chunks) -> Chunks:
    yield head
    yield from chunks


def _is_zlib(head: bytes) -> bool:
    return len(head) > 1 and head[0] & 15 == 8 and int.from_bytes(head[:2], "big") % 31 == 0


def _inflated(chunks: Chunks, wbits: int) -> Chunks:
    inflate = zlib.decompressobj(wbits)
    try:
        for chunk in chunks:
            data = bytes(chunk)
            while data:
                if inflate.eof:  # another member of a gzip file, or padding
                    if wbits != 31 or not data.startswith(b"\x1f"):
                        break
                    inflate = zlib.decompressobj(wbits)
                yield inflate.decompress(data, _PIECE)
                data = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
        yield inflate.flush()
    except zlib.error as error:
        raise failed("What arrived cannot be decompressed.", start_over=True) from error
    if not inflate.eof:
        raise failed("The compressed file broke off.", start_over=True)


def _unframed(chunks: Chunks) -> Chunks:
    """Take off the frames of `aws-chunked`: a size in hex, CRLF, as many bytes, CRLF."""
    buffer, left = bytearray(), -1  # `left` bytes of a frame to come; -1: a size is next
    for chunk in chunks:
        buffer += chunk
        while buffer:
            if left < 0:
                line, end, _ = bytes(buffer[:_LONGEST_LINE]).partition(b"\r\n")
                if not end:
                    if len(buffer) >= _LONGEST_LINE:
                        raise _bad_frame()
                    break
                if not line:  # the end of the frame before
                    del buffer[:2]
                    continue
                left = _frame_size(line)
                del buffer[: len(line) + 2]
                if left == 0:
                    return
            elif left:
                piece = bytes(buffer[:left])
                del buffer[: len(piece)]
                left -= len(piece)
                yield piece
            if left == 0:
                left = -1
    raise failed("The file in chunks broke off.", start_over=True)


def _frame_size(line: bytes) -> int:
    digits = line.partition(b";")[0]
    if not re.fullmatch(rb"[0-9A-Fa-f]{1,12}", digits):
        raise _bad_frame()
    return int(digits, 16)


def _bad_frame() -> Exception:
    return failed("The chunks of the file cannot be read.", start_over=True)

r"""Words as a line that bash, zsh, fish and other POSIX shells read alike.

`shlex.quote` is for POSIX shells: within single quotes fish takes `\\` for one backslash and `\'`
for a quotation mark, and zsh expands a word that begins with `=`.
"""

import re
from collections.abc import Iterable
from typing import Final

from modellix_cli.domain.text import UNSAFE

_SAFE: Final = r"(?a)[A-Za-z0-9_@+:,./-][A-Za-z0-9_@+:,./=-]*"
_NOT_WITHIN: Final = rf"['\\]|(?:{UNSAFE})+"


def join(words: Iterable[str]) -> str:
    """Return words as one line for a shell."""
    return " ".join(map(quote, words))


def quote(word: str) -> str:
    r"""Return a word as a shell reads it back. Line breaks stay; what a terminal acts on does not.

    >>> print(quote("a/b"), quote("it's"), quote("=ls"), quote("a\\b"))
    a/b 'it'"'"'s' '=ls' 'a'\\'b'
    """
    if re.fullmatch(_SAFE, word):
        return word
    return f"'{re.sub(_NOT_WITHIN, _outside, word)}'"


def _outside(found: "re.Match[str]") -> str:
    """Return what cannot stand within single quotes, outside of them."""
    text = found[0]
    if text == "'":
        return """'"'"'"""
    if text == "\\":
        return r"'\\'"
    octal = "".join(rf"\{byte:03o}" for byte in _bytes(text))
    return f"""'"$(printf '{octal}')"'"""


def _bytes(text: str) -> bytes:
    """Return a text as an argument of a process, whatever is in it."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")

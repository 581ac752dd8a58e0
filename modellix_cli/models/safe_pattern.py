"""Patterns of a schema that cannot take long: they are untrusted."""

import re
import warnings
from functools import lru_cache
from typing import Final

_MAX_PATTERN: Final = 500
MAX_MATCHED: Final = 300
"""Characters of a text that a pattern is applied to."""
_MAX_REPEATS: Final = 2
_MAX_CHOICES: Final = 4
_PLAIN: Final = re.compile(r"\\[^1-9]|\[[^\]]*\]", re.DOTALL)
_EXTENSION: Final = re.compile(r"\(\?(?!:)")
_REPEAT: Final = re.compile(r"[*+]|\{\d*,\d*\}")


@lru_cache(maxsize=256)
def safe_pattern(pattern: str) -> re.Pattern[str] | None:
    """Return a pattern that cannot take long, None for any that might.

    Repeated groups, back references and extensions such as comments, which could hide them, are
    out; the rest is counted, escapes and classes in brackets as one character each.
    """
    if _EXTENSION.search(pattern):
        return None
    plain = _PLAIN.sub("a", pattern.replace("(?:", "(")) if len(pattern) <= _MAX_PATTERN else "\\"
    repeats = len(_REPEAT.findall(plain))
    choices = plain.count("(") + plain.count("?")
    if "\\" in plain or re.search(r"\)[*+{]", plain):
        return None
    if repeats > _MAX_REPEATS or choices > _MAX_CHOICES:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return None

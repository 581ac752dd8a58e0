"""Words of slugs, types and descriptions, and how like two of them are."""

import re
import unicodedata
from typing import Final

MAX_CHARS: Final = 2000
"""Of a text; what follows is not looked at."""
SAME_STEM: Final = 0.95
_TYPO: Final = 0.5
_LONGER: Final = 0.6
_WORD: Final = re.compile(r"[^\W_]+(?:\.\d+)*")
_PART: Final = re.compile(r"[^\W\d_]{2,}|\d+(?:\.\d+)+")
_ENDINGS: Final = ("ings", "ing", "ions", "ion", "ers", "er", "est", "ed", "es", "e", "s")
_SHORTEST_STEM: Final = 4
_SHORTEST_PREFIX: Final = 3
_SHORTEST_WITH_TYPO: Final = 5
_SHORTEST_WITH_TWO: Final = 8
_LONGEST_WITH_TYPO: Final = 40


def split(text: str) -> list[str]:
    """Return the words of a text in their order, in lower case.

    >>> split("Wan2.5: Image-to-Video")
    ['wan2.5', 'image', 'to', 'video']
    """
    return _WORD.findall(unicodedata.normalize("NFKC", text[:MAX_CHARS]).casefold())


def words_of(text: str) -> tuple[str, ...]:
    """Return the different words of a text; `wan2.5` is also `wan` and `2.5`."""
    found: dict[str, None] = {}
    for word in split(text):
        found[word] = None
        if not word.isalpha():
            found |= dict.fromkeys(_PART.findall(word))
    return tuple(found)


def stem(word: str) -> str:
    """Return a word without an English ending: `images` and `image` have the same stem."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word.removesuffix(ending)
    return word


def likeness(wanted: str, word: str, *, typos: bool = True) -> float:
    """Return how well `word` answers `wanted`: 1 for the same, 0 for another word.

    Numbers are never taken for typing errors: 2.5 is not 2.6.
    """
    if wanted == word:
        return 1.0
    if stem(wanted) == stem(word):
        return SAME_STEM
    if word.startswith(wanted) and (len(wanted) >= _SHORTEST_PREFIX or not wanted.isascii()):
        return 0.6 + 0.3 * len(wanted) / len(word)
    if wanted.startswith(word) and len(word) >= _SHORTEST_WITH_TYPO:
        return _LONGER
    if not wanted.isascii() and wanted in word:  # scripts that write without blanks
        return _LONGER
    return _TYPO if typos and is_typo(wanted, word) else 0.0


def is_typo(wanted: str, word: str) -> bool:
    """Whether `wanted` is `word` but for a letter, or two of a long word; the first is right."""
    if wanted[0] != word[0] or not (wanted.isalpha() and word.isalpha()):
        return False
    if not _SHORTEST_WITH_TYPO <= len(wanted) <= _LONGEST_WITH_TYPO:
        return False
    most = 2 if len(wanted) >= _SHORTEST_WITH_TWO else 1
    return abs(len(wanted) - len(word)) <= most and distance(wanted, word) <= most


def distance(one: str, other: str) -> int:
    """Count the letters to add, drop, replace or swap with the next to make one of the other."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, wanted in enumerate(other, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            swapped = i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted
            row.append(min(best, last[j - 2] + 1) if swapped else best)
    return row[-1]

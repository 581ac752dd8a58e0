"""Text that came from elsewhere, made safe to show; quantities in words."""

import re
from collections.abc import Iterable
from typing import Final

UNSAFE: Final = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""A pattern of what could act on a terminal, but for tabs and line breaks."""
_UNSAFE_IN_LINE: Final = (
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_INVISIBLE_LETTERS: Final = (
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U00013441\U00013442"
    "\U00016fe4\U000e0100-\U000e01ef]"
)
_SHELL_SAFE_MARKS: Final = "._~/+@=:-"
_SHORT_SECRET: Final = 8
_HIDDEN_QUERY: Final = (
    r"(?i)(?<![a-z0-9])(api_key|api-key|apikey|authorization|key|sig|signature|token)"
    r"=([^&\s\"'<>]+)"
)


def escape(text: str) -> str:
    r"""Replace what could act on a terminal by `\uXXXX`; tabs and line breaks stay."""
    if text.replace("\n", "").isprintable():  # as nearly always; the pattern takes long to compile
        return text
    return re.sub(UNSAFE, lambda match: f"\\u{ord(match[0]):04x}", text)


def one_line(text: str) -> str:
    """Return `text` as a single safe line: unsafe characters, tabs and breaks become blanks."""
    if text.isprintable():
        return text
    return re.sub(_UNSAFE_IN_LINE, " ", text)


def clip(text: str, length: int) -> str:
    """Cut `text` to at most `length` characters, marking the cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


def is_shell_safe(value: str) -> bool:
    """Whether a value that came from elsewhere may be put on a command line as it is."""
    return is_word(value, _SHELL_SAFE_MARKS)


def is_word(text: str, marks: str) -> bool:
    """Whether there is text, of letters and digits of any script and `marks` of ASCII only.

    Letters may have accents of their own (U+0300), and none is invisible.

    >>> is_word("tâche_7", "_"), is_word("猫-1", "_-"), is_word("a b", "_"), is_word("\u3164", "_")
    (True, True, False, False)
    """
    if re.fullmatch(rf"(?a)[A-Za-z0-9{re.escape(marks)}]+", text):
        return True
    if text.isascii() or re.search(_INVISIBLE_LETTERS, text):
        return False
    from unicodedata import category

    kinds = "".join("L" if letter in marks else category(letter)[0] for letter in text)
    return re.fullmatch("[LN][LNM]*", kinds) is not None


def quoted(text: str) -> str:
    """Return what the user wrote in quotation marks, for a message: one safe line, clipped."""
    return '"' + clip(one_line(text), 80) + '"'


def is_encodable(text: str) -> bool:
    """Whether `text` can be sent: it has no lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def without_secrets(text: str) -> str:
    """Replace the values of query parameters that carry secrets, as in signed URLs."""
    if "=" not in text:
        return text
    return re.sub(_HIDDEN_QUERY, r"\1=[REDACTED]", text)


def hide_secrets(text: str, secrets: Iterable[str]) -> str:
    """Replace `secrets`, such as the API key; a very short one only where it stands alone."""
    for secret in secrets:
        if not secret or secret not in text:
            continue
        pattern = re.escape(secret)
        if len(secret) < _SHORT_SECRET:
            pattern = rf"(?<![\w-]){pattern}(?![\w-])"
        text = re.sub(pattern, "[REDACTED]", text)
    return text


def excerpt(text: str, length: int, secrets: Iterable[str] = ()) -> str:
    """Return text from elsewhere as one safe line of at most `length` characters.

    Secrets go before it is cut: of one across the edge, nobody would recognise what is left.
    """
    return clip(without_secrets(hide_secrets(one_line(text).strip(), secrets)), length)


def duration(seconds: float) -> str:
    """Write a time in seconds for people: `0.5s`, `45s`, `1m 05s`, `2h 03m`, `7 days`.

    >>> duration(65)
    '1m 05s'
    """
    if seconds < 10 and seconds != int(seconds):
        return f"{seconds:.1f}s"
    whole = round(seconds)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    if hours >= 48:
        return count(round(whole / 86400), "day")
    if hours:
        return f"{hours}h {minute:02d}m"
    return f"{minute}m {second:02d}s" if minute else f"{second}s"


def size(number: int) -> str:
    """Write a number of bytes for people: `512 B`, `1.5 KiB`, `16.0 MiB`."""
    amount = float(number)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def count(number: int, noun: str) -> str:
    """Write a number with its noun: `1 file`, `3 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

"""Keys from what a terminal sends."""

from typing import Final

UP: Final = "up"
DOWN: Final = "down"
_SEQUENCES: Final = {b"[A": UP, b"OA": UP, b"[B": DOWN, b"OB": DOWN}
_ALIASES: Final = {"k": UP, "j": DOWN, "h": "?", "\x03": "q"}


def read_keys(data: bytes) -> list[str]:
    """Return the keys in `data`: characters in lower case, `up` and `down`; others are left out."""
    found: list[str] = []
    at = 0
    while at < len(data):
        if data[at] != 0x1B:
            sign = chr(data[at]).lower()
            found.append(_ALIASES.get(sign, sign))
            at += 1
            continue
        key = _SEQUENCES.get(data[at + 1 : at + 3])
        found += [key] if key else []
        at = _end_of_sequence(data, at + 1)
    return found


def _end_of_sequence(data: bytes, at: int) -> int:
    """Return where an escape sequence ends: after its first letter, `~` included."""
    if at < len(data) and data[at] in b"[O":
        at += 1
        while at < len(data) and not 0x40 <= data[at] <= 0x7E:
            at += 1
        return at + 1
    return at

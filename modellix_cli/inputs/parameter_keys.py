r"""The names of parameters as they are typed: `size`, `parameters.size`, `image_urls[]`.

A dot leads into an object, `[]` adds to an array, `[0]` is one entry of it. A backslash before one
of `. [ ] = : \` makes it a part of the name.
"""

import re
from typing import Final

from modellix_cli.domain.errors import ModellixError, usage
from modellix_cli.domain.text import clip, one_line, quoted

Step = str | int | None
"""One step into a body: the name of a property, the index of an entry, None for a new entry."""
Path = tuple[Step, ...]

MAX_STEPS: Final = 20
_MAX_KEY: Final = 1000
_SHOWN: Final = 60
_ESCAPABLE: Final = r"[.\[\]=:\\]"
_NAME: Final = rf"(?:[^.\[\]\\]|\\{_ESCAPABLE}|\\(?!{_ESCAPABLE}))+"
_SEGMENT: Final = re.compile(rf"({_NAME})((?:\[[0-9]{{0,4}}\])*)(\.|\Z)")
_ASSIGNMENT: Final = re.compile(
    rf"((?:[^=\\]|\\{_ESCAPABLE}|\\(?!{_ESCAPABLE}))*?)(:?=)(.*)", re.DOTALL
)
_INDEX: Final = re.compile(r"\[([0-9]*)\]")
_ESCAPED: Final = re.compile(rf"\\({_ESCAPABLE})")
_HINT: Final = (
    r"Names are written like size, parameters.size, image_urls[] or shots[0].prompt; "
    r"\. is a dot in a name."
)


def split_assignment(text: str) -> tuple[str, str, str] | None:
    """Split `KEY=VALUE` or `KEY:=VALUE` into key, `=` or `:=`, and value; None without a `=`.

    >>> split_assignment("prompt=a:=b")
    ('prompt', '=', 'a:=b')
    """
    found = _ASSIGNMENT.fullmatch(text)
    return None if found is None else (found[1], found[2], found[3])


def parse_key(text: str, option: str = "-p") -> Path:
    """Read a key as the steps that lead to its place. Raises the usage error that shows it."""
    if len(text) > _MAX_KEY:
        raise usage(f"{option}: the name has more than {_MAX_KEY} characters.", hint=_HINT)
    if text != text.strip():
        raise usage(
            f"{option} {shown_key(text)}: the name begins or ends with a blank.",
            hint=f"Write it without: {option} {clip(one_line(text.strip()), _SHOWN)}=VALUE",
        )
    steps: list[Step] = []
    at = 0
    while True:
        found = _SEGMENT.match(text, at)
        if found is None:
            raise _unreadable(text, at, option)
        steps.append(_ESCAPED.sub(r"\1", found[1]))
        steps += [int(index) if index else None for index in _INDEX.findall(found[2])]
        at = found.end()
        if not found[3]:
            break
    if len(steps) > MAX_STEPS:
        raise usage(f"{option} {shown_key(text)}: the name has over {MAX_STEPS} steps.", hint=_HINT)
    return tuple(steps)


def write_key(path: Path) -> str:
    r"""Write steps as they are typed, so that `parse_key` reads the same.

    >>> write_key(("a.b", "urls", None))
    'a\\.b.urls[]'
    """
    key = ""
    for step in path:
        if isinstance(step, str):
            name = re.sub(_ESCAPABLE, lambda match: "\\" + match[0], step)
            key += f".{name}" if key else name
        else:
            key += "[]" if step is None else f"[{step}]"
    return key


def shown_key(text: str) -> str:
    """Return a key for a message: in quotation marks, one safe line."""
    return quoted(clip(text, _SHOWN))


def _unreadable(text: str, at: int, option: str) -> ModellixError:
    if not text:
        return usage(f"{option}: there is no name before the =.", hint=_HINT)
    rest = clip(one_line(text[at:]), _SHOWN)
    what = f"a name is missing at {quoted(rest)}" if rest else "it ends with a dot"
    if "[" in rest or "]" in rest:
        what = "the brackets hold no index from 0 to 9999, or a dot is missing behind them"
    return usage(f"{option} {shown_key(text)}: {what}.", hint=_HINT)

"""What `-p KEY=VALUE` asks for, as values: texts, JSON, files, results of earlier tasks.

Nothing is read or looked up here. A text arrives as it was given, whatever is in it; only a leading
`@` means more, and `@@` is an `@` that does not.
"""

import re
from collections.abc import Iterable
from typing import Final

from modellix_cli.domain.errors import ModellixError, usage
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json, JsonError, loads
from modellix_cli.domain.text import clip, one_line, quoted
from modellix_cli.domain.values import parse_task_id
from modellix_cli.inputs.parameter_keys import Path, parse_key, shown_key, split_assignment

_SHOWN: Final = 60
_INDEX: Final = re.compile(r"(.*)\[([0-9]{1,4})\]", re.DOTALL)
_LAST: Final = re.compile(r"last(?:~([0-9]{1,4}))?(?:\[([0-9]{1,4})\])?")
_ALMOST_LAST: Final = re.compile(r"last[~\[]")
_EXAMPLES: Final = (
    "For example: -p seed=7, -p 'size:={\"width\": 512}' for JSON, "
    "-p image=@photo.png for a file, -p image=@last for a result."
)

_REFERENCE_HINT: Final = (
    "A result is written @last, @last~2, @last[1], @task:ID[0] or @line:ID[0]; a file of such a "
    "name @./NAME; a text that begins with @:"
)


@frozen
class Text:
    """A text as it was given; what the schema wants to be a number becomes one later."""

    text: str


@frozen
class JsonText:
    """One JSON value as it was written, so that its numbers keep every digit."""

    text: str

    @property
    def value(self) -> Json:
        """The value, parsed each time: what is done to it stays with whoever asked."""
        return loads(self.text)


@frozen
class FileRef:
    """A file, by its path as it was given."""

    path: str


@frozen
class TaskRef:
    """A resource of a finished task.

    `task_id` names the task; where it is None, it is the one `back` tasks before the last.
    `index` counts the resources from 0; None where it was not given.
    """

    task_id: str | None = None
    back: int = 0
    index: int | None = None


@frozen
class LineRef:
    """A resource of what another line of the same batch makes: its id, `index` as for a task."""

    line_id: str
    index: int | None = None


Value = Text | JsonText | FileRef | TaskRef | LineRef


@frozen
class Edit:
    """One change to a body: where, and to what. `written` is how it was given."""

    path: Path
    value: Value
    written: str

    def __str__(self) -> str:
        return shown_edit(self.written)


def shown_edit(written: str) -> str:
    """Return how messages name a change to a body that was given so."""
    return clip(one_line(written), _SHOWN)


def parse_edits(texts: Iterable[str], option: str = "-p") -> tuple[Edit, ...]:
    """Read the values of `-p`, in their order; see `parse_edit`."""
    return tuple(parse_edit(text, option) for text in texts)


def parse_edit(text: str, option: str = "-p") -> Edit:
    """Read `KEY=TEXT`, `KEY:=JSON`, `KEY=@PATH`, `KEY=@task:ID[N]`, `KEY=@last~N[N]` and the like.

    `option` is what errors call it. Raises the usage error that says what is wrong with the value
    and shows a right one.
    """
    parts = split_assignment(text)
    if parts is None:
        raise _no_assignment(text, option)
    key, sign, given = parts
    path = parse_key(key, option)
    value = _json(key, given, option) if sign == ":=" else _value(key, given, option)
    return Edit(path, value, f"{option} {text}")


def write_text(text: str) -> str:
    """Return how a text is written behind `KEY=`, so that it arrives as it is.

    >>> write_text("@home")
    '@@home'
    """
    return f"@{text}" if text.startswith("@") else text


def _no_assignment(text: str, option: str) -> ModellixError:
    if text.lstrip().startswith(("{", "[")):
        hint = "To give the whole body as JSON, pass --body JSON or --body-file FILE."
    else:
        hint = _EXAMPLES
    return usage(f"{option} {quoted(clip(text, _SHOWN))} is not KEY=VALUE.", hint=hint)


def _json(key: str, given: str, option: str) -> JsonText:
    try:
        loads(given)
    except JsonError as error:
        name = clip(one_line(key), _SHOWN)
        shown = quoted(clip(given, _SHOWN)) if given else "nothing"
        what = f"{option} {shown_key(key)}: {shown} after := is not JSON ({error})."
        if given.startswith("@"):
            hint = f"For a file or a result, write {option} {name}=@…, without the colon."
        else:
            hint = (
                f"For text, write {option} {name}=TEXT. JSON looks like {option} {name}:=5, "
                f"""{option} {name}:=true or {option} '{name}:=["a", "b"]'."""
            )
        raise usage(what, hint=hint) from error
    return JsonText(given)


def _value(key: str, given: str, option: str) -> Value:
    if not given.startswith("@"):
        return Text(given)
    if given.startswith("@@"):
        return Text(given[1:])
    name = f"{option} {shown_key(key)}"
    try:
        return _reference(given[1:])
    except ModellixError as error:
        key = clip(one_line(key), _SHOWN)
        raise usage(f"{name}: {error.message}", hint=f"{_REFERENCE_HINT} {key}=@@…") from error


def _reference(rest: str) -> FileRef | TaskRef | LineRef:
    """Read what follows a single `@`. Raises the usage error."""
    if not rest:
        raise usage("nothing follows the @.")
    if found := _LAST.fullmatch(rest):
        index = None if found[2] is None else int(found[2])
        return TaskRef(back=int(found[1] or 0), index=index)
    if _ALMOST_LAST.match(rest):
        raise usage(f"{quoted('@' + clip(rest, _SHOWN))} is no reference to a result.")
    kind, colon, named = rest.partition(":")
    if not colon or kind not in ("task", "line"):
        return FileRef(rest)
    indexed = _INDEX.fullmatch(named)
    name, index = (indexed[1], int(indexed[2])) if indexed else (named, None)
    if kind == "task":
        return TaskRef(parse_task_id(name), index=index)
    if not name:
        raise usage("the id of a line is missing.")
    return LineRef(name, index)

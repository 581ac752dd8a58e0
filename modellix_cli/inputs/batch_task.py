"""A task as the input of a batch gives it, and the checks of what stands beside its body."""

from collections.abc import Callable
from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.text import one_line
from modellix_cli.domain.values import Slug, parse_request_key, parse_slug, parse_tag
from modellix_cli.inputs.parameters import Edit

_MAX_NAME: Final = 200
_HINT: Final = "Correct it there, then run the same command again."
_NAME_HINT: Final = "Give each task an id of its own, or none at all."


@frozen
class GivenTask:
    """One task of the input. `number` is its line or row, from 1, and 0 for none.

    `where` names that place in errors, such as `on line 3`, empty without one. `cells` are
    parameters whose types only the model's schema tells; they are laid over `body`. `suffix` is
    the ending of its id and of those it uses, which a `--matrix` adds. `webhook` is not checked
    yet. `has_inputs` says that there may be an `InputText` in the body. What is not given is None.
    """

    number: int
    where: str
    slug: Slug | None
    body: dict[str, Json]
    name: str | None = None
    request_key: str | None = None
    webhook: str | None = None
    tag: str | None = None
    cells: tuple[Edit, ...] = ()
    suffix: str = ""
    has_inputs: bool = False


def invalid(where: str, problem: str, hint: str = _HINT) -> ModellixError:
    """Return the error for a task that is none; `where` is such as `on line 3`."""
    place = f" {where}" if where else ""
    return ModellixError(ErrorCode.INVALID_BODY, f"Invalid task{place}: {problem}", hint=hint)


def place_of(unit: str, number: int) -> str:
    """Return where a task stands: `on line 3`, `in row 3`, empty for number 0."""
    if not number:
        return ""
    return f"in row {number}" if unit == "row" else f"on {unit} {number}"


def read_slug(text: str, where: str) -> Slug:
    """Read a model's slug. Raises `INVALID_BODY`, naming the place."""
    try:
        return parse_slug(text)
    except ModellixError as error:
        raise invalid(where, error.message, error.hint).copy_with(wanted=error.wanted) from error


def read_name(name: Json, where: str) -> str | None:
    """Read the id of a task: a text or an integer. Raises `INVALID_BODY`."""
    if name is None:
        return None
    if isinstance(name, int) and not isinstance(name, bool):
        name = str(name)
    problem = ""
    if not isinstance(name, str) or not name.strip():
        problem = "must be a non-empty string or an integer"
    elif len(name) > _MAX_NAME:
        problem = f"exceeds the {_MAX_NAME}-character limit"
    elif one_line(name) != name:
        problem = "must not have control characters"
    if problem:
        raise invalid(where, f"id {problem}.", _NAME_HINT)
    return str(name)


def read_text(name: str, value: Json, where: str) -> str | None:
    """Read `requestKey` or `tag`, each a text with rules of its own, or `webhook`, just a text.

    `name` is as the input spells it. Raises `INVALID_BODY`.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise invalid(where, f"{name} must be a string.")
    try:
        return _READERS[name](value, name)
    except ModellixError as error:
        raise invalid(where, error.message, error.hint) from error


_READERS: Final[dict[str, Callable[[str, str], str]]] = {
    "requestKey": parse_request_key,
    "request_key": parse_request_key,
    "tag": parse_tag,
    "webhook": lambda text, _: text,
}

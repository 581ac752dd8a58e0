"""Commands that take groups of options: a parameter that is a frozen value of `options/`.

Its fields with a Typer option become options of the command; fields without keep their default.
Help lists them under the heading that the class variable `PANEL` names.
"""

import inspect
from collections.abc import Callable, Iterator
from copy import copy
from typing import Annotated, get_args, get_origin, get_type_hints

from modellix_cli.domain.frozen import fields_of, is_frozen


def expand(function: Callable[..., None]) -> Callable[..., None]:
    """Return a function for Typer that takes the fields of groups in place of the groups."""
    hints = get_type_hints(function, include_extras=True)
    groups: dict[str, tuple[type, list[str]]] = {}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(function).parameters.values():
        kind = hints[parameter.name]
        if isinstance(kind, type) and is_frozen(kind):
            options = list(_options(kind))
            groups[parameter.name] = kind, [option.name for option in options]
            parameters += options
        else:
            parameters.append(parameter.replace(annotation=kind, kind=parameter.KEYWORD_ONLY))
    if not groups:
        return function

    def run(**values: object) -> None:
        for name, (group, names) in groups.items():
            values[name] = group(**{option: values.pop(option) for option in names})
        function(**values)

    signature = inspect.Signature(parameters)
    run.__signature__ = signature  # type: ignore[attr-defined]
    run.__annotations__ = {option.name: option.annotation for option in parameters}
    run.__doc__ = function.__doc__
    return run


def _options(group: type) -> Iterator[inspect.Parameter]:
    """Yield the options of a group, in the order of its fields."""
    hints = get_type_hints(group, include_extras=True)
    for field in fields_of(group):
        hint = hints[field.name]
        if get_origin(hint) is Annotated:
            yield inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=_in_panel(hint, getattr(group, "PANEL", None)),
            )


def _in_panel(hint: object, panel: str | None) -> object:
    """Return the annotation of an option, listed under `panel` unless it names a heading itself."""
    kind, option, *others = get_args(hint)
    if panel is None or getattr(option, "rich_help_panel", None) is not None:
        return hint
    option = copy(option)
    option.rich_help_panel = panel
    return Annotated[(kind, option, *others)]

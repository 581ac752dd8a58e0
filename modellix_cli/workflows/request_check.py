"""A body against what its model documents, before it is paid for."""

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json, dumps
from modellix_cli.domain.text import clip, one_line
from modellix_cli.models.body_warnings import paths_for_addresses, unknown_parameters
from modellix_cli.models.parameters import read_parameters


@frozen
class CheckedBody:
    """What is wrong with a body, and what may be; `unchecked` is why nothing could be told."""

    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    unchecked: str | None = None


def check_body(body: dict[str, Json], schema: Json, *, strict: bool) -> CheckedBody:
    """Check a body by the schema document of its model, None where that is not known.

    With `strict`, parameters that the model does not document are faults.
    """
    from modellix_cli.models.body_check import BodyCheck
    from modellix_cli.models.schema_keywords import CannotCheck

    if schema is None:
        return CheckedBody(unchecked="the model's schema cannot be had")
    parameters = read_parameters(schema)
    faults = paths_for_addresses(body, parameters)
    unknown = unknown_parameters(body, parameters)
    unchecked = None
    try:
        problem = BodyCheck(schema).problem(dumps(body, indent=None).encode())
    except CannotCheck as error:
        problem, unchecked = None, clip(one_line(str(error)), 200)
    if problem is not None:
        faults.append(f"{problem}.")
    if strict:
        return CheckedBody((*faults, *unknown), (), unchecked)
    return CheckedBody(tuple(faults), tuple(unknown), unchecked)


def as_errors(checked: CheckedBody, params_command: str) -> list[ModellixError]:
    """Return each fault as an error of its own; `params_command` shows what the model takes."""
    hint = f"See what the model takes with: {params_command}"
    return [ModellixError(ErrorCode.INVALID_BODY, fault, hint=hint) for fault in checked.faults]


def refuse_faults(checked: CheckedBody, params_command: str) -> None:
    """Raise `INVALID_BODY` for a body that the model would refuse.

    `params_command` shows what the model takes.
    """
    if checked.faults:
        raise ModellixError(
            ErrorCode.INVALID_BODY,
            " ".join(checked.faults),
            hint=f"Nothing was sent. See what the model takes with: {params_command}. To send it "
            "all the same, pass --no-check.",
        )

"""A body against what its model documents, before it is paid for."""

from collections.abc import Callable

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import Json, dumps
from modellix_cli.domain.text import one_line
from modellix_cli.inputs.local_paths import is_path, texts_of
from modellix_cli.models.body_warnings import paths_for_addresses
from modellix_cli.models.model_check import CheckedBody, ModelCheck
from modellix_cli.models.parameters import read_parameters
from modellix_cli.workflows.given_body import RequestBody


def check_body(
    body: RequestBody, schema: Json, lacking: ModellixError | None = None, *, strict: bool
) -> CheckedBody:
    """Check a body by the schema document of its model, None where that is not known.

    `lacking` is why it is not. With `strict`, parameters that the model does not document are
    faults.
    """
    if schema is None:
        why = "" if lacking is None else f": {one_line(lacking.message)}".removesuffix(".")
        return CheckedBody(unchecked=f"the model's schema cannot be had{why}")
    checked = ModelCheck(schema).look(dumps(body.likely, indent=None).encode(), body.origins)
    return checked.strictly() if strict else checked


def check_paths(body: dict[str, Json], schema_of: Callable[[], Json]) -> CheckedBody:
    """Check a body only for paths of this machine where its model takes an address.

    The schema document is asked for where there is a path at all.
    """
    if not any(is_path(text) for _, text in texts_of(body)):
        return CheckedBody()
    schema = schema_of()
    parameters = () if schema is None else read_parameters(schema)
    return CheckedBody(tuple(paths_for_addresses(body, parameters)))


def as_errors(checked: CheckedBody, params_command: str) -> list[ModellixError]:
    """Return each fault as an error of its own; `params_command` shows what the model takes."""
    hint = f"See what the model takes with: {params_command}"
    return [ModellixError(ErrorCode.INVALID_BODY, fault, hint=hint) for fault in checked.faults]


def not_checked(why: str, option: str) -> ModellixError:
    """Return the error for a body that could not be checked, as `option` asks."""
    return ModellixError(
        ErrorCode.SERVICE_UNAVAILABLE,
        f"The body was not checked: {why}.",
        hint=unchecked_hint(option),
    )


def unchecked_hint(option: str) -> str:
    """Return what to do where what `option` asks for could not be checked."""
    return (
        f"To send it unchecked, leave out {option}; where the service could not be asked, try "
        "again later."
    )


def refuse_faults(checked: CheckedBody, params_command: str) -> None:
    """Raise `INVALID_BODY` for a body that the model would refuse.

    `params_command` shows what the model takes. What it is warned of may be why: a misspelt name.
    """
    if checked.faults:
        raise ModellixError(
            ErrorCode.INVALID_BODY,
            " ".join((*checked.faults, *checked.warnings)),
            hint=f"Nothing was sent. See what the model takes with: {params_command}. To send it "
            "all the same, pass --no-check.",
        )

"""A recorded request as data: its parameters, its files, its whole entry in the log."""

from typing import TYPE_CHECKING, Final

from modellix_cli.domain.jsontext import Json, JsonError, JsonObject, loads
from modellix_cli.domain.submission_state import SubmissionState

if TYPE_CHECKING:
    from modellix_cli.ledger.request_records import Record
    from modellix_cli.ledger.task_records import KeptFile

_MAIN_TEXTS: Final = ("prompt", "text")


def parameters_of(body: bytes | None) -> dict[str, Json] | None:
    """Return the parameters in a body; None where it was not kept, or is no JSON object."""
    try:
        value = None if body is None else loads(body)
    except JsonError:
        return None
    return value if isinstance(value, dict) else None


def prompt_of(body: bytes | None) -> str | None:
    """Return the text that a request is about, None if it has none or is not known."""
    parameters = parameters_of(body) or {}
    texts = (parameters.get(name) for name in _MAIN_TEXTS)
    return next((text for text in texts if isinstance(text, str)), None)


def file_as_dict(file: "KeptFile") -> JsonObject:
    """Return a saved file as JSON shows it; what is not known is left out."""
    facts = {
        "path": file.path,
        "bytes": file.size,
        "sha256": file.sha256,
        "type": file.type,
        "position": file.position,
    }
    return {name: value for name, value in facts.items() if value is not None}


def files_as_dicts(record: "Record") -> list[JsonObject]:
    """Return the saved files of a record."""
    return [file_as_dict(file) for file in record.files]


def log_entry(record: "Record") -> JsonObject:
    """Return all that is known of a record, for audits; what is not known is left out.

    `type` says whether it was submitted here. `message` says why it was refused, by the service or
    (`Not sent: …`) by a limit or a check, or why its outcome is unknown. Queries of webhooks,
    which may hold secrets, are not shown.
    """
    from modellix_cli.provenance.redaction import redact_text

    state = record.state
    facts: JsonObject = {
        "type": "task" if state is None else "submission",
        **record.as_dict(),
        "state": None if state is None else str(state),
        "message": None if state is SubmissionState.ACCEPTED else record.detail,
        "requestKey": record.request_key,
        "webhook": None if record.webhook is None else redact_text(record.webhook),
        "replacesRequest": record.replaces,
        "parameters": parameters_of(record.body),
        "files": files_as_dicts(record) or None,
    }
    return {name: value for name, value in facts.items() if value is not None}

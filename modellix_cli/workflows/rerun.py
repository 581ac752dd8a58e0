"""`task rerun`: the request of an earlier task, as far as it is kept here."""

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError, usage
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.values import Slug, parse_slug
from modellix_cli.ledger.request_records import Record
from modellix_cli.workflows.run_end import UNKNOWN_HINT
from modellix_cli.workflows.task_trace import find_trace, rerun_words


@frozen
class EarlierRequest:
    """What was sent then: the model, the body byte for byte, the tag."""

    slug: Slug
    body: bytes
    tag: str | None


def find_request(session: Session, text: str, *, resend_unknown: bool) -> EarlierRequest:
    """Return the request of a task, or of the submission of a number.

    Raises `NOT_FOUND`; the usage error where it was sent to another address, so that nobody pays
    for what was tried in the sandbox, and where the body is not kept; `SUBMISSION_UNKNOWN` for one
    that may have created a task already, unless `resend_unknown`.
    """
    record = find_trace(session, text).record
    name = record.task_id or f"request {record.number}"
    _check_address(session, record, name)
    if record.number is None or record.slug is None:
        raise usage(
            f"Task {name} was not submitted from this machine, so its parameters are not known.",
            hint="Run it with: modellix-cli model run SLUG --body JSON",
        )
    if record.body is None:
        raise usage(
            f"The parameters of {name} are not kept here any more, so it cannot be run again.",
            hint="They are kept for 30 days, up to 256 KiB, unless MODELLIX_KEEP_BODIES=0 is set. "
            f"Run it with: modellix-cli model run {record.slug} --body JSON",
        )
    if record.state is not None and record.state.is_open and not resend_unknown:
        raise _may_be_paid(record)
    return EarlierRequest(parse_slug(record.slug), record.body, record.tag)


def _check_address(session: Session, record: Record, name: str) -> None:
    here = session.stores.account.base_url
    if record.base_url == here:
        return
    if session.settings.sandbox:
        raise usage(
            f"{name} was sent to {record.base_url}, not to the sandbox.",
            hint="To run it there, which is charged, leave out --sandbox.",
        )
    called = record.task_id or str(record.number)
    words = rerun_words(called, record.base_url, session.settings.profile.name)
    raise usage(
        f"{name} was sent to {record.base_url}, and this would pay at {here}.",
        hint=f"To run it there: {session.commands.join(words)}",
    )


def _may_be_paid(record: Record) -> ModellixError:
    when = "is just being sent" if record.in_flight else "is of unknown outcome"
    hint = None
    if record.state is SubmissionState.UNKNOWN:
        hint = UNKNOWN_HINT.format(number=record.number)
    return ModellixError(
        ErrorCode.SUBMISSION_UNKNOWN,
        f"Request {record.number} {when}: a task may have been created. It was not sent again.",
        hint=hint,
        charged="no",
    )

"""The body of a request that is sent as it was given."""

from collections.abc import Mapping
from dataclasses import field

from modellix_cli.context.session import Session
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json, decode, loads
from modellix_cli.inputs.body import missing_body, read_body, unreadable_stdin
from modellix_cli.options.body import Body


@frozen
class RequestBody:
    """The body of a paid request.

    `sent` are the bytes that leave; `asked` the same with files and results by what they are
    instead of by address, which is what makes two requests the same. `likely` is the body to check
    and to estimate by. `unresolved` says what in it is not what would be sent, and why; `origins`
    where in a file of settings a parameter is set, for those that come from one.
    """

    sent: bytes
    asked: bytes
    likely: dict[str, Json]
    unresolved: tuple[str, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)


def read_given(session: Session, body: Body) -> bytes | None:
    """Return what --body or --body-file says, None where neither was given."""
    if body.body is None and body.body_file is None:
        return None
    file = body.body_file
    if file == "-" and body.body is None and session.runtime.stdin_is_terminal:
        raise unreadable_stdin("--body-file")
    if file not in (None, "-"):
        file = str(session.settings.path(file))
    return read_body(body.body, file, session.runtime.read_stdin, body.max_body_bytes)


def as_given(given: bytes) -> RequestBody:
    """Return the body that JSON text is, as it is."""
    return RequestBody(given, given, loads(decode(given)))


def given_body(session: Session, body: Body, kept: bytes | None) -> RequestBody:
    """Return the body that was given, `kept` in its place if that is there; raise if neither is."""
    given = read_given(session, body) if kept is None else kept
    if given is None:
        raise missing_body()
    return as_given(given)

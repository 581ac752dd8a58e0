"""Requests that a check refused are recorded, so that the log tells of them too."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.identity import identity_of
from modellix_cli.domain.values import Slug
from modellix_cli.inputs.batch_file import BatchInput, Line
from modellix_cli.ledger.records import Request

if TYPE_CHECKING:
    from modellix_cli.models.batch_check import LineProblem
    from modellix_cli.workflows.batch_plan import BatchOptions

_WHOLE: Final = frozenset({ErrorCode.ALREADY_PAID, ErrorCode.COST_LIMIT})
_MOST: Final = 20
"""Lines that are recorded of a batch that was refused as a whole."""


def request_of(
    session: Session, slug: Slug, body: bytes, asked: bytes, *, name: str | None = None
) -> Request:
    """Return a request as the ledger keeps it; `asked` is what its body asks."""
    identity = identity_of(session.settings.base_url, slug, asked)
    return Request(identity, slug.name, body, line_id=name)


def record_refusals(
    session: Session, refused: Iterable[tuple[Request, str]], api_key: str | None
) -> None:
    """Record requests that are not sent, and why. Without a key or a ledger, nothing is."""
    with suppress(ModellixError):  # what refused them is told in any case
        if session.connections.key is None:
            session.connections.find_and_keep_key(api_key)
        for request, why in refused:
            session.stores.submissions.record_refusal(request, session.out.clean(why))


def record_lines(
    session: Session, tasks: BatchInput, problems: "Iterable[LineProblem]", options: "BatchOptions"
) -> None:
    """Record the lines of a batch that a check refused."""
    named = {problem.index: f"{problem.problem}." for problem in problems}
    refused = (
        (_request_of(session, line, options.tag), named[line.index])
        for line in tasks.lines()
        if line.index in named
    )
    record_refusals(session, refused, options.api_key)


@contextmanager
def recording_batch(
    session: Session, options: "BatchOptions", lines: Callable[[], Iterable[Line]]
) -> Iterator[None]:
    """Record that a whole batch was refused, if that is raised within, by the first of its `lines`.

    A batch that did not begin leaves no other trace, and may have a million lines.
    """
    try:
        yield
    except ModellixError as error:
        if error.code in _WHOLE:
            refused = (_request_of(session, line, options.tag) for line in islice(lines(), _MOST))
            why = f"With its whole batch: {error.message}"
            record_refusals(session, ((request, why) for request in refused), options.api_key)
        raise


def _request_of(session: Session, line: Line, tag: str | None) -> Request:
    request = request_of(session, line.slug, line.body, line.asked, name=line.name)
    return replace(
        request,
        line=line.index,
        request_key=line.request_key,
        tag=line.tag or tag,
        webhook=line.webhook,
    )

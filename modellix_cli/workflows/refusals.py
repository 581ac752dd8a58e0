"""Requests that a check refused are recorded, so that the log tells of them too."""

from collections.abc import Iterable
from contextlib import suppress

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.identity import identity_of
from modellix_cli.domain.values import Slug
from modellix_cli.inputs.batch_file import BatchInput
from modellix_cli.ledger.records import Request
from modellix_cli.models.batch_check import LineProblem


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
    session: Session, tasks: BatchInput, problems: Iterable[LineProblem], api_key: str | None
) -> None:
    """Record the lines of a batch that a check refused."""
    named = {problem.index: f"{problem.problem}." for problem in problems}
    refused = (
        (request_of(session, line.slug, line.body, line.asked, name=line.name), named[line.index])
        for line in tasks.lines()
        if line.index in named
    )
    record_refusals(session, refused, api_key)

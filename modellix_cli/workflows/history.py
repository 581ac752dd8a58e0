"""`task history`: finding what is wanted, and showing it whole or the newest of it."""

from collections.abc import Sequence
from difflib import get_close_matches
from itertools import islice
from typing import Final

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import usage
from modellix_cli.domain.moments import parse_since
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.task import CANCELED, FAILED, SUCCEEDED, UNFINISHED
from modellix_cli.domain.text import quoted
from modellix_cli.domain.values import parse_slug, parse_tag
from modellix_cli.ledger.history import Scope
from modellix_cli.ledger.request_log import Wanted
from modellix_cli.ledger.request_records import SENDING, SUBMITTED
from modellix_cli.ledger.tasks import EXPIRED, GONE
from modellix_cli.options.history import HistoryFilters
from modellix_cli.output import history as show
from modellix_cli.output.sink import Output

USUAL_LIMIT = 20
_USUAL: Final = (
    *("pending", "processing", "success", "failed", "canceled", EXPIRED),
    *(SUBMITTED, SENDING, str(SubmissionState.UNKNOWN), str(SubmissionState.REJECTED)),
)
_KNOWN: Final = {*_USUAL, *UNFINISHED, *SUCCEEDED, *FAILED, GONE}


def chosen_scope(session: Session) -> Scope:
    """Return the part of the history that is meant: a profile limits it if one was chosen."""
    profile = session.settings.profile
    named = profile.source in ("flag", "environment")
    return Scope(profile.name if named else None, session.settings.sandbox)


def show_history(
    session: Session,
    filters: HistoryFilters,
    limit: int | None,
    *,
    files: bool,
    columns: Sequence[str] = (),
) -> None:
    """Show the newest of what is wanted; as JSON Lines or CSV all of it, unless there is a limit.

    `columns` are names of those that a table is to have.
    """
    history, scope = session.stores.history, chosen_scope(session)
    wanted = wanted_of(filters, session.runtime.clock.now())
    check_status(session, filters.status)
    if session.out.mode in (Output.JSONL, Output.CSV):
        write = show.log if session.out.mode is Output.JSONL else show.csv
        write(session.out, islice(history.everything(scope, wanted), limit))
        return
    most = limit or USUAL_LIMIT
    records, total = history.entries(scope, most, wanted, files=files)
    refused = _asks_for(wanted, SubmissionState.REJECTED)
    listing = show.Listing(
        records,
        total,
        unknown=history.unknown(scope, wanted),
        rejected=history.rejected(scope, most, wanted) if refused else None,
        profile=scope.profile,
        filtered=filters.any,
        files=files,
        free=scope.sandbox,
        columns=columns,
    )
    show.listing(session.out, listing, history, session.commands.line("task resolve", "REQUEST"))
    hint = None if total else session.sandbox_hint("task history")
    if hint is not None:
        session.out.note(hint)


def wanted_of(filters: HistoryFilters, now: float) -> Wanted:
    """Read the filters. Raises the usage error for what cannot be one."""
    search = filters.search
    if search is not None and not search.strip():
        raise usage("--search must not be empty.")
    return Wanted(
        since=None if filters.since is None else parse_since(filters.since, now),
        model=None if filters.model is None else parse_slug(filters.model).name,
        tag=None if filters.tag is None else parse_tag(filters.tag),
        search=search,
        statuses=None if filters.status is None else _statuses(filters.status),
    )


def check_status(session: Session, text: str | None) -> None:
    """Refuse a status that is none of those known and that no task here has: it is misspelt."""
    word = (text or "").strip().lower()
    if not word or word in _KNOWN or session.stores.history.has_status(word):
        return
    near = get_close_matches(word, _KNOWN, n=1, cutoff=0.6)
    meant = f" Did you mean {near[0]}?" if near else ""
    raise usage(
        f"No task here has the status {quoted(word)}.{meant}",
        hint=f"Usual ones: {', '.join(_USUAL)}.",
    )


def _statuses(text: str) -> frozenset[str]:
    """Return the words for a status: what is one end has several names."""
    word = text.strip().lower()
    if not word:
        raise usage("--status must not be empty.")
    if word in SUCCEEDED:
        return SUCCEEDED
    if word in CANCELED:
        return CANCELED
    return FAILED - CANCELED if word in FAILED else frozenset({word})


def _asks_for(wanted: Wanted, state: SubmissionState) -> bool:
    return wanted.statuses is not None and str(state) in wanted.statuses

"""`model run`: one paid request, its task followed to the end, its results saved."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from modellix_cli.clock import clock_time
from modellix_cli.context.session import Session
from modellix_cli.deferred_signals import DeferredSignals
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.identity import identity_of
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.task import has_failed
from modellix_cli.domain.values import Slug
from modellix_cli.domain.wait_limit import wait_limit
from modellix_cli.engine.books import RunBook, UnrecordedBook
from modellix_cli.engine.core import effects
from modellix_cli.engine.core.config import EngineConfig, Follow
from modellix_cli.engine.core.lines import Line, LineOutcome
from modellix_cli.engine.ports import Book, ListSource, PaidRequest
from modellix_cli.ledger.database import has_folder
from modellix_cli.ledger.records import Request
from modellix_cli.options.guarding import RunGuards
from modellix_cli.options.paying import RunPaying
from modellix_cli.options.saving import Saving
from modellix_cli.options.waiting import Waiting
from modellix_cli.output.sink import Output
from modellix_cli.paths import state_dir
from modellix_cli.workflows.costs import (
    Costs,
    costs_of_run,
    limits_of,
    tell_uncounted,
    tell_unpriced,
)
from modellix_cli.workflows.given_body import RequestBody
from modellix_cli.workflows.results import warn_unrecorded
from modellix_cli.workflows.run_end import failed_task, not_accepted, stopped, unfinished
from modellix_cli.workflows.same_account import link_account
from modellix_cli.workflows.saving import open_saver, tell_saved
from modellix_cli.workflows.work import Collector, run_engine

if TYPE_CHECKING:
    from modellix_cli.api.client import Client
    from modellix_cli.downloads.downloader import Downloader
    from modellix_cli.engine.core.engine import Engine
    from modellix_cli.workflows.saving import EngineSaver

TRIES: Final = 4
"""How often a single request is sent to a service that is unavailable."""


@frozen
class RunOptions:
    """What a run asks for beside its request."""

    waiting: Waiting
    paying: RunPaying
    saving: Saving
    webhook: str | None = None
    tag: str | None = None


class SingleRequest(ListSource):
    """The one request of a run."""

    def __init__(
        self, session: Session, slug: Slug, body: RequestBody, options: RunOptions, costs: Costs
    ) -> None:
        durations = {slug.name: tuple(_durations(session, slug.name))}
        self.limit = wait_limit(options.waiting.timeout, durations)
        super().__init__(
            [Line(1, slug.name)], {1: PaidRequest(slug, body.sent, options.webhook)}, durations
        )
        request = Request(
            identity_of(session.settings.base_url, slug, body.asked),
            slug.name,
            body.sent,
            request_key=options.paying.request_key,
            tag=options.tag,
            webhook=options.webhook,
        )
        self._request = costs.priced(request, slug)

    @property
    def whole(self) -> Request:
        """The request as the ledger keeps it, before anything became of it."""
        return self._request

    def ledger_request(self, intent: effects.Intent) -> Request:
        """Return the request as the ledger keeps it."""
        return replace(self._request, repeats=intent.repeats)


def run_model(
    session: Session,
    client: "Client",
    slug: Slug,
    body: RequestBody,
    options: RunOptions,
    guards: RunGuards,
    downloader: "Downloader | None" = None,
) -> LineOutcome:
    """Send a paid request once, and return what came of it; its task's id is on disk by then.

    Raises what ended it without a task, `SUBMISSION_UNKNOWN`, `INTERRUPTED`, `TASK_WAIT_TIMEOUT`
    and failures of polling; where there is a task the error names it. Where a limit of cost does
    not allow the request, raises `COST_LIMIT` or `BUDGET_EXCEEDED`. A task that failed, and results
    that could not be saved, are told in the outcome.
    """
    limits = limits_of(session, max_cost=guards.cost_limit, allow_unpriced=guards.allow_unpriced)
    source = SingleRequest(session, slug, body, options, costs_of_run(session, client, limits))
    tell_unpriced(session, source.whole)
    book = _book(session, source, options)
    tell_uncounted(session)
    if isinstance(book, RunBook):
        _check_account(session, client, source.whole, options.paying)
    config = EngineConfig(
        concurrency=1,
        follow=Follow.TO_THE_END if options.waiting.wait else Follow.NOT,
        save=downloader is not None,
        timeout=source.limit.seconds,
        interval=options.waiting.interval,
        patience=session.settings.patience,
        tries=TRIES,
        outwait_tasks=False,
    )
    saver = open_saver(session, downloader, options.saving, source.request)
    saves = saver is not None
    with session.deferred_signals() as signals, session.progress(saves=saves) as progress:
        if downloader is not None:
            downloader.listener.shown = progress  # type: ignore[attr-defined]
        collector = Collector(session, progress, lambda ref: body.sent, paying=True)
        engine = run_engine(
            session,
            client,
            config,
            source,
            book,
            collector,
            signals,
            saver=saver,
            submit_anyway=True,
        )
    return _concluded(
        session, client, collector.outcomes[1], engine, source, options, signals, saver
    )


def _check_account(session: Session, client: "Client", request: Request, paying: RunPaying) -> None:
    """Find out whether who paid for the request with another key is of the same account."""
    other = session.stores.submissions.other_account(
        request, resume=paying.resume, resend_unknown=paying.resend_unknown
    )
    if other is not None:
        link_account(session, client, other, paying, to_pay=_way_to_pay(paying))


def _way_to_pay(paying: RunPaying) -> str:
    """Return what to do to pay for a request that another account paid for, or may have."""
    if paying.request_key is not None:
        return "give another --request-key, and --resend-unknown if the outcome is unknown"
    return "leave --resume out" if paying.resume else "pass --resend-unknown"


def _concluded(
    session: Session,
    client: "Client",
    outcome: LineOutcome,
    engine: "Engine",
    source: SingleRequest,
    options: RunOptions,
    signals: DeferredSignals,
    saver: "EngineSaver | None",
) -> LineOutcome:
    """Return what came of a run, or raise what ended it before that."""
    if signals.stop is not None and (outcome.waiting or outcome.state is not _ACCEPTED):
        if saver is not None:
            saver.settle()
            tell_saved(session, saver.saved)
        raise stopped(session, outcome, signals.stop)
    if outcome.state is not _ACCEPTED:
        raise not_accepted(session, outcome, engine.stopped_by)
    if engine.stopped_by is not None and not session.unrecorded and outcome.task_id is not None:
        warn_unrecorded(session, engine.stopped_by, [outcome.task_id])
    if outcome.reused:
        if outcome.task is None and has_failed(outcome.status):
            outcome = replace(outcome, task=failed_task(session, client, outcome))
        outcome = _tell_reused(session, outcome, options)
    if outcome.waiting is not None:
        raise unfinished(outcome, source.limit)
    return outcome


_ACCEPTED: Final = SubmissionState.ACCEPTED


def _book(session: Session, source: SingleRequest, options: RunOptions) -> Book:
    if not has_folder(state_dir(session.runtime.env)):
        from modellix_cli.ledger.spending import refusal_without_ledger

        refused = refusal_without_ledger(source.whole, resume=options.paying.resume)
        if refused is not None:
            raise refused
        session.out.warn(
            f"No folder for the ledger can be made at {state_dir(session.runtime.env)}: this "
            "request is not recorded, and repeats of it cannot be recognised."
        )
        return UnrecordedBook()
    return RunBook(
        session.stores.submissions,
        session.stores.tasks,
        session.stores.files,
        session.runtime.clock,
        source,
        session.out.clean,
        resume=options.paying.resume,
        resend_unknown=options.paying.resend_unknown,
    )


def _tell_reused(session: Session, outcome: LineOutcome, options: RunOptions) -> LineOutcome:
    """Say that an earlier task answers for the request, also in its JSON."""
    attempt = session.stores.submissions.attempt(outcome.number)
    when = "" if attempt is None else f" at {clock_time(attempt.created_at)}"
    what = "request" if options.paying.request_key is None else "request key"
    if session.out.mode is not Output.QUIET:
        session.out.note(
            f"Already paid: task {outcome.task_id} was submitted{when} for the same {what}; "
            "nothing was sent."
        )
    if outcome.task is None:
        return outcome
    marked = replace(outcome.task, document=outcome.task.document | {"reused": True})
    return replace(outcome, task=marked)


def _durations(session: Session, slug: str) -> Sequence[float]:
    try:
        return session.stores.tasks.durations(slug)
    except ModellixError:
        return ()  # what matters is told when the request is recorded

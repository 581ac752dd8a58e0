"""What requests may cost, and the limits that the user set: known before anything is sent."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from modellix_cli.context.session import Session
from modellix_cli.domain.budget import NO_LIMITS, CostLimits
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.text import clip, count, one_line
from modellix_cli.domain.values import DAY, Slug
from modellix_cli.ledger.records import Request
from modellix_cli.workflows.schemas import SchemaReader, kept_schema

if TYPE_CHECKING:
    from modellix_cli.api.client import Client
    from modellix_cli.domain.money import Money
    from modellix_cli.models.pricing.estimator import Estimator
    from modellix_cli.models.pricing.values import Estimate

_FRESH: Final = DAY
"""Seconds for which a schema that is kept is good enough for an estimate."""
_NO_PRICES: Final = "the list of prices could not be had"
_MAX_REASON: Final = 300


@frozen
class Costs:
    """The limits of a run, and what its requests may cost.

    Without `estimator` nobody knows, and `unpriced` says why.
    """

    limits: CostLimits = NO_LIMITS
    estimator: "Estimator | None" = None
    unpriced: str = _NO_PRICES

    def of(self, slug: Slug, body: bytes) -> "Estimate":
        """Return what a request may cost."""
        if self.estimator is not None:
            return self.estimator.of(slug, body)
        from modellix_cli.models.pricing.values import Estimate

        return Estimate(slug.name, unpriced=(self.unpriced,))

    def priced(self, request: Request, slug: Slug) -> Request:
        """Return a request with what it may cost, and the limits it has to keep to."""
        if self.estimator is None:
            return replace(request, unpriced=self.unpriced, limits=self.limits)
        return with_cost(request, self.of(slug, request.body), self.limits)


NO_COSTS: Final = Costs()


def with_cost(request: Request, estimate: "Estimate", limits: CostLimits) -> Request:
    """Return a request with what it may cost, and the limits it has to keep to."""
    return replace(
        request,
        estimated_cost=estimate.amount,
        unpriced=clip(one_line("; ".join(estimate.unpriced)), _MAX_REASON),
        limits=limits,
    )


def schemas_if_any(session: Session) -> Callable[[Slug], Json]:
    """Return what gets a model's schema, or None: an estimate does without it if it must."""
    return SchemaReader(session, fresh=_FRESH).if_any


def limits_of(
    session: Session, *, max_cost: "Money | None" = None, allow_unpriced: bool
) -> CostLimits:
    """Return the limits of a run; the budget is that of the settings. Raises the usage error."""
    return CostLimits(max_cost, session.settings.budget, allow_unpriced)


def tell_unpriced(session: Session, request: Request) -> None:
    """Tell that a request counts as nothing, where the user allowed that."""
    if request.limits.any and request.limits.allow_unpriced and request.estimated_cost is None:
        session.out.note(
            f"What this request may cost is not known: {request.unpriced}. It counts as nothing."
        )


def tell_uncounted(session: Session) -> None:
    """Warn that the budget does not count requests of which nobody knows what they cost."""
    budget = session.settings.budget
    unpriced = 0 if budget is None else session.stores.usage.spent(budget.period).unpriced
    if unpriced:
        usage = session.commands.line("usage")
        session.out.warn(
            f"The budget does not count {count(unpriced, 'earlier request')} of unknown cost, sent "
            f"when none was set or without a price. See {usage}."
        )


def costs_of_run(session: Session, client: "Client", limits: CostLimits) -> Costs:
    """Return what prices the request of a single run.

    Under a limit the prices are asked for, and the model's schema for its defaults. Without one
    nothing is asked: a list that another command kept in the last 24 hours will do.
    """
    if limits.any:
        return Costs(limits, fresh_estimator(session, client, limits))
    kept = session.stores.model_lists.last()
    if kept is None or not 0 <= session.runtime.clock.now() - kept.seen_at < DAY:
        return Costs(limits)
    from modellix_cli.api.catalog import ModelList
    from modellix_cli.models.pricing.estimator import Estimator

    return Costs(limits, Estimator(ModelList({}, kept.models), partial(kept_schema, session)))


def fresh_estimator(session: Session, client: "Client", limits: CostLimits) -> "Estimator | None":
    """Return an estimator with prices as they are now, for what has to keep to limits.

    Where the prices cannot be had, None if requests without a price are allowed; else what asking
    for them came to is raised.
    """
    try:
        listed = client.models()
    except ModellixError as error:
        if limits.allow_unpriced:
            session.out.note(f"The list of prices could not be had: {error.message}")
            return None
        raise error.copy_with(
            message=f"A limit of cost is set, and prices could not be had. {error.message}",
            charged="no",
        ) from error.__cause__
    from modellix_cli.models.pricing.estimator import Estimator

    return Estimator(listed, schemas_if_any(session))

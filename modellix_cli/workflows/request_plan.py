"""A single request that is shown instead of sent: as JSON, as curl, as a program."""

from typing import TYPE_CHECKING, Final

from modellix_cli.api.routes import API_PREFIX, submission_path
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.identity import identity_of
from modellix_cli.domain.jsontext import Json, loads
from modellix_cli.domain.values import Slug
from modellix_cli.ledger.records import Request
from modellix_cli.models.model_check import CheckedBody
from modellix_cli.models.pricing.estimator import estimate
from modellix_cli.models.pricing.values import Estimate
from modellix_cli.options.paying import RunPaying
from modellix_cli.output.request_plan import RequestPlan
from modellix_cli.output.snippets import RequestAsCode
from modellix_cli.workflows.costs import limits_of, with_cost
from modellix_cli.workflows.given_body import RequestBody
from modellix_cli.workflows.models import known_models
from modellix_cli.workflows.parameters import fetch_schema
from modellix_cli.workflows.rehearsal import Rehearsal, rehearse
from modellix_cli.workflows.request_check import as_errors, not_checked
from modellix_cli.workflows.slug_advice import refuse_missing

if TYPE_CHECKING:
    from modellix_cli.workflows.request import RequestOptions

_SERVED: Final = "http://127.0.0.1:8787"
"""Where `sandbox serve` listens, unless it is told otherwise."""
_SERVE: Final = "modellix-cli sandbox serve"


def plan_request(
    session: Session,
    slug: Slug,
    body: RequestBody,
    schema: Json,
    checked: CheckedBody,
    wanted: "RequestOptions",
    paying: RunPaying,
) -> RequestPlan:
    """Return what would be sent and what would come of it; prices come from the model list."""
    refused: list[ModellixError] = []
    cost = _estimate(session, slug, body, schema, wanted.api_key, refused)
    known = _rehearsed(session, slug, body, cost, wanted, paying)
    faults = as_errors(checked, session.commands.line("model params", slug.name))
    missing = any(fault.code is ErrorCode.NOT_FOUND for fault in refused)
    option = wanted.guards.check_option
    if checked.unchecked is not None and option is not None and not missing:
        faults.append(not_checked(checked.unchecked, option))
    faults += [] if known.refusal is None else [known.refusal]
    faults += refused
    return RequestPlan(
        submit_url(session, slug),
        slug.name,
        loads(body.sent),
        cost,
        tuple(session.explain(fault) for fault in faults),
        (*checked.warnings, *([] if known.warning is None else [known.warning])),
        checked.unchecked,
        body.unresolved,
        known.reused,
        known.budget,
    )


def _rehearsed(
    session: Session,
    slug: Slug,
    body: RequestBody,
    cost: Estimate,
    wanted: "RequestOptions",
    paying: RunPaying,
) -> Rehearsal:
    guards = wanted.guards
    limits = limits_of(session, max_cost=guards.cost_limit, allow_unpriced=guards.allow_unpriced)
    identity = identity_of(session.settings.base_url, slug, body.asked)
    request = Request(identity, slug.name, body.sent, request_key=paying.request_key)
    return rehearse(session, with_cost(request, cost, limits), paying)


def as_code(session: Session, slug: Slug, body: RequestBody, webhook: str | None) -> RequestAsCode:
    """Return a request to be printed as code; in the sandbox it goes to `sandbox serve`."""
    return RequestAsCode(
        submit_url(session, slug),
        _address(session) + API_PREFIX,
        body.sent.decode("utf-8"),
        webhook,
    )


def needed_server(session: Session) -> str | None:
    """Return the command that serves what code for the sandbox goes to, and say so."""
    if not session.settings.sandbox:
        return None
    session.out.note(f"It goes to {_SERVED}: start that with {_SERVE}.")
    return _SERVE


def submit_url(session: Session, slug: Slug) -> str:
    """Return the address that a request of a model is sent to (docs/spec/service.md 2)."""
    return _address(session) + submission_path(slug, async_route=session.settings.async_route)


def _address(session: Session) -> str:
    return _SERVED if session.settings.sandbox else session.settings.base_url


def _estimate(
    session: Session,
    slug: Slug,
    body: RequestBody,
    schema: Json,
    api_key: str | None,
    refused: list[ModellixError],
) -> Estimate:
    """Return what a request may cost.

    Where asking for prices shows that the key is refused, or that there is no such model, that is
    added to `refused`.
    """
    try:
        models = known_models(session, api_key).models
    except ModellixError as error:
        refused += [error] if error.code is ErrorCode.UNAUTHORIZED else []
        return Estimate(slug.name, unpriced=(f"the price list cannot be had: {error.message}",))
    listed = next((model for model in models if model.slug == slug.name), None)
    if listed is None:
        refused += _missing(session, slug, api_key) if models and schema is None else []
        return Estimate(slug.name, unpriced=("the model is not listed",))
    return estimate(slug.name, listed.rate, body.likely, schema, listed.type)


def _missing(session: Session, slug: Slug, api_key: str | None) -> list[ModellixError]:
    """Return that there is no such model, if its schema cannot be found either."""
    try:
        fetch_schema(session, slug, patient=False)
    except ModellixError as error:
        try:
            refuse_missing(session, slug, api_key, error)
        except ModellixError as missing:
            return [missing]
    return []

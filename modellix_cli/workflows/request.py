"""From what the user gave to the request that is sent, checked; or to one that is only shown."""

from typing import TYPE_CHECKING

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ModellixError, usage
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.values import Slug
from modellix_cli.inputs.local_paths import names_a_file
from modellix_cli.options.body import Body
from modellix_cli.options.guarding import RunGuards
from modellix_cli.options.paying import RunPaying
from modellix_cli.workflows.given_body import RequestBody, given_body

if TYPE_CHECKING:
    from modellix_cli.api.client import Client
    from modellix_cli.models.model_check import CheckedBody
    from modellix_cli.output.request_plan import RequestPlan
    from modellix_cli.project.values import Preset
    from modellix_cli.workflows.presets import Beneath


@frozen
class RequestOptions:
    """What a request is made of, and what is to be done about it before it is paid for.

    `kept` is the body of an earlier request, in place of `body`.
    """

    slug: Slug
    prompt: str | None
    parameters: tuple[str, ...]
    body: Body
    guards: RunGuards
    webhook: str | None
    api_key: str | None
    kept: bytes | None = None
    preset: "Preset | None" = None

    @property
    def composed(self) -> bool:
        """Whether the body is put together, rather than given as JSON."""
        named = self.prompt is not None or self.preset is not None
        return named or bool(self.parameters) or self.body.edit

    @property
    def made_here(self) -> bool:
        """Whether it is more than JSON that is sent as it is: put together, or sent before."""
        return self.composed or self.kept is not None


@frozen
class ShownRequest:
    """A request to print: its plan, else it as code of a language.

    `needs` is the command that must run for the code to work, None where it needs none.
    """

    plan: "RequestPlan | None" = None
    code: str = ""
    language: str = ""
    needs: str | None = None


@frozen
class ReadyRequest:
    """A request that may be sent, with the client that sends it."""

    body: RequestBody
    client: "Client"


def make_request(
    session: Session, wanted: RequestOptions, paying: RunPaying
) -> ReadyRequest | ShownRequest:
    """Put the request together and check it. Files are uploaded only after it was found good.

    `paying` counts for one that is only shown: what an earlier run has to do with it.
    Raises `INVALID_BODY` for what the model would refuse, and the usage errors of parameters.
    """
    session.check_models((wanted.slug,))
    guards = wanted.guards
    if sum((guards.dry_run, guards.curl, guards.snippet is not None)) > 1:
        raise usage("--dry-run, --curl and --snippet exclude each other.")
    if wanted.prompt == "-" and wanted.body.body_file == "-":
        raise usage("Both the prompt and --body-file are read from standard input.")
    if guards.strict and guards.check is False:
        raise usage("--strict and --no-check exclude each other.")
    checks = wanted.composed if guards.check is None else guards.check
    checks = checks or guards.strict or guards.dry_run
    if checks or wanted.composed:
        return _composed(session, wanted, paying, checks=checks)
    body = given_body(session, wanted.body, wanted.kept)
    if guards.check is None and names_a_file(body.sent):
        _refuse_paths(session, wanted, body)
    return _ready(session, wanted, body, session.connections.client(wanted.api_key))


def _composed(
    session: Session, wanted: RequestOptions, paying: RunPaying, *, checks: bool
) -> ReadyRequest | ShownRequest:
    """Put a body together from all that was given, and check it if that is wanted."""
    from modellix_cli.workflows.body_values import look_up
    from modellix_cli.workflows.request_body import BodyMaker, read_prompt
    from modellix_cli.workflows.request_check import check_body
    from modellix_cli.workflows.schemas import needed_schema, quick_reader

    _refuse_bytes(wanted)
    prompt = read_prompt(session, wanted.prompt)
    if wanted.guards.check_option:
        schema, lacking = needed_schema(session, wanted.slug)
    else:
        schema, lacking = quick_reader(session).if_any(wanted.slug), None
    maker = BodyMaker(
        session,
        wanted.slug,
        wanted.body,
        prompt,
        wanted.parameters,
        schema,
        wanted.kept,
        _beneath(session, wanted),
    )
    draft = maker.make(None, look_up(session, wanted.api_key) if wanted.guards.dry_run else None)
    if checks:
        checked = check_body(draft, schema, lacking, strict=wanted.guards.strict)
        if wanted.guards.dry_run:
            return _plan(session, wanted, paying, draft, schema, checked)
        _tell(session, wanted, draft, checked, lacking)
    client = session.connections.client(wanted.api_key)
    return _ready(session, wanted, maker.make(client), client)


def _refuse_paths(session: Session, wanted: RequestOptions, body: RequestBody) -> None:
    """Refuse JSON with a path of this machine where the model takes an address."""
    from modellix_cli.workflows.request_check import check_paths
    from modellix_cli.workflows.schemas import quick_reader

    checked = check_paths(body.likely, lambda: quick_reader(session).if_any(wanted.slug))
    _tell(session, wanted, body, checked)


def _refuse_bytes(wanted: RequestOptions) -> None:
    """Refuse words that are no text: Python has bytes that are not UTF-8 as lone surrogates."""
    words = {"The prompt": wanted.prompt or "", "A parameter": "".join(wanted.parameters)}
    for what, text in words.items():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise usage(f"{what} is not UTF-8 text. Nothing was sent.") from None


def _ready(
    session: Session, wanted: RequestOptions, body: RequestBody, client: "Client"
) -> ReadyRequest | ShownRequest:
    """Return a request that may be sent, or as code where only that is wanted."""
    if wanted.guards.curl or wanted.guards.snippet is not None:
        return _code(session, wanted, body)
    return ReadyRequest(body, client)


def _beneath(session: Session, wanted: RequestOptions) -> "Beneath":
    """Return what files of settings put into a body, if it is put together; and say so."""
    from modellix_cli.workflows.presets import NOTHING_BENEATH, beneath_body, tell_parameters

    if not wanted.composed or wanted.kept is not None:
        return NOTHING_BENEATH
    beneath = beneath_body(session, wanted.slug, wanted.body, wanted.preset)
    tell_parameters(session, beneath)
    return beneath


def _plan(
    session: Session,
    wanted: RequestOptions,
    paying: RunPaying,
    draft: RequestBody,
    schema: Json,
    checked: "CheckedBody",
) -> ShownRequest:
    from modellix_cli.workflows.request_plan import plan_request

    return ShownRequest(plan_request(session, wanted.slug, draft, schema, checked, wanted, paying))


def _code(session: Session, wanted: RequestOptions, body: RequestBody) -> ShownRequest:
    from modellix_cli.workflows.request_plan import as_code, needed_server

    needs = needed_server(session)
    code = as_code(session, wanted.slug, body, wanted.webhook)
    language = wanted.guards.snippet
    if language is None:
        return ShownRequest(code=code.curl(), language="curl", needs=needs)
    return ShownRequest(code=code.program(language), language=language, needs=needs)


def _tell(
    session: Session,
    wanted: RequestOptions,
    draft: RequestBody,
    checked: "CheckedBody",
    lacking: ModellixError | None = None,
) -> None:
    """Refuse faults, and what cannot be checked where a check was asked for; warn of the rest."""
    from modellix_cli.workflows.request_check import not_checked, refuse_faults

    if checked.faults and not wanted.guards.curl and wanted.guards.snippet is None:
        from modellix_cli.workflows.refusals import record_refusals, request_of

        refused = request_of(session, wanted.slug, draft.sent, draft.asked)
        record_refusals(session, [(refused, " ".join(checked.faults))], wanted.api_key)
    refuse_faults(checked, session.commands.line("model params", wanted.slug.name))
    for warning in checked.warnings:
        session.out.warn(warning)
    option = wanted.guards.check_option
    if checked.unchecked is not None and option is not None:
        from modellix_cli.workflows.slug_advice import refuse_missing

        if lacking is not None:
            refuse_missing(session, wanted.slug, wanted.api_key, lacking)
        raise not_checked(checked.unchecked, option)

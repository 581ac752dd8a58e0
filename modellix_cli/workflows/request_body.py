"""The body of one request: as it was given, or put together from a prompt and parameters."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError, usage
from modellix_cli.domain.jsontext import Json, decode, dumps, loads
from modellix_cli.domain.shell import quote
from modellix_cli.domain.task import Task
from modellix_cli.domain.text import quoted
from modellix_cli.domain.values import Slug
from modellix_cli.inputs.body import missing_body, too_large
from modellix_cli.inputs.overlay import apply
from modellix_cli.inputs.parameters import Edit, JsonText, Text, parse_edits
from modellix_cli.models.parameters import Parameter, main_text, read_parameters
from modellix_cli.options.body import Body
from modellix_cli.workflows.body_values import BodyValues, Service
from modellix_cli.workflows.given_body import RequestBody, as_given, read_given
from modellix_cli.workflows.presets import NOTHING_BENEATH, Beneath, merged, prompted

if TYPE_CHECKING:
    from modellix_cli.project.values import Preset

_REFERENCE: Final = re.compile(r"@[^\s@]\S*")
_MAX_PROMPT_BYTES: Final = 1024 * 1024
_LONGEST_NAME: Final = 200


class BodyMaker:
    """Puts a body together, each over what came before: settings, JSON, prompt, parameters.

    `kept` is the body of an earlier request, in place of what is given.
    """

    def __init__(
        self,
        session: Session,
        slug: Slug,
        body: Body,
        prompt: str | None,
        parameters: Sequence[str],
        schema: Json,
        kept: bytes | None = None,
        beneath: Beneath = NOTHING_BENEATH,
    ) -> None:
        self._session = session
        self._options = body
        self._given = read_given(session, body) if kept is None else kept
        self._source = "--body" if body.body is not None else "--body-file"
        if kept is not None:
            self._source = "the earlier request"
        self._known = read_parameters(schema) if schema is not None else ()
        self._edits = parse_edits(parameters)
        if prompt is not None:
            place = prompt_parameter(self._known)
            _warn_of_reference(session, prompt, place.name)
            self._edits = (Edit(place.path, Text(prompt), "PROMPT"), *self._edits)
        self._layers = beneath.layers
        if beneath.preset is not None:
            self._use_preset(beneath.preset)
        if body.edit:
            self._given, self._layers = self._edited(slug), ()

    def _edited(self, slug: Slug) -> bytes:
        """Return the body that the user wrote, who sees prompt and parameters in it."""
        from modellix_cli.workflows.edit_body import edit_body

        shown = BodyValues(self._session, self._known, None).sent
        base = self._base()
        files = [edit for edit in self._edits if not isinstance(edit.value, (Text, JsonText))]
        texts = [edit for edit in self._edits if edit not in files]
        self._edits = tuple(files)
        return edit_body(self._session, slug.name, apply(base, texts, shown), self._known)

    def make(
        self, service: Service | None, read_task: Callable[[str], Task | str] | None = None
    ) -> RequestBody:
        """Return the body; `service` uploads and looks up, None leaves that out.

        With `read_task` results are looked up all the same. Given bytes that nothing is laid over
        stay as they are.
        """
        if not self._edits and not self._layers:
            if self._given is None:
                raise missing_body()
            return as_given(self._given)
        values = BodyValues(self._session, self._known, service, read_task)
        base, origins = self._base(), self._origins()
        sources = (self._source, origins)
        sent = dumps(apply(base, self._edits, values.sent, *sources), indent=None).encode()
        asked = dumps(apply(base, self._edits, values.asked, *sources), indent=None).encode()
        likely = apply(base, self._edits, values.likely, *sources)
        changed = {edit.path[0] for edit in self._edits}
        kept = {key: place for key, place in origins.items() if key not in changed}
        if len(sent) > self._options.max_body_bytes:
            raise too_large(self._options.max_body_bytes)
        return RequestBody(sent, asked, likely, tuple(values.unresolved), kept)

    def _use_preset(self, preset: "Preset") -> None:
        """Make the text as a preset says, from the prompt; see `presets.prompted`."""
        if preset.prompt is None:
            return
        place = prompt_parameter(self._known).path
        has_body = self._given is not None or self._options.edit
        made = prompted(preset, self._edits, place, has_body=has_body)
        self._edits, self._layers = made.edits, (*self._layers, *made.beneath)

    def _base(self) -> dict[str, Json]:
        """Return what parameters are laid over: settings, then the body that was given."""
        return merged([*(layer.values for layer in self._layers), self._given_values()])

    def _given_values(self) -> dict[str, Json]:
        return {} if self._given is None else loads(decode(self._given))

    def _origins(self) -> dict[str, str]:
        """Return where in a file of settings each parameter is set that no JSON sets."""
        found: dict[str, str] = {}
        for layer in self._layers:
            found |= {key: layer.places.get(key, layer.where) for key in layer.values}
        given = self._given_values()
        return {key: place for key, place in found.items() if key not in given}


def prompt_parameter(parameters: tuple[Parameter, ...]) -> Parameter:
    """Return the parameter that a prompt sets: by the schema, `prompt` where it is not known.

    Raises the usage error for a model that takes no text.
    """
    if not parameters:
        return Parameter("prompt", ("prompt",))
    main = main_text(parameters)
    if main is None:
        raise usage(
            "This model takes no prompt.",
            hint="See what it takes with: modellix-cli model params SLUG. Give it with -p "
            "KEY=VALUE.",
        )
    return main


def _warn_of_reference(session: Session, prompt: str, name: str) -> None:
    """Warn of a prompt that has the form of a file or a result: it is paid for as it is."""
    if _REFERENCE.fullmatch(prompt):
        named = quote(f"{name}={prompt if len(prompt) <= _LONGEST_NAME else '@…'}")
        session.out.warn(
            f"The prompt is sent as it is: {quoted(prompt)}. For what it names: -p {named}"
        )


def read_prompt(session: Session, prompt: str | None) -> str | None:
    """Return the prompt; `-` reads it from standard input, without its last line break."""
    if prompt != "-":
        return prompt
    if session.runtime.stdin_is_terminal:
        raise usage(
            "The prompt - is read from a pipe, and standard input is a terminal.",
            hint="For example: modellix-cli model run SLUG - < prompt.txt",
        )
    try:
        data = session.runtime.read_stdin(_MAX_PROMPT_BYTES + 1)
        text = data.decode("utf-8-sig").rstrip("\r\n")
    except OSError as error:
        raise ModellixError(
            ErrorCode.INPUT_UNREADABLE, f"Unable to read the prompt: {error}."
        ) from error
    except UnicodeDecodeError as error:
        raise usage("The prompt from standard input is not text in UTF-8.") from error
    if len(data) > _MAX_PROMPT_BYTES or not text.strip():
        raise usage("The prompt from standard input is empty or over 1 MiB.")
    return text

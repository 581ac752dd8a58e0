"""What the files of settings put into a request: its model, parameters, and a preset's text."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from modellix_cli.context.defaults import PRESET_WORD
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import usage
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.values import Slug
from modellix_cli.inputs.parameter_keys import Path, write_key
from modellix_cli.inputs.parameters import Edit, Text
from modellix_cli.options.body import Body

if TYPE_CHECKING:
    from modellix_cli.project.values import Parameters, Preset


def named_preset(session: Session, word: str | None, model_slug: str | None) -> "Preset | None":
    """Return the preset that `@NAME` names, None for an argument that is something else.

    Beside --model-slug, a word that names no preset is a prompt. Raises the usage error.
    """
    found = re.fullmatch(PRESET_WORD, word or "")
    if found is None:
        return None
    defaults = session.settings.defaults
    if model_slug is not None and found[1] not in defaults.presets:
        return None
    return defaults.preset(found[1])


def default_model(session: Session, preset: "Preset | None") -> str | None:
    """Return the model to run where none is named, and say so; None where settings have none."""
    chosen = session.settings.defaults.model
    if chosen is not None:
        session.out.note(f"Model {chosen.value}, from {chosen.where}.")
        return str(chosen.value)
    if preset is not None:
        raise usage(
            f"{preset.where}: the preset {preset.name} names no model.",
            hint="Add a model to it, or name one with --model-slug.",
        )
    return None


@frozen
class Beneath:
    """What files of settings put into a body: parameters, the lowest first, and a preset."""

    layers: "tuple[Parameters, ...]" = ()
    preset: "Preset | None" = None


NOTHING_BENEATH: Final = Beneath()


def beneath_body(session: Session, slug: Slug, body: Body, preset: "Preset | None") -> Beneath:
    """Return what lies beneath what is given for a request.

    Parameters for the model, then the preset's. A body that is given as JSON is the whole request,
    unless a preset is named too.
    """
    if preset is None and (body.body is not None or body.body_file is not None):
        return NOTHING_BENEATH
    layers = session.settings.defaults.parameters(slug)
    if preset is None or not preset.parameters:
        return Beneath(layers, preset)
    from modellix_cli.project.values import Parameters

    return Beneath((*layers, Parameters(preset.parameters, preset.where, preset.places)), preset)


def tell_parameters(session: Session, beneath: Beneath) -> None:
    """Say which parameters a request gets although nobody named them, and from which file."""
    named = None if beneath.preset is None else beneath.preset.where
    for layer in beneath.layers:
        if layer.values and layer.where != named:
            session.out.note(_told(layer))


def _told(layer: "Parameters") -> str:
    """Return the names of parameters with their file and lines.

    >>> from modellix_cli.project.values import Parameters
    >>> _told(Parameters({"n": 2, "seed": 1}, "a.toml:1", {"n": "a.toml:2", "seed": "a.toml:3"}))
    'With n (line 2), seed (line 3), from a.toml.'
    """
    places = [layer.places[key] for key in layer.values]
    if len(places) == 1:
        return f"With {next(iter(layer.values))}, from {places[0]}."
    lines = (place.rpartition(":")[2] for place in places)
    names = (f"{key} (line {line})" for key, line in zip(layer.values, lines, strict=True))
    return f"With {', '.join(names)}, from {layer.where.rpartition(':')[0]}."


def merged(layers: Iterable[Mapping[str, Json]]) -> dict[str, Json]:
    """Return JSON objects laid over each other, the lowest first.

    Objects merge with objects; anything else takes the place of what is beneath it.

    >>> merged(({"size": {"w": 1, "h": 1}, "n": 2}, {"size": {"w": 3}}))
    {'size': {'w': 3, 'h': 1}, 'n': 2}
    """
    result: dict[str, Json] = {}
    for layer in layers:
        for key, value in layer.items():
            below = result.get(key)
            if isinstance(below, dict) and isinstance(value, dict):
                value = merged((below, value))
            result[key] = value
    return result


@frozen
class Prompted:
    """The changes to a body with a preset's text in them, and what it sets beneath them."""

    edits: tuple[Edit, ...]
    beneath: "tuple[Parameters, ...]" = ()


def prompted(preset: "Preset", edits: tuple[Edit, ...], place: Path, *, has_body: bool) -> Prompted:
    """Return the changes with the text that a preset makes at `place`, the model's main text.

    Where it has `{prompt}`, that is filled with the user's prompt, given as PROMPT or with -p.
    Otherwise its text is what is sent where no prompt is given. Raises the usage error for a text
    that cannot be made; a body given as JSON may have one of its own.
    """
    if preset.prompt is None:
        return Prompted(edits)
    given = [edit for edit in edits if edit.path == place]
    if not preset.needs_prompt:
        return Prompted(edits) if given else Prompted(edits, (_fixed(preset, place),))
    if not given and not has_body:
        raise usage(
            f"The preset {preset.name} makes its text from a prompt, and none is given.",
            hint=f'For example: modellix-cli model run @{preset.name} "a cat"',
        )
    return Prompted(tuple(_filled(preset, edit) if edit in given else edit for edit in edits))


def _fixed(preset: "Preset", place: Path) -> "Parameters":
    from modellix_cli.project.values import Parameters

    value: Json = preset.prompt
    for step in reversed(place):
        value = {step: value}
    return Parameters(value, preset.where)


def _filled(preset: "Preset", edit: Edit) -> Edit:
    from modellix_cli.project.values import PROMPT_FIELD

    if not isinstance(edit.value, Text):
        raise usage(
            f"{edit}: the preset {preset.name} puts the prompt into its own text, so it must be "
            "a plain text.",
            hint=f"Give it as an argument, or as -p {write_key(edit.path)}=TEXT.",
        )
    text = (preset.prompt or "").replace(PROMPT_FIELD, edit.value.text)
    return replace(edit, value=Text(text))

"""What is sent for each task of a batch's input: --model, --set and --matrix, laid together."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Protocol

from modellix_cli.domain.errors import ErrorCode, ModellixError, usage
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.values import Slug, parse_request_key, parse_slug
from modellix_cli.inputs.batch_task import GivenTask, invalid
from modellix_cli.inputs.line_uses import write_literal, write_use
from modellix_cli.inputs.matrix import (
    MAX_COMBINATIONS,
    MODEL,
    Axis,
    Choice,
    choices,
    label,
    parse_axes,
)
from modellix_cli.inputs.overlay import apply
from modellix_cli.inputs.parameter_keys import Path
from modellix_cli.inputs.parameters import (
    Edit,
    FileRef,
    JsonText,
    LineRef,
    TaskRef,
    parse_edit,
    parse_edits,
)
from modellix_cli.options.tasks import BatchTasks


class Types(Protocol):
    """Turns texts into the values that a model's schema wants (`ParameterTypes`)."""

    def value(self, slug: Slug, path: Path, text: str, shown: str, *, exact: bool = True) -> Json:
        """Return what a text sets at `path`. Raises the usage error, and why that is not known."""


class References(Protocol):
    """Finds out what files and tasks stand for (`batch_references.References`)."""

    def value(self, slug: Slug, edit: Edit) -> Json:
        """Return what stands in a body for a file or a result, until the line is sent."""


class Expansion:
    """Makes of one task of the input those that are sent.

    A line's own values win over `--set`, those of `--matrix` over both; `default` is the model of
    lines that get none otherwise. Raises the usage error for options that are wrong or contradict
    each other.
    """

    def __init__(
        self,
        options: BatchTasks,
        types: Types,
        references: References,
        default: Slug | None = None,
    ) -> None:
        self._types = types
        self._default = default
        self.used_default = False
        """Whether a line got the default model."""
        self._references = references
        self._model = None if options.model is None else parse_slug(options.model)
        self._settings = parse_edits(options.settings or (), "--set")
        self._axes = parse_axes(options.matrix or ())
        self._bases: dict[str, dict[str, Json]] = {}
        self._missing: dict[str, str] = {}
        self._made = 0
        self._has_inputs = any(isinstance(edit.value, FileRef | TaskRef) for edit in self._settings)
        paths = [edit.path for edit in self._settings]
        if (MODEL,) in paths:
            raise usage("--set model would be a parameter.", hint="Pass --model SLUG.")
        for axis in self._axes:
            for index, value in enumerate(axis.values):
                edit = _edit_of(axis, index)
                if edit is None:
                    parse_slug(value)
                    continue
                self._has_inputs |= isinstance(edit.value, FileRef | TaskRef)
                if edit.path in paths:
                    raise usage(f"--set and --matrix both set {axis.key}.", hint="Give one.")

    def __call__(self, given: GivenTask) -> Iterator[GivenTask]:
        """Yield the tasks, in the order of the combinations.

        It goes on after a combination that raises, so that every fault can be told.
        """
        return map(partial(self._task, given), self._choices())

    def _choices(self) -> Iterator[Choice]:
        for choice in choices(self._axes):
            self._made += 1
            if self._axes and self._made > MAX_COMBINATIONS:
                raise usage(f"--matrix makes more than {MAX_COMBINATIONS} tasks of this input.")
            yield choice

    def _task(self, given: GivenTask, choice: Choice) -> GivenTask:
        slug, edits = given.slug or self._model, []
        for axis, index in zip(self._axes, choice, strict=True):
            edit = _edit_of(axis, index)
            if edit is None:
                slug = parse_slug(axis.values[index])
            else:
                edits.append(edit)
        if slug is None and self._default is not None:
            slug, self.used_default = self._default, True
        if slug is None:
            return given
        body = self._own(given, slug)
        if self._settings:
            body = _filled(body, self._base(slug))
        if edits:
            body = self._laid_over(body, edits, slug, "the line")
        task = replace(given, slug=slug, body=body, cells=(), has_inputs=self._has_inputs)
        return _named(task, label(self._axes, choice)) if self._axes else task

    def _own(self, given: GivenTask, slug: Slug) -> dict[str, Json]:
        if not given.cells:
            return given.body
        try:
            return self._laid_over(given.body, given.cells, slug, "the row")
        except ModellixError as error:
            raise self._placed(error, given) from error

    def _placed(self, error: ModellixError, given: GivenTask) -> ModellixError:
        """Return an error of a row with its place; those of the network and of options stay.

        That there is no such model is told once, with the first row that names it.
        """
        if error.code is ErrorCode.NOT_FOUND and given.slug is not None and given.where:
            where = self._missing.setdefault(given.slug.name, given.where)
            return error.copy_with(message=f"Invalid task {where}: {error.message}")
        if error.exit_status != 2:
            return error
        return invalid(given.where, error.message, error.hint)

    def _base(self, slug: Slug) -> dict[str, Json]:
        """Return what `--set` says to a model."""
        base = self._bases.get(slug.name)
        if base is None:
            base = self._bases[slug.name] = self._laid_over({}, self._settings, slug, "--set")
        return base

    def _laid_over(
        self, body: dict[str, Json], edits: Iterable[Edit], slug: Slug, source: str
    ) -> dict[str, Json]:
        return apply(body, edits, self._value_for(slug), source)

    def _value_for(self, slug: Slug) -> Callable[[Edit], Json]:
        def value_of(edit: Edit) -> Json:
            value = edit.value
            if isinstance(value, JsonText):
                return value.value
            if isinstance(value, LineRef):
                written = write_use(value.line_id, value.index or 0)
                return self._types.value(slug, edit.path, written, str(edit), exact=False)
            if isinstance(value, FileRef | TaskRef):
                return self._references.value(slug, edit)
            return self._types.value(slug, edit.path, write_literal(value.text), str(edit))

        return value_of


def _edit_of(axis: Axis, index: int) -> Edit | None:
    """Return what a value of a matrix sets; None for a model."""
    if axis.key == MODEL:
        return None
    return parse_edit(f"{axis.key}{axis.sign}{axis.values[index]}", "--matrix")


def _filled(body: dict[str, Json], base: dict[str, Json]) -> dict[str, Json]:
    """Return a body with what it lacks of `base`, in nested objects too."""
    filled = dict(body)
    for key, value in base.items():
        own = filled.get(key)
        if key not in filled:
            filled[key] = value
        elif isinstance(own, dict) and isinstance(value, dict):
            filled[key] = _filled(own, value)
    return filled


def _named(task: GivenTask, combination: str) -> GivenTask:
    """Return a task with an id of its own among those of one line."""
    base = task.name or (str(task.number) if task.number else None)
    key = task.request_key
    return replace(
        task,
        name=combination if base is None else f"{base}-{combination}",
        request_key=None if key is None else parse_request_key(f"{key}-{combination}"),
        suffix=f"-{combination}",
    )

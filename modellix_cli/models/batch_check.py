"""The tasks of a batch against the schemas of their models, before anything is paid."""

from collections.abc import Callable, Container, Iterable
from dataclasses import replace
from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json, loads
from modellix_cli.domain.text import clip, one_line
from modellix_cli.domain.values import Slug
from modellix_cli.inputs.batch_file import Line
from modellix_cli.inputs.input_uses import with_values
from modellix_cli.inputs.line_uses import fill_in
from modellix_cli.inputs.local_paths import names_a_file
from modellix_cli.models.body_warnings import paths_for_addresses
from modellix_cli.models.model_check import CheckedBody, ModelCheck
from modellix_cli.models.parameters import Parameter, read_parameters

_MAX_REASON: Final = 300
_SOME_URL: Final = "https://www.modellix.ai/result.png"
"""Stands in a body for what another line is yet to make, and for a file."""
NO_MODEL: Final = "there is no such model"
_NO_SUCH_MODEL: Final = CheckedBody((NO_MODEL,))


@frozen
class LineProblem:
    """What is wrong with a task: its line in the file, its index among the tasks, its slug.

    `lines` is how many tasks of the model have the same problem.
    """

    number: int
    index: int
    slug: str
    problem: str
    lines: int = 1


@frozen
class LineWarning:
    """What may be wrong with some tasks of a model: the line of the first, how many they are."""

    number: int
    slug: str
    warning: str
    lines: int


@frozen
class CheckReport:
    """What a check found.

    `problems` are the first ones, `failed` is how many tasks have one, `checked` how many could
    be checked at all; `unchecked` says for each slug why its tasks could not. `warnings` are the
    first ones too.
    """

    problems: list[LineProblem]
    failed: int
    checked: int
    unchecked: dict[str, str]
    warnings: tuple[LineWarning, ...] = ()

    @property
    def hidden(self) -> int:
        """How many tasks have a problem that none of `problems` is an example of."""
        kinds = {(one.slug, one.problem): one.lines for one in self.problems}
        return self.failed - max(sum(kinds.values()), len(self.problems))


def check_lines(
    lines: Iterable[Line],
    schema_of: Callable[[Slug], Json | None],
    most: int = 20,
    told: Container[tuple[str, str]] = (),
    *,
    strict: bool = False,
) -> CheckReport:
    """Check every task; each slug's schema is asked for once.

    `schema_of` returns a schema document, or None where none is published. Its `NOT_FOUND` is a
    problem of each task of the slug; with any other `ModellixError` they stay unchecked.
    Of the problems, and of the warnings, the first `most` are kept. `told` are models and their
    parameters that no warning is needed about. If `strict`, what would be warned of is a problem.
    """
    checking = _Checking(schema_of, most, told, strict=strict)
    for line in lines:
        checking.take(line)
    return checking.report()


def find_paths(
    lines: Iterable[Line], schema_of: Callable[[Slug], Json], most: int = 20
) -> CheckReport:
    """Check every task only for paths of this machine where its model takes an address.

    `schema_of` is asked once for each model with such a line. The first `most` problems are kept.
    """
    known: dict[str, tuple[Parameter, ...]] = {}
    problems: list[LineProblem] = []
    failed = 0
    for line in lines:
        if not names_a_file(line.body):
            continue
        slug = str(line.slug)
        if slug not in known:
            schema = schema_of(line.slug)
            known[slug] = () if schema is None else read_parameters(schema)
        paths = paths_for_addresses(loads(likely_body(line)), known[slug])
        if paths:
            failed += 1
            problems.append(LineProblem(line.number, line.index, slug, " ".join(paths)))
            del problems[most:]
    return CheckReport(problems, failed, 0, {})


class _Checking:
    """Checks lines one after the other, and counts."""

    def __init__(
        self,
        schema_of: Callable[[Slug], Json | None],
        most: int,
        told: Container[tuple[str, str]],
        *,
        strict: bool,
    ) -> None:
        self._schema_of = schema_of
        self._most = most
        self._told = told
        self._strict = strict
        self._checks: dict[str, ModelCheck | None] = {}  # None: there is no such model
        self._unchecked: dict[str, str] = {}
        self._problems: list[LineProblem] = []
        self._warnings: dict[tuple[str, str], LineWarning] = {}
        self._counts: dict[tuple[str, str], int] = {}
        self._alike: dict[tuple[str, str], int] = {}
        self._failed = self._checked = 0

    def take(self, line: Line) -> None:
        """Check a line."""
        slug = str(line.slug)
        if slug in self._unchecked:
            return
        try:
            if slug not in self._checks:
                self._checks[slug] = _check_of(line.slug, self._schema_of)
            check = self._checks[slug]
            found = check.look(likely_body(line)) if check else _NO_SUCH_MODEL
            found = found.strictly() if self._strict else found
        except ModellixError as error:
            self._unchecked[slug] = clip(one_line(str(error)), _MAX_REASON)
            return
        if found.unchecked is not None and not found.faults:
            self._unchecked[slug] = found.unchecked
            return
        self._checked += 1
        if found.faults:
            self._fail(line, " ".join(found.faults).removesuffix("."))
        for name, warning in found.unknown:
            self._warn(line, name, warning)

    def report(self) -> CheckReport:
        """Return what was found."""
        return CheckReport(
            [replace(one, lines=self._alike[one.slug, one.problem]) for one in self._problems],
            self._failed,
            self._checked,
            self._unchecked,
            tuple(replace(one, lines=self._counts[key]) for key, one in self._warnings.items()),
        )

    def _fail(self, line: Line, problem: str) -> None:
        """Keep the first problems, and past them the first one of each further kind."""
        self._failed += 1
        kind = (str(line.slug), problem)
        is_new = kind not in self._alike
        if is_new and len(self._alike) >= self._most:
            return
        self._alike[kind] = self._alike.get(kind, 0) + 1
        if is_new or len(self._problems) < self._most:
            self._problems.append(LineProblem(line.number, line.index, *kind))

    def _warn(self, line: Line, name: str, warning: str) -> None:
        key = (str(line.slug), name)
        if key in self._warnings:
            self._counts[key] += 1
        elif len(self._warnings) < self._most and (line.slug.name, name) not in self._told:
            self._warnings[key] = LineWarning(line.number, key[0], warning, 1)
            self._counts[key] = 1


def likely_body(line: Line) -> bytes:
    """Return a body with addresses in the place of what is yet to be made or uploaded."""
    body = fill_in(line.body, line.uses, lambda use: _SOME_URL) if line.uses else line.body
    if line.inputs:
        body = with_values(body, ((use.place, _SOME_URL) for use in line.inputs))
    return body


def _check_of(slug: Slug, schema_of: Callable[[Slug], Json | None]) -> ModelCheck | None:
    try:
        return ModelCheck(schema_of(slug))
    except ModellixError as error:
        if error.code is ErrorCode.NOT_FOUND:
            return None
        raise

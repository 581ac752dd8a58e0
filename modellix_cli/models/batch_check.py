"""The tasks of a batch against the schemas of their models, before anything is paid."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.text import clip, one_line
from modellix_cli.domain.values import Slug
from modellix_cli.inputs.batch_file import Line
from modellix_cli.inputs.input_uses import with_values
from modellix_cli.inputs.line_uses import fill_in

if TYPE_CHECKING:
    from modellix_cli.models.body_check import BodyCheck

_MAX_REASON: Final = 300
_SOME_URL: Final = "https://www.modellix.ai/result.png"
"""Stands in a body for what another line is yet to make, and for a file."""
_NO_MODEL: Final = "there is no such model"


@frozen
class LineProblem:
    """What is wrong with a task: its line in the file, its index among the tasks, its slug."""

    number: int
    index: int
    slug: str
    problem: str


@frozen
class CheckReport:
    """What a check found.

    `problems` are the first ones, `failed` is how many tasks have one, `checked` how many could
    be checked at all; `unchecked` says for each slug why its tasks could not.
    """

    problems: list[LineProblem]
    failed: int
    checked: int
    unchecked: dict[str, str]


def check_lines(
    lines: Iterable[Line], schema_of: Callable[[Slug], Json | None], most: int = 20
) -> CheckReport:
    """Check every task; each slug's schema is asked for once.

    `schema_of` returns a schema document, or None where none is published. Its `NOT_FOUND` is a
    problem of each task of the slug; with any other `ModellixError` they stay unchecked.
    Of the problems, the first `most` are kept and all are counted.
    """
    # jsonschema takes long to load and only checks need it.
    from modellix_cli.models.body_check import BodyCheck
    from modellix_cli.models.schema_keywords import CannotCheck

    checks: dict[str, BodyCheck | None] = {}  # None: there is no such model
    unchecked: dict[str, str] = {}
    problems: list[LineProblem] = []
    failed = checked = 0
    for line in lines:
        slug = str(line.slug)
        if slug in unchecked:
            continue
        try:
            if slug not in checks:
                checks[slug] = _check_of(line.slug, schema_of, BodyCheck)
            check = checks[slug]
            body = fill_in(line.body, line.uses, lambda use: _SOME_URL) if line.uses else line.body
            if line.inputs:
                body = with_values(body, ((use.place, _SOME_URL) for use in line.inputs))
            problem = check.problem(body) if check else _NO_MODEL
        except (ModellixError, CannotCheck) as error:
            unchecked[slug] = clip(one_line(str(error)), _MAX_REASON)
            continue
        checked += 1
        if problem:
            failed += 1
            if len(problems) < most:
                problems.append(LineProblem(line.number, line.index, slug, problem))
    return CheckReport(problems, failed, checked, unchecked)


def _check_of(
    slug: Slug, schema_of: Callable[[Slug], Json | None], make: "type[BodyCheck]"
) -> "BodyCheck | None":
    try:
        return make(schema_of(slug))
    except ModellixError as error:
        if error.code is ErrorCode.NOT_FOUND:
            return None
        raise

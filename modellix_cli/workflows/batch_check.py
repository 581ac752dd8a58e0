"""The lines of a batch against what their models document, before anything is paid for."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError, Place
from modellix_cli.domain.jsontext import Json, JsonObject
from modellix_cli.domain.text import count
from modellix_cli.domain.values import Slug, parse_slug
from modellix_cli.inputs.batch_file import BatchInput, Line
from modellix_cli.workflows.batch_plan import BatchOptions
from modellix_cli.workflows.schemas import SchemaReader, quick_reader

if TYPE_CHECKING:
    from modellix_cli.models.batch_check import CheckReport, LineProblem, LineWarning


def check(session: Session, tasks: BatchInput, options: BatchOptions) -> "CheckReport":
    """Check every body against its model's schema. Raises `INVALID_BODY` naming the lines.

    Raises `SERVICE_UNAVAILABLE` if no line could be checked: who asked for a check wants one.
    """
    from modellix_cli.workflows.refusals import record_lines

    strict = options.guards.strict
    report = check_of(tasks, tasks.lines(), published(session, options.api_key), strict=strict)
    for text in (*unchecked_words(report), *(warning_words(tasks, one) for one in report.warnings)):
        session.out.warn(text)
    if report.failed:
        record_lines(session, tasks, report.problems, options)
    refuse(session, tasks, options, report)
    return report


def checked_facts(tasks: BatchInput, report: "CheckReport | None") -> JsonObject:
    """Return what the JSON of a batch says of its check, None where only its names were looked up.

    That is what was warned of, and which models' lines could not be checked.
    """
    from modellix_cli.output.rehearsal import unchecked_facts

    warnings = list(tasks.unknown.values())
    if report is None:
        return {"warnings": warnings} if warnings else {}
    warnings += [warning_words(tasks, one) for one in report.warnings]
    return {"warnings": warnings, **unchecked_facts(report.unchecked)}


def published(session: Session, api_key: str | None) -> Callable[[Slug], Json | None]:
    """Return what reads the schema of a model as it is now, or None for a listed one without."""
    return unless_missing(session, SchemaReader(session).read, api_key)


def unless_missing(
    session: Session, read: Callable[[Slug], Json], api_key: str | None
) -> Callable[[Slug], Json | None]:
    """Return what reads schemas, None for a model without; `NOT_FOUND` is of one not listed."""
    from modellix_cli.workflows.slug_advice import Missing

    is_missing = Missing(session, api_key)

    def schema_of(slug: Slug) -> Json | None:
        try:
            return read(slug)
        except ModellixError as error:
            if error.code is ErrorCode.NOT_FOUND and not is_missing(slug):
                return None
            raise

    return schema_of


def check_of(
    tasks: BatchInput,
    lines: Iterable[Line],
    schema_of: Callable[[Slug], Json | None],
    *,
    strict: bool,
) -> "CheckReport":
    """Return what a check of some lines finds, without what was warned of as they were read."""
    from modellix_cli.models.batch_check import check_lines

    return check_lines(lines, schema_of, told=tasks.unknown, strict=strict)


def paths_for_addresses(
    session: Session, tasks: BatchInput, options: BatchOptions
) -> "CheckReport | None":
    """Return the lines with a path of this machine where their model takes an address, if any.

    They refuse a batch of which nobody said whether it is to be checked. Models whose schema is
    not had within a second are passed over.
    """
    if options.guards.checks is not None or not tasks.may_name_files:
        return None
    from modellix_cli.models.batch_check import find_paths

    report = find_paths(tasks.lines(), quick_reader(session).if_any)
    return report if report.failed else None


def refuse_paths(session: Session, tasks: BatchInput, options: BatchOptions) -> None:
    """Raise `INVALID_BODY` naming lines with paths, where nothing else of them is checked."""
    from modellix_cli.workflows.refusals import record_lines

    report = paths_for_addresses(session, tasks, options)
    if report is not None:
        record_lines(session, tasks, report.problems, options)
        error = refusal(session, tasks, report)
        raise error.copy_with(hint=f"{error.hint} To send them all the same, pass --no-check.")


def refuse(
    session: Session, tasks: BatchInput, options: BatchOptions, report: "CheckReport"
) -> None:
    """Raise what refuses a batch that was to be checked; else say how much was."""
    if report.failed:
        raise refusal(session, tasks, report)
    if not report.checked or (options.guards.strict and report.unchecked):
        from modellix_cli.workflows.request_check import unchecked_hint

        asked = "--strict" if options.guards.strict else "--check"
        which = "Not all" if report.checked else "None"
        raise ModellixError(
            ErrorCode.SERVICE_UNAVAILABLE,
            f"{which} of the lines could be checked.",
            hint=unchecked_hint(asked),
        )
    lines = count(tasks.total, "line")
    session.out.note(f"{report.checked} of {lines} checked, no fault found.")


def refusal(session: Session, tasks: BatchInput, report: "CheckReport") -> ModellixError:
    """Return the error for lines that their models would refuse, with the first of them.

    It is `NOT_FOUND` where all that is wrong is that there are no such models.
    """
    from modellix_cli.models.batch_check import NO_MODEL
    from modellix_cli.workflows.slug_advice import MODEL_LIST

    missing = all(one.problem == NO_MODEL for one in report.problems) and not report.hidden
    more = f", and {report.hidden} more like them" if report.hidden else ""
    return ModellixError(
        ErrorCode.NOT_FOUND if missing else ErrorCode.INVALID_BODY,
        f"{report.failed} of {count(tasks.total, 'line')} would be refused.",
        hint=f"Fix the lines listed above{more}. "
        + (MODEL_LIST if missing else "Nothing was submitted."),
        faults=tuple(line_fault(session, tasks, one) for one in report.problems),
    )


def line_fault(session: Session, tasks: BatchInput, problem: "LineProblem") -> ModellixError:
    """Return what is wrong with a line as an error that names it."""
    from modellix_cli.models.batch_check import NO_MODEL

    said, slug, code = problem.problem, parse_slug(problem.slug).name, ErrorCode.INVALID_BODY
    hint = f"See what the model takes with: {session.commands.line('model params', slug)}"
    if said == NO_MODEL:
        from modellix_cli.workflows.models import did_you_mean
        from modellix_cli.workflows.slug_advice import MODEL_LIST, known_slugs

        said += f". {did_you_mean(slug, known_slugs(session))}"
        code, hint = ErrorCode.NOT_FOUND, MODEL_LIST
    said = said.strip().rstrip(".")
    place = _place(tasks, problem.number)
    message = f"{place} ({problem.slug}): {said}{'' if said.endswith('?') else '.'}"
    at = Place(place, tasks.unit, problem.lines) if problem.number else None
    return ModellixError(code, message, hint=hint, place=at)


def warning_words(tasks: BatchInput, found: "LineWarning") -> str:
    """Return what may be wrong with lines in words."""
    more = f" {count(found.lines, tasks.unit)} have it." if found.lines > 1 else ""
    return f"{_place(tasks, found.number)} ({found.slug}): {found.warning}{more}"


def unchecked_words(report: "CheckReport") -> list[str]:
    """Return which lines were not checked, and why."""
    return [
        f"Lines of {slug} were not checked: {reason}" for slug, reason in report.unchecked.items()
    ]


def _place(tasks: BatchInput, number: int) -> str:
    return f"{tasks.unit.capitalize()} {number}" if number else "The task"

"""The types that texts of a batch become, by the schemas of its models.

What is sent must not depend on whether the network was up: a text would be another request than
the number that it was in an earlier run, and would be charged too. So a schema that is kept
counts, however old, and without any the batch is refused before it begins.
"""

from typing import TYPE_CHECKING

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.text import clip, one_line, quoted
from modellix_cli.domain.values import Slug
from modellix_cli.inputs.parameter_keys import Path, write_key
from modellix_cli.inputs.parameters import Text
from modellix_cli.workflows.slug_advice import Missing

if TYPE_CHECKING:
    from modellix_cli.models.documented_names import DocumentedNames
    from modellix_cli.models.parameters import Parameter

_NOTHING_SENT = (
    "Nothing was sent. Try again later, or say that values are JSON, which needs no schema: a "
    "column named n: or --set n:=4."
)


class ParameterTypes:
    """Turns texts into the values that a model's schema wants.

    If `strict`, what a schema does not name is not warned of: the check of the lines refuses it.
    """

    def __init__(
        self, session: Session, api_key: str | None = None, *, strict: bool = False
    ) -> None:
        self._session = session
        self._strict = strict
        self._models: dict[str, tuple[Parameter, ...]] = {}
        self._names: dict[str, DocumentedNames] = {}
        self._found: dict[tuple[str, Path], Parameter | None] = {}
        self._failed: dict[str, ModellixError] = {}
        self._is_missing = Missing(session, api_key)
        self.unknown: dict[tuple[str, str], str] = {}
        """What was warned of, by the model and the name that a check would tell."""

    def value(self, slug: Slug, path: Path, text: str, shown: str, *, exact: bool = True) -> Json:
        """Return what a text sets at `path`; `shown` is what errors call it.

        Without `exact` it may stay a text whatever the schema says. Raises the usage error for a
        text that cannot be what the model takes, and why a schema cannot be had.
        """
        parameter = self._parameter(slug, path, shown)
        if parameter is None:
            return text
        from modellix_cli.models.parameter_values import typed_value

        entry = not isinstance(path[-1], str)
        wanted = parameter.items if entry or _is_list(parameter) else parameter.types
        if not wanted or "string" in wanted:
            return typed_value((parameter,), path, Text(text))
        value = typed_value((parameter,), path, Text(text.strip()))
        single = value[0] if isinstance(value, list) else value
        if exact and isinstance(single, str):
            raise ModellixError(
                ErrorCode.USAGE,
                f"{shown} is {quoted(text)}, and {slug.name} takes "
                f"{' or '.join(wanted)} as {write_key(path)}.",
                hint="Decimals are written with a point. Where the schema is wrong, say that it "
                f"is JSON: a column named {write_key(path)}: or --set {write_key(path)}:=…",
            )
        return value

    def warn_of_unknown(self, slug: Slug, path: Path, shown: str) -> None:
        """Warn, once, of a parameter that the schema does not name."""
        self._parameter(slug, path, shown)

    def _parameter(self, slug: Slug, path: Path, shown: str) -> "Parameter | None":
        from modellix_cli.models.parameters import by_path

        key = (slug.name, path)
        if key not in self._found:
            parameters = self.parameters(slug)
            entry = not isinstance(path[-1], str)
            found = by_path(parameters, path[:-1] if entry else path)
            if found is None and not self._strict:
                self._tell_unknown(slug, path, shown)
            self._found[key] = found
        return self._found[key]

    def _tell_unknown(self, slug: Slug, path: Path, shown: str) -> None:
        from modellix_cli.models.body_warnings import nearest

        body: Json = None
        for step in reversed(path):
            body = {step: body} if isinstance(step, str) else [body]
        for name in self._names[slug.name].look(body).found:
            meant = nearest(write_key(path), (one.name for one in self._models[slug.name]))
            warning = (
                f"{clip(one_line(shown), 60)} is no parameter of {slug.name} that its schema names;"
                f" it is sent all the same, unless with --strict.{meant}"
            )
            self.unknown[(slug.name, write_key(name.path))] = warning
            self._session.out.warn(warning)

    def parameters(self, slug: Slug) -> "tuple[Parameter, ...]":
        """Return what a model takes. Raises why its schema cannot be had."""
        if slug.name in self._failed:  # every line of the model would ask again
            failed = self._failed[slug.name]
            raise failed.copy_with() from failed.__cause__
        if slug.name not in self._models:
            from modellix_cli.models.documented_names import DocumentedNames
            from modellix_cli.models.parameters import read_parameters

            kept = self._session.stores.schema_cache.get(slug)
            document = self._fetched(slug) if kept is None else kept.document
            self._names[slug.name] = DocumentedNames(document)
            self._models[slug.name] = read_parameters(document)
        return self._models[slug.name]

    def _fetched(self, slug: Slug) -> Json:
        from modellix_cli.workflows.parameters import fetch_schema

        self._session.check_models((slug,))
        try:
            return fetch_schema(self._session, slug)
        except ModellixError as error:
            failed, what = error, f"The types of {slug.name}'s parameters are not known:"
            if error.code is not ErrorCode.NOT_FOUND:
                failed = error.copy_with(message=f"{what} {error.message}", hint=_NOTHING_SENT)
            elif not self._is_missing(slug):
                why = f"{what} it has no schema."
                failed = ModellixError(ErrorCode.SERVICE_UNAVAILABLE, why, hint=_NOTHING_SENT)
            self._failed[slug.name] = failed
            raise failed from error.__cause__


def _is_list(parameter: "Parameter") -> bool:
    return "array" in parameter.types and not parameter.takes_text

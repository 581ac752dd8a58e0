"""How `quickstart` and `doctor` look in each output mode (official-cli.md 4.1, 4.3)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.domain.values import KEY_PAGE
from modellix_cli.output.first_steps import Step, commands, shown
from modellix_cli.output.sink import Output, Sink

if TYPE_CHECKING:
    from modellix_cli.output.facts import Examination, FileChange, Setup

DOCS: Final = "https://docs.modellix.ai/ways-to-use/cli"
_PROGRAM: Final = "modellix-cli"


OFFICIAL_CHECKS: Final = ("python", "apiKey", "connectivity", "validation", "balance")
"""The checks of official-cli.md 4.3, where the first is `node`."""
_LEFT_OUT_IF_SKIPPED: Final = ("validation", "balance")


def welcome(sink: Sink, found: "Setup", steps: tuple[Step, ...]) -> None:
    """Show what is set up and what to do next."""
    if sink.mode is Output.JSON:
        known: JsonObject = {"configured": found.configured, "docs": DOCS}
        known |= found.as_dict() | {"nextSteps": list(commands(steps, _PROGRAM)), "ok": True}
        if found.trouble:
            known["configurationWarning"] = found.trouble
        sink.json(dict(sorted(known.items())))
        return
    if sink.mode is Output.QUIET:
        sink.line("configured" if found.configured else "missing")
        return
    sink.line("Welcome to Modellix CLI.")
    if found.configured:
        sink.line(f"An API key is configured ({found.key_source}, profile {found.profile}).")
    else:
        sink.line("No API key is configured yet.")
    if found.trouble:
        sink.sentence(f"Configuration warning: {found.trouble}")
    for line in ("", "Next steps:" if found.configured else "Quickstart:"):
        sink.line(line)
    for step in shown(steps, _PROGRAM):
        sink.line(f"  {step}")
    keys = () if found.configured else (f"Get an API key at {KEY_PAGE}",)
    for line in ("", *keys, "Help: modellix-cli --help", f"Docs: {DOCS}"):
        sink.line(line)


_STYLES: Final = {"PASS": "32", "WARN": "33", "FAIL": "1;31", "SKIP": "2"}


def examined(sink: Sink, found: "Setup", seen: "Examination") -> None:
    """Show the checks in their order, whether every required one passed, and what to fix first.

    In JSON those of the official CLI keep their array; the others have one of their own.
    """
    first = seen.fix_first
    if sink.mode is Output.JSON:
        shown = {check.name: check.as_dict() for check in seen.checks}
        omitted = {c.name for c in seen.checks if c.skipped and c.name in _LEFT_OUT_IF_SKIPPED}
        official = [shown[n] for n in OFFICIAL_CHECKS if n in shown and n not in omitted]
        beyond = [entry for name, entry in shown.items() if name not in OFFICIAL_CHECKS]
        facts: JsonObject = {
            "checks": official,
            "fixFirst": first and first.name,
            "machineChecks": beyond,
            "ok": seen.passed,
            "rateLimit": seen.rate_limit or None,
        }
        known = found.as_dict() | {key: value for key, value in facts.items() if value is not None}
        sink.json(dict(sorted(known.items())))
        return
    if sink.mode is Output.QUIET:
        sink.line("ok" if seen.passed else "failed")
        return
    sink.line("Modellix CLI doctor")
    for check in seen.checks:
        sink.labelled(check.label, _STYLES[check.label], f"{check.name}: {check.detail}")
    if first is None:
        sink.line("All required checks passed.")
        return
    sink.line("One or more required checks failed.")
    sink.sentence(f"Fix this first: {first.name}.")


def completed(sink: Sink, shell: str, changes: "Sequence[FileChange]", *, installed: bool) -> None:
    """Show which files were changed for completion, and what is left to do."""
    if sink.mode is Output.JSON:
        files = [{"path": str(change.path), "change": change.what} for change in changes]
        sink.json({"files": files, "installed": installed, "ok": True, "shell": shell})
        return
    for change in changes:
        if sink.mode is Output.QUIET:
            sink.line(str(change.path))
        else:
            sink.line(f"{change.what[0].upper()}{change.what[1:]}: {change.path}")
    if sink.mode is Output.QUIET:
        return
    if all(change.what == "unchanged" for change in changes):
        sink.line(f"Completion for {shell} is {'installed' if installed else 'not installed'}.")
    elif installed:
        sink.line(f"Start a new {shell} to use it.")
        sink.line(f"To remove it: modellix-cli completion remove --shell {shell}")

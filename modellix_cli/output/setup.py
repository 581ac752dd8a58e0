"""How `quickstart` and `doctor` look in each output mode (official-cli.md 4.1, 4.3)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from modellix_cli.output.sink import Output, Sink

if TYPE_CHECKING:
    from modellix_cli.output.facts import Check, Setup

DOCS: Final = "https://docs.modellix.ai/ways-to-use/cli"


OFFICIAL_CHECKS: Final = ("python", "apiKey", "connectivity", "validation", "balance")
"""The checks of official-cli.md 4.3, where the first is `node`."""


def welcome(sink: Sink, found: "Setup", steps: Sequence[str]) -> None:
    """Show what is set up and what to do next."""
    if sink.mode is Output.JSON:
        known: dict[str, Any] = {"configured": found.configured, "docs": DOCS}
        known |= found.as_dict() | {"nextSteps": list(steps), "ok": True}
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
        sink.line(f"Configuration warning: {found.trouble}")
    for line in ("", "Next steps:" if found.configured else "Quickstart:"):
        sink.line(line)
    for step in steps:
        sink.line(f"  {step}")
    for line in ("", "Help: modellix-cli --help", f"Docs: {DOCS}"):
        sink.line(line)


def examined(sink: Sink, found: "Setup", checks: Sequence["Check"], *, passed: bool) -> None:
    """Show the checks in their order, and whether every required one passed.

    In JSON those of the official CLI keep their array; the others have one of their own.
    """
    if sink.mode is Output.JSON:
        shown = {check.name: check.as_dict() for check in checks}
        official = [shown[name] for name in OFFICIAL_CHECKS if name in shown]
        beyond = [entry for name, entry in shown.items() if name not in OFFICIAL_CHECKS]
        facts: dict[str, Any] = {"checks": official, "machineChecks": beyond, "ok": passed}
        sink.json(dict(sorted((found.as_dict() | facts).items())))
        return
    if sink.mode is Output.QUIET:
        sink.line("ok" if passed else "failed")
        return
    sink.line("Modellix CLI doctor")
    for check in checks:
        label = "PASS" if check.ok else "FAIL" if check.required else "WARN"
        sink.line(f"[{label}] {check.name}: {check.detail}")
    told = "All required checks passed." if passed else "One or more required checks failed."
    sink.line(told)

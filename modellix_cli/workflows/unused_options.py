"""Options that can have no effect beside the others: refused, or told where that breaks scripts."""

from collections.abc import Collection
from typing import Final

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import usage
from modellix_cli.domain.frozen import fields_of
from modellix_cli.options.saving import Saving
from modellix_cli.options.showing import Preview, Showing
from modellix_cli.options.waiting import Waiting

_OF_WAITING: Final = ("interval", "timeout")
_OF_SAVING: Final = tuple(field.name for field in fields_of(Saving) if field.name != "output_dir")


def refuse_unused(
    given: Collection[str], waiting: Waiting, saving: Saving, showing: Showing | None = None
) -> None:
    """Refuse options about saved files where nothing is saved.

    `given` are the names of the parameters that stood on the command line; what is usual by
    settings may always stand by.
    """
    if "output_dir" in given and not waiting.wait:
        raise usage("--output-dir saves results, so it needs --wait: leave --no-wait out.")
    if waiting.wait and saving.output_dir is not None:
        return
    unused = [name for name in _OF_SAVING if name in given]
    if showing is not None:
        unused += ["open"] if showing.open_ else []
        unused += ["preview on"] if showing.preview is Preview.ON else []
    if unused:
        need = "--output-dir" if waiting.wait else "--wait and --output-dir"
        verb = "is" if len(unused) == 1 else "are"
        raise usage(f"{_listed(unused)} {verb} about saved files: give {need} too.")


def tell_unused(session: Session, given: Collection[str], waiting: Waiting) -> None:
    """Tell that options about waiting have no effect where nothing waits.

    They are not refused: the official CLI takes them (docs/spec/official-cli.md 4.13).
    """
    unused = [name for name in _OF_WAITING if name in given]
    if unused and not waiting.wait and not session.out.silent:
        have = "has" if len(unused) == 1 else "have"
        session.out.warn(f"{_listed(unused)} {have} no effect without --wait.")


def _listed(names: Collection[str]) -> str:
    options = ["--" + name.replace("_", "-") for name in names]
    *most, last = options
    return f"{', '.join(most)} and {last}" if most else last

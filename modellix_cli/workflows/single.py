"""A single paid request as a command carries it out: put together, sent or only shown, concluded.

`model run` and `task rerun` are this, with a request that comes from elsewhere.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import typer

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ExitStatus, ModellixError
from modellix_cli.domain.exit_status import worst
from modellix_cli.domain.text import count
from modellix_cli.options.paying import RunPaying
from modellix_cli.options.saving import Saving
from modellix_cli.options.showing import Showing
from modellix_cli.output.sink import Output
from modellix_cli.workflows.request import RequestOptions, ShownRequest, make_request
from modellix_cli.workflows.run import RunOptions, run_model
from modellix_cli.workflows.run_end import submission_of
from modellix_cli.workflows.saving_settings import with_saving_settings
from modellix_cli.workflows.unused_options import refuse_unused, tell_unused
from modellix_cli.workflows.writable import check_saving

if TYPE_CHECKING:
    from modellix_cli.engine.core.lines import LineOutcome

_OTHER_KEY: Final = (
    "Read the reason. This --request-key never pays again: to submit once more, give another one."
)


def carry_out(
    session: Session,
    wanted: RequestOptions,
    options: RunOptions,
    showing: Showing,
    given: Collection[str],
) -> None:
    """Send a request, or show it where only that is wanted; show what came of it.

    What `options` leave open comes from settings; `given` are the names of the parameters that
    stood on the command line. Ends the command with the status that fits.
    """
    from modellix_cli.output import render
    from modellix_cli.workflows.models import suggesting
    from modellix_cli.workflows.results import tell_how_to_wait
    from modellix_cli.workflows.saving import open_downloader

    waiting = options.waiting.to_save(given)
    options = replace(options, paying=options.paying.checked(), waiting=waiting)
    options = settled(session, wanted, options, given)
    waiting, saving = options.waiting, options.saving
    check_options(session, options, showing, given)
    if not wanted.guards.only_shows:
        check_saving(session, saving)
    request = make_request(session, wanted, options.paying)
    if isinstance(request, ShownRequest):
        show_request(session, request, saving)
        return
    session.saving = saving.words()
    downloader = open_downloader(session, saving, request.client)
    with suggesting(session, wanted.slug):
        outcome = run_model(
            session,
            request.client,
            wanted.slug,
            request.body,
            options,
            wanted.guards,
            downloader,
        )
    if not waiting.wait and outcome.task is None:
        submission = submission_of(outcome)
        render.submission(session.out, submission, outcome.slug)
        tell_how_to_wait(session, submission)
        if session.unrecorded:
            raise typer.Exit(ExitStatus.FAILED)
        return
    conclude_run(session, outcome, showing, options.paying)


def settled(
    session: Session, wanted: RequestOptions, options: RunOptions, given: Collection[str]
) -> RunOptions:
    """Return how to wait and to save where options leave it open: by the settings.

    At a terminal, a request that is not given as JSON alone waits, and saves here. `given` are the
    names of the options that were given.
    """
    waiting, saving = options.waiting, options.saving
    for_people = wanted.made_here and session.for_people and waiting.wait is None
    if for_people:
        waiting = replace(waiting, wait=True)
    if not waiting.wait:
        return options
    saving = with_saving_settings(session, saving, given, wanted.preset)
    if for_people:
        from modellix_cli.downloads.name_template import BY_PROMPT

        folder, names = saving.output_dir or ".", saving.name_template or BY_PROMPT
        saving = replace(saving, output_dir=folder, name_template=names)
    return replace(options, waiting=waiting, saving=saving)


def check_options(
    session: Session, options: RunOptions, showing: Showing, given: Collection[str]
) -> None:
    """Refuse options that can have no effect, or cannot be followed, before anything is sent."""
    refuse_unused(given, options.waiting, options.saving, showing)
    tell_unused(session, given, options.waiting)
    if options.saving.name_template is not None:
        from modellix_cli.downloads.name_template import parse_name_template

        parse_name_template(options.saving.name_template)
    if showing != Showing():
        from modellix_cli.workflows.showing import check_showing

        check_showing(session, showing)


def show_request(session: Session, shown: ShownRequest, saving: Saving) -> None:
    """Print a request that is not to be sent; one with faults ends the command as a real run."""
    from modellix_cli.output.request_plan import plan
    from modellix_cli.workflows.rehearsal import end_with_faults

    if shown.plan is None:
        if session.out.envelope:  # JSON was asked for in writing
            needs = {} if shown.needs is None else {"needs": shown.needs}
            session.out.json({"language": shown.language, "code": shown.code, **needs})
        else:
            session.out.block(shown.code)
        return
    rehearsed = shown.plan
    try:
        check_saving(session, saving)
    except ModellixError as error:
        rehearsed = replace(rehearsed, faults=(session.explain(error), *rehearsed.faults))
    plan(session.out, rehearsed)
    end_with_faults(session, rehearsed.faults)


def conclude_run(
    session: Session, outcome: "LineOutcome", showing: Showing, paying: RunPaying
) -> None:
    """Show the task that ended and its files, say what went wrong or until when results live."""
    from modellix_cli.output import render
    from modellix_cli.workflows.results import report_errors, tell_expiry
    from modellix_cli.workflows.run_end import ended_errors
    from modellix_cli.workflows.saving import naming_saved
    from modellix_cli.workflows.showing import show_saved

    task, saved = outcome.task, outcome.saved
    assert task is not None  # whatever ended a wait without one was raised before
    errors = [session.name_submitted(error) for error in ended_errors(outcome)]
    if paying.request_key is not None:
        errors = [
            error.copy_with(hint=_OTHER_KEY) if error.code is ErrorCode.TASK_FAILED else error
            for error in errors
        ]
    with naming_saved(session, [saved] if saved else [], task.task_id):
        render.run_result(session.out, task, outcome.slug, saved, errors)
    if saved is not None and saved.files and session.out.mode is Output.JSON:
        session.out.note(f"Saved {count(len(saved.files), 'file')} to {saved.folder}.")
    if saved is not None:
        show_saved(session, [file.path for file in saved.files], showing)
    status = report_errors(session, errors) if errors else int(ExitStatus.DONE)
    if errors or session.unrecorded:
        raise typer.Exit(worst([status], ledger_lost=bool(session.unrecorded)))
    if saved is None:
        tell_expiry(session, [task])

"""What a command works with, made from the process and the global options when first needed."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Final, Protocol, Self

from modellix_cli.context.command_lines import CommandLines
from modellix_cli.context.connections import Connections
from modellix_cli.context.sandbox_advice import in_sandbox
from modellix_cli.context.settings import DEFAULT_BASE_URL, Globals, Settings
from modellix_cli.context.stores import Stores
from modellix_cli.deferred_signals import DeferredSignals
from modellix_cli.domain.errors import (
    REGISTRY,
    ErrorCode,
    ErrorFacts,
    ExitStatus,
    ModellixError,
    usage,
)
from modellix_cli.domain.text import count
from modellix_cli.domain.values import Slug, parse_task_id
from modellix_cli.output.sink import Output, Sink
from modellix_cli.runtime import Runtime

if TYPE_CHECKING:
    from modellix_cli.engine.progress import Progress

LAST: Final = "@last"
_LAST: Final = r"@last(?:~([0-9]{1,4}))?"
_ABOUT_RESULTS: Final = frozenset(
    {
        ErrorCode.TASK_FAILED,
        ErrorCode.TASK_WAIT_TIMEOUT,
        ErrorCode.INTERRUPTED,
        ErrorCode.NO_RESOURCES,
        ErrorCode.RESOURCE_REFUSED,
        ErrorCode.RESOURCE_LIMIT,
        ErrorCode.RESULT_EXPIRED,
        ErrorCode.OUTPUT_UNWRITABLE,
    }
)
"""Failures whose advice holds after a task was paid for."""


class Running(Protocol):
    """A command that runs, as Typer knows it: a `typer.Context`."""

    @property
    def obj(self) -> object:
        """What the command line was started with."""


class Session:
    """One run of a command: where to write, whom to ask, what to remember."""

    def __init__(self, runtime: Runtime, sink: Sink) -> None:
        self.runtime = runtime
        self.out = sink
        self.globals = Globals()
        self.closing = ExitStack()
        """What was opened, to be closed in the end."""
        self.settings = Settings(runtime, self.globals)
        self.stores = Stores(self.settings, sink, self.closing)
        self.commands = CommandLines(self.settings)
        self.connections = Connections(
            self.settings, self.stores, sink, self.commands, self.closing
        )
        self.pays = False
        """Whether the running command can spend money."""
        self.uses_project = False
        """Whether the running command takes more from modellix.toml than the form of output."""
        self.submitted: str | None = None
        """The task this run has paid for, so that no end of it leaves the id untold."""
        self.unrecorded: list[str] = []
        """The tasks whose ids were told but could not be recorded."""
        self.saving: tuple[str, ...] = ()
        """The options of saving that this run was given, with --output-dir; none saves nothing."""
        self.command_path = "modellix-cli"
        self.stop: KeyboardInterrupt | None = None
        """The signal that asked this run to end: once all is told, it ends by it."""

    @classmethod
    def of(cls, ctx: Running) -> "Session":
        """Return the session of a running command."""
        assert isinstance(ctx.obj, cls)
        return ctx.obj

    @contextmanager
    def opened(self) -> Iterator[Self]:
        """Close what was opened, in the end."""
        with self.closing:
            yield self

    @contextmanager
    def deferred_signals(self) -> Iterator[DeferredSignals]:
        """Hold signals back; one that came ends the program once the command told its end.

        Else a loop of the shell would go on and pay for the next request.
        """
        with DeferredSignals() as signals:
            try:
                yield signals
            finally:
                self.stop = self.stop or signals.stop

    def choose_output(
        self, default: Output, allowed: tuple[Output, ...], *, script: bool = False
    ) -> None:
        """Set the output mode: quiet beats JSON beats --output beats what is usual here.

        What a command prints for a shell to read (`script`) is usual everywhere.
        """
        chosen = self.globals
        self.out.color_allowed = not chosen.no_color
        with suppress(ModellixError):  # the variable is neither on nor off, which is told
            self.out.sandbox = self.settings.sandbox
        named = chosen.output
        if named is not None and named not in allowed:
            choices = ", ".join(allowed)
            raise usage(f"Expected --output={named} to be one of: {choices}.")
        if chosen.quiet or named == Output.QUIET:
            mode = Output.QUIET
        elif chosen.json:
            mode = Output.JSON
        elif named:
            mode = Output(named)
        else:
            mode = default if script else self._usual_output(default)
        self.out.mode = mode

    @property
    def for_people(self) -> bool:
        """Whether a person looks at stdout: a terminal, where results are no JSON or bare ids."""
        read = self.out.mode in (Output.HUMAN, Output.QUIET)
        return self.out.stdout_is_terminal and read

    def _usual_output(self, default: Output) -> Output:
        """Return how results are written without an option: as settings say, else words where
        somebody watches stdout, else the command's default, as in CI.
        """
        pinned = self._pinned_output()
        if pinned is not None:
            return Output(pinned)
        watched = self.out.stdout_is_terminal and not self.runtime.env.get("CI")
        return Output.HUMAN if watched else default

    def _pinned_output(self) -> str | None:
        """Return what settings say; a file that cannot be used stops only commands that use it."""
        try:
            return self.settings.output
        except ModellixError as error:
            if error.code is not ErrorCode.PROJECT_UNUSABLE or self.uses_project:
                raise
            self.out.warn(f"{error.message} This command goes on without the file.")
            return None

    def progress(self, total: int | None = None, *, saves: bool = False) -> "Progress":
        """Return the display of progress that fits where stderr goes.

        `total` are the lines of a batch; `saves` says that results are saved.
        """
        from modellix_cli.output.progress import choose

        off = self.globals.no_progress or self.settings.switched_on("MODELLIX_CLI_NO_PROGRESS")
        wanted = self.out.mode is not Output.QUIET and not off
        return choose(self.out, self.runtime.clock, wanted=wanted, total=total, saves=saves)

    def check_models(self, slugs: Iterable[Slug]) -> None:
        """Raise the usage error for models of the sandbox where the service is the real one."""
        if self.settings.sandbox or self.settings.base_url != DEFAULT_BASE_URL:
            return
        for slug in slugs:
            if slug.provider == "sandbox":
                hint = "Add --sandbox to the command: it needs no key and costs nothing."
                raise usage(f"{slug.name} is a model of the sandbox.", hint=hint)

    def task_id(self, text: str) -> str:
        """Read a task id; `@last` is the task submitted last, `@last~2` two before it."""
        found = re.fullmatch(_LAST, text)
        if found is None:
            return parse_task_id(text)
        back = int(found[1] or 0)
        known = self.stores.tasks.recent(back + 1)
        if len(known) <= back:
            address, few = self.settings.base_url, count(len(known), "task")
            command = self.command_path.removeprefix("modellix-cli ")
            there = self.sandbox_hint(command, text)
            raise usage(
                f"{text}: this machine's ledger knows {few} of {address}.",
                hint="Give a task id." if there is None else f"Give a task id. {there}",
            )
        return known[back]

    def sandbox_hint(self, command: str, *words: str, options: Sequence[str] = ()) -> str | None:
        """Return for people the command that finds tasks where the sandbox alone has some."""
        if not self.out.talk_is_terminal or self.out.mode is Output.JSON or self.out.envelope:
            return None
        from modellix_cli.ledger.history import Scope

        with suppress(ModellixError):
            if (
                self.settings.sandbox
                or self.stores.history.entries(Scope(None, sandbox=False), 1)[1]
            ):
                return None
            total = self.stores.history.entries(Scope(None, sandbox=True), 1)[1]
            line = self.commands.line(command, *words, options=[*options, "--sandbox"])
            return f"The sandbox has {count(total, 'task')}: {line}" if total else None
        return None

    def resume(self, *task_ids: str) -> str:
        """Return the command that goes on with tasks: wait, and save if this run would have."""
        waiting = self.commands.line("task wait", *task_ids)
        if not self.saving:
            return waiting
        saving = self.commands.line("task download", *task_ids, options=self.saving)
        return f"{waiting} && {saving}"

    def explain(self, error: ModellixError) -> ModellixError:
        """Fit an error's advice to this run: who gave a refused key or task id, and --sandbox."""
        if error.code is ErrorCode.NOT_FOUND and error.task_id is not None:
            return error.copy_with(
                hint=self.correction(error.task_id) or self._in_sandbox(error.hint)
            )
        key, general = self.connections.key, REGISTRY[ErrorCode.UNAUTHORIZED].hint
        if error.code is not ErrorCode.UNAUTHORIZED or key is None or error.hint != general:
            return error.copy_with(hint=self._in_sandbox(error.hint))
        from modellix_cli.profiles.key_advice import key_advice

        profile = self.settings.profile.name
        named = [] if self.globals.profile else ["--profile", profile]
        login = self.commands.line("auth login", options=named)
        hint = key_advice(key.source, profile, login=login, variable=key.variable)
        return error.copy_with(hint=hint)

    def _in_sandbox(self, hint: str) -> str:
        """Return advice that fits the sandbox, if the run is in it."""
        with suppress(ModellixError):  # the variable is neither on nor off, which is told
            if self.settings.sandbox:
                return in_sandbox(hint)
        return hint

    def correction(self, task_id: str) -> str | None:
        """Return how to name another task where the user named this one; None if nobody did."""
        with suppress(ModellixError):
            attempt = self.stores.submissions.named_by_user(task_id)
            if attempt is not None:
                number, named = str(attempt.number), ["--task-id", "ID"]
                command = self.commands.line("task resolve", number, options=named)
                said = f"By your word this is the task of request {number}."
                return f"{said} If it is another one: {command}"
        return None

    def name_submitted(self, error: ModellixError) -> ModellixError:
        """Add to an error the task that was submitted before it, and how to go on with it."""
        if self.submitted is None:
            return error
        changes: ErrorFacts = {"task_id": error.task_id or self.submitted}
        changes["retryable"] = False  # the same command again would pay again
        if error.exit_status in (ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE):
            changes["exit_status"] = ExitStatus.FAILED
        changes["charged"] = "yes"
        if error.code not in (ErrorCode.TASK_FAILED, ErrorCode.RESULT_EXPIRED):
            changes["resume"] = error.resume or self.resume(self.submitted)
        if error.code not in _ABOUT_RESULTS:
            changes["hint"] = "The task exists and is paid for: do not submit it again."
        return error.copy_with(**changes)

"""What a command works with, made from the process and the global options when first needed."""

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from modellix_cli.commands.globals import Globals
from modellix_cli.errors import Code, ModellixError, usage
from modellix_cli.output.sink import Output, Sink
from modellix_cli.runtime import Runtime
from modellix_cli.values import parse_base_url, parse_task_id

if TYPE_CHECKING:
    from modellix_cli.api.client import Client
    from modellix_cli.local.credentials import Profile
    from modellix_cli.local.history import History
    from modellix_cli.local.journal import Journal
    from modellix_cli.output.progress import Progress

DEFAULT_BASE_URL: Final = "https://api.modellix.ai"
SANDBOX_BASE_URL: Final = "https://api.sandbox.invalid"
LAST: Final = "@last"


class Session:
    """One run of a command: where to write, whom to ask, what to remember."""

    def __init__(self, runtime: Runtime, sink: Sink) -> None:
        self.runtime = runtime
        self.out = sink
        self.globals = Globals()
        self.submitted: str | None = None
        """The task this run has paid for, so that no end of it leaves the id untold."""
        self._closing: list[Callable[[], None]] = []

    @classmethod
    def of(cls, ctx: Any) -> "Session":
        """Return the session of a running command."""
        assert isinstance(ctx.obj, cls)
        return ctx.obj

    def choose_output(self, default: Output, allowed: tuple[Output, ...]) -> None:
        """Set the output mode: quiet beats JSON beats --output beats the command's default."""
        chosen = self.globals
        named = chosen.output
        if named is not None and named not in allowed:
            choices = ", ".join(allowed)
            raise usage(f"Expected --output={named} to be one of: {choices}.")
        if chosen.quiet or named == Output.QUIET:
            mode = Output.QUIET
        elif chosen.json:
            mode = Output.JSON
        else:
            mode = Output(named) if named else default
        self.out.mode = mode
        self.out.color_allowed = not chosen.no_color

    @property
    def sandbox(self) -> bool:
        """Whether everything is served by the embedded Modellix."""
        return self.globals.sandbox or self._switched_on("MODELLIX_SANDBOX")

    @cached_property
    def base_url(self) -> str:
        """The API's base URL without a trailing slash."""
        if self.sandbox:
            return SANDBOX_BASE_URL
        given = self.globals.base_url
        url = given or self.runtime.env.get("MODELLIX_BASE_URL", "").strip() or DEFAULT_BASE_URL
        return parse_base_url(url, allow_http=self.globals.allow_http_api)

    @cached_property
    def profile(self) -> "Profile":
        """The selected profile."""
        from modellix_cli.local.credentials import select_profile

        return select_profile(self.globals.profile, self.runtime.env)

    @cached_property
    def journal(self) -> "Journal":
        """The journal of this machine, in the name of the selected profile."""
        from modellix_cli.local.journal import Account, Journal
        from modellix_cli.local.paths import state_dir

        account = Account(self.base_url, self.profile.name)
        folder = state_dir(self.runtime.env)
        journal = Journal(folder, account, self.runtime.clock, self.out.warn, self.out.clean)
        self._closing.append(journal.close)
        return journal

    @cached_property
    def history(self) -> "History":
        """The task history of this machine, whatever the account."""
        from modellix_cli.local.history import History
        from modellix_cli.local.journal_file import JournalFile
        from modellix_cli.local.paths import config_dir, state_dir

        env, clock = self.runtime.env, self.runtime.clock
        file = JournalFile(state_dir(env), clock, self.out.warn)
        self._closing.append(file.close)
        official = config_dir(env) / "history.json"
        return History(file, official, SANDBOX_BASE_URL, clock, self.out.warn)

    def confirm(self, question: str, unattended: str) -> bool:
        """Ask a question and return whether the answer is yes.

        Where nobody can answer, or JSON is expected, raises a usage error with `unattended`.
        """
        if not self.runtime.can_ask or self.out.mode is Output.JSON:
            raise usage(unattended)
        self.out.note(f"{question} [y/N]")
        return self.runtime.read_answer().strip().lower() in ("y", "yes")

    @cached_property
    def sandbox_app(self) -> Any:
        """The embedded Modellix as a WSGI app, or None when the real one is meant."""
        if not self.sandbox:
            return None
        from modellix_cli.local.paths import state_dir
        from modellix_cli.sandbox import open_sandbox

        self.out.note("Sandbox: nothing leaves this machine and nothing is charged.")
        app = open_sandbox(state_dir(self.runtime.env) / "sandbox", self.runtime.clock)
        self._closing.append(app.store.close)
        return app

    def client(self, api_key: str | None) -> "Client":
        """Return the API client for `--api-key` or the key found. Raises `MISSING_API_KEY`."""
        return self._connect(self.base_url, self._api_key(api_key))

    def public_client(self, origin: str) -> "Client":
        """Return a client without a key for a public origin; a base URL that is set replaces it."""
        return self._connect(self.base_url if self.base_url_is_set else origin, None)

    @property
    def base_url_is_set(self) -> bool:
        """Whether the sandbox, --base-url or MODELLIX_BASE_URL replaces the official address."""
        given = self.globals.base_url or self.runtime.env.get("MODELLIX_BASE_URL", "").strip()
        return self.sandbox or bool(given)

    def _connect(self, base_url: str, api_key: str | None) -> "Client":
        from modellix_cli.api.client import connect
        from modellix_cli.api.retry import RetryPolicy

        patience = self.globals.max_retry_wait
        client = connect(
            base_url,
            api_key,
            clock=self.runtime.clock,
            policy=RetryPolicy() if patience is None else RetryPolicy(max_wait=patience),
            notice=self.retry_notice,
            trace=self._trace(),
            wsgi=self.sandbox_app,
        )
        self._closing.append(client.close)
        return client

    @property
    def retry_notice(self) -> Callable[[str], None]:
        """What is told about pauses before retries: the user, unless the output is quiet."""
        return (lambda text: None) if self.out.mode is Output.QUIET else self.out.note

    def progress(self) -> "Progress":
        """Return the display of progress that fits where stderr goes."""
        from modellix_cli.output.progress import choose

        off = self.globals.no_progress or self._switched_on("MODELLIX_CLI_NO_PROGRESS")
        wanted = self.out.mode is not Output.QUIET and not off
        return choose(self.out, self.runtime.clock, wanted=wanted)

    def task_id(self, text: str) -> str:
        """Read a task id; `@last` is the task submitted last."""
        if text != LAST:
            return parse_task_id(text)
        last = self.journal.last_task_id()
        if last is None:
            raise usage("@last: no task is in the journal yet.")
        return last

    def command_line(self, *words: str) -> str:
        """Return a command the user can paste, with the global options this run depends on."""
        chosen = self.globals
        options: list[str] = []
        if chosen.sandbox:
            options.append("--sandbox")
        if chosen.base_url and not self.sandbox:
            options += ["--base-url", chosen.base_url]
        if chosen.allow_http_api:
            options.append("--allow-http-api")
        if chosen.profile:
            options += ["--profile", chosen.profile]
        return shlex.join(["modellix-cli", *words, *options])

    def name_submitted(self, error: ModellixError) -> ModellixError:
        """Add to an error the task that was submitted before it, and how to go on with it."""
        if self.submitted is not None:
            error.task_id = error.task_id or self.submitted
            error.resume = error.resume or self.command_line("task", "wait", self.submitted)
            error.charged = "yes"
        return error

    def path(self, text: str) -> Path:
        """Return an absolute path for what the user wrote."""
        if not text.strip() or "\0" in text:
            raise usage("A path must not be empty.")
        return self.runtime.cwd / Path(text).expanduser()

    @contextmanager
    def closing(self) -> Iterator["Session"]:
        """Close what was opened, in the end."""
        try:
            yield self
        finally:
            for close in reversed(self._closing):
                close()

    def _api_key(self, option: str | None) -> str:
        if self.sandbox and option is None:
            return "sandbox"
        from modellix_cli.local.credentials import find_api_key

        key = find_api_key(option, self.runtime.env, self.profile.name, self.base_url)
        self.out.hide(key)
        return key

    def _trace(self) -> Callable[[str], None] | None:
        if self.globals.debug or self._switched_on("MODELLIX_CLI_HTTP_DEBUG"):
            return lambda line: self.out.note(f"[modellix:debug] {line}")
        if self.globals.verbose or self._switched_on("MODELLIX_CLI_VERBOSE"):
            return lambda line: self.out.note(f"[modellix:verbose] {line}")
        return None

    def _switched_on(self, variable: str) -> bool:
        return self.runtime.env.get(variable, "").strip().lower() in ("1", "true", "yes", "on")


def unreadable_stdin(option: str) -> ModellixError:
    """Return the error for input expected from a pipe where a terminal is."""
    return ModellixError(
        Code.INPUT_UNREADABLE,
        f"Cannot read {option} - from an interactive terminal. Pipe JSON to stdin.",
    )

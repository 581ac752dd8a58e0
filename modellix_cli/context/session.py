"""What a command works with, made from the process and the global options when first needed."""

import re
import shlex
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from modellix_cli.context.settings import DEFAULT_BASE_URL
from modellix_cli.context.stores import Stores
from modellix_cli.domain.addresses import key_origin
from modellix_cli.domain.errors import ErrorCode, ExitStatus, ModellixError, usage
from modellix_cli.domain.values import SANDBOX_KEY, format_duration, parse_task_id
from modellix_cli.output.sink import Output, Sink
from modellix_cli.runtime import Runtime

if TYPE_CHECKING:
    from modellix_cli.api.client import Client
    from modellix_cli.api.retry import RetryPolicy
    from modellix_cli.engine.progress import Progress
    from modellix_cli.engine.rate_governor import Gate, Governor
    from modellix_cli.profiles.credentials import ApiKey

LAST: Final = "@last"
_LOCAL_COMMAND: Final = re.compile(r"modellix-cli (?:task|batch|model) [a-z]+(?! --sandbox)\b")
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


class Session(Stores):
    """One run of a command: where to write, whom to ask, what to remember."""

    def __init__(self, runtime: Runtime, sink: Sink) -> None:
        super().__init__(runtime, sink)
        self.pays = False
        """Whether the running command can spend money."""
        self.submitted: str | None = None
        """The task this run has paid for, so that no end of it leaves the id untold."""
        self.save_to: str | None = None
        """Where this run saves results, if it does."""
        self.command_path = "modellix-cli"
        self._key: ApiKey | None = None

    @classmethod
    def of(cls, ctx: Any) -> "Session":
        """Return the session of a running command."""
        assert isinstance(ctx.obj, cls)
        return ctx.obj

    @cached_property
    def governor(self) -> "Governor":
        """What decides when requests with this run's key leave."""
        from modellix_cli.engine.rate_governor import Governor
        from modellix_cli.ledger.rate_state import RateStateStore

        book = RateStateStore(self.ledger_file, self.account.key_mark)
        return Governor(book, self.runtime.clock)

    @cached_property
    def gate(self) -> "Gate":
        """What holds single requests until they may leave."""
        from modellix_cli.engine.rate_governor import Gate

        clock, max_wait = self.runtime.clock, self.retry_policy.max_wait
        return Gate(self.governor, clock, self.retry_notice, max_wait)

    @property
    def retry_policy(self) -> "RetryPolicy":
        """How patient this run is."""
        from modellix_cli.api.retry import RetryPolicy

        return RetryPolicy(max_wait=self.patience)

    @cached_property
    def key_origin(self) -> str:
        """The origin of the API, for which keys are saved."""
        return key_origin(self.base_url)

    def client(self, api_key: str | None) -> "Client":
        """Return the API client for `--api-key` or the key found. Raises `MISSING_API_KEY`."""
        return self.client_with(self.find_key(api_key))

    def find_and_keep_key(self, api_key: str | None) -> None:
        """Find the key, so that what is recorded is known to be of its account."""
        self._key = self.find_key(api_key)
        self.key_text = self._key.text

    def client_with(self, key: "ApiKey", *, paced: bool = True) -> "Client":
        """Return the API client for a key; its requests keep to the key's limits.

        Without `paced` they leave at once, and the ledger is left alone.
        """
        self._key, self.key_text = key, key.text
        return self._connect(self.base_url, key.text, self.gate if paced else None)

    def public_client(self, origin: str) -> "Client":
        """Return a client without a key for a public origin; a base URL that is set replaces it.

        The official one, set explicitly, does not: the API's host has no public pages.
        """
        replaced = self.base_url != DEFAULT_BASE_URL
        return self._connect(self.base_url if replaced else origin, None)

    def _connect(self, base_url: str, api_key: str | None, gate: "Gate | None" = None) -> "Client":
        from modellix_cli.api.client import connect

        client = connect(
            base_url,
            api_key,
            clock=self.runtime.clock,
            policy=self.retry_policy,
            notice=self.retry_notice,
            trace=self._trace(),
            wsgi=self.sandbox_app,
            pacer=gate,
        )
        self._closing.append(client.close)
        return client

    @property
    def retry_notice(self) -> Callable[[str], None]:
        """What is told about pauses before retries: the user, unless the output is quiet."""
        return (lambda text: None) if self.out.mode is Output.QUIET else self.out.note

    def progress(self, total: int | None = None) -> "Progress":
        """Return the display of progress that fits where stderr goes; `total` lines of a batch."""
        from modellix_cli.output.progress import choose

        off = self.globals.no_progress or self.switched_on("MODELLIX_CLI_NO_PROGRESS")
        wanted = self.out.mode is not Output.QUIET and not off
        return choose(self.out, self.runtime.clock, wanted=wanted, total=total)

    def task_id(self, text: str) -> str:
        """Read a task id; `@last` is the task submitted last."""
        if text != LAST:
            return parse_task_id(text)
        last = self.tasks.last_task_id()
        if last is None:
            raise usage(
                f"@last: no task of {self.base_url} is in this machine's ledger yet.",
                hint="Give a task id.",
            )
        return last

    def command_line(
        self,
        command: str,
        *task_ids: str,
        save_to: str | None = None,
        options: Sequence[str] = (),
    ) -> str:
        """Return a command the user can paste, with the global options this run depends on."""
        return self.words(self.command_words(command, *task_ids, save_to=save_to, options=options))

    def command_words(
        self,
        command: str,
        *task_ids: str,
        save_to: str | None = None,
        options: Sequence[str] = (),
    ) -> list[str]:
        """As `command_line`, as the list of its words."""
        chosen = self.globals
        options = list(options)
        if save_to is not None:
            options += ["--output-dir", save_to]
        if chosen.sandbox:
            options.append("--sandbox")
        if chosen.base_url and not self.sandbox:
            options += ["--base-url", chosen.base_url]
        if chosen.allow_http_api:
            options.append("--allow-http-api")
        if chosen.profile:
            options += ["--profile", chosen.profile]
        if chosen.max_retry_wait is not None:
            options += ["--max-retry-wait", format_duration(chosen.max_retry_wait)]
        words = ["modellix-cli", *command.split()]
        if any(task_id.startswith("-") and task_id != "-" for task_id in task_ids):
            return [*words, *options, "--", *task_ids]
        return [*words, *task_ids, *options]

    def output_words(self) -> list[str]:
        """Return the options that choose how results are written, as they were given."""
        chosen = self.globals
        words = ["--json"] if chosen.json else []
        words += ["--quiet"] if chosen.quiet else []
        return words + (["--output", chosen.output] if chosen.output else [])

    def words(self, words: Sequence[str]) -> str:
        """Return words as one line for the shell."""
        return shlex.join(words)

    def explain(self, error: ModellixError) -> ModellixError:
        """Fit an error's advice to this run: where a refused key came from, and --sandbox."""
        if error.code is not ErrorCode.UNAUTHORIZED or self._key is None:
            return error.copy_with(hint=self._in_sandbox(error.hint))
        from modellix_cli.profiles.key_advice import key_advice

        key, profile = self._key, self.profile.name
        named = [] if self.globals.profile else ["--profile", profile]
        login = self.command_line("auth login", options=named)
        hint = key_advice(key.source, profile, login=login, variable=key.variable)
        return error.copy_with(hint=hint)

    def _in_sandbox(self, hint: str) -> str:
        """Return advice with --sandbox on its commands, which would look elsewhere without it."""
        if not self.globals.sandbox:
            return hint
        return _LOCAL_COMMAND.sub(r"\g<0> --sandbox", hint)

    def name_submitted(self, error: ModellixError) -> ModellixError:
        """Add to an error the task that was submitted before it, and how to go on with it."""
        if self.submitted is None:
            return error
        changes: dict[str, Any] = {"task_id": error.task_id or self.submitted}
        changes["retryable"] = False  # the same command again would pay again
        if error.exit_status in (ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE):
            changes["exit_status"] = ExitStatus.FAILED
        changes["charged"] = "yes"
        if error.code not in (ErrorCode.TASK_FAILED, ErrorCode.RESULT_EXPIRED):
            changes["resume"] = error.resume or self.resume(self.submitted)
        if error.code not in _ABOUT_RESULTS:
            changes["hint"] = "The task exists and is paid for: do not submit it again."
        return error.copy_with(**changes)

    def resume(self, *task_ids: str) -> str:
        """Return the command that goes on with tasks: wait, and save if this run would have."""
        waiting = self.command_line("task wait", *task_ids)
        if self.save_to is None:
            return waiting
        saving = self.command_line("task download", *task_ids, save_to=self.save_to)
        return f"{waiting} && {saving}"

    def find_key(self, option: str | None, *, ignore_env: bool = False) -> "ApiKey":
        """Return the key of `--api-key`, of the environment, or the saved one, and its source.

        The sandbox has one of its own, of source `sandbox`. Raises `MISSING_API_KEY`.
        """
        from modellix_cli.profiles.credentials import ApiKey, find_api_key

        if self.sandbox and option is None:
            return ApiKey(SANDBOX_KEY, "sandbox")
        try:
            key = find_api_key(
                option,
                self.runtime.env,
                self.profile.name,
                self.key_origin,
                ignore_env=ignore_env,
            )
        except ModellixError as error:
            if error.code is ErrorCode.MISSING_API_KEY:
                command = self.command_line("auth login")
                hint = error.hint.replace("modellix-cli auth login", command)
                raise error.copy_with(hint=hint) from None
            raise
        self.out.hide(key.text)
        return key

    def _trace(self) -> Callable[[str], None] | None:
        if self.globals.debug or self.switched_on("MODELLIX_CLI_HTTP_DEBUG"):
            return lambda line: self.out.alert(f"[modellix:debug] {line}")
        if self.globals.verbose or self.switched_on("MODELLIX_CLI_VERBOSE"):
            return lambda line: self.out.alert(f"[modellix:verbose] {line}")
        return None


def unreadable_stdin(option: str) -> ModellixError:
    """Return the error for input expected from a pipe where a terminal is."""
    return ModellixError(
        ErrorCode.INPUT_UNREADABLE,
        f"Cannot read {option} - from an interactive terminal. Pipe JSON to stdin.",
        hint="For example: modellix-cli model run SLUG --body-file - < body.json",
    )

"""Connections to the API and to public pages: with which key, at which pace, how patient."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING

from modellix_cli.context.command_lines import CommandLines
from modellix_cli.context.settings import DEFAULT_BASE_URL, Settings
from modellix_cli.context.stores import Stores
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.values import SANDBOX_KEY
from modellix_cli.output.sink import Output, Sink

if TYPE_CHECKING:
    from modellix_cli.api.client import Client
    from modellix_cli.api.retry import RetryPolicy
    from modellix_cli.engine.rate_governor import Gate, Governor
    from modellix_cli.profiles.credentials import ApiKey
    from modellix_cli.sandbox.service import Sandbox


class Connections:
    """Makes clients, and finds the key that they send."""

    def __init__(
        self,
        settings: Settings,
        stores: Stores,
        out: Sink,
        commands: CommandLines,
        closing: ExitStack,
    ) -> None:
        self._settings = settings
        self._stores = stores
        self._out = out
        self._commands = commands
        self._closing = closing
        self.key: ApiKey | None = None
        """The key in use, once it is known."""

    @cached_property
    def governor(self) -> "Governor":
        """What decides when requests with this run's key leave."""
        from modellix_cli.engine.rate_governor import Governor
        from modellix_cli.ledger.rate_state import RateStateStore

        book = RateStateStore(self._stores.ledger_file, self._stores.account.key_mark)
        return Governor(book, self._settings.runtime.clock)

    @cached_property
    def gate(self) -> "Gate":
        """What holds single requests until they may leave."""
        from modellix_cli.engine.rate_governor import Gate

        clock, max_wait = self._settings.runtime.clock, self.retry_policy.max_wait
        return Gate(self.governor, clock, self.retry_notice, max_wait)

    @property
    def retry_policy(self) -> "RetryPolicy":
        """How patient this run is."""
        from modellix_cli.api.retry import RetryPolicy

        return RetryPolicy(max_wait=self._settings.patience)

    def client(self, api_key: str | None) -> "Client":
        """Return the API client for `--api-key` or the key found. Raises `MISSING_API_KEY`."""
        return self.client_with(self.find_key(api_key))

    def find_and_keep_key(self, api_key: str | None) -> None:
        """Find the key, so that what is recorded is known to be of its account."""
        self.key = self.find_key(api_key)
        self._stores.key_text = self.key.text

    def client_with(self, key: "ApiKey", *, paced: bool = True) -> "Client":
        """Return the API client for a key; its requests keep to the key's limits.

        Without `paced` they leave at once, and the ledger is left alone.
        """
        self.key, self._stores.key_text = key, key.text
        return self._connect(self._settings.base_url, key.text, self.gate if paced else None)

    def public_client(self, origin: str, *, seconds: float | None = None) -> "Client":
        """Return a client without a key for a public origin; a base URL that is set replaces it.

        The official one, set explicitly, does not: the API's host has no public pages. `seconds`
        is how long one exchange may take at most.
        """
        return self._connect(self.public_origin(origin), None, seconds=seconds)

    def public_origin(self, origin: str) -> str:
        """Return a public origin, or the base URL that replaces it; see `public_client`."""
        replaced = self._settings.base_url != DEFAULT_BASE_URL
        return self._settings.base_url if replaced else origin

    def _connect(
        self,
        base_url: str,
        api_key: str | None,
        gate: "Gate | None" = None,
        seconds: float | None = None,
    ) -> "Client":
        from modellix_cli.api.client import connect

        client = connect(
            base_url,
            api_key,
            clock=self._settings.runtime.clock,
            policy=self.retry_policy,
            notice=self.retry_notice,
            trace=self._trace(),
            wsgi=self.sandbox_app,
            pacer=gate,
            seconds=seconds,
            async_route=self._settings.async_route,
        )
        self._closing.callback(client.close)
        return client

    @property
    def retry_notice(self) -> Callable[[str], None]:
        """What is told about pauses before retries: the user, unless the output is quiet."""
        return (lambda text: None) if self._out.mode is Output.QUIET else self._out.note

    def find_key(self, option: str | None, *, ignore_env: bool = False) -> "ApiKey":
        """Return the key of `--api-key`, of the environment, or the saved one, and its source.

        The sandbox has one of its own, of source `sandbox`. Raises `MISSING_API_KEY`.
        """
        from modellix_cli.profiles.credentials import ApiKey, find_api_key

        if self._settings.sandbox and option is None:
            return ApiKey(SANDBOX_KEY, "sandbox")
        try:
            key = find_api_key(
                option,
                self._settings.runtime.env,
                self._settings.profile.name,
                self._settings.key_origin,
                ignore_env=ignore_env,
            )
        except ModellixError as error:
            if error.code is ErrorCode.MISSING_API_KEY:
                command = self._commands.line("auth login")
                hint = error.hint.replace("modellix-cli auth login", command)
                raise error.copy_with(hint=hint) from None
            raise
        self._out.hide(key.text)
        return key

    def _trace(self) -> Callable[[str], None] | None:
        if self._settings.globals.debug or self._settings.switched_on("MODELLIX_CLI_HTTP_DEBUG"):
            return lambda line: self._out.alert(f"[modellix:debug] {line}")
        if self._settings.globals.verbose or self._settings.switched_on("MODELLIX_CLI_VERBOSE"):
            return lambda line: self._out.alert(f"[modellix:verbose] {line}")
        return None

    @cached_property
    def sandbox_app(self) -> "Sandbox | None":
        """The embedded Modellix as a WSGI app, or None when the real one is meant."""
        if not self._settings.sandbox:
            return None
        from modellix_cli.context.sandbox_state import open_state

        app = open_state(self._settings, "sandbox")
        self._out.note("Sandbox: nothing leaves this machine and nothing is charged.")
        self._closing.callback(app.store.close)
        return app

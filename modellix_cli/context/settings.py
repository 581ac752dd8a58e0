"""What the user chose for a run: output mode, sandbox or service, profile, folders."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from modellix_cli.domain.addresses import (
    LOOPBACK,
    key_origin,
    parse_base_url,
    parse_webhook_url,
)
from modellix_cli.domain.errors import usage
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.domain.text import quoted
from modellix_cli.domain.values import DAY, parse_duration
from modellix_cli.paths import no_home
from modellix_cli.runtime import Runtime

if TYPE_CHECKING:
    from modellix_cli.context.defaults import Defaults
    from modellix_cli.domain.budget import Budget
    from modellix_cli.profiles.credentials import Profile

DEFAULT_BASE_URL: Final = "https://api.modellix.ai"
SANDBOX_BASE_URL: Final = "https://api.sandbox.invalid"
DEFAULT_PATIENCE: Final = 120.0
_ON: Final = ("1", "true", "yes", "y", "on")
_OFF: Final = ("", "0", "false", "no", "n", "off")


class Globals:
    """The values of the global options; None and False where not given."""

    output: str | None = None
    json: bool = False
    quiet: bool = False
    profile: str | None = None
    base_url: str | None = None
    sandbox: bool = False
    max_retry_wait: float | None = None
    allow_http_api: bool = False
    no_progress: bool = False
    no_color: bool = False
    verbose: bool = False
    debug: bool = False


class Settings:
    """The global options and the environment of one run, read when first needed."""

    def __init__(self, runtime: Runtime, chosen: Globals) -> None:
        self.runtime = runtime
        self.globals = chosen
        self.chosen_async_route: bool | None = None
        """What --async-route and --no-async-route say, None where neither was given."""

    @property
    def sandbox(self) -> bool:
        """Whether everything is served by the embedded Modellix."""
        value = self.runtime.env.get("MODELLIX_SANDBOX", "").strip().lower()
        if value not in (*_ON, *_OFF):
            raise usage(
                f'MODELLIX_SANDBOX="{value}" is neither on nor off.',
                hint="Set it to 1 or 0, or unset it.",
            )
        return self.globals.sandbox or value in _ON

    @cached_property
    def base_url(self) -> str:
        """The API's base URL without a trailing slash."""
        if self.sandbox:
            return SANDBOX_BASE_URL
        given = self.globals.base_url
        url = given or self.runtime.env.get("MODELLIX_BASE_URL", "").strip() or DEFAULT_BASE_URL
        return parse_base_url(url, allow_http=self.globals.allow_http_api)

    def webhook_url(self, text: str) -> str:
        """Read the URL of a webhook; the sandbox calls addresses of this machine too."""
        local = self.sandbox or urlsplit(self.base_url).hostname in LOOPBACK
        return parse_webhook_url(text, local=local)

    @cached_property
    def key_origin(self) -> str:
        """The origin of the API, for which keys are saved."""
        return key_origin(self.base_url)

    @cached_property
    def profile(self) -> "Profile":
        """The selected profile."""
        from modellix_cli.profiles.credentials import select_profile

        return select_profile(self.globals.profile, self.runtime.env)

    @cached_property
    def defaults(self) -> "Defaults":
        """What options leave open: by variables, modellix.toml, or the profile's settings."""
        from modellix_cli.context.defaults import Defaults

        return Defaults(self)

    def select_profile_again(self) -> None:
        """Select the profile once more: the saved choice may be another now."""
        vars(self).pop("profile", None)

    def path(self, text: str) -> Path:
        """Return an absolute path for what the user wrote; `~` is the home folder.

        Raises the usage error for what cannot be a path, and for a relative one where the current
        folder was deleted.
        """
        if not text.strip() or "\0" in text:
            raise usage("A path must not be empty.")
        try:
            path = Path(text).expanduser()
        except RuntimeError as error:
            alone = text.strip() == "~" or text.startswith("~/")
            raise (no_home() if alone else usage(f"{text}: there is no such user.")) from error
        if path.is_absolute():
            return path
        if self.runtime.cwd is None:
            raise usage(
                f"The current folder no longer exists, so the path {text} leads nowhere.",
                hint="Change to a folder that exists, or give an absolute path.",
            )
        return self.runtime.cwd / path

    def switched_on(self, variable: str) -> bool:
        """Whether an environment variable is set to something that means on."""
        return self.runtime.env.get(variable, "").strip().lower() in _ON

    def switched_off(self, variable: str) -> bool:
        """Whether an environment variable is set to something that means off."""
        value = self.runtime.env.get(variable)
        return value is not None and value.strip().lower() in _OFF

    @property
    def async_route(self) -> bool:
        """Whether tasks are submitted to the address that ends with `/async`."""
        if self.chosen_async_route is not None:
            return self.chosen_async_route
        value = self.runtime.env.get("MODELLIX_ASYNC_ROUTE", "").strip().lower()
        if value and value not in (*_ON, *_OFF):
            raise usage(
                f'MODELLIX_ASYNC_ROUTE="{value}" is neither on nor off.',
                hint="Set it to 1 or 0, or unset it.",
            )
        return not value or value in _ON

    @cached_property
    def patience(self) -> float:
        """How many seconds to wait for limits, for the service and for the ledger."""
        chosen = self.globals.max_retry_wait
        if chosen is not None:
            return chosen
        given = self.runtime.env.get("MODELLIX_MAX_RETRY_WAIT", "").strip()
        if not given:
            return DEFAULT_PATIENCE
        return _duration("MODELLIX_MAX_RETRY_WAIT", given, DAY, "2m")

    @cached_property
    def budget(self) -> "Budget | None":
        """What may be spent within a period, None where no budget is set.

        Real money and the sandbox's are apart: the sandbox has a variable of its own, and a
        project's budget is for real money. Raises the usage error, and `PROJECT_UNUSABLE`.
        """
        name = "MODELLIX_SANDBOX_BUDGET" if self.sandbox else "MODELLIX_BUDGET"
        given = self.runtime.env.get(name, "").strip()
        if not given:
            chosen = None if self.sandbox else self.defaults.file_budget
            return None if chosen is None else chosen.value
        from modellix_cli.domain.budget import DEFAULT_PERIOD, LONGEST_PERIOD, Budget
        from modellix_cli.domain.money import Money

        limit = Money.parse(given)
        if limit is None:
            raise usage(
                f"{name}={quoted(given)} is not an amount of US dollars.",
                hint=f"Write a number such as 5 or 2.50, or unset {name}.",
            )
        period = self.runtime.env.get("MODELLIX_BUDGET_PERIOD", "").strip()
        if not period:
            return Budget(limit, DEFAULT_PERIOD, name)
        seconds = _duration("MODELLIX_BUDGET_PERIOD", period, LONGEST_PERIOD, "24h")
        return Budget(limit, seconds, name)

    @property
    def ignored_budget(self) -> str | None:
        """Where a budget for real money is set that the sandbox goes by no more than it has one."""
        if not self.sandbox or self.budget is not None:
            return None
        if self.runtime.env.get("MODELLIX_BUDGET", "").strip():
            return "MODELLIX_BUDGET"
        chosen = self.defaults.file_budget
        return None if chosen is None else f"The budget of {chosen.where}"

    @property
    def output(self) -> str | None:
        """How results are written where no option says so: human, json, or None for the usual.

        Raises the usage error, and `PROJECT_UNUSABLE`.
        """
        chosen = self.defaults.output
        return None if chosen is None else chosen.value

    @property
    def on_paid(self) -> OnPaid:
        """What a batch does about lines that were paid for before, unless an option says so."""
        given = self.runtime.env.get("MODELLIX_ON_PAID", "").strip().lower()
        if not given:
            return OnPaid.REFUSE
        try:
            return OnPaid(given)
        except ValueError:
            choices = ", ".join(OnPaid)
            raise usage(f'MODELLIX_ON_PAID="{given}" is not one of: {choices}.') from None


def _duration(variable: str, text: str, at_most: float, example: str) -> float:
    hint = f"Set it to a duration such as {example}, or unset {variable}."
    return parse_duration(text, variable, at_most, hint)

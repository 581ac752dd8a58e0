"""What commands find out about logins and this machine, as data; other modules here show it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonObject

if TYPE_CHECKING:
    from modellix_cli.domain.budget import Budget
    from modellix_cli.domain.errors import ModellixError
    from modellix_cli.domain.money import Money
    from modellix_cli.ledger.spending import Spent
    from modellix_cli.ledger.usage import Groups, Usage, UsageBy
    from modellix_cli.models.parameters import Parameter
    from modellix_cli.profiles.accounts import Overview, Removal, Saved
    from modellix_cli.profiles.credentials import ApiKey, Profile

MISSING: Final = "missing"
"""The source of a key that is not there."""


@frozen
class SignedIn:
    """A login with a valid key. `saved` says where it was saved, None if it was not."""

    profile: str
    origin: str
    key: "ApiKey"
    saved: "Saved | None"
    store: str = "file"
    """Where the profile's key is kept: file, keychain or legacy-file."""


@frozen
class SignedOut:
    """A profile that was removed, or was not there. `active` is the source of the key that
    commands use from now on, `missing` if none.
    """

    profile: str
    config_path: Path
    removal: "Removal"
    active: str


@dataclass(slots=True)
class LoginStatus:
    """The login in use. `source` is `missing` without a key, `balance` is in USD.

    `valid` is None where the API could not be asked about the key. `warning` is what is wrong but
    leaves the login usable, `error` why it is not usable or not known to be.
    """

    config_path: Path
    profile: "Profile"
    origin: str | None = None
    source: str = "missing"
    valid: bool | None = False
    balance: float | None = None
    saved: "Overview | None" = None
    warning: str | None = None
    error: "ModellixError | None" = None

    @property
    def validation(self) -> str:
        """What is known about the key, in words: valid, not authenticated, or unknown."""
        if self.valid is None:
            return "unknown"
        return "valid" if self.valid else "not authenticated"


@frozen
class Setup:
    """The selected profile, and the source of the API key.

    `key_source` is flag, environment, sandbox, the kind of store (file, legacy-file), or missing;
    `trouble` says what about the configuration cannot be used.
    """

    profile: str
    profile_source: str
    key_source: str
    trouble: str | None = None

    @property
    def configured(self) -> bool:
        """Whether there is a key to use."""
        return self.key_source != MISSING

    def as_dict(self) -> dict[str, str]:
        """Return the names that the JSON of several commands carries."""
        return {
            "apiKeySource": self.key_source,
            "profile": self.profile,
            "profileSource": self.profile_source,
        }


@frozen
class Check:
    """One thing that `doctor` checks. `cause` is a word for a failure of the connection.

    One that could not be tried is `skipped`, and not ok.
    """

    name: str
    ok: bool
    detail: str
    required: bool = False
    cause: str | None = None
    skipped: bool = False

    @property
    def label(self) -> str:
        """PASS, SKIP, or how bad it is: FAIL for what is required, else WARN."""
        if self.ok:
            return "PASS"
        if self.skipped:
            return "SKIP"
        return "FAIL" if self.required else "WARN"

    def as_dict(self) -> JsonObject:
        """Return an element of `checks` in the JSON output."""
        known = {"detail": self.detail, "name": self.name, "ok": self.ok, "required": self.required}
        known |= {"cause": self.cause} if self.cause else {}
        return known | ({"skipped": True} if self.skipped else {})


@frozen
class Examination:
    """Everything that `doctor` found, in the order in which it is shown.

    `rate_limit` is what the rate-limit headers said: limit, remaining, and resetAt (Unix time).
    """

    checks: list[Check]
    rate_limit: dict[str, int]

    @property
    def passed(self) -> bool:
        """Whether nothing that is required failed."""
        return all(check.label != "FAIL" for check in self.checks)

    @property
    def fix_first(self) -> Check | None:
        """The failure that other failures may come from, None where all is well."""
        if self.passed:
            return None
        failed = {check.name: check for check in self.checks if check.label in ("FAIL", "WARN")}
        return next((failed[name] for name in _CAUSES_FIRST if name in failed), None)


_CAUSES_FIRST: Final = (
    *("python", "caBundle", "dns", "tls", "connectivity"),
    *("apiKey", "validation"),
)


@frozen
class ModelParameters:
    """What a model takes. `main_text` is given as a plain argument, None where there is none.

    `example` is a command that runs the model, as words. `age` is how many seconds ago the schema
    was published to us; None where it was just now.
    """

    slug: str
    parameters: "tuple[Parameter, ...]"
    main_text: "Parameter | None"
    example: tuple[str, ...]
    age: float | None = None


@frozen
class FileChange:
    """A file, and what was done with it: written, changed, removed, unchanged."""

    path: Path
    what: str


@frozen
class BudgetState:
    """A budget, and what counts against it just now."""

    budget: "Budget"
    spent: "Spent"

    @property
    def left(self) -> "Money":
        """What may still be spent."""
        return self.budget.limit - self.spent.total


@frozen
class UsageReport:
    """What was spent in groups, in the order in which they are shown; `since` is a Unix time.

    `tag` is the one that limits it, if any.
    """

    by: "UsageBy"
    since: float | None
    groups: "Groups"
    total: "Usage"
    budget: BudgetState | None
    tag: str | None = None

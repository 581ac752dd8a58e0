"""What a user has set up: the profile and where the key comes from. Asks no server."""

from dataclasses import dataclass

from modellix_cli.commands.session import Session
from modellix_cli.errors import Code, ModellixError

MISSING = "missing"


@dataclass(frozen=True, slots=True)
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


def find_setup(session: Session, api_key: str | None = None) -> Setup:
    """Find out what is set up; a key found is kept out of all output. Never raises."""
    try:
        profile, source = session.profile.name, session.profile.source
    except ModellixError as error:
        given = "flag" if session.globals.profile is not None else "environment"
        return Setup("invalid", given, MISSING, error.message)
    try:
        return Setup(profile, source, session.find_key(api_key).source)
    except ModellixError as error:
        trouble = None if error.code is Code.MISSING_API_KEY else error.message
        return Setup(profile, source, MISSING, trouble)

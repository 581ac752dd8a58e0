"""What a user has set up: the profile and where the key comes from. Asks no server."""

from dataclasses import dataclass

from modellix_cli.commands.session import Session
from modellix_cli.errors import Code, ModellixError

MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Standing:
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


def standing(session: Session, api_key: str | None = None) -> Standing:
    """Find out what is set up; a key found is kept out of all output. Never raises."""
    try:
        profile, source = session.profile.name, session.profile.source
    except ModellixError as error:
        given = "flag" if session.globals.profile is not None else "environment"
        return Standing("invalid", given, MISSING, error.message)
    try:
        return Standing(profile, source, _key_source(session, api_key))
    except ModellixError as error:
        trouble = None if error.code is Code.MISSING_API_KEY else error.message
        return Standing(profile, source, MISSING, trouble)


def _key_source(session: Session, api_key: str | None) -> str:
    """Return where the key comes from. Raises what looking for it raises."""
    if session.sandbox and api_key is None:
        return "sandbox"
    from modellix_cli.local.credentials import find_api_key, read_config

    env = session.runtime.env
    session.out.hide(find_api_key(api_key, env, session.profile.name, session.base_url))
    if api_key is not None:
        return "flag"
    if env.get("MODELLIX_API_KEY", "").strip():
        return "environment"
    return "legacy-file" if read_config(env).get("schemaVersion") is None else "file"

"""What a user has set up: the profile and where the key comes from. Asks no server."""

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.output.facts import MISSING, Setup


def find_setup(session: Session, api_key: str | None = None) -> Setup:
    """Find out what is set up; a key found is kept out of all output. Never raises."""
    try:
        profile, source = session.settings.profile.name, session.settings.profile.source
    except ModellixError as error:
        given = "flag" if session.globals.profile is not None else "environment"
        return Setup("invalid", given, MISSING, error.message)
    try:
        return Setup(profile, source, session.connections.find_key(api_key).source)
    except ModellixError as error:
        trouble = None if error.code is ErrorCode.MISSING_API_KEY else error.message
        return Setup(profile, source, MISSING, trouble)

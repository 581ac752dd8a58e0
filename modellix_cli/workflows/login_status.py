"""What is known about the login in use, with what kept the rest from being known."""

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.output.facts import LoginStatus
from modellix_cli.profiles.credentials import Profile


def find_saved(session: Session) -> LoginStatus:
    """Return the selected profile and what is saved; a file that cannot be used is a warning."""
    standing = LoginStatus(session.accounts.path, session.profile)
    try:
        standing.saved = session.accounts.overview()
    except ModellixError as error:
        standing.warning, standing.error = error.message, error
    return standing


def find_configured(session: Session) -> LoginStatus:
    """Return what this machine knows: the selected profile, what is saved, where the key is."""
    standing = find_saved(session)
    try:
        standing.origin = session.key_origin
        standing.source = session.find_key(None).source
        standing.error = None
    except ModellixError as error:
        if error.code is not ErrorCode.MISSING_API_KEY:
            standing.warning, standing.error = error.message, error
    return standing


def find_standing(session: Session, api_key: str | None, *, ignore_env: bool) -> LoginStatus:
    """Return what the API says about the key in use as well. Raises nothing for a bad login."""
    standing = LoginStatus(session.accounts.path, Profile("invalid", "flag"))
    try:
        standing.profile = session.profile
        standing.origin = session.key_origin
        key = session.find_key(api_key, ignore_env=ignore_env)
        standing.source = key.source
        client = session.client_with(key)
        standing.valid = client.validate_key()
        if not standing.valid:
            raise ModellixError(
                ErrorCode.UNAUTHORIZED, "The Modellix API key is invalid or no longer active."
            )
    except ModellixError as error:
        standing.error = error
    else:
        try:
            standing.balance = client.balance()
        except ModellixError as error:
            standing.warning = f"Unable to read team balance. {error.message}"
    try:
        standing.saved = session.accounts.overview()
    except ModellixError as error:
        standing.warning = standing.warning or error.message
    return standing

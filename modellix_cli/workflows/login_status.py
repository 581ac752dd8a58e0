"""What is known about the login in use, and what kept the rest from being known."""

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.output.facts import LoginStatus
from modellix_cli.profiles.credentials import ApiKey, Profile
from modellix_cli.workflows.results import report_errors


def find_saved(session: Session) -> LoginStatus:
    """Return the selected profile and what is saved; a file that cannot be used is a warning."""
    login = LoginStatus(session.stores.accounts.path, session.settings.profile)
    try:
        login.saved = session.stores.accounts.overview()
    except ModellixError as error:
        login.warning, login.error = error.message, error
    return login


def find_configured(session: Session) -> LoginStatus:
    """Return what this machine knows: the selected profile, what is saved, where the key is."""
    login = find_saved(session)
    try:
        login.origin = session.settings.key_origin
        login.source = session.connections.find_key(None).source
        login.error = None
    except ModellixError as error:
        if error.code is not ErrorCode.MISSING_API_KEY:
            login.warning, login.error = error.message, error
    return login


def find_login(session: Session, api_key: str | None, *, ignore_env: bool) -> LoginStatus:
    """Return what the API says about the key in use as well. Raises nothing for a bad login.

    A key that could not be checked, because no answer came or it was not about the key, is of
    unknown validity. The ledger is left alone, and what it says about rate limits does not count.
    """
    login = LoginStatus(session.stores.accounts.path, Profile("invalid", "flag"))
    try:
        login.profile = session.settings.profile
        login.origin = session.settings.key_origin
        key = session.connections.find_key(api_key, ignore_env=ignore_env)
        login.source = key.source
        _ask_api(session, key, login)
    except ModellixError as error:
        login.error = session.explain(error)
    try:
        login.saved = session.stores.accounts.overview()
    except ModellixError as error:
        login.warning = login.warning or error.message
    return login


def _ask_api(session: Session, key: ApiKey, login: LoginStatus) -> None:
    """Find out whether the key is valid, and the balance. Raises what keeps the key from use."""
    login.valid = None
    client = session.connections.client_with(key, paced=False)
    try:
        login.valid = client.validate_key()
    except ModellixError as error:
        if error.code is ErrorCode.UNAUTHORIZED:
            login.valid = False
        raise
    if not login.valid:
        raise ModellixError(ErrorCode.UNAUTHORIZED, "The Modellix API key is invalid or inactive.")
    try:
        login.balance = client.balance()
    except ModellixError as error:
        login.warning = f"Unable to read team balance. {error.message}"


def tell_fault(session: Session, error: ModellixError) -> int:
    """Tell on stderr what is wrong with the login; return the status to exit with.

    With --json and no terminal it is in the JSON only, which a program reads if stderr is empty.
    """
    if session.out.silent:
        return error.exit_status
    return report_errors(session, [error])

"""Removing a saved profile, as `auth logout` and `config clear` do it."""

from modellix_cli.context.prompts import confirm
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.output.facts import SignedOut
from modellix_cli.profiles.accounts import Removal


def sign_out(session: Session, *, yes: bool, unasked: str, discard: bool = False) -> SignedOut:
    """Ask, then remove the selected profile with its keys; the sandbox removes nothing.

    Where nobody can be asked it is the usage error `unasked`, unless `yes`. With `discard` a
    config.json that cannot be used is deleted, if no profile was named.
    """
    profile = session.settings.profile.name
    if session.settings.sandbox:
        session.out.note("Sandbox: the saved login is not changed.")
        removal = Removal(False, None, [])
    else:
        if not yes:
            confirm(session, f"Remove the saved Modellix profile {profile}?", unasked=unasked)
        session.stores.accounts.remove_leftovers()
        removal = _remove(session, profile, discard=discard)
    return SignedOut(profile, session.stores.accounts.path, removal, _active_source(session))


def _remove(session: Session, profile: str, *, discard: bool) -> Removal:
    try:
        return session.stores.accounts.remove(profile)
    except ModellixError as error:
        named = session.settings.profile.source in ("flag", "environment")
        if not discard or named or error.code is not ErrorCode.CONFIG_UNREADABLE:
            raise
        removed = session.stores.accounts.discard()
        session.out.warn(
            f"{error.message} The file was deleted. Keys in credentials.json beside it were kept."
        )
        return Removal(removed, None, [])


def _active_source(session: Session) -> str:
    """Return where the key of the next command comes from."""
    session.settings.select_profile_again()
    try:
        return session.connections.find_key(None).source
    except ModellixError:
        return "missing"

"""Logging in, as `init`, `auth login` and `auth import-env` do it: find, check, save a key."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from modellix_cli.context.prompts import ask_secret, can_ask, confirm
from modellix_cli.context.session import Session
from modellix_cli.domain.account import StoreName
from modellix_cli.domain.errors import ErrorCode, ModellixError, usage
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.values import KEY_PAGE, parse_api_key
from modellix_cli.output.facts import SignedIn
from modellix_cli.profiles.credentials import ApiKey, environment_key, option_key
from modellix_cli.profiles.key_advice import KEY_VARIABLE

if TYPE_CHECKING:
    from modellix_cli.profiles.accounts import Saved

_MAX_PIPED_BYTES: Final = 64 * 1024
_REPLACE: Final = "Pass --force to replace it, or --profile NAME to save a second one."
_UNREADABLE: Final = (ErrorCode.CONFIG_UNREADABLE, ErrorCode.KEYCHAIN_UNAVAILABLE)


@frozen
class Wanted:
    """What the options of a login ask for."""

    api_key: str | None
    api_key_stdin: bool
    check: bool
    force: bool
    yes: bool
    store: StoreName | None


def sign_in(session: Session, wanted: Wanted, question: str) -> SignedIn:
    """Find a key, ask whether it may replace another, validate it, save it.

    `question` asks for the key at a terminal. Nothing is saved with `--check`, in the sandbox,
    or when the key is only in MODELLIX_API_KEY: the user did not ask to have that on disk.
    A saved key that the API refuses is replaced without `--force`.
    """
    profile = session.settings.profile.name
    key = given_key(session, wanted)
    if not session.settings.sandbox:
        session.stores.accounts.remove_leftovers()
    keeps = (
        not wanted.check
        and not session.settings.sandbox
        and (key is None or key.source != "environment")
    )
    known = known_key(session, force=wanted.force) if keeps or key is None else None
    key = key or _saved_or_asked(session, known, wanted, question)
    _hide(session, key)
    if keeps and known is not None and known.text != key.text and not wanted.force:
        _allow_replacing(session, known, wanted)
    if key is known:
        key = _validated_or_asked(session, key, wanted, question)
    else:
        validate(session, key)
    saved = store(session, key, known, wanted) if keeps else None
    if not keeps:
        _tell_unsaved(session, key, wanted)
    elif key is known:
        session.out.note(
            "The saved key is valid. To save another: "
            + session.commands.line("auth login --force")
        )
    return SignedIn(profile, session.settings.key_origin, key, saved)


def given_key(session: Session, wanted: Wanted) -> ApiKey | None:
    """Return the key of --api-key, of stdin, of the environment or the sandbox, in this order."""
    if wanted.api_key is not None and wanted.api_key_stdin:
        raise usage("--api-key and --api-key-stdin exclude each other.", hint="Give one of them.")
    if wanted.api_key is not None:
        return option_key(wanted.api_key)
    if wanted.api_key_stdin:
        return ApiKey(_piped_key(session), "stdin")
    if session.settings.sandbox:
        return session.connections.find_key(None)
    variable = session.runtime.env.get(KEY_VARIABLE, "")
    return environment_key(variable) if variable.strip() else None


def _hide(session: Session, key: ApiKey) -> None:
    """Keep a key out of everything that is written; that of the sandbox is no secret."""
    if key.source != "sandbox":
        session.out.hide(key.text)


def _piped_key(session: Session) -> str:
    hint = 'Pipe it: printf %s "$KEY" | modellix-cli auth login --api-key-stdin'
    if session.runtime.stdin_is_terminal:
        raise usage("Cannot read --api-key-stdin from an interactive terminal.", hint=hint)
    try:
        data = session.runtime.read_stdin(_MAX_PIPED_BYTES + 1)
    except OSError as error:
        raise usage(f"Cannot read --api-key-stdin: {error}.", hint=hint) from error
    if len(data) > _MAX_PIPED_BYTES:
        raise usage("API key from stdin is too long.", hint=hint)
    text = data.decode("utf-8-sig", "replace").strip()
    if not text:
        raise usage("API key from stdin must not be empty.", hint=hint)
    return parse_api_key(text, "The API key from stdin")


def known_key(session: Session, *, force: bool) -> ApiKey | None:
    """Return the key saved for the selected profile and origin, None if there is none.

    One that cannot be read counts as none with `force`.
    """
    try:
        return session.stores.accounts.saved_key(
            session.settings.profile.name, session.settings.key_origin
        )
    except ModellixError as error:
        if error.code not in _UNREADABLE:
            raise
        if force:
            return None
        raise error.copy_with(hint=f"{error.hint} Or pass --force to replace it.") from None


def import_key(session: Session, key: ApiKey, wanted: Wanted) -> SignedIn:
    """Validate a key that the user asked to save, and save it; the sandbox saves nothing."""
    profile = session.settings.profile.name
    _hide(session, key)
    if not session.settings.sandbox:
        session.stores.accounts.remove_leftovers()
    known = None if session.settings.sandbox else known_key(session, force=wanted.force)
    differs = known is not None and known.text != key.text
    if known is not None and differs and not wanted.force and not _is_refused(session, known):
        raise usage(_occupied(profile), hint=_REPLACE)
    validate(session, key)
    saved = None if session.settings.sandbox else store(session, key, known, wanted)
    _tell_unsaved(session, key, replace(wanted, check=True))
    place = saved.store if saved else known.source if known else wanted.store or "file"
    return SignedIn(profile, session.settings.key_origin, key, saved, place)


def _saved_or_asked(
    session: Session, known: ApiKey | None, wanted: Wanted, question: str
) -> ApiKey:
    if known is not None and not wanted.force:
        return known
    if can_ask(session):
        return _asked(session, question)
    raise ModellixError(
        ErrorCode.MISSING_API_KEY,
        f"Missing API key for profile {session.settings.profile.name}: there is no terminal to "
        "ask for it.",
        hint="Pipe the key to --api-key-stdin, pass --api-key, or set MODELLIX_API_KEY. "
        f"Keys: {KEY_PAGE}",
    )


def _asked(session: Session, question: str) -> ApiKey:
    return ApiKey(parse_api_key(ask_secret(session, question)), "prompt")


def _validated_or_asked(session: Session, saved: ApiKey, wanted: Wanted, question: str) -> ApiKey:
    """Return the saved key if it is valid; ask for another at a terminal if the API refuses it."""
    try:
        validate(session, saved)
    except ModellixError as error:
        if not _refuses_key(error) or wanted.check or not can_ask(session):
            raise
        session.out.warn(
            f"The API key saved for profile {session.settings.profile.name} does not work any "
            f"more: {error.message}"
        )
    else:
        return saved
    key = _asked(session, question)
    _hide(session, key)
    validate(session, key)
    return key


def _refuses_key(error: ModellixError) -> bool:
    """Whether the API said that a key is not valid; 403 may be a proxy, or about rights only."""
    return error.code is ErrorCode.UNAUTHORIZED and error.status != 403


def _is_refused(session: Session, key: ApiKey) -> bool:
    _hide(session, key)
    try:
        validate(session, key)
    except ModellixError as error:
        return _refuses_key(error)
    return False


def _allow_replacing(session: Session, known: ApiKey, wanted: Wanted) -> None:
    profile = session.settings.profile.name
    if wanted.yes:
        return
    if _is_refused(session, known):
        session.out.note(f"The key saved for profile {profile} is not valid any more.")
        return
    if not can_ask(session):
        raise usage(_occupied(profile), hint=_REPLACE)
    confirm(session, f"Replace the API key saved for profile {profile}?", unasked="")


def _occupied(profile: str) -> str:
    return f"Profile {profile} already has another API key saved."


def validate(session: Session, key: ApiKey) -> None:
    """Ask the API whether a key is valid: `GET /apikey/validate`, free.

    Raises `UNAUTHORIZED` if it is not, and what else the request may raise.
    """
    if not session.connections.client_with(key).validate_key():
        raise ModellixError(
            ErrorCode.UNAUTHORIZED,
            "The Modellix API key is invalid or inactive. Nothing was saved.",
        )


def store(session: Session, key: ApiKey, known: ApiKey | None, wanted: Wanted) -> "Saved | None":
    """Save a key; return None if that would change nothing.

    Without `--store` a key stays where the profile has it, so that none slips out of a keychain.
    """
    from modellix_cli.profiles.accounts import Login

    place = known.source if known is not None else "file"
    chosen = wanted.store or ("keychain" if place == "keychain" else "file")
    same_place = wanted.store in (None, place) or (place, chosen) == ("legacy-file", "file")
    unchanged = known is not None and known.text == key.text and same_place
    if unchanged and session.stores.accounts.overview().current == session.settings.profile.name:
        return None
    login = Login(session.settings.profile.name, session.settings.key_origin, key.text, chosen)
    expected = None if known is None else known.text
    saved = session.stores.accounts.save(login, expected=expected, force=wanted.force)
    if saved.warning:
        session.out.warn(saved.warning)
    return replace(saved, warning=None)


def _tell_unsaved(session: Session, key: ApiKey, wanted: Wanted) -> None:
    if session.settings.sandbox:
        session.out.note("Sandbox: nothing is saved.")
    elif key.source == "environment" and not wanted.check:
        command = session.commands.line("auth", "import-env")
        session.out.note(
            f"The key was not saved: every command finds it in {KEY_VARIABLE}. To save it: "
            f"{command}. To save another key, pass it with --api-key-stdin or unset {KEY_VARIABLE}."
        )

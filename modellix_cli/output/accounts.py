"""How logins look in each output mode; shapes and quiet forms are those of official-cli.md 4."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.domain.text import count
from modellix_cli.output.first_steps import THEN, commands, shown
from modellix_cli.output.sink import Output, Sink

if TYPE_CHECKING:
    from modellix_cli.output.facts import LoginStatus, SignedIn, SignedOut
    from modellix_cli.profiles.accounts import Accounts

DOCS: Final = "https://docs.modellix.ai/ways-to-use/cli"
_PROGRAM: Final = "modellix-cli"
_STORES: Final = ("file", "keychain", "legacy-file")


def set_up(sink: Sink, login: "SignedIn", path: Path) -> None:
    """Show that `init` is done, and what to do next (4.2)."""
    if sink.mode is Output.JSON:
        steps = {"docs": DOCS, "nextSteps": commands(THEN, _PROGRAM)}
        sink.json(_sorted(_login(login, path) | steps))
    elif sink.mode is Output.QUIET:
        sink.line(str(path) if login.saved else "valid")
    else:
        sink.line("The API key is valid.")
        sink.line(_where(login, path))
        sink.line("Next steps:")
        for step in shown(THEN, _PROGRAM):
            sink.line(f"  {step}")
        sink.line(f"Docs: {DOCS}")


def logged_in(sink: Sink, login: "SignedIn", path: Path) -> None:
    """Show a login (4.4)."""
    if sink.mode is Output.JSON:
        sink.json(_sorted(_login(login, path)))
    elif sink.mode is Output.QUIET:
        sink.line(login.profile)
    else:
        sink.line(f"Authentication succeeded for profile {login.profile}.")
        sink.line(_where(login, path))


def imported(sink: Sink, login: "SignedIn", variable: str) -> None:
    """Show that a variable's key was saved, and that the variable can be removed (4.7)."""
    if sink.mode is Output.JSON:
        sink.json(
            {
                "clearEnvironmentVariable": variable,
                "credentialStore": login.store,
                "ok": True,
                "origin": login.origin,
                "profile": login.profile,
                "saved": login.saved is not None,
                "valid": True,
            }
        )
    elif sink.mode is Output.QUIET:
        sink.line(login.profile)
    else:
        done = (
            f"Imported {variable} into {login.store}."
            if login.saved
            else "This key is already saved."
        )
        sink.line(done)
        sink.line(f"{variable} can now be removed from the environment.")


def login_status(sink: Sink, known: "LoginStatus") -> None:
    """Show the login in use as the API sees it (4.5); what is wrong is told by the caller."""
    if sink.mode is Output.JSON:
        sink.json(_sorted(_login_status(known)))
        return
    if sink.mode is Output.QUIET:
        if known.error is None:
            sink.line(known.profile.name)
        return
    sink.line(f"Profile: {_profile_words(known)}")
    if known.origin is not None:
        sink.line(f"API origin: {known.origin}")
    sink.line(f"API key source: {known.source}")
    sink.line(f"Validation: {known.validation}")
    if known.balance is not None:
        sink.line(f"Team balance: ${known.balance:.4f} USD")
    if known.saved is not None and known.saved.legacy:
        sink.line(
            "Keys are saved in the format of 0.0.7. To convert them: modellix-cli auth migrate"
        )
    _warn(sink, known)


def _profile_words(known: "LoginStatus") -> str:
    """Return the profile in use, and who chose it."""
    by = {
        "flag": "by --profile",
        "environment": "by MODELLIX_PROFILE",
        "config": "saved as the current one",
        "default": "as none was chosen",
    }
    return f"{known.profile.name}, {by.get(known.profile.source, known.profile.source)}"


def config_path(sink: Sink, known: "LoginStatus") -> None:
    """Show where the configuration is kept (4.9)."""
    if sink.mode is Output.JSON:
        sink.json(_sorted(_saved(known)))
        return
    sink.line(str(known.config_path))
    _warn(sink, known)


def configuration(sink: Sink, known: "LoginStatus") -> None:
    """Show what is saved and which key would be used (4.9)."""
    if sink.mode is Output.JSON:
        facts = _saved(known) | {
            "apiKeySource": known.source,
            "configured": known.source != "missing",
            "migrationRequired": known.saved is not None and known.saved.legacy,
            "ok": known.error is None,
        }
        if known.origin:
            facts["origin"] = known.origin
        if known.error is not None:
            facts["error"] = known.error.as_dict()
        sink.json(_sorted(facts))
    elif sink.mode is Output.QUIET:
        sink.line(known.profile.name)
    else:
        names = ", ".join(known.saved.profiles) if known.saved else ""
        sink.line(f"Configuration path: {known.config_path}")
        sink.line(f"Selected profile: {_profile_words(known)}")
        sink.line(f"Saved profiles: {names or 'none'}")
        sink.line(f"Active API key source: {known.source}")
        _warn(sink, known)


def signed_out(sink: Sink, result: "SignedOut") -> None:
    """Show that a profile was removed, and what is used from now on (4.6)."""
    removal = result.removal
    if sink.mode is Output.JSON:
        facts: JsonObject = {
            "activeApiKeySource": result.active,
            "configPath": str(result.config_path),
            "ok": True,
            "profile": result.profile,
            "profiles": removal.profiles,
            "removed": removal.removed,
        }
        current = {"currentProfile": removal.current} if removal.current else {}
        sink.json(_sorted(facts | current))
    elif sink.mode is Output.QUIET:
        if removal.removed:
            sink.line(result.profile)
    elif removal.removed:
        sink.line(f"Removed profile {result.profile} from {result.config_path}.")
        if removal.current:
            sink.line(f"The current profile is {removal.current}.")
        if result.active == "environment":
            sink.line("MODELLIX_API_KEY remains active in the current environment.")
    else:
        sink.line(f"No saved profile named {result.profile} exists.")


def migrated(sink: Sink, moved: list[str], origin: str, store: str, accounts: "Accounts") -> None:
    """Show which profiles were converted (4.8)."""
    if sink.mode is Output.JSON:
        sink.json(
            {
                "configPath": str(accounts.path),
                "migrated": bool(moved),
                "ok": True,
                "origin": origin,
                "profiles": moved or accounts.overview().profiles,
                "store": store,
            }
        )
    elif sink.mode is Output.QUIET:
        if moved:
            sink.line(store)
    else:
        done = f"Migrated {count(len(moved), 'profile')} to {store}, for {origin}."
        sink.line(done if moved else "No keys in an old format to migrate.")
        sink.line(f"Configuration: {accounts.path}")


def _login(login: "SignedIn", path: Path) -> JsonObject:
    facts: JsonObject = {
        "apiKeySource": login.key.source,
        "configPath": str(path),
        "ok": True,
        "origin": login.origin,
        "profile": login.profile,
        "saved": login.saved is not None,
        "valid": True,
    }
    return facts | ({"credentialStore": login.saved.store} if login.saved else {})


def _where(login: "SignedIn", path: Path) -> str:
    if login.saved is None:
        return "Saved configuration was not changed."
    where = "the system's keychain" if login.saved.store == "keychain" else str(path.parent)
    return f"The key of profile {login.profile} for {login.origin} is saved in {where}."


def _login_status(known: "LoginStatus") -> JsonObject:
    facts: JsonObject = {
        "apiKeySource": known.source,
        "authenticated": known.valid,
        "configPath": str(known.config_path),
        "migrationRequired": known.saved is not None and known.saved.legacy,
        "ok": known.error is None,
        "profile": known.profile.name,
        "profileSource": known.profile.source,
        "valid": known.valid,
        "validation": known.validation,
    }
    if known.balance is not None:
        whole = known.balance.is_integer()
        facts["balance"] = int(known.balance) if whole else known.balance
    if known.source in _STORES:
        facts["credentialStore"] = known.source
    if known.origin is not None:
        facts["origin"] = known.origin
    if known.error is not None:
        facts["error"] = known.error.as_dict()
    warning = known.error.message if known.error else known.warning
    return facts | ({"warning": warning} if warning else {})


def _saved(known: "LoginStatus") -> JsonObject:
    facts: JsonObject = {
        "configPath": str(known.config_path),
        "profile": known.profile.name,
        "profiles": known.saved.profiles if known.saved else [],
        "profileSource": known.profile.source,
    }
    if known.saved and known.saved.current:
        facts["currentProfile"] = known.saved.current
    return facts | ({"warning": known.warning} if known.warning else {})


def _sorted(facts: JsonObject) -> JsonObject:
    return dict(sorted(facts.items(), key=lambda item: item[0].lower()))


def _warn(sink: Sink, known: "LoginStatus") -> None:
    if known.warning and (known.error is None or known.warning != known.error.message):
        sink.warn(known.warning)

"""Which key to use: --api-key, else MODELLIX_API_KEY, else what is saved for the profile.

Reads every format of config.json that the official CLI has written (official-cli.md 2.1, 2.2):
a bare key, a map of profiles with keys, and schema 2, which says for each profile and API origin
whether the key is in credentials.json or in the system's keychain.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field
from hashlib import sha256
from pathlib import Path

from modellix_cli.domain.account import DEFAULT_PROFILE
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.values import parse_api_key, parse_profile
from modellix_cli.paths import config_dir
from modellix_cli.profiles.documents import (
    MAX_CONFIG_BYTES,
    MAX_CREDENTIALS_BYTES,
    as_object,
    as_text,
    read_object,
    unusable,
)
from modellix_cli.profiles.key_advice import KEY_VARIABLE


@frozen
class Profile:
    """The selected profile and where its name came from: flag, environment, config, default."""

    name: str
    source: str


@frozen
class ApiKey:
    """A key, and where it came from: flag, stdin, prompt, environment, sandbox, or where it is
    saved (keychain, file, legacy-file).

    `text` is the secret and never part of a representation. `variable` is the environment
    variable of a key from the environment.
    """

    text: str = field(repr=False)
    source: str
    variable: str = KEY_VARIABLE


def select_profile(option: str | None, env: Mapping[str, str]) -> Profile:
    """Return the profile of --profile, MODELLIX_PROFILE, the saved choice, or `default`.

    A configuration that cannot be read selects `default` here; it fails only where it is needed.
    """
    if option is not None:
        return Profile(parse_profile(option), "flag")
    if named := env.get("MODELLIX_PROFILE", "").strip():
        return Profile(parse_profile(named), "environment")
    try:
        saved = current_profile(read_config(env))
        if saved is not None:
            return Profile(parse_profile(saved), "config")
    except ModellixError:
        pass
    return Profile(DEFAULT_PROFILE, "default")


def current_profile(config: dict[str, Json]) -> str | None:
    """Return the saved choice of profile; of an old file without one, its first profile."""
    chosen = config.get("currentProfile")
    if isinstance(chosen, str):
        return chosen
    if config.get("schemaVersion") is not None:
        return None
    return next(iter(legacy_keys(config)), None)


def profile_names(config: dict[str, Json]) -> list[str]:
    """Return the names of the profiles in config.json, in its order."""
    return list(as_object(config, "profiles"))


def find_api_key(
    option: str | None,
    env: Mapping[str, str],
    profile: str,
    origin: str,
    *,
    ignore_env: bool = False,
) -> ApiKey:
    """Return the key for `profile` at the API `origin`. Raises `MISSING_API_KEY` if none."""
    if option is not None:
        return option_key(option)
    if not ignore_env and env.get(KEY_VARIABLE, "").strip():
        return environment_key(env[KEY_VARIABLE])
    saved = saved_api_key(config_dir(env), read_config(env), profile, origin)
    if saved is None:
        raise ModellixError(
            ErrorCode.MISSING_API_KEY, f"Missing API key for profile {profile} at {origin}."
        )
    return saved


def known_keys(env: Mapping[str, str]) -> list[str]:
    """Return every key that is at hand without asking a keychain: what must never be shown.

    These are the environment's and those saved in files, of all profiles. Raises nothing: what
    cannot be read or be a key is left out.
    """
    folder = config_dir(env)
    found = [env.get(KEY_VARIABLE)]
    with suppress(ModellixError):
        found += legacy_keys(read_config(env)).values()
    with suppress(ModellixError):
        stored = read_object(folder / "credentials.json", MAX_CREDENTIALS_BYTES)
        credentials = as_object(stored, "credentials")
        found += (as_text(as_object(credentials, name), "apiKey") for name in credentials)
    keys: list[str] = []
    for text in filter(None, found):
        with suppress(ModellixError):
            keys.append(parse_api_key(text))
    return list(dict.fromkeys(keys))


def option_key(text: str) -> ApiKey:
    """Return the key of --api-key. Raises the usage error if it cannot be one."""
    return ApiKey(parse_api_key(text, "The API key in --api-key"), "flag")


def environment_key(text: str, variable: str = KEY_VARIABLE) -> ApiKey:
    """Return the key of an environment variable. Raises the usage error if it cannot be one."""
    return ApiKey(parse_api_key(text, f"The API key in {variable}"), "environment", variable)


def read_config(env: Mapping[str, str]) -> dict[str, Json]:
    """Return config.json as an object, empty if there is none. Raises `CONFIG_UNREADABLE`."""
    return read_object(config_dir(env) / "config.json", MAX_CONFIG_BYTES)


def saved_api_key(
    folder: Path, config: dict[str, Json], profile: str, origin: str
) -> ApiKey | None:
    """Return the key saved for a profile and origin, None if there is none.

    Raises `CONFIG_UNREADABLE` if what is saved cannot be a key, `KEYCHAIN_UNAVAILABLE` if it is
    in a keychain that cannot be asked.
    """
    entry = origin_entry(config, profile, origin)
    reference = credential_ref(origin, profile)
    if entry.get("store") == "keychain":
        from modellix_cli.profiles import keychain

        place, text = "the system's keychain", keychain.read(reference)
        return None if text is None else checked_key(text, "keychain", profile, place)
    if entry.get("store") == "file":
        path = folder / "credentials.json"
        stored = as_object(read_object(path, MAX_CREDENTIALS_BYTES), "credentials")
        text = as_text(as_object(stored, reference), "apiKey")
        return None if text is None else checked_key(text, "file", profile, str(path))
    text = legacy_keys(config).get(profile)
    if text is None:
        return None
    return checked_key(text, "legacy-file", profile, str(folder / "config.json"))


def checked_key(text: str, source: str, profile: str, place: str) -> ApiKey:
    """Return a saved key. Raises `CONFIG_UNREADABLE`, naming `place`, if it cannot be one."""
    try:
        return ApiKey(parse_api_key(text, f"the key saved for profile {profile}"), source)
    except ModellixError as error:
        raise unusable(
            place,
            error.message.rstrip("."),
            hint=f"Save it again: modellix-cli auth login --profile {profile} --force",
        ) from error


def origin_entry(config: dict[str, Json], profile: str, origin: str) -> dict[str, Json]:
    """Return what schema 2 says about a profile at an origin, empty where it says nothing."""
    if config.get("schemaVersion") is None:
        return {}
    return as_object(
        as_object(as_object(as_object(config, "profiles"), profile), "origins"), origin
    )


def legacy_keys(config: dict[str, Json]) -> dict[str, str]:
    """Return the keys that config.json itself holds, by profile: the formats up to 0.0.7.

    They are valid at any origin. A bare key is that of the profile `default`.
    """
    profiles = as_object(config, "profiles")
    found = {name: as_text(as_object(profiles, name), "apiKey") for name in profiles}
    keys = {name: key for name, key in found.items() if key is not None}
    bare = as_text(config, "apiKey")
    if bare is not None:
        keys.setdefault(DEFAULT_PROFILE, bare)
    return keys


def credential_ref(origin: str, profile: str) -> str:
    """Return the name under which a profile's key for an origin is stored (schema 2)."""
    from base64 import urlsafe_b64encode

    digest = sha256(f"{origin}\0{profile}".encode()).digest()
    return "v1-" + urlsafe_b64encode(digest).decode().rstrip("=")

"""Which key to use: --api-key, else MODELLIX_API_KEY, else what is saved for the profile.

Reads every format of config.json that the official CLI has written (official-cli.md 2.1, 2.2):
a bare key, a map of profiles with keys, and schema 2 with the keys in credentials.json.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from modellix_cli.errors import Code, ModellixError
from modellix_cli.jsontext import Json, JsonError, loads
from modellix_cli.local.paths import config_dir
from modellix_cli.values import parse_api_key, parse_profile

DEFAULT_PROFILE: Final = "default"
_MAX_CONFIG_BYTES: Final = 1024 * 1024
_MAX_CREDENTIALS_BYTES: Final = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Profile:
    """The selected profile and where its name came from: flag, environment, config, default."""

    name: str
    source: str


def select_profile(option: str | None, env: Mapping[str, str]) -> Profile:
    """Return the profile of --profile, MODELLIX_PROFILE, the saved choice, or `default`.

    A configuration that cannot be read selects `default` here; it fails only where it is needed.
    """
    if option is not None:
        return Profile(parse_profile(option), "flag")
    if named := env.get("MODELLIX_PROFILE", "").strip():
        return Profile(parse_profile(named), "environment")
    try:
        config = read_config(env)
        saved = config.get("currentProfile")
        if isinstance(saved, str):
            return Profile(parse_profile(saved), "config")
    except ModellixError:
        pass
    return Profile(DEFAULT_PROFILE, "default")


def find_api_key(option: str | None, env: Mapping[str, str], profile: str, origin: str) -> str:
    """Return the key for `profile` at the API `origin`. Raises `MISSING_API_KEY` if none."""
    if option is not None:
        return parse_api_key(option)
    if env.get("MODELLIX_API_KEY", "").strip():
        return parse_api_key(env["MODELLIX_API_KEY"])
    config = read_config(env)
    saved = _saved_key(config, env, profile, origin)
    if saved is None:
        raise ModellixError(Code.MISSING_API_KEY, f"No API key for profile {profile} at {origin}.")
    return parse_api_key(saved)


def read_config(env: Mapping[str, str]) -> dict[str, Json]:
    """Return config.json as an object, empty if there is none. Raises `CONFIG_UNREADABLE`."""
    return _read_object(config_dir(env) / "config.json", _MAX_CONFIG_BYTES)


def _saved_key(
    config: dict[str, Json], env: Mapping[str, str], profile: str, origin: str
) -> str | None:
    if config.get("schemaVersion") is None:
        return _plain_key(config, profile)
    entry = _object(_object(config, "profiles"), profile)
    where = _object(_object(entry, "origins"), origin)
    if where.get("store") != "file":
        return _plain_key(config, profile)
    path = config_dir(env) / "credentials.json"
    stored = _object(_read_object(path, _MAX_CREDENTIALS_BYTES), "credentials")
    return _text(_object(stored, credential_ref(origin, profile)), "apiKey")


def _plain_key(config: dict[str, Json], profile: str) -> str | None:
    """Return a key of the oldest formats: in the profile, or bare for the profile `default`."""
    key = _text(_object(_object(config, "profiles"), profile), "apiKey")
    if key is None and profile == DEFAULT_PROFILE:
        key = _text(config, "apiKey")
    return key


def credential_ref(origin: str, profile: str) -> str:
    """Return the name under which a profile's key for an origin is stored (schema 2)."""
    from base64 import urlsafe_b64encode

    digest = sha256(f"{origin}\0{profile}".encode()).digest()
    return "v1-" + urlsafe_b64encode(digest).decode().rstrip("=")


def _read_object(path: Path, limit: int) -> dict[str, Json]:
    try:
        if path.is_symlink():
            raise _unreadable(path, "it is a symbolic link")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    if len(data) > limit:
        raise _unreadable(path, f"it exceeds {limit} bytes")
    try:
        value = loads(data)
    except JsonError as error:
        raise _unreadable(path, f"invalid JSON, {error}") from error
    if not isinstance(value, dict):
        raise _unreadable(path, "it is not a JSON object")
    return value


def _unreadable(path: Path, reason: str) -> ModellixError:
    return ModellixError(Code.CONFIG_UNREADABLE, f"Unable to use {path}: {reason}.")


def _object(holder: dict[str, Json], name: str) -> dict[str, Json]:
    value = holder.get(name)
    return value if isinstance(value, dict) else {}


def _text(holder: dict[str, Json], name: str) -> str | None:
    value = holder.get(name)
    return value if isinstance(value, str) and value.strip() else None

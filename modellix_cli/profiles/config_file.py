"""The shape of config.json: which format a file has, whether it may change, how it is written."""

from pathlib import Path
from typing import Final

from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.values import parse_profile
from modellix_cli.profiles.credentials import legacy_keys
from modellix_cli.profiles.documents import as_object, as_text, unusable

SCHEMA_VERSION: Final = 2
MAX_PROFILES: Final = 100


def check_config(config: dict[str, Json], path: Path) -> None:
    """Make sure the content of config.json may be changed. Raises `CONFIG_UNREADABLE` if not.

    It must be of a format that the official CLI reads; what is changed then stays readable.
    """
    version = config.get("schemaVersion")
    if version not in (None, SCHEMA_VERSION) or isinstance(version, bool):
        raise unusable(
            path,
            "its schemaVersion is not 2",
            hint="A newer version may have written it: pip install --upgrade modellix-cli",
        )
    profiles = config.get("profiles", {})
    if not isinstance(profiles, dict):
        raise unusable(path, "its profiles are not an object", hint=_FORCE_HINT)
    for name in profiles:
        entry = as_object(profiles, name)
        known = isinstance(entry.get("origins"), dict) and version is not None
        if not known and as_text(entry, "apiKey") is None:
            raise unusable(path, f"its profile {name} has no key", hint=_FORCE_HINT)
        try:
            parse_profile(name)
        except ModellixError as error:
            raise unusable(path, error.message.rstrip("."), hint=_FORCE_HINT) from error


_FORCE_HINT: Final = (
    "Repair the file, or rename it and start over with: modellix-cli auth login --force"
)


def is_legacy(config: dict[str, Json]) -> bool:
    """Whether a file has a format up to 0.0.7: keys, and no schema version."""
    return config.get("schemaVersion") is None and bool(legacy_keys(config))


def profile_names(config: dict[str, Json]) -> list[str]:
    """Return the saved profiles in their order."""
    names = list(as_object(config, "profiles"))
    return names + [name for name in legacy_keys(config) if name not in names]


def compose(
    config: dict[str, Json],
    current: str,
    *,
    schema: int | None = None,
    without: str | None = None,
) -> dict[str, Json]:
    """Return `config` as it is written: what is known first, then the keys we do not know.

    `schema` is set where the file has none, `without` is a profile that goes.
    """
    version = schema or config.get("schemaVersion")
    profiles = as_object(config, "profiles")
    dropped = {"profiles", "currentProfile", "schemaVersion"}
    if version is None:  # a bare key counts for nothing beside profiles: let it be one of them
        known = {name: {"apiKey": key} for name, key in legacy_keys(config).items()}
        profiles, dropped = known | profiles, dropped | {"apiKey"}
    head: dict[str, Json] = {} if version is None else {"schemaVersion": version}
    head["currentProfile"] = current
    head["profiles"] = {name: entry for name, entry in profiles.items() if name != without}
    return head | {name: value for name, value in config.items() if name not in dropped}

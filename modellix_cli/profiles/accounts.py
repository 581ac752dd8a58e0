"""Changing what is saved: keys by profile and API origin, in the files that both CLIs share.

New logins are schema 2 (official-cli.md 2.2). A config.json of the formats up to 0.0.7 keeps its
format until `migrate`, because every version of the official CLI reads that one, and none reads a
mixture. Each change holds the official locks, reaches the disk whole, and is undone when its
second half fails.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import field
from os import getpid
from pathlib import Path

from modellix_cli.clock import Clock
from modellix_cli.domain.addresses import is_loopback_or_https
from modellix_cli.domain.errors import ErrorCode, ModellixError, usage
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.values import parse_api_key, parse_profile
from modellix_cli.profiles.config_file import (
    MAX_PROFILES,
    SCHEMA_VERSION,
    check_config,
    compose,
    is_legacy,
    profile_names,
)
from modellix_cli.profiles.credentials import (
    ApiKey,
    checked_key,
    credential_ref,
    current_profile,
    legacy_keys,
    origin_entry,
    saved_api_key,
)
from modellix_cli.profiles.documents import (
    MAX_CONFIG_BYTES,
    as_object,
    change,
    leftovers,
    make_private_folder,
    read_object,
    replace_private,
    set_aside,
    unusable,
)
from modellix_cli.profiles.keystore import KeyStore, Store
from modellix_cli.profiles.locks import hold


@frozen
class Overview:
    """What is saved: the current profile, all profiles, and whether any key is of an old format."""

    current: str | None
    profiles: list[str]
    legacy: bool


@frozen
class Login:
    """A key to be saved: for which profile and API origin, and where."""

    profile: str
    origin: str
    key: str = field(repr=False)
    store: Store


@frozen
class Saved:
    """Where a key was saved (file, keychain, legacy-file), and what the user should know of it."""

    store: str
    warning: str | None = None


@frozen
class Removal:
    """Whether a profile was removed, and what is left."""

    removed: bool
    current: str | None
    profiles: list[str]


class Accounts:
    """The logins saved in `folder`. Methods raise `CONFIG_UNREADABLE` for files they cannot use;
    those that change something also `CONFIG_BUSY`, `OUTPUT_UNWRITABLE`, `KEYCHAIN_UNAVAILABLE`.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.path = folder / "config.json"
        self._folder = folder
        self._keys = KeyStore(folder)
        self._clock = clock

    def overview(self) -> Overview:
        """Return what is saved, without keys."""
        config = self._read_checked()
        names, current = profile_names(config), config.get("currentProfile")
        if config and not names and config.get("schemaVersion") is None:
            raise unusable(self.path, "it has neither an apiKey nor profiles")
        if names and current is not None and current not in names:
            raise unusable(self.path, "its currentProfile is not one of its profiles")
        return Overview(current_profile(config), names, bool(legacy_keys(config)))

    def saved_key(self, profile: str, origin: str) -> ApiKey | None:
        """Return the key saved for a profile and origin, None if there is none."""
        return saved_api_key(self._folder, self._read(), profile, origin)

    def save(self, login: Login, *, expected: str | None, force: bool = False) -> Saved:
        """Save a key, and make its profile the current one.

        Raises `CONFIG_CHANGED` unless `expected` is the key saved so far (None: none). With
        `force`, files that cannot be used are set aside instead of being an error.
        """
        parse_profile(login.profile), parse_api_key(login.key)
        _refuse_clear_text(login.origin)
        with self._changing() as undo:
            aside = self._set_aside_unusable(undo) if force else None
            config = self._read_checked()
            if self._known_key(config, login, force=force) != expected:
                raise ModellixError(
                    ErrorCode.CONFIG_CHANGED,
                    f"Profile {login.profile} changed while the API key was being validated.",
                )
            names = profile_names(config)
            if login.profile not in names and len(names) >= MAX_PROFILES:
                raise usage(
                    f"At most {MAX_PROFILES} profiles can be saved.",
                    hint="Remove one first: modellix-cli auth logout --profile NAME",
                )
            if is_legacy(config):
                return self._save_as_before(config, login, undo)
            left = self._put(config, login, undo, force=force)
            return Saved(login.store, left or aside)

    def remove(self, profile: str) -> Removal:
        """Remove a profile with all its keys; the last one takes config.json with it."""
        if not profile_names(self._read()):
            return Removal(False, None, [])
        with self._changing() as undo:
            config = self._read_checked()
            names = profile_names(config)
            current = current_profile(config)
            if profile not in names:
                return Removal(False, current, names)
            entry = as_object(as_object(config, "profiles"), profile)
            for origin in as_object(entry, "origins"):
                where = origin_entry(config, profile, origin)
                self._keys.delete(where.get("store"), credential_ref(origin, profile), undo)
            names.remove(profile)
            if not names:
                change(self.path, None, MAX_CONFIG_BYTES, undo)
                return Removal(True, None, [])
            current = current if current in names else names[0]
            change(self.path, compose(config, current, without=profile), MAX_CONFIG_BYTES, undo)
            return Removal(True, current, names)

    def discard(self) -> bool:
        """Delete config.json whatever is in it; return whether there was one."""
        if not self.path.exists() and not self.path.is_symlink():
            return False
        with self._changing():
            replace_private(self.path, None)
        return True

    def migrate(self, origin: str, store: Store) -> list[str]:
        """Turn keys of old formats into schema 2, bound to `origin`; return their profiles."""
        if not legacy_keys(self._read()):
            return []
        _refuse_clear_text(origin)
        with self._changing() as undo:
            config = self._read_checked()
            keys = legacy_keys(config)
            selected = current_profile(config)
            if selected not in profile_names(config):
                selected = next(iter(keys))
            for profile, text in keys.items():
                sound = checked_key(text, "legacy-file", profile, str(self.path))
                self._keys.put(store, credential_ref(origin, profile), sound.text, undo)
                config["profiles"] = _with_origin(config, profile, origin, store)
                config["profiles"][profile].pop("apiKey", None)
            config.pop("apiKey", None)
            document = compose(config, selected, schema=SCHEMA_VERSION)
            change(self.path, document, MAX_CONFIG_BYTES, undo)
            return list(keys)

    def _read(self) -> dict[str, Json]:
        return read_object(self.path, MAX_CONFIG_BYTES)

    def _read_checked(self) -> dict[str, Json]:
        config = self._read()
        check_config(config, self.path)
        return config

    def _known_key(self, config: dict[str, Json], login: Login, *, force: bool) -> str | None:
        try:
            known = saved_api_key(self._folder, config, login.profile, login.origin)
        except ModellixError:
            if not force:
                raise
            return None
        return None if known is None else known.text

    @contextmanager
    def _changing(self) -> Iterator[ExitStack]:
        """Hold the locks; what was put on the given stack is undone if the change fails."""
        make_private_folder(self._folder)
        with (
            hold(self._folder / "auth-transaction.json", self._clock),
            hold(self.path, self._clock),
            hold(self._keys.path, self._clock),
            ExitStack() as undo,
        ):
            for part in self._leftovers():
                replace_private(part, None)
            yield undo
            undo.pop_all()

    def remove_leftovers(self) -> None:
        """Remove temporary files, with keys in them, of logins that were killed while saving."""
        if self._leftovers():
            with self._changing():
                pass

    def _leftovers(self) -> list[Path]:
        return [*leftovers(self.path), *leftovers(self._keys.path)]

    def _set_aside_unusable(self, undo: ExitStack) -> str | None:
        """Rename files that cannot be used; return what to tell the user."""
        moved = []
        for path, check in ((self.path, self._read_checked), (self._keys.path, self._keys.read)):
            try:
                check()
            except ModellixError:
                if path.is_symlink() or path.is_dir():
                    raise
                aside = path.with_name(f"{path.name}.unusable-{int(self._clock.now())}-{getpid()}")
                set_aside(path, aside, undo)
                moved.append(f"{path} was unusable and is now {aside.name}.")
        return " ".join(moved) or None

    def _save_as_before(self, config: dict[str, Json], login: Login, undo: ExitStack) -> Saved:
        """Add a key in the format of 0.0.7 to a file that has it."""
        if login.store == "keychain":
            raise usage(
                f"{self.path} has the format of version 0.0.7, which cannot refer to a keychain.",
                hint="Convert it first: modellix-cli auth migrate --to keychain. "
                "Or save with --store file.",
            )
        profiles = dict(as_object(config, "profiles"))
        profiles[login.profile] = as_object(profiles, login.profile) | {"apiKey": login.key}
        document = compose(config | {"profiles": profiles}, login.profile)
        change(self.path, document, MAX_CONFIG_BYTES, undo)
        return Saved(
            "legacy-file",
            f"{self.path} keeps the format of version 0.0.7, which uses a key for every API "
            "address. To convert it: modellix-cli auth migrate",
        )

    def _put(
        self, config: dict[str, Json], login: Login, undo: ExitStack, *, force: bool
    ) -> str | None:
        """Save in schema 2; return a warning if the key's former place could not be emptied."""
        profile, origin, store = login.profile, login.origin, login.store
        reference = credential_ref(origin, profile)
        former = origin_entry(config, profile, origin).get("store", store)
        self._keys.put(store, reference, login.key, undo)
        rest = config | {"profiles": _with_origin(config, profile, origin, store)}
        change(self.path, compose(rest, profile, schema=SCHEMA_VERSION), MAX_CONFIG_BYTES, undo)
        if former == store:
            return None
        try:
            self._keys.delete(former, reference, undo)
        except ModellixError as error:
            if not force:
                raise
            return f"The former key of profile {profile} stays where it was. {error.message}"
        return None


def _with_origin(
    config: dict[str, Json], profile: str, origin: str, store: Store
) -> dict[str, Json]:
    """Return the profiles with one that says where its key for `origin` is."""
    profiles = as_object(config, "profiles")
    entry = as_object(profiles, profile)
    here = {origin: {"store": store, "credentialRef": credential_ref(origin, profile)}}
    return profiles | {profile: entry | {"origins": as_object(entry, "origins") | here}}


def _refuse_clear_text(origin: str) -> None:
    """Refuse what the official CLI could not read: a key that would travel in clear text."""
    if not is_loopback_or_https(origin):
        raise usage(
            f"A key for {origin} cannot be saved: it would be sent in clear text.",
            hint="Use an https address, or pass the key with MODELLIX_API_KEY or --api-key.",
        )

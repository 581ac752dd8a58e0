"""Saving, removing and migrating keys in the files that both CLIs share."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.profiles import keychain
from modellix_cli.profiles.accounts import Accounts, Login, Removal, Saved
from modellix_cli.profiles.credentials import ApiKey, credential_ref
from modellix_cli.profiles.keystore import Store
from tests.support import FakeClock, FakeKeyring

ORIGIN = "https://api.modellix.ai"
OTHER = "https://api.example"
REF = credential_ref(ORIGIN, "default")
SERVICE = "ai.modellix.cli.api-key"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "modellix"


@pytest.fixture
def accounts(folder: Path) -> Accounts:
    return Accounts(folder, FakeClock())


def login(
    profile: str = "default", key: str = "mk-1", store: Store = "file", origin: str = ORIGIN
) -> Login:
    return Login(profile, origin, key, store)


def write(folder: Path, name: str, document: Any) -> None:
    folder.mkdir(exist_ok=True)
    text = document if isinstance(document, str) else json.dumps(document)
    (folder / name).write_text(text)


def read(folder: Path, name: str = "config.json") -> Any:
    return json.loads((folder / name).read_text())


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# Saving


def test_what_is_written_is_what_the_official_cli_writes(folder: Path, accounts: Accounts) -> None:
    assert accounts.save(login(), expected=None) == Saved("file")
    assert (
        (folder / "config.json").read_text()
        == f"""{{
  "schemaVersion": 2,
  "currentProfile": "default",
  "profiles": {{
    "default": {{
      "origins": {{
        "https://api.modellix.ai": {{
          "store": "file",
          "credentialRef": "{REF}"
        }}
      }}
    }}
  }}
}}
"""
    )
    assert (
        (folder / "credentials.json").read_text()
        == f"""{{
  "credentials": {{
    "{REF}": {{
      "apiKey": "mk-1"
    }}
  }},
  "schemaVersion": 1
}}
"""
    )


def test_files_and_folder_are_for_the_user_alone(folder: Path, accounts: Accounts) -> None:
    folder.mkdir(mode=0o755)
    accounts.save(login(), expected=None)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_nothing_but_the_two_files_is_left_behind(folder: Path, accounts: Accounts) -> None:
    accounts.save(login(), expected=None)
    assert sorted(files(folder)) == ["config.json", "credentials.json"]


def test_a_saved_key_is_found_again(accounts: Accounts) -> None:
    accounts.save(login(), expected=None)
    assert accounts.saved_key("default", ORIGIN) == ApiKey("mk-1", "file")
    assert accounts.saved_key("default", OTHER) is None


def test_a_profile_has_a_key_for_each_origin(accounts: Accounts) -> None:
    accounts.save(login(key="mk-1"), expected=None)
    accounts.save(login(key="mk-2", origin=OTHER), expected=None)
    assert accounts.saved_key("default", ORIGIN) == ApiKey("mk-1", "file")
    assert accounts.saved_key("default", OTHER) == ApiKey("mk-2", "file")


def test_saving_makes_the_profile_current(accounts: Accounts) -> None:
    accounts.save(login("one"), expected=None)
    accounts.save(login("two"), expected=None)
    accounts.save(login("one"), expected="mk-1")
    seen = accounts.overview()
    assert (seen.current, seen.profiles, seen.legacy) == ("one", ["one", "two"], False)


def test_a_key_that_changed_meanwhile_is_not_replaced(folder: Path, accounts: Accounts) -> None:
    accounts.save(login(key="mk-1"), expected=None)
    before = files(folder)
    with pytest.raises(ModellixError, match="changed while") as caught:
        accounts.save(login(key="mk-2"), expected="mk-0")
    assert caught.value.code is ErrorCode.CONFIG_CHANGED
    assert files(folder) == before


def test_keys_of_config_json_that_are_not_known_survive(folder: Path, accounts: Accounts) -> None:
    accounts.save(login("one"), expected=None)
    config = read(folder) | {"theme": {"dark": True}, "seed": 12345678901234567890}
    config["profiles"]["one"]["note"] = "mine"
    write(folder, "config.json", config)
    accounts.save(login("two"), expected=None)
    accounts.save(login("one", "mk-3"), expected="mk-1")
    accounts.remove("two")
    after = read(folder)
    assert after["theme"] == {"dark": True}
    assert after["seed"] == 12345678901234567890
    assert after["profiles"]["one"]["note"] == "mine"


def test_a_config_without_keys_becomes_a_login(folder: Path, accounts: Accounts) -> None:
    write(folder, "config.json", {"theme": "dark"})
    accounts.save(login(), expected=None)
    assert read(folder)["schemaVersion"] == 2
    assert read(folder)["theme"] == "dark"


@pytest.mark.parametrize("origin", ["http://lan.example", "http://10.0.0.1:80"])
def test_a_key_that_would_travel_in_clear_text_is_not_saved(
    folder: Path, accounts: Accounts, origin: str
) -> None:
    with pytest.raises(ModellixError, match="clear text"):
        accounts.save(login(origin=origin), expected=None)
    assert not folder.exists()


@pytest.mark.parametrize("origin", ["http://localhost:8787", "http://[::1]:8787"])
def test_a_key_for_this_machine_is_saved(accounts: Accounts, origin: str) -> None:
    accounts.save(login(origin=origin), expected=None)
    assert accounts.saved_key("default", origin) == ApiKey("mk-1", "file")


@pytest.mark.parametrize("name", ["Constructor", "__proto__", "a b", ""])
def test_a_profile_that_the_official_cli_refuses_is_not_saved(
    folder: Path, accounts: Accounts, name: str
) -> None:
    with pytest.raises(ModellixError, match="Invalid profile name"):
        accounts.save(login(name), expected=None)
    assert not folder.exists()


def test_a_hundred_profiles_are_the_limit(folder: Path, accounts: Accounts) -> None:
    profiles: dict[str, Any] = {f"p{number}": {"origins": {}} for number in range(100)}
    write(folder, "config.json", {"schemaVersion": 2, "profiles": profiles})
    with pytest.raises(ModellixError, match="At most 100 profiles") as caught:
        accounts.save(login("one-more"), expected=None)
    assert "auth logout --profile NAME" in caught.value.hint
    accounts.save(login("p7"), expected=None)


def test_five_hundred_keys_are_the_limit(folder: Path, accounts: Accounts) -> None:
    entries = {f"v1-{number}": {"apiKey": "mk"} for number in range(500)}
    write(folder, "credentials.json", {"credentials": entries, "schemaVersion": 1})
    with pytest.raises(ModellixError, match="at most 500 keys"):
        accounts.save(login(), expected=None)
    assert not (folder / "config.json").exists()


def test_a_config_never_grows_beyond_its_limit(folder: Path, accounts: Accounts) -> None:
    accounts.save(login(), expected=None)
    write(folder, "config.json", read(folder) | {"x": "y" * (1024 * 1024 - 450)})
    before = files(folder)
    with pytest.raises(ModellixError, match="limit of 1048576 bytes"):
        accounts.save(login("another-profile"), expected=None)
    assert files(folder) == before


# When something goes wrong


@pytest.mark.parametrize("former", [None, "mk-1"])
def test_both_halves_of_a_save_roll_back_together(
    folder: Path, accounts: Accounts, monkeypatch: pytest.MonkeyPatch, former: str | None
) -> None:
    folder.mkdir()
    if former:
        accounts.save(login(key=former), expected=None)
    before = files(folder)
    real = Path.replace

    def replace(part: Path, target: Path) -> Path:
        if target.name == "config.json":
            raise OSError(28, "No space left on device")
        return real(part, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(ModellixError, match="No space left on device") as caught:
        accounts.save(login(key="mk-2"), expected=former)
    assert caught.value.code is ErrorCode.OUTPUT_UNWRITABLE
    assert files(folder) == before


def test_ctrl_c_in_the_middle_changes_nothing(
    folder: Path, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts.save(login(key="mk-1"), expected=None)
    before = files(folder)
    real = os.fsync
    calls: list[int] = []

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(KeyboardInterrupt):
        accounts.save(login(key="mk-2"), expected="mk-1")
    assert files(folder) == before


@pytest.mark.parametrize("name", ["config.json", "credentials.json"])
def test_a_file_that_is_a_link_to_ours_is_changed_and_stays_a_link(
    folder: Path, accounts: Accounts, tmp_path: Path, name: str
) -> None:
    accounts.save(login(), expected=None)
    target = tmp_path / "dotfiles" / name
    target.parent.mkdir()
    (folder / name).rename(target)
    (folder / name).symlink_to(target)
    accounts.save(login("work", key="mk-2"), expected=None)
    assert (folder / name).is_symlink()
    assert accounts.saved_key("work", ORIGIN) == ApiKey("mk-2", "file")
    assert b"work" in target.read_bytes() or b"mk-2" in target.read_bytes()
    assert [path.name for path in target.parent.iterdir()] == [name]
    accounts.remove("work")
    accounts.remove("default")
    assert list(target.parent.iterdir()) == []
    assert files(folder) == {}


@pytest.mark.parametrize("name", ["config.json", "credentials.json"])
@pytest.mark.parametrize("fault", ["writable", "foreign", "nowhere"])
def test_a_link_to_what_is_not_ours_alone_is_refused_even_by_force(
    folder: Path,
    accounts: Accounts,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    fault: str,
) -> None:
    accounts.save(login(), expected=None)
    (folder / name).rename(folder / "elsewhere")
    (folder / name).symlink_to("nowhere" if fault == "nowhere" else "elsewhere")
    if fault == "writable":
        (folder / "elsewhere").chmod(0o666)
    if fault == "foreign":
        monkeypatch.setattr("os.getuid", lambda: 54321)
    before = (folder / "elsewhere").read_bytes()
    with pytest.raises(ModellixError, match="symbolic link"):
        accounts.save(login(key="mk-2"), expected=None, force=True)
    assert (folder / "elsewhere").read_bytes() == before
    assert (folder / name).is_symlink()


BROKEN = [
    "{broken",
    "[]",
    {"schemaVersion": 3, "profiles": {}},
    {"schemaVersion": 2, "profiles": []},
    {"schemaVersion": 2, "profiles": {"default": {}}},
    {"profiles": {"a b": {"apiKey": "mk"}}},
    {"profiles": {"default": {"apiKey": ""}}},
]


@pytest.mark.parametrize("content", BROKEN)
def test_a_config_that_cannot_be_used_is_not_touched(
    folder: Path, accounts: Accounts, content: Any
) -> None:
    write(folder, "config.json", content)
    before = files(folder)
    with pytest.raises(ModellixError) as caught:
        accounts.save(login(), expected=None)
    assert caught.value.code is ErrorCode.CONFIG_UNREADABLE
    assert str(folder / "config.json") in caught.value.message
    assert files(folder) == before


@pytest.mark.parametrize("content", BROKEN)
def test_force_sets_it_aside_and_says_so(folder: Path, accounts: Accounts, content: Any) -> None:
    write(folder, "config.json", content)
    before = (folder / "config.json").read_bytes()
    saved = accounts.save(login(), expected=None, force=True)
    assert saved.warning is not None
    aside = folder / saved.warning.split()[-1].rstrip(".")
    assert aside.read_bytes() == before
    assert accounts.saved_key("default", ORIGIN) == ApiKey("mk-1", "file")


# The keychain


def test_a_key_in_the_keychain_is_in_no_file(
    folder: Path, accounts: Accounts, keyring: FakeKeyring
) -> None:
    assert accounts.save(login(store="keychain"), expected=None) == Saved("keychain")
    assert keyring.keys == {(SERVICE, REF): "mk-1"}
    assert sorted(files(folder)) == ["config.json"]
    entry = read(folder)["profiles"]["default"]["origins"][ORIGIN]
    assert entry == {"store": "keychain", "credentialRef": REF}
    assert b"mk-1" not in files(folder)["config.json"]


def test_moving_a_key_to_the_keychain_empties_its_former_place(
    folder: Path, accounts: Accounts, keyring: FakeKeyring
) -> None:
    accounts.save(login(store="file"), expected=None)
    accounts.save(login(store="keychain"), expected="mk-1")
    assert not (folder / "credentials.json").exists()
    accounts.save(login(store="file"), expected="mk-1")
    assert keyring.keys == {}


def test_without_keyring_nothing_is_saved(
    folder: Path, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ModellixError) as caught:
        accounts.save(login(store="keychain"), expected=None)
    assert caught.value.code is ErrorCode.KEYCHAIN_UNAVAILABLE
    assert "--store file" in caught.value.hint
    assert files(folder) == {}


def test_a_keychain_entry_rolls_back_with_the_config(
    folder: Path, accounts: Accounts, keyring: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts.save(login(store="keychain"), expected=None)

    def replace(part: Path, target: Path) -> Path:
        raise OSError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(ModellixError, match="Permission denied"):
        accounts.save(login("two", "mk-2", "keychain"), expected=None)
    assert keyring.keys == {(SERVICE, REF): "mk-1"}


def test_a_lost_keychain_can_be_left_by_force_and_the_user_is_told(
    accounts: Accounts, keyring: FakeKeyring
) -> None:
    accounts.save(login(store="keychain"), expected=None)
    keyring.broken = RuntimeError("locked")
    with pytest.raises(ModellixError):
        accounts.save(login(key="mk-2"), expected="mk-1")
    saved = accounts.save(login(key="mk-2"), expected=None, force=True)
    assert "stays where it was" in str(saved.warning)
    assert accounts.saved_key("default", ORIGIN) == ApiKey("mk-2", "file")


class Kind(Exception):
    """What keyring raises; only the names of its classes count."""


NO_BACKEND = type("NoKeyringError", (Kind,), {})("No recommended backend: mk-1")
LOCKED = type("KeyringLocked", (Kind,), {})("Failed to unlock: mk-1")
REFUSED = type("PasswordSetError", (Kind,), {})("Can't store mk-1")


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (NO_BACKEND, "has no keychain", "Secret Service"),
        (LOCKED, "is locked (KeyringLocked)", "Unlock it"),
        (REFUSED, "cannot be used (PasswordSetError)", "--store file"),
    ],
)
def test_a_keychain_that_fails_is_told_as_it_is_and_nothing_is_saved(
    folder: Path,
    accounts: Accounts,
    keyring: FakeKeyring,
    error: Exception,
    message: str,
    hint: str,
) -> None:
    keyring.broken = error
    with pytest.raises(ModellixError) as caught:
        accounts.save(login(store="keychain"), expected=None)
    assert caught.value.code is ErrorCode.KEYCHAIN_UNAVAILABLE
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert "--store file" in caught.value.hint
    assert "pip install" not in caught.value.hint
    assert "mk-1" not in caught.value.message + caught.value.hint
    assert files(folder) == {}


def test_a_keychain_that_keeps_nothing_is_an_error(
    folder: Path, accounts: Accounts, keyring: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "set_password", lambda *_: None)
    with pytest.raises(ModellixError, match="did not keep the key") as caught:
        accounts.save(login(store="keychain"), expected=None)
    assert caught.value.code is ErrorCode.KEYCHAIN_UNAVAILABLE
    assert files(folder) == {}


def test_the_null_backend_is_named_for_reading_and_writing(
    folder: Path, accounts: Accounts, keyring: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts.save(login(store="keychain"), expected=None)
    null = type("Keyring", (), {"__module__": "keyring.backends.null"})()
    monkeypatch.setattr(keyring, "get_keyring", lambda: null, raising=False)
    for use in (
        lambda: accounts.saved_key("default", ORIGIN),
        lambda: accounts.save(login("work", store="keychain"), expected=None),
    ):
        with pytest.raises(ModellixError, match="null backend") as caught:
            use()
        assert "PYTHON_KEYRING_BACKEND" in caught.value.hint
    assert list(read(folder)["profiles"]) == ["default"]


def test_a_keychain_that_hangs_is_given_up(
    folder: Path, accounts: Accounts, keyring: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = Event()
    monkeypatch.setattr(keychain, "PATIENCE", 0.05)
    monkeypatch.setattr(keyring, "get_password", lambda *_: over.wait(60))
    with pytest.raises(ModellixError, match="did not answer within") as caught:
        accounts.save(login(store="keychain"), expected=None)
    over.set()
    assert caught.value.code is ErrorCode.KEYCHAIN_UNAVAILABLE
    assert files(folder) == {}


def test_deleting_what_is_not_in_the_keychain_is_no_error(keyring: FakeKeyring) -> None:
    keychain.delete("v1-nothing")


# Removing


def test_removing_a_profile_removes_its_keys_of_all_origins(
    folder: Path, accounts: Accounts
) -> None:
    accounts.save(login("default"), expected=None)
    accounts.save(login("work"), expected=None)
    accounts.save(login("work", origin=OTHER), expected=None)
    assert accounts.remove("work") == Removal(True, "default", ["default"])
    assert list(read(folder, "credentials.json")["credentials"]) == [REF]


def test_the_first_remaining_profile_becomes_current(accounts: Accounts) -> None:
    for name in ("one", "two", "three"):
        accounts.save(login(name), expected=None)
    assert accounts.remove("three") == Removal(True, "one", ["one", "two"])


def test_the_last_profile_takes_both_files_with_it(folder: Path, accounts: Accounts) -> None:
    accounts.save(login(), expected=None)
    assert accounts.remove("default") == Removal(True, None, [])
    assert files(folder) == {}


def test_removing_what_is_not_there_changes_nothing(folder: Path, accounts: Accounts) -> None:
    assert accounts.remove("work") == Removal(False, None, [])
    assert not folder.exists()
    accounts.save(login(), expected=None)
    before = files(folder)
    assert accounts.remove("work") == Removal(False, "default", ["default"])
    assert files(folder) == before


# Files of version 0.0.7

OLD = {
    "currentProfile": "work",
    "profiles": {"default": {"apiKey": "mk-d"}, "work": {"apiKey": "mk-w"}},
}


def test_another_profile_is_added_to_an_old_file_in_its_own_format(
    folder: Path, accounts: Accounts
) -> None:
    write(folder, "config.json", OLD)
    saved = accounts.save(login("new", "mk-n"), expected=None)
    assert saved.store == "legacy-file"
    assert "auth migrate" in str(saved.warning)
    assert read(folder) == {
        "currentProfile": "new",
        "profiles": {**OLD["profiles"], "new": {"apiKey": "mk-n"}},  # type: ignore[dict-item]
    }
    assert sorted(files(folder)) == ["config.json"]


def test_a_bare_key_becomes_the_profile_default_as_version_0_0_7_does_it(
    folder: Path, accounts: Accounts
) -> None:
    write(folder, "config.json", {"apiKey": "mk-bare", "theme": 1})
    accounts.save(login("new", "mk-n"), expected=None)
    profiles = {"default": {"apiKey": "mk-bare"}, "new": {"apiKey": "mk-n"}}
    assert read(folder) == {"currentProfile": "new", "profiles": profiles, "theme": 1}


def test_an_old_file_cannot_point_to_the_keychain(
    folder: Path, accounts: Accounts, keyring: FakeKeyring
) -> None:
    write(folder, "config.json", OLD)
    with pytest.raises(ModellixError) as caught:
        accounts.save(login("new", store="keychain"), expected=None)
    assert "modellix-cli auth migrate --to keychain" in caught.value.hint
    assert read(folder) == OLD
    assert keyring.keys == {}


def test_removing_a_profile_keeps_an_old_file_old(folder: Path, accounts: Accounts) -> None:
    write(folder, "config.json", OLD)
    assert accounts.remove("work") == Removal(True, "default", ["default"])
    only = {"default": {"apiKey": "mk-d"}}
    assert read(folder) == {"currentProfile": "default", "profiles": only}


@pytest.mark.parametrize("store", ["file", "keychain"])
def test_migrating_binds_every_old_key_to_the_origin(
    folder: Path, accounts: Accounts, keyring: FakeKeyring, store: Store
) -> None:
    write(folder, "config.json", OLD | {"theme": 1})
    assert accounts.migrate(ORIGIN, store) == ["default", "work"]
    assert accounts.saved_key("work", ORIGIN) == ApiKey("mk-w", store)
    assert accounts.saved_key("work", OTHER) is None
    config = read(folder)
    assert list(config) == ["schemaVersion", "currentProfile", "profiles", "theme"]
    assert config["currentProfile"] == "work"
    assert "mk-" not in (folder / "config.json").read_text()
    assert accounts.migrate(ORIGIN, store) == []


def test_a_bare_key_is_migrated_too(folder: Path, accounts: Accounts) -> None:
    write(folder, "config.json", {"apiKey": "mk-bare"})
    assert accounts.migrate(ORIGIN, "file") == ["default"]
    assert accounts.saved_key("default", ORIGIN) == ApiKey("mk-bare", "file")


def test_a_key_that_cannot_be_one_stops_the_migration_before_anything_changed(
    folder: Path, accounts: Accounts
) -> None:
    profiles = {"a": {"apiKey": "mk-a"}, "b": {"apiKey": "mk SECRET"}}
    write(folder, "config.json", {"profiles": profiles})
    before = files(folder)
    with pytest.raises(ModellixError, match="the key saved for profile b") as caught:
        accounts.migrate(ORIGIN, "file")
    assert "SECRET" not in caught.value.message
    assert files(folder) == before


# Many at once


def save_one(folder: str, number: int) -> str:
    login = Login(f"profile-{number}", ORIGIN, f"mk-{number}", "file")
    return Accounts(Path(folder), Clock()).save(login, expected=None).store


@pytest.fixture
def pool() -> Iterator[ProcessPoolExecutor]:
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(8, mp_context=context, max_tasks_per_child=1) as pool:
        yield pool


@pytest.mark.slow
def test_forty_processes_that_save_at_once_lose_nothing(
    folder: Path, pool: ProcessPoolExecutor
) -> None:
    stores = list(pool.map(save_one, [str(folder)] * 40, range(40)))
    assert stores == ["file"] * 40
    accounts = Accounts(folder, FakeClock())
    for number in range(40):
        found = accounts.saved_key(f"profile-{number}", ORIGIN)
        assert found == ApiKey(f"mk-{number}", "file")
    assert sorted(files(folder)) == ["config.json", "credentials.json"]


def test_a_save_that_is_killed_leaves_files_that_work(folder: Path, accounts: Accounts) -> None:
    accounts.save(login(), expected=None)
    code = f"""
import os
from pathlib import Path
from modellix_cli.clock import Clock
from modellix_cli.profiles.accounts import Accounts, Login
real = Path.replace
def replace(part, target):
    if target.name == "config.json":
        os.kill(os.getpid(), 9)
    return real(part, target)
Path.replace = replace
Accounts(Path({str(folder)!r}), Clock()).save(Login("b", "{ORIGIN}", "mk-2", "file"), expected=None)
"""
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -9
    for lock in folder.glob("*.lock"):
        os.utime(lock, (1, 1))  # thirty seconds later
    assert accounts.saved_key("default", ORIGIN) == ApiKey("mk-1", "file")
    accounts.save(login("b", "mk-3"), expected=None)
    assert accounts.saved_key("b", ORIGIN) == ApiKey("mk-3", "file")


# Killed while saving

KILLED = """
import os, sys
from pathlib import Path
Path.replace = lambda self, target: os._exit(9)
from modellix_cli.clock import Clock
from modellix_cli.profiles.accounts import Accounts, Login
Accounts(Path(sys.argv[1]), Clock()).save(
    Login("default", "https://api.modellix.ai", "mk-SECRET", "file"), expected=None)
"""


@pytest.fixture
def killed(folder: Path) -> Path:
    """A folder in which a login was killed after it wrote the key to a temporary file."""
    command = [sys.executable, "-c", KILLED, str(folder)]
    assert subprocess.run(command, check=False).returncode == 9
    for lock in folder.glob("*.lock"):
        os.utime(lock, (1, 1))  # long dead
    assert any(b"mk-SECRET" in data for data in contents(folder))
    return folder


def contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.iterdir() if path.is_file()]


def test_the_key_that_a_killed_login_left_is_removed_by_the_next_change(
    killed: Path, accounts: Accounts
) -> None:
    accounts.save(login(key="mk-2"), expected=None)
    assert not any(b"mk-SECRET" in data for data in contents(killed))
    assert sorted(files(killed)) == ["config.json", "credentials.json"]


def test_what_is_no_temporary_file_of_ours_stays(killed: Path, accounts: Accounts) -> None:
    for name in ("notes.tmp", ".config.bak", ".config.x.tmp", "config.json.mine"):
        (killed / name).touch()
    accounts.remove_leftovers()
    names = {path.name for path in killed.iterdir()}
    assert names == {"notes.tmp", ".config.bak", ".config.x.tmp", "config.json.mine"}


def test_a_temporary_file_beside_the_target_of_a_link_is_removed(
    folder: Path, accounts: Accounts, tmp_path: Path
) -> None:
    accounts.save(login(), expected=None)
    target = tmp_path / "dotfiles.json"
    (folder / "credentials.json").rename(target)
    (folder / "credentials.json").symlink_to(target)
    part = tmp_path / f".dotfiles.123.{'0' * 8}-{'0' * 4}-{'0' * 4}-{'0' * 4}-{'0' * 12}.tmp"
    part.write_text("mk-SECRET")
    accounts.remove_leftovers()
    assert not part.exists()

import json
import sys
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modellix_cli.domain.errors import ErrorCode, ExitStatus, ModellixError
from modellix_cli.profiles.credentials import (
    ApiKey,
    Profile,
    credential_ref,
    find_api_key,
    known_keys,
    read_config,
    select_profile,
)
from tests.support import FakeKeyring

ORIGIN = "https://api.modellix.ai"
SECRET = "mk-SECRET-0123456789"


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment with folders only."""
    return {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}


@pytest.fixture
def folder(bare: dict[str, str]) -> Path:
    folder = Path(bare["XDG_CONFIG_HOME"]) / "modellix"
    folder.mkdir(parents=True)
    return folder


def write(folder: Path, config: Any, credentials: Any = None) -> None:
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    if credentials is not None:
        (folder / "credentials.json").write_text(json.dumps(credentials))


def reference(origin: str, profile: str) -> str:
    digest = sha256(f"{origin}\0{profile}".encode()).digest()
    return "v1-" + urlsafe_b64encode(digest).decode().rstrip("=")


def schema2(store: str, profile: str = "default", origin: str = ORIGIN) -> dict[str, Any]:
    entry = {"store": store, "credentialRef": reference(origin, profile)}
    return {
        "schemaVersion": 2,
        "currentProfile": profile,
        "profiles": {profile: {"origins": {origin: entry}}},
    }


def stored(key: Any, profile: str = "default", origin: str = ORIGIN) -> dict[str, Any]:
    return {"credentials": {reference(origin, profile): {"apiKey": key}}, "schemaVersion": 1}


def find(env: dict[str, str], profile: str = "default", origin: str = ORIGIN) -> str:
    return find_api_key(None, env, profile, origin).text


def failure(env: dict[str, str], profile: str = "default", origin: str = ORIGIN) -> ModellixError:
    with pytest.raises(ModellixError) as caught:
        find(env, profile, origin)
    return caught.value


# Which source wins


def test_the_flag_comes_first(bare: dict[str, str], folder: Path) -> None:
    write(folder, {"apiKey": "mk-saved"})
    env = bare | {"MODELLIX_API_KEY": "mk-environment"}
    assert find_api_key(" mk-flag ", env, "default", ORIGIN) == ApiKey("mk-flag", "flag")


def test_the_environment_comes_before_what_is_saved(bare: dict[str, str], folder: Path) -> None:
    write(folder, {"apiKey": "mk-saved"})
    assert find(bare | {"MODELLIX_API_KEY": "mk-environment\n"}) == "mk-environment"


@pytest.mark.parametrize("blank", ["", "  ", "\n"])
def test_a_blank_variable_is_no_key(bare: dict[str, str], folder: Path, blank: str) -> None:
    write(folder, {"apiKey": "mk-saved"})
    assert find(bare | {"MODELLIX_API_KEY": blank}) == "mk-saved"


def test_a_blank_flag_is_an_error_and_not_another_key(bare: dict[str, str], folder: Path) -> None:
    write(folder, {"apiKey": "mk-saved"})
    with pytest.raises(ModellixError, match="must not be empty") as caught:
        find_api_key("", bare | {"MODELLIX_API_KEY": "mk-environment"}, "default", ORIGIN)
    assert caught.value.code is ErrorCode.USAGE


def test_without_any_key_the_error_says_for_what(bare: dict[str, str]) -> None:
    error = failure(bare, "work")
    assert error.code is ErrorCode.MISSING_API_KEY
    assert error.exit_status == ExitStatus.AUTH
    assert "work" in error.message
    assert ORIGIN in error.message
    assert "MODELLIX_API_KEY" in error.hint


@pytest.mark.parametrize("option", ["mk-flag", None])
def test_a_key_of_flag_or_environment_works_with_a_broken_config(
    bare: dict[str, str], folder: Path, option: str | None
) -> None:
    (folder / "config.json").write_text("{broken")
    env = bare | ({} if option else {"MODELLIX_API_KEY": "mk-flag"})
    assert find_api_key(option, env, "default", ORIGIN).text == "mk-flag"


# Saved formats


def test_a_bare_key_is_that_of_the_default_profile(bare: dict[str, str], folder: Path) -> None:
    write(folder, {"apiKey": "mk-old"})
    assert find(bare) == "mk-old"


def test_a_bare_key_is_of_no_other_profile(bare: dict[str, str], folder: Path) -> None:
    write(folder, {"apiKey": "mk-old"})
    assert failure(bare, "work").code is ErrorCode.MISSING_API_KEY


def test_a_profile_has_its_own_key(bare: dict[str, str], folder: Path) -> None:
    profiles = {"default": {"apiKey": "mk-one"}, "work": {"apiKey": "mk-two"}}
    write(folder, {"currentProfile": "work", "profiles": profiles})
    assert find(bare, "default") == "mk-one"
    assert find(bare, "work") == "mk-two"


def test_an_old_key_is_for_any_origin(bare: dict[str, str], folder: Path) -> None:
    write(folder, {"profiles": {"default": {"apiKey": "mk-old"}}})
    assert find(bare, origin="https://proxy.example:8443") == "mk-old"


def test_blanks_around_a_saved_key_are_dropped(bare: dict[str, str], folder: Path) -> None:
    write(folder, {"apiKey": " mk-old\n"})
    assert find(bare) == "mk-old"


def test_schema_2_keeps_the_key_in_credentials_json(bare: dict[str, str], folder: Path) -> None:
    write(folder, schema2("file"), stored("mk-file"))
    assert find(bare) == "mk-file"


def test_schema_2_keeps_keys_by_profile(bare: dict[str, str], folder: Path) -> None:
    write(folder, schema2("file", "work"), stored("mk-file", "work"))
    assert find(bare, "work") == "mk-file"
    assert failure(bare, "default").code is ErrorCode.MISSING_API_KEY


def test_schema_2_never_sends_a_key_to_another_origin(bare: dict[str, str], folder: Path) -> None:
    write(folder, schema2("file"), stored("mk-file"))
    error = failure(bare, origin="https://evil.example")
    assert error.code is ErrorCode.MISSING_API_KEY
    assert "https://evil.example" in error.message


def test_schema_2_does_not_follow_a_reference_to_another_key(
    bare: dict[str, str], folder: Path
) -> None:
    config = schema2("file", origin="https://evil.example")
    entry = config["profiles"]["default"]["origins"]["https://evil.example"]
    entry["credentialRef"] = reference(ORIGIN, "default")
    write(folder, config, stored("mk-file"))
    assert failure(bare, origin="https://evil.example").code is ErrorCode.MISSING_API_KEY


def test_old_keys_stay_readable_beside_schema_2(bare: dict[str, str], folder: Path) -> None:
    config = schema2("file", "work")
    config["profiles"]["default"] = {"apiKey": "mk-old"}
    write(folder, config, stored("mk-file", "work"))
    assert find(bare, "default") == "mk-old"


def test_a_key_in_the_keychain_without_keyring_says_what_to_install(
    bare: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    write(folder, schema2("keychain"), stored("mk-stale"))
    error = failure(bare)
    assert error.code is ErrorCode.KEYCHAIN_UNAVAILABLE
    assert error.exit_status == ExitStatus.AUTH
    assert "keyring, is not installed" in error.message
    assert "modellix-cli[keychain]" in error.hint


def test_a_key_in_the_keychain_is_read_from_there(
    bare: dict[str, str], folder: Path, keyring: FakeKeyring
) -> None:
    keyring.keys["ai.modellix.cli.api-key", reference(ORIGIN, "default")] = "mk-keychain"
    write(folder, schema2("keychain"), stored("mk-stale"))
    assert find_api_key(None, bare, "default", ORIGIN) == ApiKey("mk-keychain", "keychain")


def test_an_empty_keychain_is_a_missing_key(
    bare: dict[str, str], folder: Path, keyring: FakeKeyring
) -> None:
    write(folder, schema2("keychain"))
    assert failure(bare).code is ErrorCode.MISSING_API_KEY


def test_a_keychain_that_fails_is_named_without_what_it_says(
    bare: dict[str, str], folder: Path, keyring: FakeKeyring
) -> None:
    keyring.broken = RuntimeError(f"no backend for {SECRET}")
    write(folder, schema2("keychain"))
    error = failure(bare)
    assert error.code is ErrorCode.KEYCHAIN_UNAVAILABLE
    assert "RuntimeError" in error.message
    assert "SECRET" not in error.message + error.hint


@pytest.mark.parametrize(("config", "source"), [
    ({"apiKey": "mk-key"}, "legacy-file"),
    ({"profiles": {"default": {"apiKey": "mk-key"}}}, "legacy-file"),
    (schema2("file"), "file"),
])  # fmt: skip
def test_a_saved_key_says_where_it_was(
    bare: dict[str, str], folder: Path, config: Any, source: str
) -> None:
    write(folder, config, stored("mk-key"))
    assert find_api_key(None, bare, "default", ORIGIN) == ApiKey("mk-key", source)


def test_the_environment_can_be_ignored(bare: dict[str, str], folder: Path) -> None:
    write(folder, {"apiKey": "mk-saved"})
    env = bare | {"MODELLIX_API_KEY": "mk-environment"}
    found = find_api_key(None, env, "default", ORIGIN, ignore_env=True)
    assert found == ApiKey("mk-saved", "legacy-file")


def test_the_secret_is_not_part_of_how_a_key_is_shown() -> None:
    assert "mk-key" not in repr(ApiKey("mk-key", "file"))


def test_reading_makes_a_file_private_that_others_could_read(
    bare: dict[str, str], folder: Path
) -> None:
    write(folder, schema2("file"), stored("mk-file"))
    for name in ("config.json", "credentials.json"):
        (folder / name).chmod(0o644)
    find(bare)
    for name in ("config.json", "credentials.json"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600


def test_missing_credentials_are_a_missing_key(bare: dict[str, str], folder: Path) -> None:
    write(folder, schema2("file"))
    assert failure(bare).code is ErrorCode.MISSING_API_KEY


def test_a_reference_is_a_hash_of_origin_and_profile() -> None:
    assert credential_ref(ORIGIN, "default") == reference(ORIGIN, "default")
    assert len(credential_ref(ORIGIN, "default")) == 46


def test_references_of_other_profiles_and_origins_differ() -> None:
    references = {
        credential_ref(ORIGIN, "default"),
        credential_ref(ORIGIN, "work"),
        credential_ref("https://other.example", "default"),
    }
    assert len(references) == 3


# Broken files


def test_no_config_is_an_empty_one(bare: dict[str, str]) -> None:
    assert read_config(bare) == {}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "invalid JSON"),
        (b'{"apiKey": "' + SECRET.encode(), "invalid JSON"),
        (b'{"apiKey": "' + SECRET.encode() + b'",}', "invalid JSON"),
        (b'{"apiKey": "' + SECRET.encode() + b'\xff"}', "not UTF-8"),
        (SECRET.encode(), "invalid JSON"),
        (b'"' + SECRET.encode() + b'"', "not a JSON object"),
        (b'["' + SECRET.encode() + b'"]', "not a JSON object"),
        (b'{"apiKey": NaN}', "invalid JSON"),
        (b"[" * 100_000, "nesting"),
        ('{"apiKey": "mk"}'.encode("utf-16"), "not UTF-8"),
        (b" " * (1024 * 1024) + b"{}", "exceeds 1048576 bytes"),
    ],
)
def test_a_broken_config_says_what_is_wrong_and_shows_no_key(
    bare: dict[str, str], folder: Path, content: bytes, reason: str
) -> None:
    (folder / "config.json").write_bytes(content)
    error = failure(bare)
    assert error.code is ErrorCode.CONFIG_UNREADABLE
    assert error.exit_status == ExitStatus.AUTH
    assert reason in error.message
    assert str(folder / "config.json") in error.message
    assert "SECRET" not in error.message + error.hint


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "invalid JSON"),
        (b"[]", "not a JSON object"),
        (b"\xff", "not UTF-8"),
        (b"{}" + b" " * (2 * 1024 * 1024), "exceeds 2097152 bytes"),
    ],
)
def test_broken_credentials_are_an_error(
    bare: dict[str, str], folder: Path, content: bytes, reason: str
) -> None:
    write(folder, schema2("file"))
    (folder / "credentials.json").write_bytes(content)
    error = failure(bare)
    assert error.code is ErrorCode.CONFIG_UNREADABLE
    assert "credentials.json" in error.message
    assert reason in error.message


@pytest.mark.parametrize("name", ["config.json", "credentials.json"])
def test_a_file_that_is_a_link_to_ours_is_read(
    bare: dict[str, str], folder: Path, name: str
) -> None:
    write(folder, schema2("file"), stored("mk-file"))
    (folder / name).rename(folder / "elsewhere")
    (folder / name).symlink_to("elsewhere")
    assert find(bare) == "mk-file"


@pytest.mark.parametrize("name", ["config.json", "credentials.json"])
@pytest.mark.parametrize("fault", ["writable", "foreign"])
def test_a_file_that_is_a_link_to_what_is_not_ours_alone_is_refused(
    bare: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, fault: str
) -> None:
    write(folder, schema2("file"), stored("mk-file"))
    (folder / name).rename(folder / "elsewhere")
    (folder / name).symlink_to("elsewhere")
    if fault == "writable":
        (folder / "elsewhere").chmod(0o666)
    else:
        monkeypatch.setattr("os.getuid", lambda: 54321)
    error = failure(bare)
    assert error.code is ErrorCode.CONFIG_UNREADABLE
    assert "symbolic link" in error.message
    assert str(folder / "elsewhere") in error.message


def test_a_link_to_nowhere_is_refused_too(bare: dict[str, str], folder: Path) -> None:
    (folder / "config.json").symlink_to("nowhere")
    assert "symbolic link" in failure(bare).message


def test_a_config_that_is_a_folder_is_refused(bare: dict[str, str], folder: Path) -> None:
    (folder / "config.json").mkdir()
    error = failure(bare)
    assert error.code is ErrorCode.CONFIG_UNREADABLE
    assert "Is a directory" in error.message


def test_a_config_home_that_is_a_file_is_an_error(bare: dict[str, str]) -> None:
    Path(bare["XDG_CONFIG_HOME"]).write_text("")
    assert failure(bare).code is ErrorCode.CONFIG_UNREADABLE


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"apiKey": None},
        {"apiKey": 5},
        {"apiKey": ""},
        {"apiKey": "  "},
        {"apiKey": {"apiKey": SECRET}},
        {"profiles": []},
        {"profiles": {"default": SECRET}},
        {"profiles": {"default": {"apiKey": [SECRET]}}},
        {"schemaVersion": 2, "profiles": {"default": {"origins": [ORIGIN]}}},
        {"schemaVersion": 2, "profiles": {"default": {"origins": {ORIGIN: "file"}}}},
    ],
)
def test_a_config_without_a_usable_key_is_a_missing_key(
    bare: dict[str, str], folder: Path, config: Any
) -> None:
    write(folder, config)
    error = failure(bare)
    assert error.code is ErrorCode.MISSING_API_KEY
    assert "SECRET" not in error.message + error.hint


@pytest.mark.parametrize("key", [f"{SECRET} x", f"{SECRET}\x00", f"“{SECRET}”", SECRET * 1000])
def test_a_saved_key_that_cannot_be_one_is_refused_and_not_shown(
    bare: dict[str, str], folder: Path, key: str
) -> None:
    write(folder, schema2("file"), stored(key))
    error = failure(bare)
    assert error.code is ErrorCode.CONFIG_UNREADABLE
    assert str(folder / "credentials.json") in error.message
    assert "auth login --profile default --force" in error.hint
    assert "SECRET" not in error.message + error.hint


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["schemaVersion", "profiles", "default", "origins", ORIGIN, "apiKey"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(JSON)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_config_gives_a_key_or_an_error(
    bare: dict[str, str], folder: Path, config: Any
) -> None:
    write(folder, config)
    try:
        key = find(bare)
    except ModellixError as error:
        assert error.code in (
            ErrorCode.MISSING_API_KEY,
            ErrorCode.CONFIG_UNREADABLE,
            ErrorCode.USAGE,
        )
    else:
        assert key.strip() == key != ""


# Profiles


def test_the_flag_selects_the_profile(bare: dict[str, str], folder: Path) -> None:
    write(folder, {"currentProfile": "saved", "profiles": {"saved": {"apiKey": "mk"}}})
    env = bare | {"MODELLIX_PROFILE": "environment"}
    assert select_profile("flag", env) == Profile("flag", "flag")


def test_the_environment_selects_the_profile_next(bare: dict[str, str], folder: Path) -> None:
    write(folder, {"currentProfile": "saved", "profiles": {"saved": {"apiKey": "mk"}}})
    env = bare | {"MODELLIX_PROFILE": " work "}
    assert select_profile(None, env) == Profile("work", "environment")


@pytest.mark.parametrize("variable", [{}, {"MODELLIX_PROFILE": "  "}])
def test_the_saved_choice_selects_the_profile_last(
    bare: dict[str, str], folder: Path, variable: dict[str, str]
) -> None:
    write(folder, {"currentProfile": "saved", "profiles": {"saved": {"apiKey": "mk"}}})
    assert select_profile(None, bare | variable) == Profile("saved", "config")


def test_schema_2_saves_the_choice_in_the_same_place(bare: dict[str, str], folder: Path) -> None:
    write(folder, schema2("file", "work"))
    assert select_profile(None, bare) == Profile("work", "config")


def test_without_a_choice_the_profile_is_default(bare: dict[str, str]) -> None:
    assert select_profile(None, bare) == Profile("default", "default")


def test_an_old_file_without_a_choice_selects_its_first_profile(
    bare: dict[str, str], folder: Path
) -> None:
    write(folder, {"profiles": {"work": {"apiKey": "mk"}, "default": {"apiKey": "mk"}}})
    assert select_profile(None, bare) == Profile("work", "config")


def test_a_bare_key_selects_default(bare: dict[str, str], folder: Path) -> None:
    write(folder, {"apiKey": "mk"})
    assert select_profile(None, bare) == Profile("default", "config")


@pytest.mark.parametrize("content", ["{broken", "[]", '{"currentProfile": 5}'])
def test_an_unusable_config_selects_default(
    bare: dict[str, str], folder: Path, content: str
) -> None:
    (folder / "config.json").write_text(content)
    assert select_profile(None, bare) == Profile("default", "default")


@pytest.mark.parametrize("name", ["a b", "", "__proto__", "x" * 65, "../x"])
def test_a_flag_that_names_no_profile_is_an_error(bare: dict[str, str], name: str) -> None:
    with pytest.raises(ModellixError, match="Invalid profile name") as caught:
        select_profile(name, bare)
    assert caught.value.code is ErrorCode.USAGE


def test_a_variable_that_names_no_profile_is_an_error(bare: dict[str, str]) -> None:
    with pytest.raises(ModellixError, match="Invalid profile name"):
        select_profile(None, bare | {"MODELLIX_PROFILE": "a b"})


def test_the_keys_at_hand_are_those_of_the_environment_and_of_all_files(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "modellix"
    folder.mkdir()
    (folder / "config.json").write_text(
        json.dumps({"apiKey": "k-bare", "profiles": {"work": {"apiKey": "k-work"}}})
    )
    stored = {"credentials": {"v1-x": {"apiKey": "k-file"}, "v1-y": {"apiKey": "not a key"}}}
    (folder / "credentials.json").write_text(json.dumps(stored))
    env = {"XDG_CONFIG_HOME": str(tmp_path), "MODELLIX_API_KEY": " k-env "}
    assert set(known_keys(env)) == {"k-env", "k-bare", "k-work", "k-file"}
    (folder / "config.json").write_text("{")
    assert set(known_keys(env)) == {"k-env", "k-file"}

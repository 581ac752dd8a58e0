import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import respx

from modellix_cli.domain.errors import ExitStatus, ModellixError
from modellix_cli.paths import cache_dir, config_dir, find_upwards, make_private_dir, state_dir
from tests.conftest import Cli

on_xdg_systems = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="XDG systems")


def test_config_is_where_the_official_cli_keeps_it() -> None:
    assert config_dir({"HOME": "/home/me"}) == Path("/home/me/.config/modellix")


def test_config_honours_xdg_config_home() -> None:
    env = {"HOME": "/home/me", "XDG_CONFIG_HOME": " /elsewhere "}
    assert config_dir(env) == Path("/elsewhere/modellix")


@pytest.mark.parametrize("value", ["", "  ", "relative", "./x", "~/config", "../up"])
def test_an_xdg_config_home_that_is_not_absolute_is_ignored(value: str) -> None:
    env = {"HOME": "/home/me", "XDG_CONFIG_HOME": value}
    assert config_dir(env) == Path("/home/me/.config/modellix")


@pytest.mark.parametrize("env", [{}, {"HOME": ""}])
def test_without_home_the_system_says_where_home_is(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/from/the/system")
    assert config_dir(env) == Path("/from/the/system/.config/modellix")


def test_state_honours_xdg_state_home() -> None:
    assert state_dir({"XDG_STATE_HOME": "/elsewhere"}) == Path("/elsewhere/modellix")


@on_xdg_systems
def test_state_is_in_the_users_state_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert state_dir(dict(os.environ)) == Path("/home/me/.local/state/modellix")


@pytest.mark.parametrize("value", ["", "relative", "~/state"])
def test_an_xdg_state_home_that_is_not_absolute_is_ignored(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_STATE_HOME", value)
    found = state_dir(dict(os.environ))
    assert found.is_absolute()
    assert found.is_relative_to("/home/me")


def test_the_cache_honours_xdg_cache_home() -> None:
    assert cache_dir({"XDG_CACHE_HOME": "/elsewhere"}) == Path("/elsewhere/modellix")


@on_xdg_systems
def test_the_cache_is_in_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_dir(dict(os.environ)) == Path("/home/me/.cache/modellix")


def test_finding_folders_makes_none(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    config_dir(env)
    state_dir(env)
    cache_dir(env | {"XDG_CACHE_HOME": str(tmp_path / "cache")})
    assert list(tmp_path.iterdir()) == []


def test_a_private_folder_is_for_its_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    make_private_dir(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_exists_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    make_private_dir(tmp_path)
    assert (tmp_path / "mine").exists()


def test_a_file_in_the_way_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="exists"):
        make_private_dir(tmp_path / "file")


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user id without an entry in the password file, as in containers run with --user."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def unknown(user: int) -> None:
        raise KeyError(user)

    monkeypatch.setattr("pwd.getpwuid", unknown)


RUN = ("model", "run", "sandbox/image", "--sandbox", "--body", '{"prompt": "a cat"}', "--json")


@on_xdg_systems
@pytest.mark.usefixtures("homeless")
def test_a_user_without_a_home_works_with_the_xdg_folders(
    cli: Cli, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(work)
    assert cli(*RUN, env={"HOME": None}).status == 0
    assert list(work.iterdir()) == []


@on_xdg_systems
@pytest.mark.usefixtures("homeless")
@pytest.mark.parametrize("line", [RUN, ("auth", "status"), ("config", "path"), ("doctor",)])
def test_a_user_without_a_home_is_told_which_variables_to_set(
    cli: Cli, work: Path, monkeypatch: pytest.MonkeyPatch, line: tuple[str, ...]
) -> None:
    monkeypatch.chdir(work)
    nowhere = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"))
    with respx.mock:
        respx.route().respond(401)
        result = cli(*line, env=nowhere)
    told = result.stdout + result.stderr
    assert result.status in (ExitStatus.USAGE, ExitStatus.FAILED)
    assert "home folder" in told
    assert "XDG_CONFIG_HOME" in told
    assert "Unexpected failure" not in told
    assert list(work.iterdir()) == []


@on_xdg_systems
@pytest.mark.usefixtures("homeless")
@pytest.mark.parametrize("find", [config_dir, state_dir, cache_dir])
def test_without_any_home_each_folder_names_the_variables(
    find: Callable[[dict[str, str]], Path],
) -> None:
    with pytest.raises(ModellixError, match="home folder") as caught:
        find({})
    for variable in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        assert variable in caught.value.hint


# Looking for a file upwards


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "film" / "scene" / "shot"
    folder.mkdir(parents=True)
    return folder


def put(folder: Path) -> Path:
    (folder / "x.toml").write_text("", encoding="utf-8")
    return folder / "x.toml"


def test_the_nearest_file_is_found(deep: Path) -> None:
    put(deep.parents[1])
    nearest = put(deep.parents[0])
    assert find_upwards("x.toml", deep, None) == nearest
    assert find_upwards("x.toml", deep.parents[1], None) == deep.parents[1] / "x.toml"


def test_the_home_folder_is_the_last_to_look_in(deep: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    put(tmp_path)
    assert find_upwards("x.toml", deep, home) is None
    in_home = put(home)
    assert find_upwards("x.toml", deep, home) == in_home


def test_a_home_folder_that_is_a_link_is_known(deep: Path, tmp_path: Path) -> None:
    put(tmp_path)
    (tmp_path / "me").symlink_to(tmp_path / "home")
    assert find_upwards("x.toml", deep, tmp_path / "me") is None


def test_a_folder_of_that_name_is_found_for_its_reader_to_refuse(deep: Path) -> None:
    (deep / "x.toml").mkdir()
    put(deep.parent)
    assert find_upwards("x.toml", deep, None) == deep / "x.toml"


def test_without_a_current_folder_nothing_is_found(tmp_path: Path) -> None:
    assert find_upwards("x.toml", None, None) is None
    assert find_upwards("x.toml", tmp_path / "deleted", None) is None


def on(monkeypatch: pytest.MonkeyPatch, path: Path, **facts: int) -> None:
    """Let `stat` of a path tell something else."""
    real = Path.stat

    def stat_of(self: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        found = real(self, follow_symlinks=follow_symlinks)
        if self != path:
            return found
        names = ("st_mode", "st_ino", "st_dev", "st_nlink", "st_uid", "st_gid", "st_size")
        known = {name: getattr(found, name) for name in names} | facts
        return os.stat_result((*known.values(), 0, 0, 0))

    monkeypatch.setattr(Path, "stat", stat_of)


def test_another_file_system_is_not_entered(deep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(deep.parent)
    on(monkeypatch, deep.parent, st_dev=deep.stat().st_dev + 1)
    assert find_upwards("x.toml", deep, None) is None


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no owners")
def test_what_somebody_else_put_where_everybody_may_write_is_passed_over(
    deep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = put(deep)
    on(monkeypatch, planted, st_uid=os.geteuid() + 4711)
    assert find_upwards("x.toml", deep, None) == planted
    deep.chmod(0o1777)
    assert find_upwards("x.toml", deep, deep) is None


def test_looking_for_a_file_opens_none(deep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("opened")

    put(deep.parent)
    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "listdir", refuse)
    monkeypatch.setattr(os, "scandir", refuse)
    assert find_upwards("x.toml", deep, None) == deep.parent / "x.toml"

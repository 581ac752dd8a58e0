"""`completion install` and `remove`: files where the shell looks; the user's own lines stay."""

from pathlib import Path

import pytest

from modellix_cli.commands._framework.completing import script
from tests.conftest import Cli

MARK = "# modellix-cli completion"


@pytest.fixture
def home(env: dict[str, str]) -> Path:
    return Path(env["HOME"])


@pytest.mark.parametrize(("shell", "place", "startup"), [
    ("bash", ".local/share/bash-completion/completions/modellix-cli", ".bashrc"),
    ("zsh", ".local/share/zsh/site-functions/_modellix-cli", ".zshrc"),
    ("fish", "config/fish/completions/modellix-cli.fish", None),
])  # fmt: skip
def test_the_script_is_put_where_the_shell_looks_and_what_was_done_is_told(
    cli: Cli, home: Path, shell: str, place: str, startup: str | None
) -> None:
    told = cli("completion", "install", "--shell", shell)
    assert told.status == 0
    assert (home / place).read_text() == script(shell) + "\n"
    assert f"Written: {home / place}\n" in told.stdout
    assert f"To remove it: modellix-cli completion remove --shell {shell}" in told.stdout
    if startup is not None:
        assert (home / startup).read_text().count(str(home / place)) == 2
        assert f"Written: {home / startup}\n" in told.stdout


def test_a_second_time_changes_nothing(cli: Cli, home: Path) -> None:
    cli("completion", "install", "--shell", "bash")
    before = (home / ".bashrc").stat().st_mtime_ns, (home / ".bashrc").read_bytes()
    again = cli("completion", "install", "--shell", "bash")
    assert ((home / ".bashrc").stat().st_mtime_ns, (home / ".bashrc").read_bytes()) == before
    assert "Completion for bash is installed." in again.stdout
    assert again.stdout.count("Unchanged: ") == 2


@pytest.mark.parametrize("own", [b"PS1=x\n", b"PS1=x", b"caf\xe9='\xff'\n\n\n", b"", b"a\r\nb\r\n"])
def test_the_users_lines_stay_as_they_are(cli: Cli, home: Path, own: bytes) -> None:
    startup = home / ".zshrc"
    startup.write_bytes(own)
    startup.chmod(0o640)
    cli("completion", "install", "--shell", "zsh")
    assert startup.read_bytes().startswith(own)
    assert startup.read_bytes().rstrip(b"\n").endswith(MARK.encode())
    assert startup.stat().st_mode & 0o777 == 0o640
    cli("completion", "remove", "--shell", "zsh")
    assert startup.read_bytes().rstrip(b"\n") == own.rstrip(b"\n")


def test_an_old_line_of_ours_is_replaced(cli: Cli, home: Path) -> None:
    (home / ".bashrc").write_text(f"one\n. /old/place {MARK}\ntwo\n")
    cli("completion", "install", "--shell", "bash")
    lines = (home / ".bashrc").read_text().splitlines()
    assert lines[:2] == ["one", "two"]
    assert len(lines) == 3


def test_a_start_up_file_that_is_a_link_stays_one(cli: Cli, home: Path) -> None:
    (home / "dotfiles").mkdir()
    (home / "dotfiles" / "bashrc").write_text("one\n")
    (home / ".bashrc").symlink_to(home / "dotfiles" / "bashrc")
    cli("completion", "install", "--shell", "bash")
    assert (home / ".bashrc").is_symlink()
    assert MARK in (home / "dotfiles" / "bashrc").read_text()


def test_remove_takes_away_what_install_wrote_and_nothing_else(cli: Cli, home: Path) -> None:
    assert cli("completion", "remove", "--shell", "bash").stdout.count("Unchanged: ") == 2
    assert list(home.iterdir()) == []
    cli("completion", "install", "--shell", "bash")
    told = cli("completion", "remove", "--shell", "bash", "--json").json
    assert (told["ok"], told["installed"], told["shell"]) == (True, False, "bash")
    assert [entry["change"] for entry in told["files"]] == ["changed", "removed"]
    assert (home / ".bashrc").read_text() == ""


@pytest.mark.parametrize(("variables", "place"), [
    ({"SHELL": "/usr/bin/fish"}, "config/fish/completions/modellix-cli.fish"),
    ({"SHELL": "/bin/zsh", "ZDOTDIR": "{home}/z"}, "z/.zshrc"),
    ({"SHELL": "/bin/bash", "XDG_DATA_HOME": "{home}/d"},
     "d/bash-completion/completions/modellix-cli"),
])  # fmt: skip
def test_the_environment_says_which_shell_and_where(
    cli: Cli, home: Path, variables: dict[str, str], place: str
) -> None:
    env = {name: value.format(home=home) for name, value in variables.items()}
    assert cli("completion", "install", env=env).status == 0
    assert (home / place).exists()


@pytest.mark.parametrize("shell", ["", "/bin/tcsh"])
def test_an_unknown_shell_must_be_named(cli: Cli, home: Path, shell: str) -> None:
    told = cli("completion", "install", env={"SHELL": shell})
    assert told.status == 2
    assert "--shell bash" in told.stderr
    assert list(home.iterdir()) == []


def test_powershell_is_asked_for_its_profile(
    cli: Cli, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = home / "it's" / "profile.ps1"
    program = tmp_path / "bin" / "pwsh"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nprintf %s "{profile}"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    assert cli("completion", "install", "--shell", "powershell").status == 0
    placed = home / ".local/share/modellix/completion.ps1"
    assert profile.read_text() == f". '{placed}' {MARK}\n"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cli("completion", "install", "--shell", "powershell").status == 2


def test_a_file_that_cannot_be_written_is_named(cli: Cli, home: Path) -> None:
    (home / ".local").write_text("a file")
    told = cli("completion", "install", "--shell", "zsh", "--json")
    assert told.status != 0
    assert str(home / ".local/share/zsh") in told.json["error"]["message"]
    assert not (home / ".zshrc").exists()


def test_shell_is_only_for_install_and_remove(cli: Cli) -> None:
    assert cli("completion", "zsh", "--shell", "bash").status == 2

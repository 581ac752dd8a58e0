"""Which viewer shows a file or an address, and what is never given to one."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.workflows import viewer
from modellix_cli.workflows.viewer import System, show_address, show_file

URL = "https://cdn.example.com/a.png?sig=$(reboot)&x='1'"


def having(*programs: str) -> Callable[[str], str | None]:
    return lambda name: f"/usr/bin/{name}" if name in programs else None


DESKTOP = System("linux", {"DISPLAY": ":0", "HOME": "/h"}, having("xdg-open", "gio"))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """The programs that were started: their words and environments."""
    seen: list[tuple[list[str], dict[str, str]]] = []

    class Process:
        def __init__(self, words: list[str], *, env: dict[str, str], **_other: Any) -> None:
            seen.append((words, env))

        def wait(self, _seconds: float) -> int:
            return 0

    monkeypatch.setattr(subprocess, "Popen", Process)
    return seen


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "-a fox; rm $HOME.png"
    path.write_bytes(b"x")
    return path


@pytest.mark.parametrize(
    ("system", "words"),
    [
        (DESKTOP, ["xdg-open"]),
        (System("linux", {"WAYLAND_DISPLAY": "w"}, having("gio")), ["gio", "open"]),
        (System("freebsd14", {"DISPLAY": ":0"}, having("xdg-open")), ["xdg-open"]),
        (System("darwin", {}, having()), ["open"]),
        (System("linux", {"WSL_DISTRO_NAME": "U"}, having("wslview")), ["/usr/bin/wslview"]),
        (System("linux", {"WSL_INTEROP": "/x"}, having("explorer.exe")), ["/usr/bin/explorer.exe"]),
        (System("linux", {"WSL_DISTRO_NAME": "U"}, having("xdg-open")), None),
        (System("linux", {"DISPLAY": ":0"}, having()), None),
        (System("linux", {}, having("xdg-open")), None),
    ],
)
def test_the_viewer_is_that_of_the_system(system: System, words: list[str] | None) -> None:
    assert viewer.viewer(system) == words


def test_a_file_is_one_word_by_its_whole_path(
    picture: Path, started: list[tuple[list[str], dict[str, str]]]
) -> None:
    show_file(picture, DESKTOP)
    assert started == [(["xdg-open", str(picture)], dict(DESKTOP.env))]


def test_an_address_is_one_word_as_it_is(
    started: list[tuple[list[str], dict[str, str]]],
) -> None:
    show_address(URL, DESKTOP)
    assert [words for words, _ in started] == [["xdg-open", URL]]


def test_the_viewer_does_not_get_the_key(
    picture: Path, started: list[tuple[list[str], dict[str, str]]]
) -> None:
    env = {"DISPLAY": ":0", "MODELLIX_API_KEY": "secret"}
    show_file(picture, System("linux", env, having("xdg-open")))
    assert started[0][1] == {"DISPLAY": ":0"}


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "javascript:alert(1)", "ms-msdt:/id", "data:text/html,x", "", "-x"],
)
def test_other_addresses_are_not_opened(
    url: str, started: list[tuple[list[str], dict[str, str]]]
) -> None:
    with pytest.raises(ModellixError, match="http and https") as caught:
        show_address(url, DESKTOP)
    assert caught.value.code is ErrorCode.NO_VIEWER
    assert started == []


@pytest.mark.parametrize(
    "name", ["a.exe", "a.bat", "a.desktop", "a.html", "a.svg", "a", "a.png.lnk", "a.PNG.sh"]
)
def test_what_may_be_run_is_not_opened(
    tmp_path: Path, name: str, started: list[tuple[list[str], dict[str, str]]]
) -> None:
    path = tmp_path / name
    path.write_bytes(b"x")
    with pytest.raises(ModellixError, match="no picture, video, sound or text"):
        show_file(path, DESKTOP)
    assert started == []


def test_a_file_that_is_gone_is_told(
    tmp_path: Path, started: list[tuple[list[str], dict[str, str]]]
) -> None:
    with pytest.raises(ModellixError, match="no file any more"):
        show_file(tmp_path / "a.png", DESKTOP)
    assert started == []


def test_without_a_graphical_session_it_says_so(picture: Path) -> None:
    with pytest.raises(ModellixError, match="no graphical session"):
        show_file(picture, System("linux", {}, having("xdg-open")))


@pytest.mark.parametrize("how", ["fails", "is missing"])
def test_a_viewer_that_does_not_start_is_told(
    picture: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    class Process:
        def __init__(self, words: list[str], **_other: Any) -> None:
            if how == "is missing":
                raise FileNotFoundError(2, "No such file or directory")

        def wait(self, _seconds: float) -> int:
            return 3

    monkeypatch.setattr(subprocess, "Popen", Process)
    with pytest.raises(ModellixError, match="xdg-open could not"):
        show_file(picture, DESKTOP)


def test_a_viewer_that_stays_is_left_alone(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Process:
        def __init__(self, words: list[str], **_other: Any) -> None:
            pass

        def wait(self, seconds: float) -> int:
            raise subprocess.TimeoutExpired("xdg-open", seconds)

    monkeypatch.setattr(subprocess, "Popen", Process)
    show_file(picture, DESKTOP)


def test_explorer_gets_a_windows_path_and_its_status_does_not_count(
    picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []

    class Process:
        def __init__(self, words: list[str], **_other: Any) -> None:
            seen.append(words)

        def wait(self, _seconds: float) -> int:
            return 1

    def wslpath(words: list[str], **_other: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(words, 0, stdout="C:\\fox.png\n")

    monkeypatch.setattr(subprocess, "Popen", Process)
    monkeypatch.setattr(subprocess, "run", wslpath)
    show_file(picture, System("linux", {"WSL_INTEROP": "1"}, having("explorer.exe")))
    assert seen == [["/usr/bin/explorer.exe", "C:\\fox.png"]]


def test_a_real_program_is_started_without_a_shell(picture: Path, tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "xdg-open"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\nprintf "%s" "$1" > "{tmp_path}/got"\n')
    fake.chmod(0o755)
    env = {"DISPLAY": ":0", "PATH": f"{fake.parent}:/usr/bin:/bin"}
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setenv("PATH", env["PATH"])
        show_file(picture, System("linux", env))
    assert (tmp_path / "got").read_text() == str(picture)

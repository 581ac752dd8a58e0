"""`task preview`, and --preview and --open after a run."""

import io
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import Cli
from tests.support import Result, Terminal, invoke

BODY = '{"prompt": "a cat"}'
RUN = ("model", "run", "sandbox/image", "--sandbox", "--body", BODY)
SAVE = ("--wait", "--output-dir", ".")


class At:
    """A command line at a terminal of 40 columns and 20 rows, without colours."""

    def __init__(self, env: dict[str, str], work: Path) -> None:
        self.env = env | {"COLUMNS": "40", "LINES": "20", "TERM": "xterm", "NO_COLOR": "1"}
        self.work = work

    def __call__(self, *arguments: str, **env: str) -> Result:
        stdin = io.StringIO()
        chosen = self.env | env
        return invoke(*arguments, env=chosen, cwd=self.work, stdin=stdin, stdout=Terminal())


@pytest.fixture
def at(env: dict[str, str], work: Path) -> At:
    return At(env, work)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files that the viewer was given."""
    names: list[str] = []
    monkeypatch.setattr(
        "modellix_cli.workflows.showing.show_file", lambda path, system: names.append(path.name)
    )
    return names


@pytest.fixture
def fox(work: Path) -> str:
    Image.new("RGB", (80, 40), "white").save(work / "fox.png")
    return "fox.png"


def test_a_file_is_drawn_below_its_name(at: At, fox: str) -> None:
    assert at("task", "preview", fox, "--width", "6").stdout == "fox.png\n██████\n██████\n"


def test_it_is_no_wider_than_the_terminal(at: At, fox: str) -> None:
    lines = at("task", "preview", fox, "--width", "500").stdout.splitlines()
    assert max(map(len, lines)) == 39


def test_the_saved_results_of_a_task_are_drawn(at: At) -> None:
    assert at(*RUN, *SAVE).status == 0
    lines = at("task", "preview", "@last", "--sandbox").stdout.splitlines()
    assert lines[0].endswith(".png")
    assert len(lines) > 5


def test_of_a_task_without_saved_results_it_says_how_to_save_them(at: At) -> None:
    at(*RUN, "--wait")
    result = at("task", "preview", "@last", "--sandbox")
    assert result.status == 5
    assert "modellix-cli task download task-" in result.stderr


def test_what_is_no_picture_is_refused_by_name(at: At, work: Path) -> None:
    (work / "a.png").write_text("nothing")
    result = at("task", "preview", "a.png")
    assert result.status == 1
    assert "a.png: It is no picture in a known format." in result.stderr


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"CI": "true"}])
def test_plain_terminals_are_refused(at: At, fox: str, env: dict[str, str]) -> None:
    result = at("task", "preview", fox, **env)
    assert result.status == 2
    assert "needs a terminal" in result.stderr


def test_a_pipe_is_refused(cli: Cli, fox: str) -> None:
    assert cli("task", "preview", fox).status == 2


def test_json_is_refused(at: At, fox: str) -> None:
    assert at("task", "preview", fox, "--json").json["error"]["code"] == "USAGE"


def test_without_the_optional_package_it_says_how_to_install_it(
    at: At, fox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_pillow(monkeypatch)
    result = at("task", "preview", fox)
    assert result.status == 1
    assert "pip install 'modellix-cli[preview]'" in result.stderr


def without_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    for module in ("preview", "showing"):
        monkeypatch.setattr(f"modellix_cli.workflows.{module}.has_pillow", lambda: False)


def test_a_run_draws_what_it_saved_where_it_is_wanted(at: At) -> None:
    assert "▒" in at(*RUN, *SAVE, "--preview", "on").stdout
    assert "▒" not in at(*RUN, *SAVE, "--preview", "off").stdout


def test_by_itself_a_run_draws_only_on_terminals_known_for_pictures(at: At) -> None:
    assert "\x1b_G" not in at(*RUN, *SAVE).stdout
    assert "\x1b_Ga=T" in at(*RUN, *SAVE, TERM="xterm-kitty").stdout
    for plain in ({"CI": "1"}, {"TMUX": "/tmp/t"}):
        assert "\x1b_G" not in at(*RUN, *SAVE, **{"TERM": "xterm-kitty"} | plain).stdout


def test_by_itself_a_run_is_silent_about_what_it_cannot_draw(
    at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_pillow(monkeypatch)
    result = at(*RUN, *SAVE, TERM="xterm-kitty")
    assert result.status == 0
    assert "preview" not in result.stderr.lower()


def test_json_in_a_pipe_stays_json(cli: Cli) -> None:
    assert cli(*RUN, *SAVE, env={"TERM": "xterm-kitty"}).json["data"]["status"] == "success"


def submissions(cli: Cli) -> int:
    total = cli("task", "history", "--sandbox", "--json").json["total"]
    assert isinstance(total, int)
    return total


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--preview", "on"), "--preview on is about saved files"),
        (("--wait", "--open"), "--open is about saved files"),
        ((*SAVE, "--preview", "on"), "--preview on needs a terminal"),
    ],
)
def test_what_could_not_be_shown_is_refused_before_it_costs(
    cli: Cli, options: tuple[str, ...], words: str
) -> None:
    result = cli(*RUN, *options)
    assert result.status == 2
    assert words in result.stderr
    assert submissions(cli) == 0


def test_preview_on_without_the_package_is_refused_before_it_costs(
    at: At, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_pillow(monkeypatch)
    result = at(*RUN, *SAVE, "--preview", "on")
    assert result.status == 2
    assert "pip install 'modellix-cli[preview]'" in result.stderr
    assert submissions(cli) == 0


def test_open_shows_the_first_saved_file(cli: Cli, opened: list[str]) -> None:
    assert cli(*RUN, *SAVE, "--open").status == 0
    assert cli("task", "download", "@last", "--sandbox", "--open").status == 0
    assert len(opened) == 2
    assert all(name.endswith(".png") for name in opened)


@pytest.mark.slow
def test_without_a_viewer_the_run_succeeds_and_says_so(cli: Cli) -> None:
    result = cli(*RUN, *SAVE, "--open", env={"DISPLAY": None, "WAYLAND_DISPLAY": None})
    assert result.status == 0
    assert "was not opened" in result.stderr

"""Paths that can be clicked, where that is known to work."""

import io

import pytest

from modellix_cli.output.links import FileLink, can_link, linked
from modellix_cli.output.sink import Sink
from tests.support import Terminal

KITTY = {"TERM": "xterm-kitty"}


@pytest.mark.parametrize(
    ("env", "links"),
    [
        (KITTY, True),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, True),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "vscode"}, True),
        ({"TERM": "xterm-256color", "WT_SESSION": "a-b"}, True),
        ({"TERM": "xterm-256color", "DOMTERM": "version=2"}, True),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7000"}, True),
        ({"TERM": "xterm-256color", "VTE_VERSION": "4999"}, False),
        ({"TERM": "xterm-256color", "VTE_VERSION": "²"}, False),
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm-256color", "FORCE_HYPERLINK": "1"}, True),
        (KITTY | {"FORCE_HYPERLINK": "0"}, False),
        (KITTY | {"CI": "true"}, False),
        ({"TERM": "dumb", "KITTY_WINDOW_ID": "1"}, False),
        ({"TERM": "screen", "KITTY_WINDOW_ID": "1", "STY": "1.pts"}, False),
        ({"TERM": "screen-256color", "KITTY_WINDOW_ID": "1", "TMUX": "/tmp/t"}, True),
        ({"KITTY_WINDOW_ID": "1"}, False),
    ],
)
def test_terminals_that_are_known_to_follow_links(env: dict[str, str], *, links: bool) -> None:
    assert can_link(Terminal(), env) is links


def test_a_pipe_has_no_links() -> None:
    assert not can_link(io.StringIO(), KITTY | {"FORCE_HYPERLINK": "1"})


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/made/a b.png", "file:///made/a%20b.png"),
        ("/made/犬.png", "file:///made/%E7%8A%AC.png"),
        ("/made/\x1b]8;;x\x07\n.png", "file:///made/%1B%5D8%3B%3Bx%07%0A.png"),
        ("/made/\udcff.png", "file:///made/%FF.png"),
    ],
)
def test_an_address_holds_nothing_that_acts_on_a_terminal(path: str, address: str) -> None:
    assert linked("shown", path, {}) == f"\x1b]8;;{address}\x1b\\shown\x1b]8;;\x1b\\"


def test_over_ssh_the_address_names_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "far")
    assert "file://far/made/1.png" in linked("1.png", "/made/1.png", {"SSH_TTY": "/dev/pts/1"})


def test_the_sink_links_files_for_terminals_that_follow_links_only() -> None:
    for env, shown in (
        (KITTY, "\x1b]8;;file:///made/1.png\x1b\\1.png\x1b]8;;\x1b\\ (png)\n"),
        ({"TERM": "xterm"}, "1.png (png)\n"),
    ):
        out = Terminal()
        Sink(out, None, env).parts(FileLink("1.png", "", "/made/1.png"), (" (png)", ""))
        assert out.getvalue() == shown


def test_a_path_with_a_secret_is_not_linked() -> None:
    out = Terminal()
    sink = Sink(out, None, KITTY)
    sink.hide("mk-secret-123")
    sink.parts(FileLink("mk-secret-123.png", "", "/made/mk-secret-123.png"))
    assert out.getvalue() == "[REDACTED].png\n"

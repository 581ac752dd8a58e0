"""A home folder that cannot be written: which folder it is about, and which variable helps."""

from pathlib import Path

import pytest
import respx

from tests.conftest import Cli
from tests.support import API, accepted

READ_ONLY = {"HOME": "/dev/null", "XDG_STATE_HOME": "/dev/null/state"}
"""What is below a file can be made by nobody, root included."""


@pytest.mark.parametrize(
    "command",
    [
        ("model", "run", "sandbox/image", "a cat", "--sandbox"),
        ("model", "list", "--sandbox"),
        ("task", "history", "--sandbox"),
        ("sandbox", "serve", "--port", "0"),
    ],
)
def test_the_folder_and_the_variable_are_named(cli: Cli, command: tuple[str, ...]) -> None:
    result = cli(*command, env=READ_ONLY)
    assert result.status == 1
    assert "/dev/null/state/modellix" in result.stderr
    assert "XDG_STATE_HOME" in result.stderr
    assert "Errno" not in result.stderr


def test_doctor_tells_it_too(cli: Cli) -> None:
    result = cli("doctor", "--sandbox", env=READ_ONLY)
    assert result.status == 1
    assert "stateFolder: /dev/null/state/modellix cannot be written: Not a directory." in (
        result.stdout
    )
    assert "XDG_STATE_HOME" in result.stdout


@respx.mock
@pytest.mark.parametrize("how", ["a file", "a dangling link", "a folder of somebody else"])
def test_a_ledger_that_may_be_there_and_cannot_be_used_lets_nothing_be_sent(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    post = respx.post(f"{API}/a/b/async").respond(json=accepted("task-1"))
    place = tmp_path / "state" / "modellix"
    place.parent.mkdir()
    if how == "a file":
        place.touch()
    elif how == "a dangling link":
        place.symlink_to(tmp_path / "gone" / "away")
    else:
        monkeypatch.setattr("modellix_cli.ledger.database.make_private_dir", forbidden)
        monkeypatch.setattr("modellix_cli.ledger.database.os.lstat", forbidden)
    env = {"XDG_STATE_HOME": str(place.parent)}
    result = cli("model", "run", "a/b", "--body", "{}", "--json", env=env)
    assert (result.status, post.called) == (1, False), result.stderr
    assert result.json["error"]["code"] == "LEDGER_UNUSABLE"
    assert str(place) in result.json["error"]["message"]


def forbidden(*_words: object) -> None:
    raise PermissionError(13, "Permission denied")


@respx.mock
@pytest.mark.parametrize("options", [("--request-key", "k"), ("--resume",)], ids=" ".join)
def test_what_is_to_be_paid_once_is_not_sent_without_a_ledger(
    cli: Cli, options: tuple[str, ...]
) -> None:
    post = respx.post(f"{API}/a/b/async").respond(json=accepted("task-1"))
    respx.route(method="GET").respond(404)
    for more in ((), ("--dry-run",)):
        run = ("model", "run", "a/b", "--body", "{}", "--json")
        result = cli(*run, *options, *more, env={"XDG_STATE_HOME": "/dev/null/state"})
        assert result.status == 1, result.stderr
        assert "LEDGER_UNUSABLE" in result.stdout
        assert f"{options[0]} was given" in result.stdout
    assert not post.called

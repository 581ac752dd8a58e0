"""A home folder that cannot be written: which folder it is about, and which variable helps."""

import pytest

from tests.conftest import Cli

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

"""`webhook listen`: options that cannot be, refused before anything listens."""

import socket

import pytest

from tests.conftest import Cli
from tests.support import KEY


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--path", "hook"), '--path "hook" is not the path of a URL'),
        (("--path", "/a b"), "is not the path of a URL"),
        (("--exec", "'"), "--exec cannot be read: No closing quotation."),
        (("--exec", " "), "--exec needs a command."),
        (("--exec", "no-such-command-anywhere"), "there is no command"),
        (("--host", "no-such-host.invalid"), 'Cannot listen on port 8788 of "no-such-host.inv'),
    ],
)
def test_an_option_that_cannot_be_is_refused(
    cli: Cli, options: tuple[str, ...], message: str
) -> None:
    result = cli("webhook", "listen", *options)
    assert result.status == 2
    assert message in result.stderr


def test_a_command_with_the_key_in_it_is_refused_without_showing_it(cli: Cli) -> None:
    result = cli("webhook", "listen", "--exec", f"curl -H {KEY}")
    assert result.status == 2
    assert "--exec holds the API key" in result.stderr
    assert KEY not in result.stdout + result.stderr


def test_a_port_in_use_is_named(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = cli("webhook", "listen", "--port", str(taken.getsockname()[1]))
    assert result.status == 2
    assert "Address already in use" in result.stderr
    assert "--port 0" in result.stderr

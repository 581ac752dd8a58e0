"""Fixtures: a home folder of its own for every test, and the command line in it."""

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest
import truststore
from hypothesis import settings

from tests.support import KEY, FakeClock, FakeKeyring, Result, invoke

settings.register_profile("tests", deadline=None, max_examples=60)
settings.register_profile("fast", deadline=None, max_examples=10)
settings.load_profile("tests")

# A runner in the background, or under nohup, hands down that Ctrl-C or a hang-up is ignored,
# and the commands under test would inherit it.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

FOLDERS = ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
Cli = Callable[..., Result]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that wait for processes: what comes last is then short, everywhere."""
    items.sort(key=lambda item: "e2e" not in item.path.parts)


@pytest.fixture(autouse=True, scope="session")
def nobodys_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the folders and certificates of whoever runs the tests out of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("nobody")))
        for name in (*FOLDERS, "SSL_CERT_FILE", "SSL_CERT_DIR"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(autouse=True, scope="session")
def certificates_read_once() -> Iterator[None]:
    """Read the system's certificates once: it takes longer than most tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(truststore, "SSLContext", cache(truststore.SSLContext))
        yield


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment with a key and empty folders."""
    home = tmp_path / "home"
    home.mkdir()
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "MODELLIX_API_KEY": KEY,
        "MODELLIX_CLI_NO_PROGRESS": "1",
    }


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> FakeKeyring:
    """A system keychain that works."""
    fake = FakeKeyring()
    monkeypatch.setitem(sys.modules, "keyring", fake)
    return fake


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The folder in which commands run."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def cli(env: dict[str, str], work: Path, clock: FakeClock) -> Cli:
    """Run a command line; keyword `env` adds variables (None removes one)."""

    def run(
        *arguments: str, env: Mapping[str, str | None] | None = None, stdin: bytes = b""
    ) -> Result:
        merged = {k: v for k, v in (base | dict(env or {})).items() if v is not None}
        return invoke(*arguments, env=merged, cwd=work, stdin=stdin, clock=clock)

    base: dict[str, str | None] = dict(env)
    return run

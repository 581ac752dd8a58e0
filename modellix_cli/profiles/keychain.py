"""Keys in the operating system's keychain, through the optional package `keyring`.

The names are those of the official CLI: one service, and the credential's reference as user. A
keychain that hangs is given up after a while, and what was written is read back: some backends
accept everything and keep nothing.
"""

from importlib import import_module
from queue import Empty, SimpleQueue
from threading import Thread
from types import ModuleType
from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError

SERVICE: Final = "ai.modellix.cli.api-key"
PATIENCE: Final = 30.0
"""Seconds to wait for a keychain, in which its user can type the password that unlocks it."""
_ELSEWHERE: Final = (
    "Keep the key in a file instead: modellix-cli auth login --store file. Or pass it with "
    "MODELLIX_API_KEY or --api-key."
)


def read(reference: str) -> str | None:
    """Return the key stored under `reference`, None if there is none.

    Raises `KEYCHAIN_UNAVAILABLE`, as do the others, where there is no keychain to ask.
    """
    found = _call("get_password", reference)
    return found if isinstance(found, str) and found.strip() else None


def write(reference: str, key: str) -> None:
    """Store `key` under `reference`; it is there when this returns."""
    _call("set_password", reference, key)
    if read(reference) != key:
        raise _unavailable("The system's keychain did not keep the key.", _ELSEWHERE)


def delete(reference: str) -> None:
    """Remove what is stored under `reference`; nothing happens where there is nothing."""
    if read(reference) is not None:
        _call("delete_password", reference)


def _call(method: str, *arguments: str) -> object:
    """Call the keychain on a thread of its own, which is left behind if it hangs."""
    answers: SimpleQueue[tuple[object, ModellixError | None]] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put((getattr(_keyring(), method)(SERVICE, *arguments), None))
        except ModellixError as error:
            answers.put((None, error))
        except Exception as error:  # noqa: BLE001 - each system's keychain has failures of its own
            answers.put((None, _failed(type(error).__name__)))

    Thread(target=ask, daemon=True).start()
    try:
        answer, error = answers.get(timeout=PATIENCE)
    except Empty:
        raise _unavailable(
            f"The system's keychain did not answer within {PATIENCE:.0f} s.",
            f"It may be waiting for its password in a window. {_ELSEWHERE}",
        ) from None
    if error is not None:
        raise error
    return answer


def _failed(kind: str) -> ModellixError:
    """Return the error for a failure; only its kind is shown, as its text could hold the key."""
    if kind == "NoKeyringError":
        return _unavailable(
            "This system has no keychain that the Python package keyring can use.",
            f"On Linux it needs a Secret Service, such as GNOME Keyring or KWallet. {_ELSEWHERE}",
        )
    if "Locked" in kind:
        return _unavailable(
            f"The system's keychain is locked ({kind}).",
            f"Unlock it, and run the same command again. {_ELSEWHERE}",
        )
    return _unavailable(f"The system's keychain cannot be used ({kind}).", _ELSEWHERE)


def _keyring() -> ModuleType:
    try:
        keyring = import_module("keyring")
    except ImportError as error:
        raise _unavailable(
            "The API key is kept in the system's keychain, but the Python package that reads it, "
            "keyring, is not installed."
        ) from error
    chosen = getattr(keyring, "get_keyring", lambda: None)()
    if type(chosen).__module__ == "keyring.backends.null":
        raise _unavailable(
            "The system's keychain is switched off: keyring's null backend, which keeps nothing, "
            "is selected.",
            "Unset PYTHON_KEYRING_BACKEND, or remove the backend from keyring's configuration "
            f"file. {_ELSEWHERE}",
        )
    return keyring


def _unavailable(message: str, hint: str | None = None) -> ModellixError:
    return ModellixError(ErrorCode.KEYCHAIN_UNAVAILABLE, message, hint=hint)

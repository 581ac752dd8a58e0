"""Keys in the operating system's keychain, through the optional package `keyring`.

The names are those of the official CLI: one service, and the credential's reference as user.
"""

from importlib import import_module
from typing import Any, Final

from modellix_cli.domain.errors import ErrorCode, ModellixError

SERVICE: Final = "ai.modellix.cli.api-key"


def read(reference: str) -> str | None:
    """Return the key stored under `reference`, None if there is none.

    Raises `KEYCHAIN_UNAVAILABLE`, as do the others, where there is no keychain to ask.
    """
    found = _call("get_password", reference)
    return found if isinstance(found, str) and found.strip() else None


def write(reference: str, key: str) -> None:
    """Store `key` under `reference`."""
    _call("set_password", reference, key)


def delete(reference: str) -> None:
    """Remove what is stored under `reference`; nothing happens where there is nothing."""
    if read(reference) is not None:
        _call("delete_password", reference)


def _call(method: str, *arguments: str) -> Any:
    keyring = _keyring()
    try:
        return getattr(keyring, method)(SERVICE, *arguments)
    except Exception as error:  # noqa: BLE001 - each system's keychain has failures of its own
        # Only the kind: a backend's own text could hold what it was given.
        raise ModellixError(
            ErrorCode.KEYCHAIN_UNAVAILABLE,
            f"The system's keychain cannot be used ({type(error).__name__}).",
        ) from None


def _keyring() -> Any:
    try:
        return import_module("keyring")
    except ImportError as error:
        raise ModellixError(
            ErrorCode.KEYCHAIN_UNAVAILABLE,
            "The API key is meant to be in the system's keychain, and the Python package that "
            "reads it, keyring, is not installed.",
        ) from error

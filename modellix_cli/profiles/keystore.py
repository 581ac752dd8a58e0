"""Where the keys of schema 2 are: credentials.json, or the system's keychain.

What a method changes it can also undo: it puts the way back on the stack it is given.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Final, Literal

from modellix_cli.domain.errors import usage
from modellix_cli.domain.jsontext import Json
from modellix_cli.profiles import keychain
from modellix_cli.profiles.documents import MAX_CREDENTIALS_BYTES, change, read_object, unusable

Store = Literal["file", "keychain"]
MAX_CREDENTIALS: Final = 500


class KeyStore:
    """The keys by reference. Raises `CONFIG_UNREADABLE` for a credentials.json it cannot use,
    `KEYCHAIN_UNAVAILABLE` where a keychain is meant and none can be asked.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "credentials.json"

    def read(self) -> dict[str, Json]:
        """Return credentials.json, checked; a new one if there is none."""
        document = read_object(self.path, MAX_CREDENTIALS_BYTES)
        sound = document.get("schemaVersion") == 1 and isinstance(document.get("credentials"), dict)
        if document and not sound:
            raise unusable(self.path, "it is not a store of keys with schemaVersion 1")
        return document or {"credentials": {}, "schemaVersion": 1}

    def put(self, store: Store, reference: str, key: str, undo: ExitStack) -> None:
        """Store a key, in place of the one that was there."""
        if store == "keychain":
            undo.callback(_restore, reference, keychain.read(reference))
            keychain.write(reference, key)
            return
        document = self.read()
        entries = document["credentials"] | {reference: {"apiKey": key}}
        if len(entries) > MAX_CREDENTIALS:
            raise usage(
                f"{self.path} holds at most {MAX_CREDENTIALS} keys.",
                hint="Remove a profile first: modellix-cli auth logout --profile NAME",
            )
        change(self.path, document | {"credentials": entries}, MAX_CREDENTIALS_BYTES, undo)

    def delete(self, store: Json, reference: str, undo: ExitStack) -> None:
        """Remove a key; the last one takes credentials.json with it."""
        if store == "keychain":
            undo.callback(_restore, reference, keychain.read(reference))
            keychain.delete(reference)
            return
        document = self.read()
        if reference in document["credentials"]:
            entries = {k: v for k, v in document["credentials"].items() if k != reference}
            left = document | {"credentials": entries} if entries else None
            change(self.path, left, MAX_CREDENTIALS_BYTES, undo)


def _restore(reference: str, former: str | None) -> None:
    if former is None:
        keychain.delete(reference)
    else:
        keychain.write(reference, former)

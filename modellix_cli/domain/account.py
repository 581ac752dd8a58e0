"""Who pays: an API address, the profile in use and a one-way mark of the key."""

from typing import Final, Literal

from modellix_cli.domain.addresses import canonical_base_url
from modellix_cli.domain.frozen import frozen

DEFAULT_PROFILE: Final = "default"
StoreName = Literal["keychain", "file"]
"""Where keys are saved."""


@frozen
class Account:
    """On whose behalf something is done. `base_url` is canonical.

    `key_mark` tells keys apart without telling them; it is "" where no key was needed.
    """

    base_url: str
    profile: str
    key_mark: str = ""


def account_of(base_url: str, profile: str, api_key: str | None) -> Account:
    """Return the account that a key belongs to at an API address."""
    canonical = canonical_base_url(base_url)
    return Account(canonical, profile, key_mark(canonical, api_key) if api_key else "")


def key_mark(base_url: str, api_key: str) -> str:
    """Return what names a key at an API address; the key cannot be found from it."""
    from hashlib import sha256  # which loads OpenSSL, while this module is part of every help

    text = f"modellix key {canonical_base_url(base_url)} {api_key}"
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
